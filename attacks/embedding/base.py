"""Attacks on word embeddings: their base, and the ascent, restarts and gradients that they share."""

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from attacks.base import Attack
from attacks.errors import AssayError
from attacks.goals import Goal, Loss, ce
from attacks.norms import ascent_direction, delta_norm, project, shift, uniform_in_ball
from attacks.parameters import require_positive
from attacks.threat_model import Norm, Space, ThreatModel
from attacks.victims import EmbeddingScale, Encoding, GradientVictim

EPSILON_HELP = "budget, relative to the model's own embedding scale (linf: RMS component, l2: norm)"
NORM_HELP = "norm of the ball"
STEPS_HELP = "ascent steps, one forward and one backward pass each"
STEP_SIZE_HELP = "length of a step, relative to epsilon"
RANDOM_START_HELP = "start at a random point of the ball, drawn from the example's seed"
RESTARTS_HELP = "ascents for an example that withstands; all but the first start at random points"


@dataclass(frozen=True, kw_only=True)
class EmbeddingAttack(Attack):
    """An attack that moves word embeddings within a ball around them, whatever way it finds the place.

    A subclass is a frozen dataclass with a ``name`` and a ``norm``; its fields are its parameters.
    """

    space: ClassVar[Space] = "embedding"

    special_tokens: bool = field(
        default=False, metadata={"help": "perturb [CLS], [SEP] and the like too; padding never is"}
    )

    @property
    @abstractmethod
    def norm(self) -> Norm:
        """The norm of the ball."""

    @property
    def budget(self) -> float | None:
        """The radius of the ball, relative to the model's embedding scale; None without a bound."""
        return None

    @property
    def threat_model(self) -> ThreatModel:
        return ThreatModel(
            access=self.access, space=self.space, norm=self.norm, epsilon=self.budget, target=self.target
        )

    def radius(self, scale: EmbeddingScale) -> float:
        """The absolute budget: epsilon times the model's embedding scale; infinite without a bound."""
        return torch.inf if self.budget is None else self.budget * scale.of(self.norm)

    def perturbable(self, encoding: Encoding) -> Tensor:
        """(b, t) bool: the tokens that this attack may move."""
        return encoding.real if self.special_tokens else encoding.real & ~encoding.special

    @abstractmethod
    def perturb(
        self,
        victim: GradientVictim,
        encoding: Encoding,
        embeddings: Tensor,
        goal: Goal,
        seeds: Sequence[int],
    ) -> Tensor:
        """Propose perturbed embeddings (b, t, d), in the precision of ``embeddings``, detached.

        embeddings: (b, t, d), what ``victim.embed(encoding)`` returned. goal: the true classes, and the
        target where there is one, on the same device. seeds: one per example, for attacks that draw; an
        example's proposal depends on its own seed only. Must not be called in ``torch.inference_mode``;
        ``torch.no_grad`` is fine.

        Raises AssayError when the model's gradients are not finite.
        """


@dataclass(frozen=True, kw_only=True)
class BallAttack(EmbeddingAttack):
    """An embedding attack with the budget ``epsilon``.

    Raises AssayError when a parameter has the wrong type or is out of range.
    """

    epsilon: float = field(metadata={"help": EPSILON_HELP})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "epsilon", self.epsilon)

    @property
    def budget(self) -> float:
        return self.epsilon


