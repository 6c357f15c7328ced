"""Training for the worst group."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from attacks.parameters import require_positive
from attacks.victims import Encoding, GradientVictim
from robustness.dataset import TextDataset
from robustness.objectives.base import Objective, Step, require_classifier, require_not_negative
from robustness.objectives.strata import Strata, by_group


class GroupWeights:
    """What each of m groups counts in the loss.

    log_weights: (m,), normalised. shares: (m,) of the training examples. risks: (m,) estimates of the groups'
    losses from the examples of the current update so far.
    """

    def __init__(self, strata: Strata, device: torch.device) -> None:
        counts = torch.tensor(strata.counts, dtype=torch.float32, device=device)
        self.counts = counts
        self.shares = counts / counts.sum()
        self.log_weights = torch.full_like(counts, 1 / len(counts)).log()
        self.risks = torch.zeros_like(counts)

    @property
    def weights(self) -> Tensor:
        """(m,), above 0, adding up to 1: q in the paper."""
        return self.log_weights.exp()

    def state_dict(self) -> dict[str, Any]:
        return {"log_weights": self.log_weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if state["log_weights"].shape != self.log_weights.shape:
            raise ValueError("the state is that of other groups")
        self.log_weights.copy_(state["log_weights"])


@dataclass(frozen=True, kw_only=True)
class GroupDRO(Objective):
    """Cross-entropy of the worst group: groups with a high loss come to count more (group DRO).

    Sagawa et al. 2020, "Distributionally robust neural networks for group shifts", Algorithm 1: the loss is
    the sum over groups of q_g R_g with R_g the mean loss of group g, and after each batch q_g is multiplied
    by exp(step_size (R_g + C / sqrt(n_g))) and normalised (the adjustment C: section 3.3; step size 0.01).
    Groups are those of the column and the label together, as in the paper, unless ``by_label`` is false.

    Departures. The paper draws the groups evenly; here batches are drawn as in any training, and each example
    is multiplied by q_g over its group's share of the training data, so that loss and R_g are the same on
    average, whatever groups a batch lacks. It counts with the q that the batches before have left, because
    the parts of a batch, and several processes, are to see the same. And the epoch is chosen as in every
    training, by the accuracy on all validation examples, not by that of the worst group: the lowest of
    several figures of small groups rises and falls by chance, and candidates are compared as one and the same
    rule chose them.

    The authors find that it helps little where the model fits every training example, so that no group has a
    loss; few epochs or more weight_decay prevent that. Costs 1 forward and 1 backward pass.
    """

    name: ClassVar[str] = "group-dro"

    group: str = field(metadata={"help": "the group column"})
    by_label: bool = field(
        default=True, metadata={"help": "take each group's examples of one label for a group of their own"}
    )
    step_size: float = field(
        default=0.01, metadata={"help": "how fast the groups' weights follow their losses (eta in the paper)"}
    )
    adjustment: float = field(
        default=0.0,
        metadata={"help": "added to a group's loss over the square root of its size (C in the paper)"},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "step_size", self.step_size, kind="objective")
        require_not_negative(self.name, "adjustment", self.adjustment)

    def strata(self, training: TextDataset) -> Strata:
        return by_group(training, self.group, self.name, with_label=self.by_label)

    def memory(self, victim: GradientVictim, strata: Strata | None = None) -> GroupWeights:
        if strata is None:
            raise ValueError(f'expected the strata of the training examples for "{self.name}"')
        return GroupWeights(strata, require_classifier(self.name, victim).device)

    def summed(self, memory: GroupWeights) -> list[Tensor]:
        return [memory.risks]

    def after_update(self, victim: GradientVictim, memory: GroupWeights) -> None:
        risks = memory.risks + self.adjustment / memory.counts.sqrt()
        memory.log_weights.copy_((memory.log_weights + self.step_size * risks).log_softmax(dim=0))
        memory.risks.zero_()

    def backward(self, victim: GradientVictim, encoding: Encoding, y: Tensor, step: Step) -> Tensor:
        memory: GroupWeights = step.memory
        if step.strata is None:
            raise ValueError(f'expected the strata of the batch for "{self.name}"')
        losses = cross_entropy(victim.logits(encoding, victim.embed(encoding)), y, reduction="none")
        loss = step.mean((memory.weights / memory.shares)[step.strata] * losses)
        step.backward(loss)
        weighted = losses.detach() if step.weights is None else step.weights * losses.detach()
        parts = step.share / len(y) * weighted / memory.shares[step.strata]
        memory.risks.index_add_(0, step.strata, parts)
        return loss.detach()
