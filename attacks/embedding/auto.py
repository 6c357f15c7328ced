"""The worst case over the strong attacks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor

from attacks.embedding.apgd import APGD
from attacks.embedding.base import (
    NORM_HELP,
    BallAttack,
    EmbeddingAttack,
    answer,
    require_finite,
    require_rows,
    strongest,
)
from attacks.embedding.fmn import FMN
from attacks.embedding.pgd import PGD
from attacks.goals import Goal, margin
from attacks.parameters import require_positive
from attacks.threat_model import Norm
from attacks.victims import Encoding, GradientVictim

BISECTIONS = 5
"""Of FMN's length: enough to tell whether it is within the budget, and a little beyond the boundary itself,
where rounding could change the answer."""


@dataclass(frozen=True, kw_only=True)
class Auto(BallAttack):
    """Worst case over the strong attacks: what withstands all of them counts as robust.

    APGD on cross-entropy; APGD on the difference of logits ratio (on the margin for two classes or with a
    target); FMN, used where its smallest perturbation is within the budget; and PGD from random starts. Each
    next one sees only the examples that withstood those before it.

    The idea is AutoAttack's (Croce and Hein 2020, section 5). Departures: FMN stands in for FAB, which also
    looks for the smallest perturbation, and PGD for Square Attack, whose squares have no meaning in text.
    """

    name: ClassVar[str] = "auto"

    norm: Norm = field(default="linf", metadata={"help": NORM_HELP})
    steps: int = field(default=20, metadata={"help": "steps of each attack and of each of PGD's restarts"})
    restarts: int = field(default=2, metadata={"help": "random starts of PGD"})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "steps", self.steps)
        require_positive(self.name, "restarts", self.restarts)

    def attacks(self, classes: int, targeted: bool) -> list[EmbeddingAttack]:
        """The attacks on a model of so many classes, in their order."""
        common: dict[str, Any] = {
            "norm": self.norm,
            "steps": self.steps,
            "special_tokens": self.special_tokens,
            "target": self.target,
        }
        return [
            APGD(epsilon=self.epsilon, loss="ce", **common),
            APGD(epsilon=self.epsilon, loss="margin" if targeted or classes < 3 else "dlr", **common),
            FMN(bisections=BISECTIONS, **common),
            PGD(epsilon=self.epsilon, random_start=True, restarts=self.restarts, **common),
        ]

    def perturb(
        self,
        victim: GradientVictim,
        encoding: Encoding,
        embeddings: Tensor,
        goal: Goal,
        seeds: Sequence[int],
    ) -> Tensor:
        """As in the base: a proposal that reached the goal where there is one, else that of highest margin.

        Costs one forward pass on the clean embeddings, and on the examples that still stand those of each
        attack and one more.
        """
        require_rows(encoding, embeddings, goal, seeds)
        logits = answer(victim, encoding, embeddings)
        require_finite(self.name, logits)
        attacks = self.attacks(logits.shape[1], goal.target is not None)
        radius = self.radius(victim.embedding_scale)
        return strongest(attacks, victim, encoding, embeddings, goal, seeds, margin, radius)
