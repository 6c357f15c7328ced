"""From rows to counts: everything this room reports depends only on each group's confusion matrix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from attacks.errors import AssayError, nearest


@dataclass(frozen=True)
class GroupCounts:
    """The confusion matrices of one group column.

    values: the g group values, sorted.
    table: (g, k, k) int64 counts: group, true label, predicted label.
    """

    values: tuple[str, ...]
    table: np.ndarray

    @property
    def n(self) -> np.ndarray:
        """(g,) examples in each group."""
        return np.asarray(self.table.sum(axis=(1, 2)))

    def keep(self, mask: np.ndarray) -> "GroupCounts":
        """The groups where ``mask`` (g,) is True."""
        kept = tuple(value for value, keep in zip(self.values, mask, strict=True) if keep)
        return GroupCounts(kept, self.table[mask])


@dataclass(frozen=True)
class Outcome:
    """The class that plays "positive" in one-versus-rest metrics.

    index: its label number.
    name: its label name.
    suffix: appended to metric names: empty for a binary task, ``[name]`` otherwise.
    """

    index: int
    name: str
    suffix: str


def count_groups(y_true: np.ndarray, y_pred: np.ndarray, column: np.ndarray, k: int) -> GroupCounts:
    """Counts of checked labels (n,) in [0, k) by the values of ``column`` (n,)."""
    codes, values = pd.factorize(column, sort=True)
    cells = (codes * k + y_true) * k + y_pred
    table = np.bincount(cells, minlength=len(values) * k * k).reshape(len(values), k, k)
    return GroupCounts(tuple(str(value) for value in values), table)


def outcomes(label_names: Sequence[str], positive_label: str | None) -> tuple[Outcome, ...]:
    """The positive class of a binary task (by default the second), or every class of a larger one.

    Raises AssayError for fewer than two labels, a repeated one, a ``positive_label`` that is not
    among them, and a ``positive_label`` with more than two classes, where each takes its turn.
    """
    names = list(label_names)
    if len(names) < 2 or len(set(names)) < len(names):
        raise AssayError(f"expected at least two different label names, got {names}")
    if positive_label is not None and positive_label not in names:
        raise AssayError(
            f'positive_label: expected one of {names}, got "{positive_label}".'
            f"{nearest(positive_label, names)}"
        )
    if len(names) == 2:
        index = 1 if positive_label is None else names.index(positive_label)
        return (Outcome(index, names[index], ""),)
    if positive_label is not None:
        raise AssayError(
            f'positive_label: expected none for {len(names)} classes, got "{positive_label}"; '
            "each class is assessed one-versus-rest, so leave positive_label out"
        )
    return tuple(Outcome(index, name, f"[{name}]") for index, name in enumerate(names))


def check_labels(labels: np.ndarray, label_names: Sequence[str], what: str) -> np.ndarray:
    """``labels`` as a checked (n,) int64 array; ``what`` names them in an error (AssayError)."""
    array = np.asarray(labels)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise AssayError(
            f"{what}: expected a one-dimensional array of integer labels, "
            f"got {array.ndim} dimension(s) of {array.dtype}"
        )
    if len(array) == 0:
        raise AssayError(f"{what}: expected at least one example, got none")
    wrong = np.flatnonzero((array < 0) | (array >= len(label_names)))
    if len(wrong):
        raise AssayError(
            f"{what}, example {wrong[0]} (counted from 0): expected a label from 0 to "
            f"{len(label_names) - 1} (of {list(label_names)}), got {array[wrong[0]]}"
        )
    return array.astype(np.int64)


def check_groups(groups: Mapping[str, np.ndarray], n: int) -> dict[str, np.ndarray]:
    """The group columns as checked (n,) arrays of str; AssayError for no column, a length or a non-text."""
    if not groups:
        raise AssayError("expected at least one group column, got none; name one to assess fairness by")
    checked = {}
    for name, values in groups.items():
        column = np.asarray(values, dtype=object)
        if column.shape != (n,):
            raise AssayError(
                f'group column "{name}": expected one value for each of {n} examples, '
                f"got an array of shape {column.shape}"
            )
        for row, value in enumerate(column):
            if not isinstance(value, str):
                raise AssayError(
                    f'group column "{name}", example {row} (counted from 0): expected text, got {value!r}; '
                    'write numbers as text and give missing values a name, for example "unknown"'
                )
        checked[name] = column
    return checked
