"""The metrics of each group: values from Fairlearn, intervals from the counts behind them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from fairness.counts import GroupCounts, Outcome
from robustness.estimate import Estimate, wilson

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
"""f(y_true, y_pred, sample_weight) -> float, NaN where undefined."""


@dataclass(frozen=True)
class Rate:
    """A metric that is a share of counted examples.

    successes, trials: (g,) counts by group; the rate is undefined where ``trials`` is 0.
    """

    successes: np.ndarray
    trials: np.ndarray

    def keep(self, mask: np.ndarray) -> "Rate":
        return Rate(self.successes[mask], self.trials[mask])


def accuracy_rate(counts: GroupCounts) -> Rate:
    return Rate(np.trace(counts.table, axis1=1, axis2=2), counts.n)


def outcome_rates(counts: GroupCounts, outcome: Outcome) -> dict[str, Rate]:
    """selection_rate, tpr, fpr and fnr of ``outcome`` against the rest, by group."""
    positives = counts.table[:, outcome.index, :].sum(axis=1)
    selected = counts.table[:, :, outcome.index].sum(axis=1)
    true_positives = counts.table[:, outcome.index, outcome.index]
    return {
        "selection_rate": Rate(selected, counts.n),
        "tpr": Rate(true_positives, positives),
        "fpr": Rate(selected - true_positives, counts.n - positives),
        "fnr": Rate(positives - true_positives, positives),
    }


def metric_frame(counts: GroupCounts, shown: Sequence[Outcome]) -> Any:
    """Fairlearn's MetricFrame of accuracy and, for every outcome, selection_rate, tpr, fpr, fnr and f1.

    The frame is built from the g k k cells of the counts, weighted by how many examples fall in each:
    every metric is the same as on the rows, at a cost that does not grow with them.
    Its groups are numbered in the order of ``counts.values``.
    Undefined metrics are NaN, where Fairlearn's functions alone give 0; the frame's ``difference`` and
    ``ratio`` pass over NaN, so they compare the groups that have the metric.
    """
    from fairlearn.metrics import (
        MetricFrame,
        false_negative_rate,
        false_positive_rate,
        selection_rate,
        true_positive_rate,
    )
    from sklearn.metrics import accuracy_score, f1_score

    def accuracy(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray) -> float:
        return float(accuracy_score(y_true, y_pred, sample_weight=sample_weight))

    metrics: dict[str, Metric] = {"accuracy": accuracy}
    for outcome in shown:
        for name, function, needs in (
            ("selection_rate", selection_rate, None),
            ("tpr", true_positive_rate, True),
            ("fpr", false_positive_rate, False),
            ("fnr", false_negative_rate, True),
            ("f1", f1_score, True),
        ):
            metrics[name + outcome.suffix] = _one_versus_rest(function, outcome.index, needs)

    group, y_true, y_pred = np.nonzero(counts.table)
    weight = counts.table[group, y_true, y_pred].astype(float)
    return MetricFrame(
        metrics=metrics,
        y_true=y_true,
        y_pred=y_pred,
        # As a Series: Fairlearn squeezes an array, and one of a single cell would lose its dimension.
        sensitive_features=pd.Series(group, name="group"),
        sample_params={name: {"sample_weight": weight} for name in metrics},
    )


def _one_versus_rest(function: Callable[..., float], index: int, needs: bool | None) -> Metric:
    """``function`` with class ``index`` as 1, NaN unless some true label is ``needs``."""

    def metric(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray) -> float:
        truth = np.asarray(y_true) == index
        if needs is not None and not (truth == needs).any():
            return float("nan")
        predicted = (np.asarray(y_pred) == index).astype(int)
        return float(function(truth.astype(int), predicted, sample_weight=sample_weight, pos_label=1))

    return metric


def group_metrics(
    counts: GroupCounts, shown: Sequence[Outcome], frame: Any, confidence: float
) -> list[dict[str, Estimate]]:
    """{metric: Estimate} of each group, in the order of ``counts.values``.

    ``n`` of an estimate is the denominator of the metric: for the TPR the positives of the group.
    """
    table = frame.by_group
    rows = []
    rate = accuracy_rate(counts)
    for g in range(len(counts.values)):
        interval = wilson(int(rate.successes[g]), int(rate.trials[g]), confidence)
        row = {"accuracy": around(float(table.at[g, "accuracy"]), interval)}
        for outcome in shown:
            for name, estimate in _outcome_intervals(counts, outcome, g, confidence).items():
                full_name = name + outcome.suffix
                row[full_name] = around(float(table.at[g, full_name]), estimate)
        rows.append(row)
    return rows


def _outcome_intervals(
    counts: GroupCounts, outcome: Outcome, g: int, confidence: float
) -> dict[str, Estimate]:
    missing = {
        "tpr": f'no example of the group is labelled "{outcome.name}"',
        "fpr": f'every example of the group is labelled "{outcome.name}"',
    }
    missing["fnr"] = missing["f1"] = missing["tpr"]
    rates = outcome_rates(counts, outcome)
    intervals = {
        name: wilson(int(rate.successes[g]), int(rate.trials[g]), confidence)
        if rate.trials[g]
        else Estimate.undefined(missing[name])
        for name, rate in rates.items()
    }
    tpr, fpr = rates["tpr"], rates["fpr"]
    intervals["f1"] = (
        f1_interval(int(tpr.successes[g]), int(fpr.successes[g]), int(rates["fnr"].successes[g]), confidence)
        if tpr.trials[g]
        else Estimate.undefined(missing["f1"])
    )
    return intervals


def f1_interval(
    true_positives: int, false_positives: int, false_negatives: int, confidence: float = 0.95
) -> Estimate:
    """F1 with an interval; undefined without any positive, true or predicted.

    F1 = 2J / (1 + J) rises with the Jaccard index J = TP / (TP + FP + FN), and given that denominator
    TP is binomial, so the ends of the Wilson interval of J map to those of F1. It covers at its level
    where the percentile bootstrap fails: simulated for n = 30 and F1 = 0.95, 0.955 against 0.785.
    """
    jaccard = wilson(true_positives, true_positives + false_positives + false_negatives, confidence)
    if jaccard.value is None or jaccard.low is None or jaccard.high is None:
        return Estimate.undefined("no example is positive, in truth or by prediction")
    value, low, high = (2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high))
    return Estimate(value, low, high, jaccard.n)


def around(value: float, interval: Estimate) -> Estimate:
    """``interval`` about ``value``, Fairlearn's figure for the same metric, or as it is if undefined.

    Fairlearn divides in another order; a last-digit difference must not put the value outside.
    """
    if interval.value is None or interval.low is None or interval.high is None:
        return interval
    return replace(interval, value=value, low=min(interval.low, value), high=max(interval.high, value))
