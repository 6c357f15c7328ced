"""The metrics of each group, from its confusion matrix, with intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fairness.counts import GroupCounts, Outcome
from robustness.estimate import Estimate, wilson

OUTCOME_METRICS = ("selection_rate", "tpr", "tnr", "fpr", "fnr", "precision", "f1")
"""The metrics of one class against the rest, in the order of the result."""


@dataclass(frozen=True)
class Rate:
    """A metric that is a share of counted examples.

    successes, trials: (..., g) counts by group; the rate is undefined where ``trials`` is 0.
    """

    successes: np.ndarray
    trials: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """(..., g) shares, NaN where undefined."""
        return divide(self.successes, self.trials)

    def keep(self, mask: np.ndarray) -> "Rate":
        return Rate(self.successes[mask], self.trials[mask])


def divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """The quotient as float, NaN where the denominator is 0."""
    shape = np.broadcast_shapes(np.shape(numerator), np.shape(denominator))
    undefined = np.full(shape, np.nan)
    return np.asarray(np.divide(numerator, denominator, out=undefined, where=np.asarray(denominator) != 0))


def accuracy_rate(table: np.ndarray) -> Rate:
    """Of counts (..., g, k, k)."""
    return Rate(np.trace(table, axis1=-2, axis2=-1), table.sum(axis=(-2, -1)))


def recalls(table: np.ndarray) -> Rate:
    """(..., g, k): of each class the share that is recognised; their mean is the balanced accuracy."""
    return Rate(np.diagonal(table, axis1=-2, axis2=-1), table.sum(axis=-1))


def outcome_rates(table: np.ndarray, outcome: Outcome) -> dict[str, Rate]:
    """The rates of ``outcome`` against the rest, from counts (..., g, k, k).

    selection_rate, tpr, tnr, fpr, fnr, precision, and ``jaccard``: TP / (TP + FP + FN), of which F1 is a
    rising function; it is undefined where no example has the outcome, like F1.
    """
    n = table.sum(axis=(-2, -1))
    positives = table[..., outcome.index, :].sum(axis=-1)
    selected = table[..., :, outcome.index].sum(axis=-1)
    hits = table[..., outcome.index, outcome.index]
    negatives, false_alarms = n - positives, selected - hits
    return {
        "selection_rate": Rate(selected, n),
        "tpr": Rate(hits, positives),
        "tnr": Rate(negatives - false_alarms, negatives),
        "fpr": Rate(false_alarms, negatives),
        "fnr": Rate(positives - hits, positives),
        "precision": Rate(hits, selected),
        "jaccard": Rate(hits, np.where(positives > 0, positives + false_alarms, 0)),
    }


def f1_of(jaccard: np.ndarray) -> np.ndarray:
    """F1 = 2J / (1 + J), with J = TP / (TP + FP + FN)."""
    return np.asarray(2 * jaccard / (1 + jaccard))


def metric_values(table: np.ndarray, shown: Sequence[Outcome]) -> dict[str, np.ndarray]:
    """{metric: (..., g)} of counts (..., g, k, k), NaN where undefined.

    Fairlearn and scikit-learn give 0 for a rate without examples, and the mean over the classes that a
    group has for a balanced accuracy; here both are undefined, for such figures cannot be compared.
    """
    found = {
        "accuracy": accuracy_rate(table).values,
        "balanced_accuracy": recalls(table).values.mean(axis=-1),
    }
    for outcome in shown:
        rates = outcome_rates(table, outcome)
        jaccard = rates.pop("jaccard").values
        found |= {name + outcome.suffix: rate.values for name, rate in rates.items()}
        found["f1" + outcome.suffix] = f1_of(jaccard)
    return found


def group_metrics(
    counts: GroupCounts, shown: Sequence[Outcome], confidence: float
) -> list[dict[str, Estimate]]:
    """{metric: Estimate} of each group, in the order of ``counts.values``.

    ``n`` of an estimate is the denominator of the metric: for the TPR the positives of the group.
    """
    table = counts.table
    return [_metrics_of(table[g], shown, confidence) for g in range(len(counts.values))]


def _metrics_of(matrix: np.ndarray, shown: Sequence[Outcome], confidence: float) -> dict[str, Estimate]:
    """Of one group's counts (k, k)."""
    accuracy = accuracy_rate(matrix)
    found = {
        "accuracy": _rate(accuracy, "the group has no example", confidence),
        "balanced_accuracy": balanced_accuracy_interval(recalls(matrix), confidence),
    }
    for outcome in shown:
        rates = outcome_rates(matrix, outcome)
        without = f'no example of the group is labelled "{outcome.name}"'
        reasons = {
            "selection_rate": "the group has no example",
            "tpr": without,
            "fnr": without,
            "tnr": f'every example of the group is labelled "{outcome.name}"',
            "fpr": f'every example of the group is labelled "{outcome.name}"',
            "precision": f'no example of the group is predicted "{outcome.name}"',
        }
        for name, reason in reasons.items():
            found[name + outcome.suffix] = _rate(rates[name], reason, confidence)
        found["f1" + outcome.suffix] = (
            f1_interval(
                int(rates["tpr"].successes),
                int(rates["fpr"].successes),
                int(rates["fnr"].successes),
                confidence,
            )
            if rates["tpr"].trials
            else Estimate.undefined(without)
        )
    order = ["accuracy", "balanced_accuracy"] + [
        name + outcome.suffix for outcome in shown for name in OUTCOME_METRICS
    ]
    return {name: found[name] for name in order}


def _rate(rate: Rate, reason: str, confidence: float) -> Estimate:
    if not rate.trials:
        return Estimate.undefined(reason)
    return wilson(int(rate.successes), int(rate.trials), confidence)


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


def balanced_accuracy_interval(recall: Rate, confidence: float = 0.95) -> Estimate:
    """The mean of the recalls (k,) of the classes; undefined where a class has no example.

    The recalls are independent given how many examples each class has, so their Wilson intervals are
    joined by the method of variance estimates recovery (MOVER; Zou and Donner 2008, eq. 4 and 5 for a sum).
    Unlike the bootstrap it knows of the doubt in a recall that was 0 or 1: with 10 and 290 examples and
    recalls of 0.95 and 0.9 it covers in 94 % of simulated samples, the percentile bootstrap in 53 %.
    """
    if not recall.trials.all():
        return Estimate.undefined("a class has no example in the group", int(recall.trials.sum()))
    each = [
        wilson(int(hits), int(trials), confidence)
        for hits, trials in zip(recall.successes, recall.trials, strict=True)
    ]
    value = sum(float(e.value or 0) for e in each) / len(each)
    below = math.sqrt(sum((float(e.value or 0) - float(e.low or 0)) ** 2 for e in each)) / len(each)
    above = math.sqrt(sum((float(e.high or 0) - float(e.value or 0)) ** 2 for e in each)) / len(each)
    return Estimate(value, max(0.0, value - below), min(1.0, value + above), int(recall.trials.sum()))
