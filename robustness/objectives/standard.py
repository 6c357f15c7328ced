"""Cross-entropy on clean text."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from attacks.victims import Encoding, GradientVictim
from robustness.objectives.base import Objective, Step


@dataclass(frozen=True, kw_only=True)
class Standard(Objective):
    """Cross-entropy on clean text: the baseline that every other objective is compared with."""

    name: ClassVar[str] = "standard"

    def backward(self, victim: GradientVictim, encoding: Encoding, y: Tensor, step: Step) -> Tensor:
        loss = step.cross_entropy(victim.logits(encoding, victim.embed(encoding)), y)
        step.backward(loss)
        return loss.detach()
