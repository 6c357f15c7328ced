"""Gradient ascent on word embeddings: the loop that FGSM, FGM and PGD share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, get_type_hints

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from attacks.embedding.parameters import checked, require_positive
from attacks.errors import AssayError
from attacks.norms import ascent_direction, project, shift
from attacks.threat_model import Norm, ThreatModel
from attacks.victims import EmbeddingScale, Encoding, GradientVictim


@dataclass(frozen=True, kw_only=True)
class EmbeddingAttack(ABC):
    """An attack that raises the loss by moving word embeddings within a ball around them.

    A subclass is a frozen dataclass with a ``name`` and a ``norm``; its fields are its parameters. It may
    override ``steps`` and ``step_size`` (as fields or properties) and ``start``, or ``perturb`` altogether.

    Raises AssayError when a parameter has the wrong type or is out of range.
    """

    name: ClassVar[str]

    epsilon: float = field(
        metadata={
            "help": "budget, relative to the model's own embedding scale (linf: RMS component, l2: norm)"
        }
    )
    special_tokens: bool = field(
        default=False, metadata={"help": "perturb [CLS], [SEP] and the like too; padding never is"}
    )

    def __post_init__(self) -> None:
        declared = get_type_hints(type(self))
        for parameter in fields(self):
            key = parameter.name
            object.__setattr__(self, key, checked(self.name, key, getattr(self, key), declared[key]))
        require_positive(self.name, "epsilon", self.epsilon)

    @property
    @abstractmethod
    def norm(self) -> Norm:
        """The norm of the ball."""

    @property
    def steps(self) -> int:
        """Ascent steps; each costs one forward and one backward pass."""
        return 1

    @property
    def step_size(self) -> float:
        """The length of a step, relative to epsilon."""
        return 1.0

    @property
    def threat_model(self) -> ThreatModel:
        return ThreatModel(access="white-box", space="embedding", norm=self.norm, epsilon=self.epsilon)

    def params(self) -> dict[str, Any]:
        """All parameters as JSON-able values, in the order of declaration."""
        return asdict(self)

    def radius(self, scale: EmbeddingScale) -> float:
        """The absolute budget: epsilon times the model's embedding scale in the attack's norm."""
        return self.epsilon * scale.of(self.norm)

    def perturbable(self, encoding: Encoding) -> Tensor:
        """(b, t) bool: the tokens that this attack may move."""
        return encoding.real if self.special_tokens else encoding.real & ~encoding.special

    def start(self, clean: Tensor, mask: Tensor, radius: float, seeds: Sequence[int]) -> Tensor:
        """The first perturbation (b, t, d), float32: none, unless a subclass says otherwise."""
        return torch.zeros_like(clean, dtype=torch.float32)

    def perturb(
        self,
        victim: GradientVictim,
        encoding: Encoding,
        embeddings: Tensor,
        y: Tensor,
        seeds: Sequence[int],
    ) -> Tensor:
        """Propose perturbed embeddings (b, t, d), in the precision of ``embeddings``, detached.

        embeddings: (b, t, d), what ``victim.embed(encoding)`` returned. y: (b,) int64, the true classes, on
        the same device. seeds: one per example, for attacks that draw; an example's proposal depends on its
        own seed only. Costs ``steps`` forward and ``steps`` backward passes. Must not be called in
        ``torch.inference_mode``; ``torch.no_grad`` is fine.

        Raises AssayError when the model's gradients are not finite.
        """
        if not len(seeds) == len(y) == len(embeddings) == len(encoding):
            raise ValueError(
                f"expected one embedding, class and seed for each of {len(encoding)} examples, "
                f"got {len(embeddings)}, {len(y)} and {len(seeds)}"
            )
        clean = embeddings.detach()
        mask = self.perturbable(encoding)
        radius = self.radius(victim.embedding_scale)
        delta = self.start(clean, mask, radius, seeds)
        for _ in range(self.steps):
            gradient = loss_gradient(victim, encoding, shift(clean, delta, mask), y)
            step = self.step_size * radius * ascent_direction(gradient, mask, self.norm)
            delta = project(delta + step, self.norm, radius)
        if not torch.isfinite(delta).all():
            raise AssayError(
                f'Attack "{self.name}": expected finite gradients of the model, got NaN or infinity. '
                "Check that the model's weights are finite and, in half precision, try float32."
            )
        return shift(clean, delta, mask)


def loss_gradient(victim: GradientVictim, encoding: Encoding, embeddings: Tensor, y: Tensor) -> Tensor:
    """The gradient (b, t, d) of the summed cross-entropy with respect to ``embeddings`` (b, t, d).

    One forward and one backward pass; the weights get no gradients. The sum, not the mean, keeps an
    example's gradient independent of the size of its batch.
    """
    with torch.enable_grad():
        leaf = embeddings.detach().requires_grad_()
        loss = cross_entropy(victim.logits(encoding, leaf).float(), y, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, leaf)
    return gradient
