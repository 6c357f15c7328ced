"""The fast gradient method."""

from dataclasses import dataclass
from typing import ClassVar

from attacks.embedding.base import AscentAttack
from attacks.threat_model import Norm


@dataclass(frozen=True, kw_only=True)
class FGM(AscentAttack):
    """Fast gradient method: one step of length epsilon along the gradient of the whole sentence.

    Miyato, Dai and Goodfellow 2017, "Adversarial training methods for semi-supervised text classification",
    eq. 5. They normalise the embeddings; here epsilon is relative to the embeddings' own scale instead.
    """

    name: ClassVar[str] = "fgm"
    norm: ClassVar[Norm] = "l2"
