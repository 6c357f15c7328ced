"""The momentum iterative fast gradient sign method."""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from attacks.embedding.base import NORM_HELP, STEP_SIZE_HELP, STEPS_HELP, AscentAttack
from attacks.norms import ascent_direction
from attacks.parameters import require_not_negative, require_positive
from attacks.threat_model import Norm


@dataclass(frozen=True, kw_only=True)
class MIFGSM(AscentAttack):
    """Momentum iterative FGSM: each step goes along the running sum of all gradients so far.

    Dong et al. 2018, "Boosting adversarial attacks with momentum", algorithm 1 (linf) and eq. 8 (l2): before
    it is added, a gradient is divided by its L1 norm over the example, and the sum so far is multiplied by
    ``decay``. Their step is epsilon / steps, 0.1 at the default of 10 steps, and they need no projection;
    here the step is a parameter and its end is projected. Tokens that may not be perturbed count in no norm.
    """

    name: ClassVar[str] = "mi-fgsm"

    norm: Norm = field(default="linf", metadata={"help": NORM_HELP})
    steps: int = field(default=10, metadata={"help": STEPS_HELP})
    step_size: float = field(default=0.1, metadata={"help": STEP_SIZE_HELP})
    decay: float = field(
        default=1.0, metadata={"help": "how much of the earlier gradients each step keeps; 0 is none, as PGD"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "steps", self.steps)
        require_positive(self.name, "step_size", self.step_size)
        require_not_negative(self.name, "decay", self.decay)

    def direction(
        self, gradient: Tensor, mask: Tensor, memory: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        momentum = _l1_normalised(gradient, mask)
        if memory is not None:
            momentum = self.decay * memory + momentum
        return ascent_direction(momentum, mask, self.norm), momentum


def _l1_normalised(gradient: Tensor, mask: Tensor) -> Tensor:
    """The gradient (b, t, d), 0 outside ``mask``, with absolute values that sum to 1 in each example."""
    allowed = gradient.float().masked_fill(~mask[..., None], 0)
    # Scaled first by the largest, which keeps gradients so small that dividing by their sum is inexact.
    largest = allowed.abs().amax(dim=(1, 2), keepdim=True)
    scaled = allowed / torch.where(largest > 0, largest, 1)
    return scaled / scaled.abs().sum(dim=(1, 2), keepdim=True).clamp_min(1)
