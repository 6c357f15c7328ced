"""Projected gradient descent."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

from attacks.embedding.base import EmbeddingAttack
from attacks.embedding.parameters import require_positive
from attacks.threat_model import Norm


@dataclass(frozen=True, kw_only=True)
class PGD(EmbeddingAttack):
    """Projected gradient descent: several small steps, each projected back into the ball.

    Madry et al. 2018, "Towards deep learning models resistant to adversarial attacks", section 2.1, on word
    embeddings. They start at a random point of the ball; here that is a choice, off by default, so that the
    first step is the same as that of FGSM or FGM.
    """

    name: ClassVar[str] = "pgd"

    norm: Norm = field(default="linf", metadata={"help": "norm of the ball"})
    steps: int = field(default=10, metadata={"help": "ascent steps, one forward and one backward pass each"})
    step_size: float = field(default=0.25, metadata={"help": "length of a step, relative to epsilon"})
    random_start: bool = field(
        default=False, metadata={"help": "start at a random point of the ball, drawn from the example's seed"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "steps", self.steps)
        require_positive(self.name, "step_size", self.step_size)

    def start(self, clean: Tensor, mask: Tensor, radius: float, seeds: Sequence[int]) -> Tensor:
        if not self.random_start:
            return super().start(clean, mask, radius, seeds)
        delta = torch.zeros(clean.shape, dtype=torch.float32)
        for example, tokens, seed in zip(delta, mask.cpu(), seeds, strict=True):
            example[tokens] = uniform_in_ball((int(tokens.sum()), clean.shape[2]), self.norm, radius, seed)
        return delta.to(clean.device)


def uniform_in_ball(shape: tuple[int, int], norm: Norm, radius: float, seed: int) -> Tensor:
    """A point (t, d), float32, drawn uniformly from the ball of ``radius``; the same for the same seed.

    It is drawn on the CPU, so that it is the same on every device. In ``l2`` a normal vector gives the
    direction and u ** (1 / dimensions), with u uniform, the length.
    """
    generator = torch.Generator().manual_seed(seed)
    if norm == "linf":
        return radius * (2 * torch.rand(shape, generator=generator) - 1)
    direction = torch.randn(shape, generator=generator)
    length = torch.rand((), generator=generator) ** (1 / max(1, math.prod(shape)))
    return radius * length * normalize(direction.flatten(), dim=0).view(shape)
