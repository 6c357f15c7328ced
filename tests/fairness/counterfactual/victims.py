"""A model whose answers follow from the words of a text, and data for it."""

from collections.abc import Mapping, Sequence

import numpy as np

from attacks.victims import TextInput
from fairness.counterfactual.examples import CounterfactualOutcome, Example, text_examples
from fairness.counterfactual.run import iter_outcomes
from fairness.counterfactual.swapping import Swapper
from fairness.counterfactual.terms import load_terms
from robustness.dataset import TextDataset

LABELS = ("fine", "bad")
SWAPPER = Swapper(load_terms(["gender", "religion"]))


class WeightedWords:
    """P(bad) is 0.25 and the weights of the words in a text. Remembers what it was asked, call by call."""

    def __init__(self, weights: Mapping[str, float], label_names: tuple[str, ...] = LABELS) -> None:
        self.weights = weights
        self.label_names = label_names
        self.calls: list[list[TextInput]] = []

    def predict_proba(self, texts: Sequence[TextInput]) -> np.ndarray:
        self.calls.append(list(texts))
        bad = np.array([self.bad(text) for text in texts])
        rest = [np.zeros(len(bad))] * (len(self.label_names) - 2)
        return np.column_stack([1 - bad, bad, *rest])

    def bad(self, text: TextInput) -> float:
        words = (text if isinstance(text, str) else " ".join(text)).lower().replace(".", "").split()
        return 0.25 + sum(self.weights.get(word, 0.0) for word in words)


def dataset(texts: Sequence[str], labels: Sequence[int] | None = None) -> TextDataset:
    """Texts with the ids e1, e2, ..., all "fine" unless labels say otherwise."""
    n = len(texts)
    return TextDataset(
        name="by hand",
        ids=tuple(f"e{i}" for i in range(1, n + 1)),
        texts=tuple(texts),
        text_pairs=None,
        labels=np.array(labels or [0] * n, dtype=np.int64),
        label_names=LABELS,
        groups={},
        splits=np.full(n, "test"),
    )


def examples_of(victim: WeightedWords, data: TextDataset, swapper: Swapper = SWAPPER) -> list[Example]:
    clean = WeightedWords(victim.weights, victim.label_names).predict_proba(data.inputs)
    return list(text_examples(data, clean, swapper, seed=0))


def outcomes_of(victim: WeightedWords, examples: Sequence[Example]) -> list[CounterfactualOutcome]:
    return list(iter_outcomes(victim, examples))
