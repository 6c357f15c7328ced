"""What happened to every example, without a text: what comparisons and exports are made of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CLEAN = ""
"""The subject of answers to the texts as they are."""
GROUP = "group: "
"""How the columns of groups start."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What one candidate answered to the n examples of a table, clean or under one attack, judged.

    prediction: (n,) int64. probabilities: (n, k), None for a model that gives labels only. skipped,
    success, reached: (n,) bool, as in ``robustness.outcomes.Outcome``. near: (n,) bool, successes whose
    text stays near the original; None where no text was changed. queries: (n,) forward passes.
    minimal_norm: (n,) the smallest relative epsilon that turns each example (inf: none found); None for an
    attack that does not look for it.
    """

    prediction: np.ndarray
    probabilities: np.ndarray | None
    skipped: np.ndarray
    success: np.ndarray
    reached: np.ndarray
    queries: np.ndarray
    near: np.ndarray | None = None
    minimal_norm: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> "Answers":
        """The answers to the examples ``rows`` (m,), in that order."""
        kept: dict[str, Any] = {
            name: None if each is None else each[rows] for name, each in vars(self).items()
        }
        return Answers(**kept)


@dataclass(frozen=True, eq=False)
class Failures:
    """ids: m texts (or templates) to which a test applied. failed: (m,) bool."""

    ids: tuple[str, ...]
    failed: np.ndarray


@dataclass(frozen=True, eq=False)
class OutcomeTable:
    """The outcomes of one audit.

    label_names: k names. ids: n unique strings. labels: (n,) int64, indices into label_names. groups:
    {column: (n,) str}. answers: {candidate: {subject: Answers}}, the subject being ``CLEAN`` or
    ``attack_subject``. failures: {candidate: {subject: Failures}}, the subject being ``behaviour_subject``,
    ``texts`` or ``templates`` (with whose swapped identities another label is given).
    """

    label_names: tuple[str, ...]
    ids: tuple[str, ...]
    labels: np.ndarray
    groups: dict[str, np.ndarray]
    answers: dict[str, dict[str, Answers]]
    failures: dict[str, dict[str, Failures]] = field(default_factory=dict)


def attack_subject(name: str, params: Mapping[str, Any]) -> str:
    """An attack with everything that decides its outcomes."""
    return json.dumps(["attack", name, params], sort_keys=True, default=str)


def behaviour_subject(name: str, params: Mapping[str, Any]) -> str:
    """A behavioural test with everything that decides its outcomes."""
    return json.dumps(["behaviour", name, params], sort_keys=True, default=str)


def columns_of(each: Answers) -> dict[str, Any]:
    """What was judged of n answers, as Arrow arrays by the names of the fields; nulls where None."""
    import pyarrow as pa

    n = len(each.prediction)
    return {
        "skipped": pa.array(each.skipped, pa.bool_()),
        "success": pa.array(each.success, pa.bool_()),
        "reached": pa.array(each.reached, pa.bool_()),
        "queries": pa.array(each.queries, pa.float64()),
        "near": _optional(each.near, n, pa.bool_()),
        "minimal_norm": _optional(each.minimal_norm, n, pa.float64()),
    }


def columns_of_test(test: Failures) -> dict[str, Any]:
    """The same columns of a test; success says that the model failed it."""
    import pyarrow as pa

    m = len(test.ids)
    return {
        "skipped": pa.nulls(m, pa.bool_()),
        "success": pa.array(test.failed, pa.bool_()),
        "reached": pa.nulls(m, pa.bool_()),
        "queries": pa.nulls(m, pa.float64()),
        "near": pa.nulls(m, pa.bool_()),
        "minimal_norm": pa.nulls(m, pa.float64()),
    }


def _optional(values: np.ndarray | None, n: int, kind: Any) -> Any:
    import pyarrow as pa

    return pa.nulls(n, kind) if values is None else pa.array(values, kind)
