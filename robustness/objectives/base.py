"""What a training objective is: it computes one batch's loss and leaves its gradients on the weights."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from attacks.embedding.base import EPSILON_HELP, AscentAttack, EmbeddingAttack, loss_gradient
from attacks.errors import AssayError
from attacks.goals import Goal
from attacks.norms import ascent_direction, project
from attacks.parameters import check_types, require_positive, wrong
from attacks.victims import Encoding, GradientVictim
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.objectives.strata import Strata

SPECIAL_TOKENS_HELP = "perturb [CLS], [SEP] and the like too; padding never is"

Backward = Callable[[Tensor], None]
"""Back-propagates a loss (scaled where mixed precision needs it); gradients add up on the weights."""


class Memory(Protocol):
    """What an objective keeps from batch to batch; it is saved with the training and restored."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> Any: ...


@dataclass(frozen=True)
class Step:
    """Where the training stands at one batch, or at one part of a batch.

    radius: the absolute budget at this step of the ramp. progress: the share of all steps done before this
    one, from 0 to below 1. memory: what ``Objective.memory`` returned.
    share: of the examples of the whole update; 0 where they are computed for nothing.
    weights: (b,) of the examples, with a mean of 1 over the training data; None where all count alike.
    strata: (b,) int64, the stratum of each example in ``Objective.strata``; None where there are none.
    """

    radius: float
    backward: Backward
    progress: float = 0.0
    memory: Any = None
    share: float = 1.0
    weights: Tensor | None = None
    strata: Tensor | None = None

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the batch (scalar) of what each example has, (b,), times the example's weight.

        Divided by b and not by the batch's own sum of weights: so a batch's gradient is right on average
        over the training, and the parts of a batch add up, whatever weights happen to meet in it.
        """
        return values.mean() if self.weights is None else (self.weights * values).mean()

    def cross_entropy(self, logits: Tensor, y: Tensor) -> Tensor:
        """The classification loss (scalar) for logits (b, k): ``mean`` of each example's cross-entropy."""
        if self.weights is None:
            return cross_entropy(logits, y)
        return self.mean(cross_entropy(logits, y, reduction="none"))


@dataclass(frozen=True, kw_only=True)
class Objective(ABC):
    """Base of all objectives: a frozen dataclass with a ``name``; its fields are its parameters.

    Raises AssayError when a parameter has the wrong type.
    """

    name: ClassVar[str]

    def __post_init__(self) -> None:
        check_types(self, kind="objective")

    def params(self) -> dict[str, Any]:
        """All parameters as JSON-able values, in the order of declaration."""
        return asdict(self)

    @property
    def epsilon_relative(self) -> float | None:
        """The full budget, relative to the embedding scale; None where nothing is perturbed."""
        return None

    def radius(self, victim: GradientVictim) -> float:
        """The full budget, absolute for this model as it is now."""
        return 0.0

    def attack(self) -> EmbeddingAttack | None:
        """The attack that validation faces, beside clean text; None where nothing is perturbed."""
        return None

    def strata(self, training: TextDataset) -> Strata | None:
        """The groups that the objective tells apart; None for none.

        Raises AssayError for data that does not have them: it is called before anything expensive, too.
        """
        return None

    def memory(self, victim: GradientVictim, strata: Strata | None = None) -> Memory | None:
        """What is to be kept from batch to batch, as it is at the start; None for nothing.

        strata: those of the training examples, as ``strata`` gives them.
        """
        return None

    def optimizers(self, memory: Any) -> Sequence[torch.optim.Optimizer]:
        """Of what ``memory`` has that is trained beside the model; they step with the model's own."""
        return ()

    def summed(self, memory: Any) -> Sequence[Tensor]:
        """What ``backward`` has added up in ``memory`` over the parts of a batch, each with its ``share``.

        Over all processes it is added up before ``after_update``, which uses it.
        """
        return ()

    def after_update(self, victim: GradientVictim, memory: Any) -> None:
        """Called after every update of the weights: the place to bring ``memory`` up to date."""
        return

    @abstractmethod
    def backward(self, victim: GradientVictim, encoding: Encoding, y: Tensor, step: Step) -> Tensor:
        """The loss (scalar, detached) of one batch; its gradients are on the weights afterwards.

        y: (b,) class indices. Every loss goes through ``step.backward``; losses of several add up. Every
        mean over examples is ``step.mean`` or ``step.cross_entropy``, which honour the examples' weights.
        """


