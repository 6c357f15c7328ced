"""What the validity checks ask a classifier, on a sample it gets right: PGD, and what it is held against."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from attacks.embedding.base import EmbeddingAttack
from attacks.embedding.fmn import FMN
from attacks.embedding.noise import Noise
from attacks.embedding.pgd import PGD
from attacks.goals import Goal
from attacks.threat_model import Norm
from attacks.victims import EmbeddingScale, Encoding, GradientVictim
from robustness import evaluate
from robustness.batched import Advance, ignore_progress
from robustness.calibration import Tempered, fit_temperature
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.judge import example_seed
from robustness.outcomes import Outcome, OutcomeStore

STEPS = 10
SOFTENED = 1000.0
"""The temperature at which held-out answers are kept: of a confident model's own, only 0 and 1 would be."""

StoreOf = Callable[[TextDataset, str, Mapping[str, Any]], OutcomeStore]
"""From the data, the name and the parameters of a probe to where its outcomes are kept."""


@dataclass(frozen=True)
class HeldOut:
    """Examples that are not in the sample; ``name`` says which they are."""

    name: str
    dataset: TextDataset


@dataclass(frozen=True)
class Surrogate:
    """Another model, which adversarial embeddings are made on and taken over from. sha256: of the model."""

    name: str
    sha256: str
    classifier: Classifier

    def fits(self, classifier: Classifier) -> bool:
        """Whether it can be shown the token ids and embeddings of ``classifier``."""
        one, other = classifier.model, self.classifier.model
        return bool(
            one.config.model_type == other.config.model_type
            and one.get_input_embeddings().weight.shape == other.get_input_embeddings().weight.shape
            and classifier.max_length <= self.classifier.max_length
            and classifier.tokenizer.get_vocab() == self.classifier.tokenizer.get_vocab()
        )


@dataclass(frozen=True)
class Probe:
    """What is probed: a classifier on n examples that it gets right, at one budget (epsilon relative)."""

    classifier: Classifier
    dataset: TextDataset
    clean: Sequence[Outcome]
    norm: Norm
    epsilon: float
    seed: int
    confidence: float
    store_of: StoreOf
    advance: Advance = ignore_progress

    def asked(self, name: str) -> list[Outcome]:
        """Clean outcomes of the sample, asked once more."""
        store = self.store_of(self.dataset, f"validity:{name}", {})
        return evaluate.predict(self.classifier, self.dataset, store, self.advance)

    def under(self, attack: EmbeddingAttack, name: str, temperature: float = 1.0) -> list[Outcome]:
        """Outcomes of the sample under one probing attack, of the classifier at this temperature."""
        params = {**attack.params(), "seed": self.seed, "temperature": temperature}
        return evaluate.attack(
            self.classifier if temperature == 1 else Tempered.of(self.classifier, temperature),
            self.dataset,
            self.clean,
            attack,
            self.store_of(self.dataset, f"validity:{name}", params),
            seed=self.seed,
            advance=self.advance,
        )

    def pgd(self, *, times: float = 1.0, steps: int = STEPS) -> PGD:
        """PGD at so many times the budget. One step goes to the edge of the ball, more go in quarters."""
        step_size = 1.0 if steps == 1 else 0.25
        return PGD(epsilon=times * self.epsilon, norm=self.norm, steps=steps, step_size=step_size)

    def noise(self) -> list[Outcome]:
        return self.under(Noise(epsilon=self.epsilon, norm=self.norm), "noise")

    def unbounded(self) -> list[Outcome]:
        """Outcomes under perturbations of whatever size it takes, as far as gradients lead there."""
        return self.under(FMN(norm=self.norm, steps=STEPS, bisections=0), "unbounded")

    def transferred(self, surrogate: Surrogate) -> list[Outcome]:
        """Outcomes under perturbations of the classifier's embeddings that were made on ``surrogate``."""
        return self.under(Through(attack=self.pgd(), surrogate=surrogate), "transfer")

    def temperature(self, held_out: HeldOut) -> float:
        """The classifier's temperature on ``held_out``, a forward pass for each example."""
        softened = Tempered.of(self.classifier, SOFTENED)
        store = self.store_of(held_out.dataset, "validity:softened", {"temperature": SOFTENED})
        answers = evaluate.predict(softened, held_out.dataset, store, self.advance)
        # The logarithms of probabilities are logits: softmax does not see the shift.
        logits = SOFTENED * np.log([outcome.probabilities for outcome in answers])
        return fit_temperature(logits, held_out.dataset.labels)


@dataclass(frozen=True, kw_only=True)
class Through(EmbeddingAttack):
    """An attack that is shown the logits of another model than the one that is judged."""

    name: ClassVar[str] = "through"

    attack: PGD
    surrogate: Surrogate

    @property
    def norm(self) -> Norm:
        return self.attack.norm

    @property
    def budget(self) -> float:
        return self.attack.epsilon

    def params(self) -> dict[str, Any]:
        return {**self.attack.params(), "shown": self.surrogate.sha256}

    def perturb(
        self,
        victim: GradientVictim,
        encoding: Encoding,
        embeddings: Tensor,
        goal: Goal,
        seeds: Sequence[int],
    ) -> Tensor:
        return self.attack.perturb(_Shown(victim, self.surrogate), encoding, embeddings, goal, seeds)


class _Shown:
    """The surrogate's logits; the embeddings, and so the budget, are the judged model's own."""

    def __init__(self, victim: GradientVictim, surrogate: Surrogate) -> None:
        self._victim, self._surrogate = victim, surrogate

    @property
    def embedding_scale(self) -> EmbeddingScale:
        return self._victim.embedding_scale

    def tokenize(self, texts: Sequence[Any]) -> Encoding:
        return self._victim.tokenize(texts)

    def embed(self, encoding: Encoding) -> Tensor:
        return self._victim.embed(encoding)

    def logits(self, encoding: Encoding, embeddings: Tensor) -> Tensor:
        return self._surrogate.classifier.logits(encoding, embeddings)


def sample_of(
    dataset: TextDataset, clean: Sequence[Outcome], n: int, seed: int
) -> tuple[TextDataset, list[Outcome]]:
    """At most ``n`` randomly drawn examples that are classified correctly, and their clean outcomes."""
    right = [i for i, outcome in enumerate(clean) if outcome.prediction == outcome.label]
    drawn = sorted(sorted(right, key=lambda i: example_seed(seed, dataset.ids[i]))[:n])
    return dataset.take(drawn), [clean[i] for i in drawn]
