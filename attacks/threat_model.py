"""What an attacker is assumed to know and to be allowed to change."""

from dataclasses import dataclass
from typing import Literal

Norm = Literal["linf", "l2"]


@dataclass(frozen=True)
class ThreatModel:
    """The declared power of an attack.

    access: what the attacker sees: the gradients (``white-box``), class scores or only the label.
    space: what is perturbed.
    norm: how a perturbation of embeddings is measured, None outside embedding space.
    epsilon: the budget, relative to the model's own embedding scale (see ``EmbeddingScale``); for
        other spaces the share of units changed. None means unbounded.
    """

    access: Literal["white-box", "score", "label"]
    space: Literal["embedding", "token", "word", "character"]
    norm: Norm | None
    epsilon: float | None
