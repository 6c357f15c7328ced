"""One number per column: how far apart the groups are, with an interval that holds for the extreme."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from fairness.counts import GroupCounts, Outcome
from fairness.metrics import Rate, accuracy_rate, outcome_rates
from fairness.simultaneous import difference_bounds, ratio_bounds
from robustness.estimate import Estimate

DISPARITIES = {
    "demographic_parity": ("selection_rate",),
    "equalized_odds": ("tpr", "fpr"),
    "equal_opportunity": ("tpr",),
}
"""Which rates a disparity compares; of several it takes the worst (Hardt, Price and Srebro 2016)."""

SPOKEN = {
    "selection_rate": "selection rate",
    "tpr": "true positive rate",
    "fpr": "false positive rate",
}

Kind = Literal["difference", "ratio"]


def disparity_names(shown: Sequence[Outcome]) -> list[str]:
    """The names of all disparities, in the order of the result."""
    return ["accuracy_difference"] + [
        f"{disparity}_{kind}{outcome.suffix}"
        for outcome in shown
        for disparity in DISPARITIES
        for kind in ("difference", "ratio")
    ]


def disparities(
    counts: GroupCounts, shown: Sequence[Outcome], frame: Any, confidence: float, seed: int
) -> dict[str, Estimate]:
    """Differences (largest minus smallest) and ratios (smallest over largest) between two or more groups.

    counts: the groups large enough to judge; frame: Fairlearn's MetricFrame of the same groups.
    A rate is compared between the groups that have it; where fewer than two have it, or a ratio would
    be 0 / 0, the disparity is undefined with a reason. ``n`` counts the examples of the groups used.
    """
    # Fairlearn's own disparity metrics use the same method, between_groups.
    values: dict[Kind, Any] = {"difference": frame.difference(), "ratio": frame.ratio()}
    accuracy = {"accuracy": accuracy_rate(counts)}
    found = {
        "accuracy_difference": _disparity("difference", accuracy, "", counts, values, confidence, seed),
    }
    for outcome in shown:
        rates = outcome_rates(counts, outcome)
        for disparity, names in DISPARITIES.items():
            compared = {name: rates[name] for name in names}
            for kind in values:
                estimate = _disparity(kind, compared, outcome.suffix, counts, values, confidence, seed)
                found[f"{disparity}_{kind}{outcome.suffix}"] = estimate
    return found


def _disparity(
    kind: Kind,
    compared: dict[str, Rate],
    suffix: str,
    counts: GroupCounts,
    values: dict[Kind, Any],
    confidence: float,
    seed: int,
) -> Estimate:
    used = np.zeros(len(counts.values), dtype=bool)
    defined = []
    for name, rate in compared.items():
        has = rate.trials > 0
        used |= has
        if has.sum() < 2:
            return Estimate.undefined(
                f"{has.sum()} of {len(has)} groups large enough to judge have a {SPOKEN[name]}; "
                "two are needed"
            )
        if kind == "ratio" and not rate.successes.any():
            return Estimate.undefined(f"the {SPOKEN[name]} is 0 in every group, so it has no ratio")
        defined.append(rate.keep(has))
    each = [float(values[kind][name + suffix]) for name in compared]
    if kind == "difference":
        value, (low, high) = max(each), difference_bounds(defined, confidence, seed)
    else:
        value, (low, high) = min(each), ratio_bounds(defined, confidence, seed)
    # The added successes and failures pull the interval towards no disparity, and off the observed
    # value where a rate is at or near 0 or 1 in a small group; it is then stretched to hold it.
    return Estimate(value, min(low, value), max(high, value), int(counts.n[used].sum()))
