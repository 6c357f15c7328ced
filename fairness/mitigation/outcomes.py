"""Which of two labels counts as the outcome, which rates are to be alike, and what to choose among models."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from attacks.errors import AssayError, nearest
from attacks.parameters import wrong
from fairness.mitigation.base import NOUN, ModelMitigation
from fairness.mitigation.comparison import Constraint, Denominator, denominators, listed, violation
from robustness.dataset import TextDataset


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


@dataclass(frozen=True)
class Choice:
    """The chosen one of several models: its index, and what the validation data says of it, in sentences."""

    index: int
    notes: tuple[str, ...]


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

    @property
    def chooses(self) -> bool:
        """Whether there will be several models to choose among."""
        return True

    def check(self, dataset: TextDataset) -> None:
        """Refuses validation data on which groups cannot be compared, beside what every method does."""
        super().check(dataset)
        self.compared(dataset.split("train"), dataset.split("validation"))

    def compared(self, training: TextDataset, validation: TextDataset) -> list[Denominator]:
        """What the rates of the constraint are shares of in the validation data, for all groups of both.

        Raises AssayError where there is to be a choice, and fewer than two groups have a validation example
        of a label whose rates the constraint compares.
        """
        names, column = validation.label_names, self.column(validation)
        positive = self.positive(names)
        found = denominators(
            validation.labels == positive,
            column,
            self.constraint,
            values={*self.column(training).tolist(), *column.tolist()},
            outcome=names[positive],
            other=names[1 - positive],
        )
        for each in found if self.chooses else ():
            if not each.measurable:
                raise AssayError(
                    f'mitigation "{self.name}" chooses among models by how much groups differ on the '
                    f'validation data ({self.constraint}). Expected at least two groups of "{self.group}" '
                    f"with validation {each.in_words}, got {listed(each.counts)}. Give more validation data "
                    "(validation_fraction or validation_path in [data]), or join small groups in the data."
                )
        return found

    def choose(
        self,
        candidates: Sequence[np.ndarray],
        start: np.ndarray,
        y: np.ndarray,
        compared: Sequence[Denominator],
    ) -> Choice:
        """The candidate whose groups differ least, among those that lose at most ``max_loss`` of accuracy.

        candidates: for each, the probability (n,) with which it gives each validation example the outcome.
        start: that of the model as it was. y: (n,) bool. Where all lose more, the most accurate one. A single
        candidate is no choice; where its groups cannot be compared, the notes say so.
        """
        accuracies = np.array([expected_accuracy(each, y) for each in candidates])
        before, before_gap = expected_accuracy(start, y), violation(start, compared)
        gaps = [violation(each, compared) for each in candidates]
        allowed = np.flatnonzero(accuracies >= before - self.max_loss)
        if len(candidates) == 1:
            chosen = 0
        elif len(allowed):
            chosen = int(min(allowed, key=lambda i: (gaps[i], -accuracies[i])))
        else:
            chosen = int(accuracies.argmax())
        gap = gaps[chosen]
        differ = "" if gap is None else f"groups differ by {gap:.3f} ({before_gap:.3f} before), "
        told = (
            f"On the {len(y):,} validation examples {differ}accuracy is {accuracies[chosen]:.3f} "
            f"({before:.3f} before)."
        )
        return Choice(chosen, (told, *(note for each in compared for note in each.notes())))


def expected_accuracy(positive: np.ndarray, y: np.ndarray) -> float:
    """Of a model that gives the outcome with the probabilities ``positive`` (n,); y: (n,) bool."""
    return float(np.where(y, positive, 1 - positive).mean())
