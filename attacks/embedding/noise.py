"""Random noise: a control."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from attacks.embedding.base import NORM_HELP, BallAttack, require_rows
from attacks.goals import Goal
from attacks.norms import shift, uniform_on_sphere
from attacks.threat_model import Access, Norm
from attacks.victims import Encoding, GradientVictim


@dataclass(frozen=True, kw_only=True)
class Noise(BallAttack):
    """Random noise: a perturbation as large as the budget allows, in a random direction.

    A control for the attacks that use gradients: one that does no better than noise does not work. It asks
    the model nothing, so it makes one draw and cannot choose among several.
    """

    name: ClassVar[str] = "noise"
    access: ClassVar[Access] = "none"

    norm: Norm = field(default="linf", metadata={"help": NORM_HELP})

    def perturb(
        self,
        victim: GradientVictim,
        encoding: Encoding,
        embeddings: Tensor,
        goal: Goal,
        seeds: Sequence[int],
    ) -> Tensor:
        """As in the base, without any pass through the model."""
        require_rows(encoding, embeddings, goal, seeds)
        clean = embeddings.detach()
        mask = self.perturbable(encoding)
        radius = self.radius(victim.embedding_scale)
        return shift(clean, uniform_on_sphere(clean, mask, self.norm, radius, seeds), mask)
