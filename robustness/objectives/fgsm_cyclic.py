"""Single-step adversarial training from a random start, with a step that comes and goes."""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from attacks.embedding.fgsm import FGSM
from attacks.norms import ascent_direction, project
from attacks.parameters import require_positive
from attacks.victims import Encoding, GradientVictim
from robustness.objectives.ascent import Parts, ascend, total
from robustness.objectives.base import BallObjective, Step

OVERSHOOT = 1.25
"""The full step in multiples of epsilon; what leaves the ball is projected back."""


@dataclass(frozen=True, kw_only=True)
class CyclicFGSMTraining(BallObjective):
    """FGSM from a random start, its step rising and falling in cycles.

    Wong, Rice and Kolter 2020, "Fast is better than free: Revisiting adversarial training", Algorithm 3: a
    uniform start in the L-infinity ball, one step of 1.25 epsilon along the sign of the gradient, projected.
    Their epsilon is one of pixels (8/255 on CIFAR-10); on word embeddings it has no counterpart, so there is
    no default.

    In that paper it is the *learning rate* that is cyclic. Here the learning rate is the training's own, and
    the *step of the attack* is cyclic: in each of ``cycles`` equal parts of the training it rises linearly
    from 0 to 1.25 epsilon and falls back to 0. They train on the adversarial point alone; here the pass at
    the random start, which is needed for its gradient, trains the weights too, as half of the loss. So it
    costs 2 forward and 2 backward passes, as theirs.
    """

    name: ClassVar[str] = "fgsm-cyclic"

    cycles: int = field(default=1, metadata={"help": "how often the step rises and falls in the training"})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "cycles", self.cycles, kind="objective")

    def attack(self) -> FGSM:
        return FGSM(epsilon=self.epsilon, special_tokens=self.special_tokens)

    def share(self, progress: float) -> float:
        """The share, from 0 to 1, of the full step after the share ``progress`` of the training."""
        return 1 - abs(2 * (progress * self.cycles % 1) - 1)

    def backward(self, victim: GradientVictim, encoding: Encoding, y: Tensor, step: Step) -> Tensor:
        mask = self.attack().perturbable(encoding)
        width = victim.embed(encoding).shape[-1]
        length = OVERSHOOT * self.share(step.progress) * step.radius

        def update(parts: Parts, gradient: Tensor) -> Parts:
            moved = total(parts) + length * ascent_direction(gradient, mask, "linf")
            return (project(moved, "linf", step.radius),)

        drawn = 2 * torch.rand((*mask.shape, width), device=mask.device) - 1
        start = ((step.radius * drawn).masked_fill(~mask[..., None], 0),)
        return ascend(
            victim, encoding, y, step, objective=self.name, steps=2, start=start, update=update
        ).loss
