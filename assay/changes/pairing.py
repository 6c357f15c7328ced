"""Which examples two audits share, and their answers to them side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from assay.outcome_table import Answers, Failures, OutcomeTable

LEAST_SHARED = 0.8
"""Of the larger audit: with fewer shared examples the audits are compared as two samples."""


class UnmeasuredError(Exception):
    """Why a change could not be measured; it ends as the reason of an undefined estimate."""


def enough(shared: int, most: int) -> bool:
    """Whether ``shared`` examples of the larger audit's ``most`` are compared in pairs."""
    return 0 < shared >= LEAST_SHARED * most


@dataclass(frozen=True, eq=False)
class Pairs:
    """The m examples that two audits share: the same id with a label of the same name.

    label_names: k names in the order of the audit that is judged. labels: (m,) indices into them.
    groups: {column: (m,) str} as the audit that is judged has them. now, then: (m,) rows of the two tables.
    relabelled: (k,) the number of each of the other audit's labels. n_now, n_then: examples of each audit.
    """

    label_names: tuple[str, ...]
    labels: np.ndarray
    groups: dict[str, np.ndarray]
    now: np.ndarray
    then: np.ndarray
    relabelled: np.ndarray
    n_now: int
    n_then: int

    @property
    def enough(self) -> bool:
        """Whether the audits can be compared in pairs."""
        return enough(len(self.now), max(self.n_now, self.n_then))

    def answers_now(self, answers: Answers) -> Answers:
        """(m,) of the audit that is judged."""
        return answers.take(self.now)

    def answers_then(self, answers: Answers) -> Answers:
        """(m,) of the other audit, its labels numbered as in the audit that is judged."""
        found = answers.take(self.then)
        columns = np.argsort(self.relabelled)
        given = found.probabilities
        return replace(
            found,
            prediction=self.relabelled[found.prediction],
            probabilities=None if given is None else given[:, columns],
        )


def pairs_of(now: OutcomeTable, then: OutcomeTable, *, by_row: bool = False) -> Pairs:
    """The examples that both audits have. Raises UnmeasuredError where their labels have other names.

    by_row: as ``assay.changes.audited.by_row`` has it; then no example is known to be shared unless
    ``same_rows`` holds.
    """
    if set(now.label_names) != set(then.label_names):
        raise UnmeasuredError("the audits have different labels")
    relabelled = np.array([now.label_names.index(name) for name in then.label_names], dtype=np.int64)
    known = not by_row or same_rows(now, then)
    place = {example_id: row for row, example_id in enumerate(then.ids)} if known else {}
    found = np.array([place.get(example_id, -1) for example_id in now.ids], dtype=np.int64)
    rows = np.flatnonzero(found >= 0)
    rows = rows[relabelled[then.labels[found[rows]]] == now.labels[rows]]
    return Pairs(
        label_names=now.label_names,
        labels=now.labels[rows],
        groups={name: column[rows] for name, column in now.groups.items()},
        now=rows,
        then=found[rows],
        relabelled=relabelled,
        n_now=len(now.ids),
        n_then=len(then.ids),
    )


def same_rows(now: OutcomeTable, then: OutcomeTable) -> bool:
    """Whether both audits have the same ids in the same order with labels of the same names throughout."""
    if now.ids != then.ids:
        return False
    mine, theirs = (np.array(each.label_names, dtype=object)[each.labels] for each in (now, then))
    return bool((mine == theirs).all())


def paired_failures(now: Failures, then: Failures, apart: frozenset[str]) -> tuple[np.ndarray, np.ndarray]:
    """(m,) bool each: whether the texts to which a test applied in both audits failed it.

    apart: ids of examples that are in both audits with different labels, and so are not the same.
    """
    place = {example_id: row for row, example_id in enumerate(then.ids)}
    rows = [
        (row, place[example_id])
        for row, example_id in enumerate(now.ids)
        if example_id in place and example_id not in apart
    ]
    mine, theirs = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    return now.failed[mine], then.failed[theirs]


def with_other_label(now: OutcomeTable, then: OutcomeTable) -> frozenset[str]:
    """The ids that both audits have with labels of different names."""
    labels = {
        example_id: then.label_names[label]
        for example_id, label in zip(then.ids, then.labels.tolist(), strict=True)
    }
    return frozenset(
        example_id
        for example_id, label in zip(now.ids, now.labels.tolist(), strict=True)
        if labels.get(example_id, now.label_names[label]) != now.label_names[label]
    )


def stacked(parts: Sequence[Answers]) -> Answers:
    """The answers of several audits to the same examples, one after the other.

    What one of them lacks the whole lacks.
    """
    whole: dict[str, Any] = {}
    for name in vars(parts[0]):
        column = [vars(part)[name] for part in parts]
        whole[name] = None if any(each is None for each in column) else np.concatenate(column)
    return Answers(**whole)
