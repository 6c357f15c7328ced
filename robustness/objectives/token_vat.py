"""Adversarial training whose perturbations start from what was learnt about each token."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from attacks.norms import ascent_direction
from attacks.parameters import require_positive
from attacks.victims import Encoding, GradientVictim
from robustness.objectives.ascent import AscentObjective, Parts, ascend, total, uniform_start
from robustness.objectives.base import Step, require_classifier
from robustness.objectives.strata import Strata


class PerturbationVocabulary:
    """The last perturbation of each token of the vocabulary.

    perturbations: (v, d), float32, in multiples of the budget, so that they rise with the ramp.
    """

    def __init__(self, perturbations: Tensor) -> None:
        self.perturbations = perturbations

    def keep(self, ids: Tensor, perturbations: Tensor) -> None:
        """Replace those of ``ids`` (n,) by ``perturbations`` (n, d), several of one token by their mean."""
        tokens, row = torch.unique(ids, return_inverse=True)
        sums = perturbations.new_zeros(len(tokens), perturbations.shape[1])
        sums.index_put_((row,), perturbations, accumulate=True)
        self.perturbations[tokens] = sums / torch.bincount(row)[:, None]

    def state_dict(self) -> dict[str, Any]:
        return {"perturbations": self.perturbations}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.perturbations.copy_(state["perturbations"])


@dataclass(frozen=True, kw_only=True)
class TokenVAT(AscentObjective):
    """FreeLB with a second perturbation, of each token, that goes on from batch to batch (TA-VAT).

    Li and Qiu 2021, "Token-aware virtual adversarial training in natural language understanding",
    Algorithm 1. The perturbation is delta + eta. Delta is that of FreeLB, over the sentence. Eta starts at
    the vocabulary of perturbations, takes steps along each token's own gradient, is scaled by each token's
    share n_i = |eta_i| / max_j |eta_j|, so that tokens that matter little move little, and goes back into the
    vocabulary, which begins uniform in plus or minus ``start / sqrt(d)``.

    Their published commands give, for MNLI, 2 steps of absolute size 0.1, an initial magnitude of 0.3 and a
    maximum norm of 0.4 (for SST-2: 0.05, 0.2 and 0.5). The defaults are the former on a model whose word
    embeddings have a mean norm of 1.4, as those of BERT-base: 0.07, 0.21 and 0.29.

    As in the published code the sum of both is what the maximum norm bounds, by scaling both alike.
    Departures: the start is bounded too; the code divides eta's start by its norm over the whole batch, which
    makes an example depend on its neighbours, and adds to the vocabulary instead of replacing, neither of
    which the paper says; a token that occurs several times in a batch leaves the mean. [CLS] and [SEP] stay
    as they are unless ``special_tokens`` says otherwise. The vocabulary begins the same in every training,
    drawn from a generator of its own: the training's is not seeded yet. It takes as much memory as the
    embedding matrix.

    Costs ``steps`` forward and backward passes.
    """

    name: ClassVar[str] = "token-vat"

    steps: int = field(default=2, metadata={"help": "ascent steps, one forward and one backward pass each"})
    step_size: float = field(
        default=0.07, metadata={"help": "length of a step, relative to the model's embedding norm"}
    )
    start: float = field(
        default=0.21,
        metadata={"help": "greatest length of the random start, relative to the model's embedding norm"},
    )
    epsilon: float = field(
        default=0.29, metadata={"help": "greatest norm (l2), relative to the model's embedding norm"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "epsilon", self.epsilon, kind="objective")

    @property
    def bound(self) -> float:
        return self.epsilon

    def memory(self, victim: GradientVictim, strata: Strata | None = None) -> PerturbationVocabulary:
        weight = require_classifier(self.name, victim).model.get_input_embeddings().weight
        drawn = 2 * torch.rand(weight.shape, generator=torch.Generator().manual_seed(0)) - 1
        size = self.start / self.epsilon / weight.shape[1] ** 0.5
        return PerturbationVocabulary((size * drawn).to(weight.device))

    def backward(self, victim: GradientVictim, encoding: Encoding, y: Tensor, step: Step) -> Tensor:
        mask = self.attack().perturbable(encoding)
        ids = encoding.inputs["input_ids"]
        length = self.absolute(self.step_size, step)

        def update(parts: Parts, gradient: Tensor) -> Parts:
            sentence, tokens = parts
            sentence = sentence + length * ascent_direction(gradient, mask, "l2")
            tokens = tokens + length * ascent_direction(gradient, mask, "l2_per_token")
            return bounded((sentence, tokens * shares(tokens)), step.radius)

        tokens = step.radius * step.memory.perturbations[ids] * mask[..., None]
        sentence = uniform_start(mask, tokens.shape[-1], self.absolute(self.start, step))
        start = bounded((sentence, tokens), step.radius)
        loss, (_, tokens) = ascend(
            victim, encoding, y, step, objective=self.name, steps=self.steps, start=start, update=update
        )
        if step.radius > 0:
            step.memory.keep(ids[mask], tokens[mask] / step.radius)
        return loss


def shares(tokens: Tensor) -> Tensor:
    """Each token's norm over the largest of its example, (b, t, 1) from (b, t, d); 0 where all are 0."""
    norms: Tensor = torch.linalg.vector_norm(tokens, dim=2, keepdim=True)
    largest = norms.amax(dim=1, keepdim=True)
    return norms / torch.where(largest > 0, largest, 1)


def bounded(parts: Parts, radius: float) -> Parts:
    """The parts, all scaled down alike where their sum is longer than ``radius`` in an example (l2)."""
    length = torch.linalg.vector_norm(total(parts), dim=(1, 2), keepdim=True)
    scale = torch.where(length > radius, radius / length, 1)
    return tuple(part * scale for part in parts)