@dataclass(frozen=True, kw_only=True)
class AscentAttack(BallAttack):
    """Gradient ascent on a loss in a ball: what FGSM, FGM, PGD, MI-FGSM and APGD share.

    A subclass may override ``steps``, ``step_size``, ``random_start`` and ``restarts`` (as fields or
    properties), ``criterion``, ``direction`` and ``ascend``.

    Raises AssayError when a parameter has the wrong type or is out of range.
    """

    @property
    def steps(self) -> int:
        """Ascent steps; each costs one forward and one backward pass."""
        return 1

    @property
    def step_size(self) -> float:
        """The length of a step, relative to epsilon."""
        return 1.0

    @property
    def random_start(self) -> bool:
        """Whether the first point is drawn from the ball, by the example's seed, or is the clean one."""
        return False

    @property
    def restarts(self) -> int:
        """How often to ascend; all ascents but the first start at random points."""
        return 1

    @property
    def criterion(self) -> Loss:
        """The loss to raise."""
        return ce

    def start(self, clean: Tensor, mask: Tensor, radius: float, seeds: Sequence[int]) -> Tensor:
        """The first perturbation (b, t, d), float32."""
        if self.random_start:
            return uniform_in_ball(clean, mask, self.norm, radius, seeds)
        return torch.zeros_like(clean, dtype=torch.float32)

    def direction(
        self, gradient: Tensor, mask: Tensor, memory: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """The unit step (b, t, d) for this gradient, and what the next step must know (None: nothing)."""
        return ascent_direction(gradient, mask, self.norm), None

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
        """The perturbation (b, t, d), float32, that one ascent from ``delta`` ends with."""
        memory = None
        for _ in range(self.steps):
            gradient = loss_gradient(victim, encoding, shift(clean, delta, mask), goal, self.criterion)
            ascent, memory = self.direction(gradient, mask, memory)
            delta = project(delta + self.step_size * radius * ascent, self.norm, radius)
        require_finite(self.name, delta)
        return delta

    def perturb(
        self,
        victim: GradientVictim,
        encoding: Encoding,
        embeddings: Tensor,
        goal: Goal,
        seeds: Sequence[int],
    ) -> Tensor:
        """As in the base. One ascent costs ``steps`` forward and backward passes, and nothing else.

        With more than one, each is followed by a forward pass, which finds the examples that still stand:
        only those are started again, and each keeps what brought it nearest to its goal (``strongest``).
        """
        require_rows(encoding, embeddings, goal, seeds)
        if self.restarts > 1:
            first = replace(cast(Any, self), restarts=1)
            attempts = [first, *[replace(first, random_start=True)] * (self.restarts - 1)]
            return strongest(attempts, victim, encoding, embeddings, goal, seeds, self.criterion)
        clean = embeddings.detach()
        mask = self.perturbable(encoding)
        radius = self.radius(victim.embedding_scale)
        start = self.start(clean, mask, radius, seeds)
        return shift(clean, self.ascend(victim, encoding, clean, mask, goal, radius, start), mask)


def strongest(
    attempts: Sequence[EmbeddingAttack],
    victim: GradientVictim,
    encoding: Encoding,
    embeddings: Tensor,
    goal: Goal,
    seeds: Sequence[int],
    loss: Loss,
    radius: float = torch.inf,
) -> Tensor:
    """The best proposals (b, t, d) of several attacks, each on the examples that withstood those before it.

    An example that reached its goal keeps that proposal; of the others' the one of highest ``loss`` is kept.
    What an attack without a budget proposes beyond ``radius`` (absolute) is taken for the clean embeddings.
    Every attempt costs one forward pass more than the attack itself. The first one draws from the examples'
    own seeds, each further one from seeds of its own.
    """
    best = embeddings.detach().clone()
    highest = torch.full((len(goal),), -torch.inf, device=best.device)
    standing = torch.arange(len(goal), device=best.device)
    for number, attempt in enumerate(attempts):
        if len(standing) == 0:
            break
        clean, part, aim = embeddings[standing], encoding.take(standing), goal.take(standing)
        drawn = [attempt_seed(seeds[row], number) for row in standing.tolist()]
        proposal = attempt.perturb(victim, part, clean, aim, drawn)
        if attempt.budget is None:
            within = delta_norm(proposal.float() - clean.float(), attempt.norm) <= radius
            proposal = torch.where(within[:, None, None], proposal, clean)
        logits = answer(victim, part, proposal)
        losses, reached = loss(logits, aim), aim.reached(logits)
        better = reached | (losses > highest[standing])
        best[standing[better]] = proposal[better]
        highest[standing] = torch.maximum(highest[standing], losses)
        standing = standing[~reached]
    return best


def attempt_seed(seed: int, number: int) -> int:
    """The 63-bit seed of an example's attempt ``number``; attempt 0 has the example's own ``seed``."""
    if number == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}:{number}".encode()).digest()[:8], "big") >> 1


def answer(victim: GradientVictim, encoding: Encoding, embeddings: Tensor) -> Tensor:
    """Logits (b, k), float32, of one forward pass without gradients."""
    with torch.no_grad():
        return victim.logits(encoding, embeddings).float()


def loss_and_gradient(
    victim: GradientVictim, encoding: Encoding, embeddings: Tensor, goal: Goal, loss: Loss = ce
) -> tuple[Tensor, Tensor, Tensor]:
    """Losses (b,), their gradients (b, t, d) with respect to ``embeddings`` (b, t, d), and the logits (b, k).

    One forward and one backward pass; the weights get no gradients. An example's gradient does not depend on
    the rest of its batch.
    """
    with torch.enable_grad():
        leaf = embeddings.detach().requires_grad_()
        logits = victim.logits(encoding, leaf).float()
        losses = loss(logits, goal)
        (gradient,) = torch.autograd.grad(losses.sum(), leaf)
    return losses.detach(), gradient, logits.detach()


def loss_gradient(
    victim: GradientVictim, encoding: Encoding, embeddings: Tensor, goal: Goal, loss: Loss = ce
) -> Tensor:
    """The gradients (b, t, d) of ``loss_and_gradient``."""
    return loss_and_gradient(victim, encoding, embeddings, goal, loss)[1]


def require_rows(encoding: Encoding, embeddings: Tensor, goal: Goal, seeds: Sequence[int]) -> None:
    """Raises ValueError unless there is one embedding, class and seed for each example."""
    if not len(seeds) == len(goal) == len(embeddings) == len(encoding):
        raise ValueError(
            f"expected one embedding, class and seed for each of {len(encoding)} examples, "
            f"got {len(embeddings)}, {len(goal)} and {len(seeds)}"
        )


def require_finite(attack: str, delta: Tensor) -> None:
    """Raises AssayError where a perturbation is not finite: the model's gradients were not."""
    if not torch.isfinite(delta).all():
        raise AssayError(
            f'Attack "{attack}": expected finite gradients of the model, got NaN or infinity. '
            "Check that the model's weights are finite and, in half precision, try float32."
        )
