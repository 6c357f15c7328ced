"""Regularisation by an adversary who looks for a different answer, and by a slow copy of the model."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from attacks.embedding.base import EPSILON_HELP
from attacks.embedding.fgsm import FGSM
from attacks.norms import project
from attacks.parameters import require_positive
from attacks.victims import Encoding, GradientVictim
from robustness.classifier import Classifier
from robustness.objectives.ascent import rewinder
from robustness.objectives.base import (
    BallObjective,
    Step,
    gradient_of,
    require_classifier,
    require_not_negative,
)
from robustness.objectives.divergence import symmetric_kl
from robustness.objectives.strata import Strata

EARLY, EARLY_MOMENTUM, LATE_MOMENTUM = 0.1, 0.99, 0.999
"""The momentum (beta) in the first share of the updates and after it, as in the paper's experiments."""


class Momentum:
    """A copy of the model whose weights follow those of the model slowly.

    progress: the share of the training that the last batch stood at.
    """

    def __init__(self, classifier: Classifier) -> None:
        self._followed = classifier.model
        self._copy = replace(classifier, model=deepcopy(classifier.model).requires_grad_(False))
        self.progress = 0.0

    @torch.no_grad()
    def logits(self, encoding: Encoding) -> Tensor:
        """The copy's answer (b, k) on clean text; with dropout where the model has it."""
        self._copy.model.train(self._followed.training)
        return self._copy.logits(encoding, self._copy.embed(encoding))

    @torch.no_grad()
    def follow(self) -> None:
        """The copy becomes beta times itself plus 1 - beta times the model (section 3.2)."""
        beta = EARLY_MOMENTUM if self.progress <= EARLY else LATE_MOMENTUM
        for mine, followed in zip(self._copy.model.parameters(), self._followed.parameters(), strict=True):
            mine.lerp_(followed, 1 - beta)

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = self._copy.model.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._copy.model.load_state_dict(state)


@dataclass(frozen=True, kw_only=True)
class SMART(BallObjective):
    """Cross-entropy, plus smoothness against an adversary, plus nearness to a slow copy of the model (SMART).

    Jiang et al. 2020, "SMART: Robust and efficient fine-tuning for pre-trained natural language models
    through principled regularized optimization", Algorithm 1 with one inner iteration (S = 1). The loss is
    CE + lambda KL_S(f(x), f(x')) + mu KL_S(f(x), f~(x)) with the symmetric divergence KL_S. The adversary x'
    starts at x plus normal noise of standard deviation sigma and takes steps of size eta up the divergence,
    projected to the L-infinity ball; f~ is an exponential moving average of the model with a momentum of 0.99
    in the first 10 % of the updates and 0.999 after.

    The paper gives sigma 1e-5, eta 1e-3, epsilon 1e-5, one step, mu 1 and lambda one of 1, 3 and 5, all
    absolute. BERT-base's word embeddings have components of 0.05 (root mean square), by which these are
    divided here: sigma 0.0002 and eta 0.02. **Epsilon departs**: the paper's would be 0.0002, which hardly
    moves an answer; the published code (MT-DNN) does not project at all, so its adversary reaches eta. The
    default is that reach, 0.02.

    As in that code a step goes along the gradient over its largest component in each token, [CLS] and [SEP]
    excepted unless ``special_tokens`` says otherwise. Departures from it: every pass over a batch has the
    same dropout mask, so that a divergence measures the perturbation, or the weights, and no dropout; and all
    passes run in fp32 whatever the precision of the training, because the start lies below the rounding of
    bf16 and fp16.

    Costs ``steps + 2`` forward and backward passes, and a forward pass of the copy unless
    ``proximal_weight`` is 0; the copy takes as much memory as the weights. Validation faces FGSM with the
    same epsilon: it searches the ball in which the model is to be smooth, at the price of one gradient.
    """

    name: ClassVar[str] = "smart"

    epsilon: float = field(default=0.02, metadata={"help": EPSILON_HELP})
    steps: int = field(default=1, metadata={"help": "ascent steps of the adversary"})
    step_size: float = field(
        default=0.02, metadata={"help": "length of a step (eta), relative to the RMS component of embeddings"}
    )
    sigma: float = field(
        default=0.0002,
        metadata={"help": "size of the normal noise to start from, relative to the RMS component"},
    )
    smoothness_weight: float = field(
        default=1.0, metadata={"help": "weight of the divergence under the adversary (lambda in the paper)"}
    )
    proximal_weight: float = field(
        default=1.0, metadata={"help": "weight of the divergence from the slow copy (mu in the paper)"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in ("steps", "step_size", "sigma"):
            require_positive(self.name, key, getattr(self, key), kind="objective")
        require_not_negative(self.name, "smoothness_weight", self.smoothness_weight)
        require_not_negative(self.name, "proximal_weight", self.proximal_weight)

    def attack(self) -> FGSM:
        return FGSM(epsilon=self.epsilon, special_tokens=self.special_tokens)

    def memory(self, victim: GradientVictim, strata: Strata | None = None) -> Momentum | None:
        if self.proximal_weight == 0:
            return None
        return Momentum(require_classifier(self.name, victim))

    def after_update(self, victim: GradientVictim, memory: Momentum | None) -> None:
        if memory is not None:
            memory.follow()

    def backward(self, victim: GradientVictim, encoding: Encoding, y: Tensor, step: Step) -> Tensor:
        device = encoding.real.device
        with torch.autocast(device.type, enabled=False):
            start = torch.randn_like(victim.embed(encoding), dtype=torch.float32)
            rewind = rewinder(device)
            clean = victim.logits(encoding, victim.embed(encoding))
            loss = step.cross_entropy(clean, y)
            if self.proximal_weight:
                rewind()
                loss = loss + self.proximal_weight * symmetric_kl(
                    clean, step.memory.logits(encoding), step.weights
                )
                step.memory.progress = step.progress
            delta = self._adversary(victim, encoding, clean.detach(), start, rewind, step.radius)
            rewind()
            adversarial = victim.logits(encoding, victim.embed(encoding) + delta)
            loss = loss + self.smoothness_weight * symmetric_kl(clean, adversarial, step.weights)
            step.backward(loss)
        return loss.detach()

    def _adversary(
        self,
        victim: GradientVictim,
        encoding: Encoding,
        clean: Tensor,
        noise: Tensor,
        rewind: Callable[[], None],
        radius: float,
    ) -> Tensor:
        """The perturbation (b, t, d) in the ball of ``radius`` that moves the answer away from ``clean``."""
        mask = self.attack().perturbable(encoding)[..., None]
        unit = radius / self.epsilon
        base = victim.embed(encoding).detach()
        delta = project(self.sigma * unit * noise * mask, "linf", radius)
        for _ in range(self.steps):
            rewind()
            leaf = (base + delta).requires_grad_()
            # Of all gradients only this one: the weights get none.
            torch.autograd.backward(symmetric_kl(clean, victim.logits(encoding, leaf)), inputs=[leaf])
            gradient = gradient_of(leaf, self.name) * mask
            largest = gradient.abs().amax(dim=-1, keepdim=True)
            direction = gradient / torch.where(largest > 0, largest, 1)
            delta = project(delta + self.step_size * unit * direction, "linf", radius)
        return delta
