"""Adversarial training with one L-infinity step."""

from dataclasses import dataclass
from typing import ClassVar

from attacks.embedding.fgsm import FGSM
from robustness.objectives.base import AdversarialObjective


@dataclass(frozen=True, kw_only=True)
class FGSMTraining(AdversarialObjective):
    """Half clean, half FGSM examples (Goodfellow et al. 2015) on the word embeddings."""

    name: ClassVar[str] = "fgsm"

    def attack(self) -> FGSM:
        return FGSM(epsilon=self.epsilon, special_tokens=self.special_tokens)
