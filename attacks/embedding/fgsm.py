"""The fast gradient sign method."""

from dataclasses import dataclass
from typing import ClassVar

from attacks.embedding.base import EmbeddingAttack
from attacks.threat_model import Norm


@dataclass(frozen=True, kw_only=True)
class FGSM(EmbeddingAttack):
    """Fast gradient sign method: one step of size epsilon along the sign of the gradient.

    Goodfellow, Shlens and Szegedy 2015, "Explaining and harnessing adversarial examples", section 4, on word
    embeddings instead of pixels; embeddings have no valid range, so nothing is clipped.
    """

    name: ClassVar[str] = "fgsm"
    norm: ClassVar[Norm] = "linf"
