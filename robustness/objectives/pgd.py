"""Adversarial training with several projected steps."""

from dataclasses import dataclass, field
from typing import ClassVar

from attacks.embedding.pgd import PGD
from attacks.parameters import require_positive
from attacks.threat_model import Norm
from robustness.objectives.base import AdversarialObjective


@dataclass(frozen=True, kw_only=True)
class PGDTraining(AdversarialObjective):
    """Half clean, half PGD examples (Madry et al. 2018), started at the clean embeddings."""

    name: ClassVar[str] = "pgd"

    norm: Norm = field(default="linf", metadata={"help": "norm of the ball"})
    steps: int = field(default=3, metadata={"help": "ascent steps, one forward and one backward pass each"})
    step_size: float = field(default=0.5, metadata={"help": "length of a step, relative to epsilon"})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "steps", self.steps, kind="objective")
        require_positive(self.name, "step_size", self.step_size, kind="objective")

    def attack(self) -> PGD:
        return PGD(
            epsilon=self.epsilon,
            special_tokens=self.special_tokens,
            norm=self.norm,
            steps=self.steps,
            step_size=self.step_size,
        )
