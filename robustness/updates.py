"""The updates of an epoch: their losses, read from the device in groups, and a training that diverges."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from attacks.errors import AssayError

READ_EVERY = 16
"""Updates between two readings on an accelerator: each reading waits until it has computed everything."""

REMEDY = "Try a lower learning_rate, a smaller epsilon, or a longer warmup or ramp."


@dataclass(frozen=True)
class Update:
    """One update of the weights. step: from 1. epsilon: relative; None where nothing is perturbed."""

    step: int
    loss: float
    learning_rate: float
    epsilon: float | None


@dataclass(frozen=True)
class _Unread:
    step: int
    loss: Tensor
    gradient_norm: Tensor
    learning_rate: float
    epsilon: float | None


class Updates:
    """Keeps the losses of one epoch.

    told: called with each update, in order, once its loss has been read. kept: a sentence about the state
        that a training which diverges leaves behind.
    ``add`` and ``read`` raise AssayError for a loss or a gradient that is NaN or infinite. On an accelerator
    some updates have been made after it by then, but the message names the right step all the same.
    """

    def __init__(self, device: torch.device, told: Callable[[Update], None], kept: str) -> None:
        self.losses: list[float] = []
        self._every = 1 if device.type == "cpu" else READ_EVERY
        self._told = told
        self._kept = kept
        self._unread: list[_Unread] = []

    def add(
        self,
        step: int,
        loss: Tensor,
        gradient_norm: Tensor | None,
        *,
        learning_rate: float,
        epsilon: float | None,
    ) -> None:
        """gradient_norm: None where it may overflow without harm, as with a loss scale in fp16."""
        norm = torch.zeros_like(loss) if gradient_norm is None else gradient_norm
        self._unread.append(_Unread(step, loss.detach(), norm.detach(), learning_rate, epsilon))
        if len(self._unread) >= self._every:
            self.read()

    def read(self) -> None:
        """Bring everything up to date; waits for the device."""
        unread, self._unread = self._unread, []
        if not unread:
            return
        columns = [
            torch.stack([each.loss.float() for each in unread]),
            torch.stack([each.gradient_norm.float() for each in unread]),
        ]
        for each, (loss, norm) in zip(unread, torch.stack(columns, dim=1).tolist(), strict=True):
            for what, value in (("loss", loss), ("gradient", norm)):
                if not math.isfinite(value):
                    raise AssayError(
                        f"training diverged: the {what} is {value} at step {each.step} "
                        f"(learning rate {each.learning_rate:.2g}). {REMEDY} {self._kept}"
                    )
            self.losses.append(loss)
            self._told(Update(each.step, loss, each.learning_rate, each.epsilon))

    def require_finite(self, parameters: list[torch.nn.Parameter], step: int) -> None:
        """Raise AssayError where the last update left a weight that is NaN or infinite."""
        if not bool(torch.stack([parameter.detach().isfinite().all() for parameter in parameters]).all()):
            raise AssayError(
                f"training diverged: a weight is NaN or infinite after step {step}. {REMEDY} {self._kept}"
            )
