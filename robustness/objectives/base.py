"""What a training objective is: it computes one batch's loss and leaves its gradients on the weights."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from attacks.embedding.base import EmbeddingAttack, loss_gradient
from attacks.embedding.parameters import check_types, require_positive
from attacks.errors import AssayError
from attacks.norms import ascent_direction, project
from attacks.victims import Encoding, GradientVictim

Backward = Callable[[Tensor], None]
"""Back-propagates a loss (scaled where mixed precision needs it); gradients add up on the weights."""


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

    @abstractmethod
    def backward(
        self, victim: GradientVictim, encoding: Encoding, y: Tensor, radius: float, backward: Backward
    ) -> Tensor:
        """The loss (scalar, detached) of one batch; its gradients are on the weights afterwards.

        y: (b,) class indices. radius: the absolute budget at this step of the ramp.
        """


@dataclass(frozen=True, kw_only=True)
class AdversarialObjective(Objective):
    """Half the loss on clean, half on adversarial embeddings (Goodfellow et al. 2015, eq. in section 6).

    The first ascent step uses the gradient that the clean half computes anyway, so ``steps`` ascent
    steps cost ``steps + 1`` forward and backward passes, against 1 of standard training.

    Raises AssayError when a parameter has the wrong type or is out of range.
    """

    epsilon: float = field(
        metadata={
            "help": "budget, relative to the model's own embedding scale (linf: RMS component, l2: norm)"
        }
    )
    special_tokens: bool = field(
        default=False, metadata={"help": "perturb [CLS], [SEP] and the like too; padding never is"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "epsilon", self.epsilon, kind="objective")

    @property
    def epsilon_relative(self) -> float:
        return self.epsilon

    def radius(self, victim: GradientVictim) -> float:
        return self.attack().radius(victim.embedding_scale)

    @abstractmethod
    def attack(self) -> EmbeddingAttack:
        """The attack at the full budget, which also gives the norm, the steps and what may be perturbed."""

    def backward(
        self, victim: GradientVictim, encoding: Encoding, y: Tensor, radius: float, backward: Backward
    ) -> Tensor:
        attack = self.attack()
        mask = attack.perturbable(encoding)

        embeddings = victim.embed(encoding)
        if not embeddings.requires_grad:  # frozen embeddings
            embeddings.requires_grad_()
        embeddings.retain_grad()
        clean = cross_entropy(victim.logits(encoding, embeddings), y)
        backward(clean / 2)
        if embeddings.grad is None:
            raise AssayError(
                f'Objective "{self.name}": the loss does not depend on the word embeddings of this model. '
                'Train it with the objective "standard".'
            )
        gradient = embeddings.grad

        base = embeddings.detach()
        delta = torch.zeros_like(base)
        for step in range(attack.steps):
            if step > 0:
                gradient = loss_gradient(victim, encoding, base + delta, y)
            # In fp16 a scaled gradient may overflow; the scaler then skips this batch, and a
            # perturbation that is not finite would only make the loss look diverged.
            gradient = torch.nan_to_num(gradient, nan=0.0, posinf=0.0, neginf=0.0)
            ascent = attack.step_size * radius * ascent_direction(gradient, mask, attack.norm)
            delta = project(delta + ascent, attack.norm, radius)

        adversarial = cross_entropy(victim.logits(encoding, victim.embed(encoding) + delta), y)
        backward(adversarial / 2)
        return (clean.detach() + adversarial.detach()) / 2
