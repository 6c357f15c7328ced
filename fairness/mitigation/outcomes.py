"""Which of two labels counts as the outcome, which rates are to be alike, and what to choose among models."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from attacks.errors import AssayError, nearest
from attacks.parameters import wrong
from fairness.mitigation.base import NOUN, ModelMitigation
from robustness.dataset import TextDataset

Constraint = Literal[
    "equalized_odds", "demographic_parity", "true_positive_rate_parity", "false_positive_rate_parity"
]
SMALLEST = 30
"""Examples that a group must have for its rates to be compared: fewer say too little."""


@dataclass(frozen=True, kw_only=True)
class ConstrainedMitigation(ModelMitigation):
    """A method for two labels that makes some rates of the groups alike."""

    binary_only: ClassVar[bool] = True

    constraint: Constraint = field(
        default="equalized_odds", metadata={"help": "what is to be alike in all groups"}
    )
    positive_label: str | None = field(
        default=None, metadata={"help": "the outcome that rates speak of; the second label if left out"}
    )

    def check(self, dataset: TextDataset) -> None:
        """Refuses a positive label that is none of the data's, beside what every method does."""
        super().check(dataset)
        self.positive(dataset.label_names)

    def positive(self, label_names: Sequence[str]) -> int:
        """The index of the outcome; raises AssayError for a label that is not among ``label_names``."""
        if self.positive_label is None:
            return 1
        if self.positive_label not in label_names:
            raise AssayError(
                f'mitigation "{self.name}": positive_label: the data has no label "{self.positive_label}".'
                f"{nearest(self.positive_label, list(label_names))} Its labels: {', '.join(label_names)}."
            )
        return list(label_names).index(self.positive_label)


@dataclass(frozen=True, kw_only=True)
class ChoosingMitigation(ConstrainedMitigation):
    """One that makes several models on the training data and chooses among them on the validation data."""

    max_loss: float = field(
        default=0.02, metadata={"help": "accuracy on validation data that may be given up, from 0 to 1"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.max_loss <= 1:
            raise wrong(self.name, "max_loss", "a number from 0 to 1", self.max_loss, kind=NOUN)

    def choose(
        self, candidates: Sequence[np.ndarray], start: np.ndarray, y: np.ndarray, groups: np.ndarray
    ) -> tuple[int, str]:
        """The candidate whose groups differ least, among those that lose at most ``max_loss`` of accuracy.

        candidates: for each, the probability (n,) with which it gives each validation example the outcome.
        start: that of the model as it was. y: (n,) bool. Where all lose more, the most accurate one.
        Returns its index, and the choice in words.
        """
        accuracies = np.array([expected_accuracy(each, y) for each in candidates])
        gaps = np.array([violation(each, y, groups, self.constraint) for each in candidates])
        before, before_gap = expected_accuracy(start, y), violation(start, y, groups, self.constraint)
        allowed = np.flatnonzero(accuracies >= before - self.max_loss)
        chosen = int(
            min(allowed, key=lambda i: (gaps[i], -accuracies[i])) if len(allowed) else accuracies.argmax()
        )
        told = (
            f"on validation data groups differ by {gaps[chosen]:.3f} ({before_gap:.3f} before), accuracy "
            f"{accuracies[chosen]:.3f} ({before:.3f} before)"
        )
        return chosen, told


def expected_accuracy(positive: np.ndarray, y: np.ndarray) -> float:
    """Of a model that gives the outcome with the probabilities ``positive`` (n,); y: (n,) bool."""
    return float(np.where(y, positive, 1 - positive).mean())


def violation(positive: np.ndarray, y: np.ndarray, groups: np.ndarray, constraint: Constraint) -> float:
    """The largest difference between two groups in a rate that ``constraint`` wants alike.

    As ``expected_accuracy``, with the group (n,) of each example. Groups with fewer than 30 examples of a
    rate's denominator are left out, for their rates are chance; 0 where fewer than two groups are left.
    """
    everybody = np.ones(len(y), dtype=bool)
    compared = {
        "equalized_odds": (y, ~y),
        "demographic_parity": (everybody,),
        "true_positive_rate_parity": (y,),
        "false_positive_rate_parity": (~y,),
    }[constraint]
    gaps = [0.0]
    for of in compared:
        members = [of & (groups == value) for value in sorted(set(groups.tolist()))]
        rates = [float(positive[rows].mean()) for rows in members if rows.sum() >= SMALLEST]
        gaps.append(max(rates, default=0.0) - min(rates, default=0.0))
    return max(gaps)
