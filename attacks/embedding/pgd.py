"""Projected gradient descent."""

from dataclasses import dataclass, field
from typing import ClassVar

from attacks.embedding.base import (
    NORM_HELP,
    RANDOM_START_HELP,
    RESTARTS_HELP,
    STEP_SIZE_HELP,
    STEPS_HELP,
    AscentAttack,
)
from attacks.parameters import require_positive
from attacks.threat_model import Norm


@dataclass(frozen=True, kw_only=True)
class PGD(AscentAttack):
    """Projected gradient descent: several small steps, each projected back into the ball.

    Madry et al. 2018, "Towards deep learning models resistant to adversarial attacks", section 2.1, on word
    embeddings. They start at a random point of the ball; here that is a choice, off by default, so that the
    first step is the same as that of FGSM or FGM. Further starts (``restarts`` above 1) are always random.
    """

    name: ClassVar[str] = "pgd"

    norm: Norm = field(default="linf", metadata={"help": NORM_HELP})
    steps: int = field(default=10, metadata={"help": STEPS_HELP})
    step_size: float = field(default=0.25, metadata={"help": STEP_SIZE_HELP})
    random_start: bool = field(default=False, metadata={"help": RANDOM_START_HELP})
    restarts: int = field(default=1, metadata={"help": RESTARTS_HELP})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "steps", self.steps)
        require_positive(self.name, "step_size", self.step_size)
        require_positive(self.name, "restarts", self.restarts)
