"""Training against an adversary who reads the group from the model's representation."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from attacks.parameters import require_positive
from attacks.victims import Encoding, GradientVictim
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.heads import last_linear
from robustness.objectives.base import Objective, Step, require_classifier, require_not_negative
from robustness.objectives.strata import Strata, by_group
from robustness.randomness import seeded

STEEPNESS = 10.0
"""How fast the reversal rises: gamma in Ganin and Lempitsky's schedule."""


class Reversal(torch.autograd.Function):
    """The identity, whose gradient is multiplied by minus ``strength``."""

    @staticmethod
    def forward(context: Any, values: Tensor, strength: float) -> Tensor:
        context.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -context.strength * gradient, None


class Adversary:
    """Predicts the stratum of an example from what the last linear layer of ``classifier`` is given.

    extra: further inputs (the label). hidden: units of its hidden layer, 0 for none. Its weights begin the
    same in every training: the training's generators are not seeded yet.
    """

    def __init__(
        self, classifier: Classifier, strata: int, extra: int, hidden: int, learning_rate: float
    ) -> None:
        self.layer: nn.Module = classifier.model.get_submodule(last_linear(classifier))
        width = int(self.layer.in_features) + extra
        with seeded(0, torch.device("cpu")):
            layers: list[nn.Module] = [nn.Linear(hidden or width, strata)]
            if hidden:
                layers = [nn.Linear(width, hidden), nn.ReLU(), *layers]
        self.network = nn.Sequential(*layers).to(classifier.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=learning_rate)

    @contextmanager
    def listening(self) -> Iterator[list[Tensor]]:
        """A list that each pass inside adds the representation (b, h) to."""
        heard: list[Tensor] = []
        handle = self.layer.register_forward_pre_hook(lambda module, inputs: heard.append(inputs[0]))
        try:
            yield heard
        finally:
            handle.remove()

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


@dataclass(frozen=True, kw_only=True)
class AdversarialHead(Objective):
    """Cross-entropy, while an adversary must not tell the group from the model's representation.

    Ganin and Lempitsky 2015, "Unsupervised domain adaptation by backpropagation": the adversary, a small
    network on the representation, learns to predict the group; a gradient reversal hands the negative of its
    gradient, times lambda, to the model. Lambda rises as ``strength`` (2 / (1 + exp(-10 p)) - 1) with the
    share p of the training that is done (section 4.1 there). As in Zhang et al. 2018, "Mitigating unwanted
    biases with adversarial learning", the adversary is told the label for equalized odds, and not told for
    demographic parity.

    The representation is what the last linear layer is given. Departures: Zhang et al. give their adversary
    the prediction alone and also take from the model's gradient its part along the adversary's, which is
    left out here, as in Ganin and Lempitsky. The adversary learns with Adam at a rate of its own. Ganin and
    Lempitsky's lambda ends at 1; the default is 0.2: at 1, a pretrained encoder gave up the label instead.

    An adversary that fails to find the group shows only that this one does not find it: another may. Its loss
    has no bound, so a model that changes faster than it learns can end in making it confidently wrong, with
    the group as easy to read as ever: compare the disparities with those of the plain candidate, and lower
    ``strength`` or raise ``adversary_learning_rate`` where they have grown.

    The loss that is shown is the model's own. Costs 1 forward and 1 backward pass; the adversary's are small.
    """

    name: ClassVar[str] = "adversarial-head"

    group: str = field(metadata={"help": "the group column that the adversary predicts"})
    criterion: Literal["equalized_odds", "demographic_parity"] = field(
        default="equalized_odds", metadata={"help": "whether the adversary is told the label, or not"}
    )
    strength: float = field(
        default=0.2, metadata={"help": "weight of the reversed gradient at the end (lambda)"}
    )
    hidden: int = field(default=100, metadata={"help": "units of the adversary's hidden layer; 0 for none"})
    adversary_learning_rate: float = field(
        default=3e-3, metadata={"help": "learning rate of the adversary (Adam)"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "strength", self.strength, kind="objective")
        require_not_negative(self.name, "hidden", self.hidden)
        require_positive(self.name, "adversary_learning_rate", self.adversary_learning_rate, kind="objective")

    def reversal(self, progress: float) -> float:
        """Lambda after the share ``progress`` of the training."""
        return self.strength * (2 / (1 + math.exp(-STEEPNESS * progress)) - 1)

    def strata(self, training: TextDataset) -> Strata:
        return by_group(training, self.group, self.name)

    def memory(self, victim: GradientVictim, strata: Strata | None = None) -> Adversary:
        if strata is None:
            raise ValueError(f'expected the strata of the training examples for "{self.name}"')
        classifier = require_classifier(self.name, victim)
        labels = len(classifier.label_names) if self.criterion == "equalized_odds" else 0
        return Adversary(classifier, len(strata.names), labels, self.hidden, self.adversary_learning_rate)

    def optimizers(self, memory: Adversary) -> list[torch.optim.Optimizer]:
        return [memory.optimizer]

    def backward(self, victim: GradientVictim, encoding: Encoding, y: Tensor, step: Step) -> Tensor:
        adversary: Adversary = step.memory
        if step.strata is None:
            raise ValueError(f'expected the strata of the batch for "{self.name}"')
        with adversary.listening() as heard:
            logits = victim.logits(encoding, victim.embed(encoding))
        seen: Tensor = Reversal.apply(heard[-1], self.reversal(step.progress))  # type: ignore[no-untyped-call]
        if self.criterion == "equalized_odds":
            seen = torch.cat([seen, one_hot(y, logits.shape[1]).to(seen.dtype)], dim=1)
        guessed = adversary.network(seen).float()
        loss = step.cross_entropy(logits, y)
        step.backward(loss + step.mean(cross_entropy(guessed, step.strata, reduction="none")))
        return loss.detach()
