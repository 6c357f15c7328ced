"""One number per grouping: how far apart the groups are, with an interval that holds for the extreme."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fairness.counts import Outcome
from fairness.inference.evidence import Evidence, gap_evidence, range_evidence
from fairness.inference.folded import Bounds
from fairness.inference.score_pairs import Kind
from fairness.measured import Measured
from robustness.estimate import Estimate

DISPARITIES = {
    "demographic_parity": ("selection_rate",),
    "equalized_odds": ("tpr", "fpr"),
    "equal_opportunity": ("tpr",),
    "predictive_parity": ("precision",),
    "f1": ("f1",),
}
"""Which metrics of a class a disparity compares; of several it takes the worst (Hardt et al. 2016).

Each has a difference, the largest less the smallest, and a ratio, the smallest over the largest."""

OVERALL = ("accuracy", "balanced_accuracy")
"""Metrics of all classes together, with a difference and a ratio (``accuracy_difference``)."""

EQUALITY_DIFFERENCES = {"false_positive_equality": "fpr", "false_negative_equality": "fnr"}
"""Sums over groups of |rate of all - rate of the group|: FPED and FNED of Dixon et al. (2018)."""

SCORED = ("roc_auc", "log_loss")
"""Metrics of scores, with a difference."""

SPOKEN = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "selection_rate": "selection rate",
    "tpr": "true positive rate",
    "fpr": "false positive rate",
    "fnr": "false negative rate",
    "precision": "precision",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
}

BOTH: tuple[Kind, ...] = ("difference", "ratio")


@dataclass(frozen=True)
class Definition:
    """A disparity: the metrics it compares (keys of a group's metrics), as what, and how its name ends."""

    name: str
    metrics: tuple[str, ...]
    suffix: str
    kinds: tuple[Kind, ...] = BOTH
    summed: bool = False

    def named(self, kind: Kind) -> str:
        return f"{self.name}_{kind}{self.suffix}"


@dataclass(frozen=True)
class Found:
    """One tested disparity.

    estimates: {name: Estimate}, the difference and, where there is one, the ratio; they share one test.
    evidence: of "no disparity"; None where nothing could be compared.
    between: {name: (metric, lowest group, highest group)} of the defined estimates.
    """

    estimates: dict[str, Estimate]
    evidence: Evidence | None
    between: dict[str, tuple[str, str, str]]


def definitions(shown: Sequence[Outcome], scored: bool = False) -> list[Definition]:
    """All disparities, in the order of the result."""
    found = [Definition(name, (name,), "") for name in OVERALL]
    if scored:
        found.append(Definition("log_loss", ("log_loss",), "", ("difference",)))
    for outcome in shown:
        suffix = outcome.suffix
        found += [
            Definition(name, tuple(metric + suffix for metric in metrics), suffix)
            for name, metrics in DISPARITIES.items()
        ]
        found += [
            Definition(name, (metric + suffix,), suffix, ("difference",), summed=True)
            for name, metric in EQUALITY_DIFFERENCES.items()
        ]
        if scored:
            found.append(Definition("roc_auc", ("roc_auc" + suffix,), suffix, ("difference",)))
    return found


def disparity_names(shown: Sequence[Outcome], scored: bool = False) -> list[str]:
    """The names of all disparities, in the order of the result."""
    return [each.named(kind) for each in definitions(shown, scored) for kind in each.kinds]


def disparity_values(
    values: Mapping[str, np.ndarray], overall: Mapping[str, np.ndarray], each: Definition
) -> dict[Kind, np.ndarray]:
    """{kind: (...)} from metrics of groups {metric: (..., g)} and of all examples {metric: (...)}.

    Groups whose metric is undefined (NaN) are passed over; NaN where none is left, and for a ratio 0 / 0.
    """
    if each.summed:
        (metric,) = each.metrics
        return {"difference": np.nansum(np.abs(overall[metric][..., None] - values[metric]), axis=-1)}
    found: dict[Kind, np.ndarray] = {}
    for kind in each.kinds:
        of_metrics = []
        for metric in each.metrics:
            undefined = np.isnan(values[metric])
            low = np.where(undefined, np.inf, values[metric]).min(axis=-1)
            high = np.where(undefined, -np.inf, values[metric]).max(axis=-1)
            nothing = undefined.all(axis=-1) | ((kind == "ratio") & (high == 0))
            low, high = np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)
            of_metrics.append(high - low if kind == "difference" else low / high)
        extreme = np.maximum if kind == "difference" else np.minimum
        found[kind] = extreme.reduce(of_metrics)
    return found


