"""Fast minimum-norm: the smallest perturbation of each example, without a budget."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from attacks.embedding.base import (
    EmbeddingAttack,
    answer,
    loss_and_gradient,
    require_finite,
    require_rows,
)
from attacks.goals import Goal, margin
from attacks.norms import ascent_direction, delta_norm, dual_norm, project, shift
from attacks.parameters import require_not_negative, require_positive
from attacks.threat_model import Norm
from attacks.victims import Encoding, GradientVictim

GAMMA = (0.1, 0.001)
"""By how much, relative, the ball shrinks or grows in the first and in the last step."""
STEP = (0.3, 0.01)
"""The length of the first and of the last step after the first success, relative to the ball."""
SOFTNESS = 0.3
"""How soft the maximum over the classes in the loss is, relative to the spread of the logits."""
FARTHEST = 1e4
"""The largest ball, relative to the embedding scale."""


@dataclass(frozen=True, kw_only=True)
class FMN(EmbeddingAttack):
    """Fast minimum-norm: gives each example the smallest perturbation that reaches the goal.

    Pintor et al. 2021, "Fast minimum-norm adversarial attacks through adaptive norm constraints",
    algorithm 1: ascent on the margin in a ball that shrinks where the goal is reached and grows where it is
    not; until the first success its radius is where a linear model would reach the goal, and steps go all
    the way there. Where nothing was found the proposal is the clean embeddings. There is no budget: the
    result is the norm.

    Departures: the step goes along the steepest ascent of the norm and is relative to the ball (theirs goes
    along the gradient over its Euclidean norm, in absolute units, which embeddings do not have); the
    gradient is that of a soft margin, so that not only the class that is nearest to winning now is followed;
    the ball shrinks and grows by 10 % at first (theirs: 5 %), never beyond the smallest success; and at the
    end the line from the clean embeddings to that success is bisected: on a linear model the direction is
    right at once and only the length is missing.
    """

    name: ClassVar[str] = "fmn"

    norm: Norm = field(default="linf", metadata={"help": "norm to be made small"})
    steps: int = field(default=50, metadata={"help": "steps, one forward and one backward pass each"})
    bisections: int = field(
        default=20,
        metadata={"help": "forward passes at the end, each of which halves the uncertainty of the length"},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "steps", self.steps)
        require_not_negative(self.name, "bisections", self.bisections)

    def perturb(
        self,
        victim: GradientVictim,
        encoding: Encoding,
        embeddings: Tensor,
        goal: Goal,
        seeds: Sequence[int],
    ) -> Tensor:
        """As in the base. Costs ``steps`` forward and backward, and ``bisections + 1`` forward passes."""
        require_rows(encoding, embeddings, goal, seeds)
        clean = embeddings.detach()
        mask = self.perturbable(encoding)
        found = self._search(victim, encoding, clean, mask, goal)

        low, high = torch.zeros(len(goal), device=clean.device), torch.ones(len(goal), device=clean.device)
        for _ in range(self.bisections):
            middle = (low + high) / 2
            logits = answer(victim, encoding, shift(clean, middle[:, None, None] * found, mask))
            reached = goal.reached(logits)
            low, high = torch.where(reached, low, middle), torch.where(reached, middle, high)
        return shift(clean, high[:, None, None] * found, mask)

    def _search(
        self, victim: GradientVictim, encoding: Encoding, clean: Tensor, mask: Tensor, goal: Goal
    ) -> Tensor:
        """The smallest perturbation (b, t, d) that was seen to reach the goal; 0 where none was."""
        delta = best = torch.zeros_like(clean, dtype=torch.float32)
        smallest = epsilon = torch.full((len(goal),), torch.inf, device=clean.device)
        scale = victim.embedding_scale.of(self.norm)
        history = []
        for number in range(self.steps):
            point = shift(clean, delta, mask)
            _, gradient, logits = loss_and_gradient(victim, encoding, point, goal, _soft_margin)
            lead = margin(logits, goal)
            history.append(lead)
            size, reached = delta_norm(delta, self.norm), goal.reached(logits)
            best, smallest = _smaller(best, smallest, delta, size, reached)

            shrink, step = (_annealed(ends, number / self.steps) for ends in (GAMMA, STEP))
            slope = dual_norm(gradient, mask, self.norm)
            # A gradient that is nearly 0 would lead very far at once: the ball at most doubles.
            linear = torch.minimum(torch.where(slope > 0, -lead / slope, 0), size + scale)
            found = smallest < torch.inf
            grown = torch.where(found, epsilon, size + linear) * (1 + shrink)
            epsilon = torch.minimum(torch.where(reached, epsilon * (1 - shrink), grown), smallest)
            epsilon = epsilon.clamp(max=FARTHEST * scale)
            ascent = ascent_direction(gradient, mask, self.norm)
            length = epsilon * torch.where(found, step, 1)
            delta = project(delta + length[:, None, None] * ascent, self.norm, epsilon)
        logits = answer(victim, encoding, shift(clean, delta, mask))
        # A gradient that is not finite leads to a point, and so to a lead, that is not.
        require_finite(self.name, torch.stack([*history, margin(logits, goal)]))
        size, reached = delta_norm(delta, self.norm), goal.reached(logits)
        return _smaller(best, smallest, delta, size, reached)[0]


def _smaller(
    best: Tensor, smallest: Tensor, delta: Tensor, size: Tensor, reached: Tensor
) -> tuple[Tensor, Tensor]:
    """The smallest perturbation and its size, now that ``delta`` of ``size`` was seen."""
    smaller = reached & (size < smallest)
    return torch.where(smaller[:, None, None], delta, best), torch.where(smaller, size, smallest)


def _soft_margin(logits: Tensor, goal: Goal) -> Tensor:
    """``margin`` (b,) with a soft maximum over the other classes; the same as ``margin`` for two classes.

    The hard one sees the class that is second now, and misses one whose boundary is nearer in another
    direction. The spread of the logits, which sets the scale, counts as a constant.
    """
    own = (goal.y if goal.target is None else goal.target)[:, None]
    scale = SOFTNESS * (logits.amax(dim=1) - logits.amin(dim=1)).detach().clamp_min(1e-12)
    others = scale * (logits.scatter(1, own, -torch.inf) / scale[:, None]).logsumexp(dim=1)
    mine = logits.gather(1, own)[:, 0]
    return others - mine if goal.target is None else mine - others


def _annealed(ends: tuple[float, float], share: float) -> float:
    """From the first to the last of ``ends`` along half a cosine, as ``share`` goes from 0 to 1."""
    first, last = ends
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2
