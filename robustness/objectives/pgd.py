"""Adversarial training with several projected steps."""

from dataclasses import dataclass
from typing import ClassVar

from attacks.embedding.pgd import PGD
from attacks.threat_model import Norm
from robustness.objectives.base import AdversarialObjective


@dataclass(frozen=True)
class PGDTraining(AdversarialObjective):
    """Half clean, half PGD examples (Madry et al. 2018), started at the clean embeddings.

    steps: ascent steps, each one more pass. step_size: relative to epsilon.
    """

    name: ClassVar[str] = "pgd"

    norm: Norm = "linf"
    steps: int = 3
    step_size: float = 0.5

    def attack(self) -> PGD:
        return PGD(
            epsilon=self.epsilon,
            special_tokens=self.special_tokens,
            norm=self.norm,
            steps=self.steps,
            step_size=self.step_size,
        )