def disparities(
    measured: Measured, wanted: Iterable[Definition], confidence: float, seed: int
) -> dict[str, Found]:
    """{disparity name with suffix: Found} between the groups of ``measured``, two or more.

    A metric is compared between the groups that have it; where fewer than two have it, or a ratio would be
    0 / 0, the disparity is undefined with a reason. ``n`` counts the examples of the groups used; all of
    them where the groups are held against the rate of all.
    """
    return {each.name + each.suffix: _found(measured, each, confidence, seed) for each in wanted}


def _found(measured: Measured, each: Definition, confidence: float, seed: int) -> Found:
    has = {metric: measured.defined(metric) for metric in each.metrics}
    for metric, defined in has.items():
        if defined.sum() < 2:
            reason = (
                f"{defined.sum()} of {len(defined)} groups large enough to judge have a {_spoken(metric)}; "
                "two are needed"
            )
            return Found({each.named(kind): Estimate.undefined(reason) for kind in each.kinds}, None, {})
    used = np.logical_or.reduce(list(has.values()))
    # A distance from the rate of all rests on all, those of no group and of small groups too.
    n = int(measured.counts.total.sum()) if each.summed else measured.examples(used)
    evidence = (
        gap_evidence(measured, each.metrics[0], seed)
        if each.summed
        else range_evidence(measured, each.metrics, seed)
    )
    estimates, between = {}, {}
    for kind, value in disparity_values(measured.values, measured.overall, each).items():
        name = each.named(kind)
        if np.isnan(value):
            zero = next(m for m in each.metrics if not np.nanmax(measured.values[m]) > 0)
            reason = f"the {_spoken(zero)} is 0 in every group, so it has no ratio"
            estimates[name] = Estimate.undefined(reason)
            continue
        low, high = evidence.bounds(kind, confidence)
        estimates[name] = _around(float(value), Bounds(low, high), n, each)
        between[name] = _between(measured, each, kind)
    return Found(estimates, evidence, between)


def _around(value: float, bounds: Bounds, n: int, each: Definition) -> Estimate:
    """The corrections of small counts can pull an interval off the value; it is stretched to hold it."""
    rates = not each.summed and each.name not in SCORED
    high = min(1.0, bounds.high) if rates or each.name == "roc_auc" else bounds.high
    return Estimate(value, max(0.0, min(bounds.low, value)), max(high, value), n)


def _between(measured: Measured, each: Definition, kind: Kind) -> tuple[str, str, str]:
    """The metric in which the groups differ most, and the groups where it is lowest and highest."""
    spans = []
    for metric in each.metrics:
        low, high = float(np.nanmin(measured.values[metric])), float(np.nanmax(measured.values[metric]))
        spans.append(high - low if kind == "difference" else (low / high if high else 1.0))
    metric = each.metrics[int(np.argmax(spans) if kind == "difference" else np.argmin(spans))]
    values = measured.values[metric]
    # Of equals the first is lowest and the last highest, so that two groups are named even without a gap.
    last = len(values) - 1 - int(np.nanargmax(values[::-1]))
    return metric, measured.names[int(np.nanargmin(values))], measured.names[last]


def _spoken(metric: str) -> str:
    return SPOKEN[metric.split("[")[0]]
