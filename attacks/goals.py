"""What an attacker wants of an answer, any wrong class or one of them, and the losses that lead there."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from attacks.errors import AssayError


@dataclass(frozen=True)
class Goal:
    """The aim of an attack on a batch of ``b`` examples.

    y: (b,) int64, the true classes. target: (b,) int64, the classes wanted, none of them the true one; None
    where any wrong class will do.
    """

    y: Tensor
    target: Tensor | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: Tensor) -> "Goal":
        """The goal of the examples ``rows`` (bool (b,) or indices)."""
        return Goal(self.y[rows], None if self.target is None else self.target[rows])

    def reached(self, logits: Tensor) -> Tensor:
        """(b,) bool: whether an answer with these ``logits`` (b, k) is what the attacker wants."""
        prediction = logits.argmax(dim=1)
        return prediction != self.y if self.target is None else prediction == self.target


Loss = Callable[[Tensor, Goal], Tensor]
"""From logits (b, k) and the goal to a number (b,) for each example, higher the closer it is to the goal."""


def ce(logits: Tensor, goal: Goal) -> Tensor:
    """Cross-entropy: of the true class, to be raised, or of the target, to be lowered; (b,)."""
    if goal.target is None:
        return cross_entropy(logits, goal.y, reduction="none")
    return -cross_entropy(logits, goal.target, reduction="none")


def margin(logits: Tensor, goal: Goal) -> Tensor:
    """How far the wanted class leads, in logits; (b,), positive exactly where the goal is reached.

    Untargeted: the best wrong class against the true one (Carlini and Wagner 2017, f6, negated). Targeted:
    the target against the best other class. Unlike cross-entropy it does not fade on a confident model.
    """
    own = goal.y if goal.target is None else goal.target
    mine = logits.gather(1, own[:, None])[:, 0]
    others = logits.scatter(1, own[:, None], -torch.inf).amax(dim=1)
    return others - mine if goal.target is None else mine - others


def dlr(logits: Tensor, goal: Goal) -> Tensor:
    """Difference of logits ratio (Croce and Hein 2020, eq. 6; targeted: eq. 7, which needs 4 classes); (b,).

    The lead of a wrong class over the true one, divided by the gap between the first and the third logit, so
    that it depends on neither the shift nor the scale of the logits.

    With two classes there is no third logit, and the gap between the two would cancel the lead: what is left
    of the ratio in the binary case is its numerator, which is ``margin``.
    Raises AssayError for fewer classes than it needs.
    """
    require_classes("dlr", logits.shape[1], goal.target is not None)
    ordered = logits.sort(dim=1, descending=True).values
    true = logits.gather(1, goal.y[:, None])[:, 0]
    if goal.target is None:
        return margin(logits, goal) / (ordered[:, 0] - ordered[:, 2]).clamp_min(1e-12)
    wanted = logits.gather(1, goal.target[:, None])[:, 0]
    gap = ordered[:, 0] - (ordered[:, 2] + ordered[:, 3]) / 2
    return (wanted - true) / gap.clamp_min(1e-12)


LOSSES: dict[str, Loss] = {"ce": ce, "margin": margin, "dlr": dlr}


def require_classes(loss: str, classes: int, targeted: bool, who: str = "") -> None:
    """Raises AssayError where a loss, by its name in ``LOSSES``, needs more classes than there are.

    who: whose loss it is, for the message, with what separates it from the rest.
    """
    needed = 4 if targeted else 3
    if loss == "dlr" and classes < needed:
        raise AssayError(
            f'{who}the loss "dlr"{" with a target" if targeted else ""} needs {needed} classes, '
            f"and there are {classes}: it divides by the gap to a logit that does not exist. "
            'Use loss = "margin", its numerator.'
        )
