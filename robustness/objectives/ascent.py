"""Ascent steps that train the weights on their way: the loop of FreeLB, and what its relatives share."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor

from attacks.embedding.pgd import PGD
from attacks.errors import AssayError
from attacks.norms import ascent_direction, project
from attacks.parameters import require_positive
from attacks.victims import Encoding, GradientVictim
from robustness.objectives.base import (
    SPECIAL_TOKENS_HELP,
    Objective,
    Step,
    gradient_of,
    require_not_negative,
    trainable_embeddings,
)

Parts = tuple[Tensor, ...]
"""A perturbation as the sum of one or more, each (b, t, d)."""

Update = Callable[[Parts, Tensor], Parts]
"""From a perturbation and the gradient (b, t, d) of the loss there to the next perturbation."""


class Ascent(NamedTuple):
    """loss: the mean over the passes, scalar, detached. parts: the perturbation after the last update."""

    loss: Tensor
    parts: Parts


def ascend(
    victim: GradientVictim,
    encoding: Encoding,
    y: Tensor,
    step: Step,
    *,
    objective: str,
    steps: int,
    start: Parts,
    update: Update,
) -> Ascent:
    """Train on ``steps`` perturbations in a row, each found with the gradient that the last one left.

    Every pass back-propagates its loss over ``steps``; this one backward pass gives the weights their share
    of the gradient and the perturbation its direction (Zhu et al. 2020, Algorithm 1). So ``steps`` forward
    and ``steps`` backward passes are all it costs. All of them have the same dropout mask (section 3.3
    there): otherwise a step would be taken on another network than the one that it is then tried on.

    objective: its name, for messages. start: the first perturbation.
    """
    rewind = rewinder(encoding.real.device)
    parts, mean = start, torch.zeros((), device=encoding.real.device)
    for _ in range(steps):
        rewind()
        embeddings = trainable_embeddings(victim, encoding)
        loss = step.cross_entropy(victim.logits(encoding, embeddings + total(parts)), y) / steps
        step.backward(loss)
        mean = mean + loss.detach()
        parts = update(parts, gradient_of(embeddings, objective))
    return Ascent(mean, parts)


def total(parts: Parts) -> Tensor:
    """The sum (b, t, d) of the parts."""
    return reduce(torch.add, parts)


def rewinder(device: torch.device) -> Callable[[], None]:
    """A function that puts torch's generators, of the CPU and of ``device``, back to where they are now.

    Called before each of several forward passes, it makes them draw the same dropout masks.
    """
    cpu = torch.get_rng_state()
    if device.type == "cuda":
        cuda = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        mps = torch.mps.get_rng_state()

    def rewind() -> None:
        torch.set_rng_state(cpu)
        if device.type == "cuda":
            torch.cuda.set_rng_state(cuda, device)
        elif device.type == "mps":
            torch.mps.set_rng_state(mps)

    return rewind


def uniform_start(mask: Tensor, width: int, size: float) -> Tensor:
    """Perturbations (b, t, width), uniform between plus and minus ``size / sqrt(n * width)``; 0 off ``mask``.

    mask: (b, t) bool; n counts an example's True tokens, so that no example's perturbation is longer than
    ``size``, and most are about ``size / sqrt(3)`` long. Drawn from the global generator of the device, as
    dropout is: a training seeds it in every epoch.
    """
    drawn = 2 * torch.rand((*mask.shape, width), device=mask.device) - 1
    components = (mask.sum(dim=1) * width).clamp_min(1)
    return drawn * (mask / components.sqrt()[:, None])[..., None] * size


@dataclass(frozen=True, kw_only=True)
class AscentObjective(Objective):
    """Training along the ascent of ``ascend`` in L2 over the sentence, from a random start: FreeLB's family.

    All lengths are relative to the mean norm of the word embeddings. The budget, which the ramp raises and
    with it start and step, is the bound where there is one, and else the way of all steps together,
    ``steps * step_size``; validation faces a PGD from the clean text with that budget and these steps.

    Raises AssayError when a parameter has the wrong type or is out of range.
    """

    steps: int = field(metadata={"help": "ascent steps, one forward and one backward pass each"})
    step_size: float = field(metadata={"help": "length of a step, relative to the model's embedding norm"})
    start: float = field(
        metadata={"help": "greatest length of the random start, relative to the model's embedding norm"}
    )
    special_tokens: bool = field(default=False, metadata={"help": SPECIAL_TOKENS_HELP})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "steps", self.steps, kind="objective")
        require_positive(self.name, "step_size", self.step_size, kind="objective")
        require_not_negative(self.name, "start", self.start)
        if self.steps == 1 and self.start == 0:
            raise AssayError(
                f'Objective "{self.name}": with steps = 1 the model is trained at the start only, which '
                "start = 0 puts at the clean text. Give more steps or a start above 0, or train with the "
                'objective "standard".'
            )

    @property
    @abstractmethod
    def bound(self) -> float | None:
        """The norm that no perturbation exceeds, relative; None for none."""

    @property
    def epsilon_relative(self) -> float:
        return self.steps * self.step_size if self.bound is None else self.bound

    def radius(self, victim: GradientVictim) -> float:
        return self.attack().radius(victim.embedding_scale)

    def attack(self) -> PGD:
        return PGD(
            epsilon=self.epsilon_relative,
            norm="l2",
            steps=self.steps,
            step_size=self.step_size / self.epsilon_relative,
            special_tokens=self.special_tokens,
        )

    def absolute(self, length: float, step: Step) -> float:
        """A relative length in this model's units, at this point of the ramp."""
        return step.radius * length / self.epsilon_relative

    def backward(self, victim: GradientVictim, encoding: Encoding, y: Tensor, step: Step) -> Tensor:
        mask = self.attack().perturbable(encoding)
        width = victim.embed(encoding).shape[-1]
        length = self.absolute(self.step_size, step)

        def bounded(delta: Tensor) -> Parts:
            return (delta if self.bound is None else project(delta, "l2", step.radius),)

        def update(parts: Parts, gradient: Tensor) -> Parts:
            return bounded(total(parts) + length * ascent_direction(gradient, mask, "l2"))

        start = bounded(uniform_start(mask, width, self.absolute(self.start, step)))
        return ascend(
            victim, encoding, y, step, objective=self.name, steps=self.steps, start=start, update=update
        ).loss
