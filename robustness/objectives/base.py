"""What a training objective is: it computes one batch's loss and leaves its gradients on the weights."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from attacks.embedding.base import EmbeddingAttack
from attacks.errors import AssayError
from attacks.norms import ascent_direction, project
from attacks.victims import Encoding, GradientVictim

Backward = Callable[[Tensor], None]
"""Back-propagates a loss (scaled where mixed precision needs it); gradients add up on the weights."""


@dataclass(frozen=True)
class Objective:
    """Base of all objectives: a frozen dataclass of its parameters."""

    name: ClassVar[str]

    def params(self) -> dict[str, Any]:
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

    def backward(
        self, victim: GradientVictim, encoding: Encoding, y: Tensor, radius: float, backward: Backward
    ) -> Tensor:
        """The loss (scalar, detached) of one batch; its gradients are on the weights afterwards.

        y: (b,) class indices. radius: the absolute budget at this step of the ramp.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class AdversarialObjective(Objective):
    """Half the loss on clean, half on adversarial embeddings (Goodfellow et al. 2015, eq. in section 6).

    The first ascent step uses the gradient that the clean half computes anyway, so ``steps`` ascent
    steps cost ``steps + 1`` forward and backward passes, against 1 of standard training.

    epsilon: the budget, relative to the model's embedding scale.
    special_tokens: whether [CLS], [SEP] and the like may be perturbed.
    """

    epsilon: float
    special_tokens: bool = False

    def __post_init__(self) -> None:
        self.attack()  # validates the parameters that objective and attack share

    @property
    def epsilon_relative(self) -> float:
        return self.epsilon

    def radius(self, victim: GradientVictim) -> float:
        return self.attack().radius(victim.embedding_scale)

    def attack(self) -> EmbeddingAttack:
        raise NotImplementedError

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
            raise AssayError("the loss does not depend on the word embeddings; train with another objective.")
        gradient = embeddings.grad

        base = embeddings.detach()
        delta = torch.zeros_like(base)
        for step in range(attack.steps):
            if step > 0:
                moved = (base + delta).requires_grad_()
                loss = cross_entropy(victim.logits(encoding, moved), y)
                (gradient,) = torch.autograd.grad(loss, moved)
            ascent = attack.step_size * radius * ascent_direction(gradient, mask, attack.norm)
            delta = project(delta + ascent, attack.norm, radius)

        adversarial = cross_entropy(victim.logits(encoding, victim.embed(encoding) + delta), y)
        backward(adversarial / 2)
        return (clean.detach() + adversarial.detach()) / 2