def trainable_embeddings(victim: GradientVictim, encoding: Encoding) -> Tensor:
    """Word embeddings (b, t, d) in the graph of the weights, whose ``grad`` a backward pass fills in.

    Also where the embedding matrix is frozen.
    """
    embeddings = victim.embed(encoding)
    if not embeddings.requires_grad:
        embeddings.requires_grad_()
    embeddings.retain_grad()
    return embeddings


def gradient_of(embeddings: Tensor, objective: str) -> Tensor:
    """The gradient (b, t, d) that a backward pass left on ``trainable_embeddings``, 0 where it overflowed.

    In fp16 a scaled gradient may overflow; the scaler then skips this batch, and a perturbation that is not
    finite would only make the loss look diverged. Raises AssayError when there is none.
    """
    if embeddings.grad is None:
        raise AssayError(
            f'Objective "{objective}": the loss does not depend on the word embeddings of this model. '
            'Train it with the objective "standard".'
        )
    return torch.nan_to_num(embeddings.grad, nan=0.0, posinf=0.0, neginf=0.0)


def require_classifier(name: str, victim: GradientVictim) -> Classifier:
    """``victim`` as the classifier that it is, for an objective that keeps something of the model itself.

    Raises AssayError for any other victim.
    """
    if not isinstance(victim, Classifier):
        raise AssayError(
            f'Objective "{name}": expected a Hugging Face classifier, got {type(victim).__name__}. '
            "Train that model with another objective."
        )
    return victim


def require_not_negative(name: str, key: str, value: float) -> None:
    """Raises AssayError for a parameter of the objective ``name`` below zero."""
    if value < 0:
        raise wrong(name, key, "a number that is zero or above", value, kind="objective")


@dataclass(frozen=True, kw_only=True)
class BallObjective(Objective):
    """An objective whose perturbations stay in the ball of the attack that validates it.

    Raises AssayError when a parameter has the wrong type or is out of range.
    """

    epsilon: float = field(metadata={"help": EPSILON_HELP})
    special_tokens: bool = field(default=False, metadata={"help": SPECIAL_TOKENS_HELP})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "epsilon", self.epsilon, kind="objective")

    @property
    def epsilon_relative(self) -> float:
        return self.epsilon

    def radius(self, victim: GradientVictim) -> float:
        return self.attack().radius(victim.embedding_scale)

    @abstractmethod
    def attack(self) -> AscentAttack:
        """The attack at the full budget, which also gives the norm, the steps and what may be perturbed."""


@dataclass(frozen=True, kw_only=True)
class AdversarialObjective(BallObjective):
    """Half the loss on clean, half on adversarial embeddings (Goodfellow et al. 2015, eq. in section 6).

    The first ascent step uses the gradient that the clean half computes anyway, so ``steps`` ascent
    steps cost ``steps + 1`` forward and backward passes, against 1 of standard training.
    """

    def backward(self, victim: GradientVictim, encoding: Encoding, y: Tensor, step: Step) -> Tensor:
        attack = self.attack()
        mask = attack.perturbable(encoding)

        embeddings = trainable_embeddings(victim, encoding)
        clean = step.cross_entropy(victim.logits(encoding, embeddings), y)
        step.backward(clean / 2)
        gradient = gradient_of(embeddings, self.name)

        base = embeddings.detach()
        delta = torch.zeros_like(base)
        for number in range(attack.steps):
            if number > 0:
                gradient = torch.nan_to_num(
                    loss_gradient(victim, encoding, base + delta, Goal(y)), nan=0.0, posinf=0.0, neginf=0.0
                )
            ascent = attack.step_size * step.radius * ascent_direction(gradient, mask, attack.norm)
            delta = project(delta + ascent, attack.norm, step.radius)

        adversarial = step.cross_entropy(victim.logits(encoding, victim.embed(encoding) + delta), y)
        step.backward(adversarial / 2)
        return (clean.detach() + adversarial.detach()) / 2
