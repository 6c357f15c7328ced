"""From rows to counts: what predictions show of groups depends only on each group's confusion matrix."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attacks.errors import AssayError, nearest
from fairness.groups import Grouping


@dataclass(frozen=True)
class GroupCounts:
    """The confusion matrices of one grouping.

    values: the names of the g groups.
    cells: (c, k, k) int64 counts: cell of the grouping, true label, predicted label. Examples of different
        cells are different examples, so counts of cells are independent where those of groups overlap.
    members: (c, g) bool, which groups the examples of a cell belong to.
    """

    values: tuple[str, ...]
    cells: np.ndarray
    members: np.ndarray

    @property
    def table(self) -> np.ndarray:
        """(g, k, k) int64 counts: group, true label, predicted label."""
        return group_table(self.cells, self.members)

    @property
    def n(self) -> np.ndarray:
        """(g,) examples in each group."""
        return np.asarray(self.cells.sum(axis=(1, 2)) @ self.members.astype(np.int64))

    @property
    def total(self) -> np.ndarray:
        """(k, k) counts of all examples, those of no group included."""
        return np.asarray(self.cells.sum(axis=0))

    @property
    def disjoint(self) -> bool:
        """Whether no example belongs to two groups."""
        return bool((self.members.sum(axis=1) <= 1).all())

    def keep(self, mask: np.ndarray) -> "GroupCounts":
        """The groups where ``mask`` (g,) is True; the examples of the others still count in ``total``."""
        kept = tuple(value for value, keep in zip(self.values, mask, strict=True) if keep)
        return GroupCounts(kept, self.cells, self.members[:, mask])


def group_table(cells: np.ndarray, members: np.ndarray) -> np.ndarray:
    """(..., g, k, k) counts of groups from those of cells (..., c, k, k)."""
    if members.shape[0] == members.shape[1] and np.array_equal(members, np.eye(len(members), dtype=bool)):
        return cells
    # As floats for a fast product: counts are exact in them below 2**53.
    joined = np.einsum("...cij,cg->...gij", cells.astype(float), members.astype(float), optimize=True)
    return np.asarray(joined).astype(np.int64)


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


def count_groups(y_true: np.ndarray, y_pred: np.ndarray, grouping: Grouping, k: int) -> GroupCounts:
    """Counts of checked labels (n,) in [0, k) by the groups of ``grouping``."""
    c = len(grouping.members)
    codes = (grouping.cells * k + y_true) * k + y_pred
    cells = np.bincount(codes, minlength=c * k * k).reshape(c, k, k)
    return GroupCounts(grouping.values, cells, grouping.members)


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
