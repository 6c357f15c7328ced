"""The fast gradient sign method."""

from dataclasses import dataclass, field
from typing import ClassVar

from attacks.embedding.base import RANDOM_START_HELP, AscentAttack
from attacks.threat_model import Norm


@dataclass(frozen=True, kw_only=True)
class FGSM(AscentAttack):
    """Fast gradient sign method: one step of size epsilon along the sign of the gradient.

    Goodfellow, Shlens and Szegedy 2015, "Explaining and harnessing adversarial examples", section 4, on word
    embeddings instead of pixels; embeddings have no valid range, so nothing is clipped. With a random start
    the step begins at a random point of the ball and its end is projected back, as in Wong, Rice and Kolter
    2020, "Fast is better than free", algorithm 3; their step is 1.25 epsilon, here it is epsilon.
    """

    name: ClassVar[str] = "fgsm"
    norm: ClassVar[Norm] = "linf"

    random_start: bool = field(default=False, metadata={"help": RANDOM_START_HELP})
