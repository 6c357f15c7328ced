"""What an attacker is assumed to know and to be allowed to change."""

from dataclasses import dataclass
from typing import Literal

Norm = Literal["linf", "l2", "l2_per_token"]
"""How a perturbation of embeddings is measured: the largest component, the Euclidean length over the whole
example, or the largest Euclidean length of one token's part (each token has the budget to itself)."""


Access = Literal["white-box", "score", "label", "none"]
Space = Literal["embedding", "token", "word", "character"]


@dataclass(frozen=True)
class ThreatModel:
    """The declared power of an attack.

    access: what the attacker sees: the gradients (``white-box``), class scores, only the label, or nothing.
    space: what is perturbed.
    norm: how a perturbation of embeddings is measured, None outside embedding space.
    epsilon: the budget, relative to the model's own embedding scale (see ``EmbeddingScale``); for
        other spaces the number of units (tokens, ...) that may change. None means unbounded.
    target: the label that the attacker wants; None means that any wrong one will do.
    """

    access: Access
    space: Space
    norm: Norm | None
    epsilon: float | None
    target: str | None = None
