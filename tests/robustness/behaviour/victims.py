"""Classifiers whose answers are known, and data for them."""

from collections.abc import Sequence

import numpy as np

from attacks.victims import TextInput
from robustness.dataset import TextDataset

LABELS = ("negative", "positive")


class KeywordVictim:
    """Positive with 0.9 where the word "good" stands in the text, else with 0.2; "not" takes 0.1 from it.

    Remembers what it was asked, call by call.
    """

    def __init__(self, label_names: tuple[str, ...] = LABELS) -> None:
        self.label_names = label_names
        self.calls: list[list[TextInput]] = []

    def predict_proba(self, texts: Sequence[TextInput]) -> np.ndarray:
        self.calls.append(list(texts))
        positive = np.array([self.positive(text) for text in texts])
        return np.stack([1 - positive, positive], axis=1)

    def positive(self, text: TextInput) -> float:
        words = (text if isinstance(text, str) else " ".join(text)).split()
        return (0.9 if "good" in words else 0.2) - (0.1 if "not" in words else 0.0)


class LabelVictim(KeywordVictim):
    """The same, with labels only."""

    scores = False

    def predict_proba(self, texts: Sequence[TextInput]) -> np.ndarray:
        return np.eye(2)[super().predict_proba(texts).argmax(axis=1)]


class BrokenVictim(KeywordVictim):
    """Answers as many NaN as it is asked for."""

    def predict_proba(self, texts: Sequence[TextInput]) -> np.ndarray:
        return np.full((len(texts), 2), np.nan)


def dataset(
    texts: Sequence[str],
    labels: Sequence[int],
    *,
    pairs: Sequence[str] | None = None,
    groups: dict[str, Sequence[str]] | None = None,
) -> TextDataset:
    """Texts with ids e1, e2, ... and labels negative (0) or positive (1)."""
    return TextDataset(
        name="by hand",
        ids=tuple(f"e{i}" for i in range(1, len(texts) + 1)),
        texts=tuple(texts),
        text_pairs=None if pairs is None else tuple(pairs),
        labels=np.array(labels, dtype=np.int64),
        label_names=LABELS,
        groups={name: np.array(values) for name, values in (groups or {}).items()},
        splits=np.full(len(texts), "test"),
    )
