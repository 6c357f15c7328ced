"""Adversarial training with one L2 step."""

from dataclasses import dataclass
from typing import ClassVar

from attacks.embedding.fgm import FGM
from robustness.objectives.base import AdversarialObjective


@dataclass(frozen=True, kw_only=True)
class FGMTraining(AdversarialObjective):
    """Half clean, half FGM examples (Miyato et al. 2017), the L2 budget for the whole sentence."""

    name: ClassVar[str] = "fgm"

    def attack(self) -> FGM:
        return FGM(epsilon=self.epsilon, special_tokens=self.special_tokens)
