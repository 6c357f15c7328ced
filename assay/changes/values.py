"""A metric as a function of how often each answer was given, so that it can be resampled."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from assay.changes.areas import bias_value, group_areas, mean_area_of_classes
from assay.changes.metrics import ATTACK_METRICS, BIAS_AREAS, BIAS_MEANS, FILTERED, MINIMAL_NORM, split_label
from assay.changes.pairing import UnmeasuredError
from assay.changes.resampling import Value
from assay.changes.sums import calibration_error, group_log_losses, log_loss, median
from assay.outcome_table import Answers
from fairness.counts import Outcome, group_table
from fairness.disparities import Definition, definitions, disparity_values
from fairness.metrics import divide, metric_values

RATES = ("accuracy", "accuracy_under_attack", "selection_rate", "tpr", "tnr", "fpr", "fnr")
"""Shares of examples that do not depend on the answers: of all, or of those with or without a label."""

POSITIVE = Outcome(1, "", "")
"""The class of a metric of one class, in counts of that class against the rest."""


@dataclass(frozen=True, eq=False)
class Answered:
    """Answers to examples; an example can stand here more than once, each time with another answer.

    y_true: (r,) int64 in [0, k). answers: (r,). positive: the class that a metric of one class speaks of,
    None for metrics of all classes. cells: (r,) int64 and members: (c, g) bool, of the g groups that are
    compared, as in ``fairness.groups.Grouping``.
    """

    y_true: np.ndarray
    answers: Answers
    k: int
    positive: int | None
    cells: np.ndarray
    members: np.ndarray

    @cached_property
    def against_rest(self) -> tuple[np.ndarray, np.ndarray]:
        """(r,) int64 each: label and prediction, 1 where it is the class of the metric."""
        label, predicted = self.y_true == self.positive, self.answers.prediction == self.positive
        return label.astype(int), predicted.astype(int)

    @property
    def probabilities(self) -> np.ndarray:
        """(r, k). Raises UnmeasuredError where there are none."""
        if self.answers.probabilities is None:
            raise UnmeasuredError("it goes by probabilities, and one of the models gives labels only")
        return self.answers.probabilities

    @property
    def inside(self) -> np.ndarray:
        """(r, g) bool: the groups of each answer."""
        return np.asarray(self.members[self.cells])


@dataclass(frozen=True, eq=False)
class Weighing:
    """codes: (r,) int64 in [0, rows), the row of each answer. value: of weights (b, rows)."""

    codes: np.ndarray
    rows: int
    value: Value


def rate_of(metric: str, answered: Answered) -> tuple[np.ndarray, np.ndarray]:
    """(r,) bool each: which answers a rate of ``RATES`` counts, and which of all are a success."""
    name, _ = split_label(metric)
    every = np.ones(len(answered.y_true), dtype=bool)
    if name in ("accuracy", "accuracy_under_attack"):
        return every, answered.answers.prediction == answered.y_true
    positive, selected = (side == 1 for side in answered.against_rest)
    if name == "selection_rate":
        return every, selected
    of = positive if name in ("tpr", "fnr") else ~positive
    return of, selected if name in ("tpr", "fpr") else ~selected


def weighing(metric: str, answered: Answered) -> Weighing:
    """Any metric of ``METRICS`` but the failure and flip rates and the worst case.

    Metrics of all examples or of one group are those of the answers given. Disparities and bias means are
    between the groups of ``answered.members``, and a bias area is that of the one group in it.
    Raises UnmeasuredError for a metric of scores where there are none.
    """
    name, _ = split_label(metric)
    if name in ("attack_success_rate", FILTERED):
        return _successes(answered.answers, near=name == FILTERED)
    scored = _of_scores(name, answered)
    if scored is not None:
        n = len(answered.y_true)
        return Weighing(np.arange(n), n, scored)
    definition = next((each for each in definitions([POSITIVE]) if _names(each, name)), None)
    if definition is not None:
        return _disparity(name, definition, answered)
    y_true, predicted, k = _counted(name, answered)
    short = "accuracy" if name in ATTACK_METRICS else name

    def value(weights: np.ndarray) -> np.ndarray:
        table = weights.reshape(-1, 1, k, k)
        return macro_f1(table[:, 0]) if name == "macro_f1" else metric_values(table, [POSITIVE])[short][:, 0]

    return Weighing(y_true * k + predicted, k * k, value)


def _successes(answers: Answers, *, near: bool) -> Weighing:
    """Rows: not attacked, no success, success."""
    success = answers.near if near else answers.success
    if success is None:
        raise UnmeasuredError("one of the audits did not judge how near the changed texts stay")
    codes = np.where(answers.skipped, 0, 1 + success.astype(int))
    return Weighing(codes, 3, lambda weights: divide(weights[:, 2], weights[:, 1] + weights[:, 2]))


def _of_scores(name: str, answered: Answered) -> Value | None:
    """Of weights of the answers themselves; None for a metric of counts."""
    if name == MINIMAL_NORM:
        if answered.answers.minimal_norm is None:
            raise UnmeasuredError("one of the audits kept no minimal norms")
        return median(answered.answers.minimal_norm)
    if name == "expected_calibration_error":
        return calibration_error(answered.y_true, answered.probabilities)
    if name == "log_loss":
        return log_loss(answered.y_true, answered.probabilities)
    if name == "roc_auc" and answered.positive is None:
        return mean_area_of_classes(answered.y_true, answered.probabilities)
    if name == "log_loss_difference":
        groups = group_log_losses(answered.y_true, answered.probabilities, answered.inside)
        return lambda weights: _range(groups(weights))
    if name not in ("roc_auc", "roc_auc_difference", *BIAS_MEANS, *BIAS_AREAS):
        return None
    areas = group_areas(
        answered.probabilities[:, answered.positive], answered.y_true == answered.positive, answered.inside
    )
    if name == "roc_auc":
        return areas.overall
    if name == "roc_auc_difference":
        return lambda weights: _range(areas.within(weights))
    return bias_value(name, areas)


def _range(values: np.ndarray) -> np.ndarray:
    """(b,) the largest less the smallest of (b, g), NaN passed over; NaN of fewer than two."""
    known = ~np.isnan(values)
    high, low = np.where(known, values, -np.inf).max(axis=1), np.where(known, values, np.inf).min(axis=1)
    few = known.sum(axis=1) < 2
    return np.where(few, np.nan, np.where(few, 0.0, high) - np.where(few, 0.0, low))


def _counted(name: str, answered: Answered) -> tuple[np.ndarray, np.ndarray, int]:
    """Labels (r,), predictions (r,) and the number of classes that a metric of counts tells apart."""
    if name in ("macro_f1", "balanced_accuracy") or name.startswith("balanced_accuracy_"):
        return answered.y_true, answered.answers.prediction, answered.k
    if name in ("accuracy", *ATTACK_METRICS) or name.startswith("accuracy_"):
        right = answered.answers.prediction == answered.y_true
        return np.ones(len(right), dtype=int), right.astype(int), 2
    return *answered.against_rest, 2


def _names(definition: Definition, name: str) -> bool:
    return any(name == definition.named(kind) for kind in definition.kinds)


def _disparity(name: str, definition: Definition, answered: Answered) -> Weighing:
    """Rows: cell, label, prediction."""
    y_true, predicted, k = _counted(name, answered)
    c = len(answered.members)
    kind = next(kind for kind in definition.kinds if definition.named(kind) == name)

    def value(weights: np.ndarray) -> np.ndarray:
        cells = weights.reshape(-1, c, k, k)
        groups = metric_values(group_table(cells, answered.members), [POSITIVE])
        whole = metric_values(cells.sum(axis=1)[:, None], [POSITIVE])
        overall = {metric: each[:, 0] for metric, each in whole.items()}
        found = disparity_values(groups, overall, definition)[kind]
        few = np.any([np.isfinite(groups[m]).sum(axis=1) < 2 for m in definition.metrics], axis=0)
        return np.where(few, np.nan, found)

    return Weighing((answered.cells * k + y_true) * k + predicted, c * k * k, value)


def macro_f1(table: np.ndarray) -> np.ndarray:
    """(b,) the mean F1 of the classes that occur in the labels or the answers, of counts (b, k, k)."""
    hits = np.diagonal(table, axis1=1, axis2=2)
    both = table.sum(axis=1) + table.sum(axis=2)
    found = np.where(both > 0, 2 * hits / np.maximum(both, 1), 0.0)
    return divide(found.sum(axis=1), (both > 0).sum(axis=1))
