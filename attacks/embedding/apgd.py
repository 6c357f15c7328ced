"""Auto-PGD: projected ascent with momentum that chooses its step sizes by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Tensor

from attacks.embedding.base import (
    NORM_HELP,
    RANDOM_START_HELP,
    RESTARTS_HELP,
    STEPS_HELP,
    AscentAttack,
    answer,
    loss_and_gradient,
    require_finite,
)
from attacks.goals import LOSSES, Goal, Loss, require_classes
from attacks.norms import project, shift
from attacks.parameters import require_positive
from attacks.threat_model import Norm
from attacks.victims import Encoding, GradientVictim

MOMENTUM = 0.75
"""The share of the new step in the movement; the rest repeats the last movement (alpha in the paper)."""
RISES = 0.75
"""The share of the steps since the last checkpoint that must have raised the loss (rho in the paper)."""


@dataclass(frozen=True, kw_only=True)
class APGD(AscentAttack):
    """Auto-PGD: momentum, and steps that are halved where the loss no longer rises as it should.

    Croce and Hein 2020, "Reliable evaluation of adversarial robustness with an ensemble of diverse
    parameter-free attacks", algorithm 1 with the constants of section 3; on word embeddings. Steps start at 2
    epsilon. At each checkpoint an example whose loss rose in too few of the steps since the last one, or
    whose best loss and step size are unchanged since then, halves its step and goes back to its best point.

    Departures: the proposal is the point of highest loss among those that reached the goal, and the point of
    highest loss only where none did (as in their code). They start at a random point; here the first ascent
    starts at the clean embeddings, so that its first point is that of FGSM or FGM and it is never weaker.
    Random starts, also those of ``restarts``, are uniform in the ball.
    """

    name: ClassVar[str] = "apgd"

    norm: Norm = field(default="linf", metadata={"help": NORM_HELP})
    loss: Literal["ce", "margin", "dlr"] = field(
        default="ce",
        metadata={
            "help": "what to raise: cross-entropy, the lead of a wrong class in logits, or that lead over "
            "the spread of the logits (needs 3 classes, 4 with a target)"
        },
    )
    steps: int = field(default=20, metadata={"help": STEPS_HELP + ", and one forward pass more"})
    random_start: bool = field(default=False, metadata={"help": RANDOM_START_HELP})
    restarts: int = field(default=1, metadata={"help": RESTARTS_HELP})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "steps", self.steps)
        require_positive(self.name, "restarts", self.restarts)

    @property
    def step_size(self) -> float:
        """The length of the first step, relative to epsilon."""
        return 2.0

    @property
    def criterion(self) -> Loss:
        return self._loss

    def target_class(self, label_names: Sequence[str]) -> int | None:
        """As in the base; raises AssayError also where the loss needs more classes than there are labels."""
        wanted = super().target_class(label_names)
        require_classes(self.loss, len(label_names), wanted is not None, f'Attack "{self.name}": ')
        return wanted

    def ascend(
        self,
        victim: GradientVictim,
        encoding: Encoding,
        clean: Tensor,
        mask: Tensor,
        goal: Goal,
        radius: float,
        delta: Tensor,
    ) -> Tensor:
        """As in the base. Costs ``steps`` forward and backward passes, and a forward pass at the end."""
        spans = {end: end - begin for begin, end in pairwise([0, *checkpoints(self.steps)])}
        found = _Found(delta, len(goal))
        pace = _Pace(found.losses, self.step_size * radius)
        previous = best = delta
        best_gradient: Tensor | None = None
        for number in range(self.steps):
            point = shift(clean, delta, mask)
            losses, gradient, logits = loss_and_gradient(victim, encoding, point, goal, self.criterion)
            found.offer(delta, losses, goal.reached(logits))
            improved = pace.see(losses)
            best = _where(improved, delta, best)
            best_gradient = gradient if best_gradient is None else _where(improved, gradient, best_gradient)
            if number in spans:
                halved = pace.halve(spans[number])
                delta, gradient = _where(halved, best, delta), _where(halved, best_gradient, gradient)

            ascent, _ = self.direction(gradient, mask, None)
            moved = project(delta + pace.steps[:, None, None] * ascent, self.norm, radius)
            if number > 0:
                moved = delta + MOMENTUM * (moved - delta) + (1 - MOMENTUM) * (delta - previous)
                moved = project(moved, self.norm, radius)
            previous, delta = delta, moved
        logits = answer(victim, encoding, shift(clean, delta, mask))
        found.offer(delta, self.criterion(logits, goal), goal.reached(logits))
        # A gradient that is not finite leads to a point, and so to a loss, that is not.
        require_finite(self.name, found.losses_seen)
        return found.delta

    def _loss(self, logits: Tensor, goal: Goal) -> Tensor:
        require_classes(self.loss, logits.shape[1], goal.target is not None, f'Attack "{self.name}": ')
        return LOSSES[self.loss](logits, goal)


class _Found:
    """The perturbation to propose: of highest loss among those that reached the goal, or else among all."""

    def __init__(self, delta: Tensor, b: int) -> None:
        self.delta = delta
        self.losses = torch.full((b,), -torch.inf, device=delta.device)
        self.reached = torch.zeros_like(self.losses, dtype=torch.bool)
        self.losses_seen = torch.zeros_like(self.losses)

    def offer(self, delta: Tensor, losses: Tensor, reached: Tensor) -> None:
        better = (reached & ~self.reached) | ((reached == self.reached) & (losses > self.losses))
        self.delta = _where(better, delta, self.delta)
        self.losses = torch.where(better, losses, self.losses)
        self.reached = self.reached | reached
        # A sum is finite only where all that went into it was.
        self.losses_seen = self.losses_seen + losses


class _Pace:
    """The steps' lengths (b,), absolute, and what they depend on: how the loss came along."""

    def __init__(self, losses: Tensor, length: float) -> None:
        self.steps = torch.full_like(losses, length)
        self.last = self.highest = torch.full_like(losses, -torch.inf)
        self.highest_before: Tensor | None = None
        self.rises = torch.zeros_like(losses)
        self.halved = torch.zeros_like(losses, dtype=torch.bool)

    def see(self, losses: Tensor) -> Tensor:
        """Takes note of the losses (b,) at the next points; True where (b,) they are the highest so far."""
        improved = losses > self.highest
        if self.highest_before is None:
            self.highest_before = losses
        else:
            self.rises = self.rises + (losses > self.last)
        self.highest, self.last = torch.where(improved, losses, self.highest), losses
        return improved

    def halve(self, span: int) -> Tensor:
        """Halves the steps where (b,) that is due, ``span`` steps after the last time it was asked."""
        stuck = ~self.halved & (self.highest == self.highest_before)
        self.halved = (self.rises < RISES * span) | stuck
        self.steps = torch.where(self.halved, self.steps / 2, self.steps)
        self.highest_before, self.rises = self.highest, torch.zeros_like(self.rises)
        return self.halved


def checkpoints(steps: int) -> list[int]:
    """The steps after which the step size is reconsidered, increasing (section 3 of the paper).

    They come at shares 0.22, 0.41, 0.57, ... of all steps: each interval is 0.03 shorter than the one before
    it, and at least 0.06. Computed in whole hundredths, whose rounding up is exact.
    """
    share, interval, found = 0, 22, set()
    while share + interval < 100:
        share += interval
        found.add(-(-share * steps // 100))
        interval = max(interval - 3, 6)
    return sorted(found)


def _where(rows: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """``yes`` (b, t, d) where ``rows`` (b,) is True, else ``no``."""
    return torch.where(rows[:, None, None], yes, no)
