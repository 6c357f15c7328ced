"""Which changes stand: tests in both directions, adjusted over a whole comparison, and put in three words."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from assay.changes.change import Change
from assay.changes.metrics import FAILURE_RATE, FLIP_RATES, split_label
from fairness.inference.multiplicity import adjusted
from reports.comparison.model import ComparedCandidate, Difference

FALSE_DISCOVERY_RATE = 0.05
HIGHER_IS_BETTER = (
    "accuracy",
    "macro_f1",
    "roc_auc",
    "accuracy_under_attack",
    "worst_case_accuracy",
    "minimal_norm",
)
LOWER_IS_BETTER = ("expected_calibration_error", FAILURE_RATE, *FLIP_RATES)
"""A difference between groups is in neither: it may also fall because all fare worse."""


def two_sided(change: Change) -> float | None:
    """The p-value of "no difference" from the two one-sided ones: twice the smaller."""
    if change.p_drop is None or change.p_rise is None or change.change.value is None:
        return None
    return min(1.0, 2 * min(change.p_drop, change.p_rise))


def judged_together(candidates: Sequence[ComparedCandidate]) -> list[ComparedCandidate]:
    """With p-values adjusted over all tests of the comparison, and what stands after that."""
    tested = [each.p_value for each in differences(candidates) if each.p_value is not None]
    after = iter(adjusted(tested).tolist())

    def judged(difference: Difference | None, metric: str) -> Difference | None:
        if difference is None or difference.p_value is None:
            return difference
        return _judged(difference, metric, next(after))

    return [
        replace(
            candidate,
            measures=[
                replace(measure, differences=[judged(each, measure.metric) for each in measure.differences])
                for measure in candidate.measures
            ],
        )
        for candidate in candidates
    ]


def _judged(difference: Difference, metric: str, after: float) -> Difference:
    """Established where the adjusted p-value is small enough and the interval, where there is one, leaves
    out 0: a test and an interval that disagree establish nothing."""
    value, low, high = difference.change.value, difference.change.low, difference.change.high
    if after > FALSE_DISCOVERY_RATE or not value:
        return replace(difference, adjusted=after, standing="no difference established")
    if (low is not None and value > 0 and low <= 0) or (high is not None and value < 0 and high >= 0):
        return replace(difference, adjusted=after, standing="no difference established")
    return replace(
        difference,
        adjusted=after,
        standing="higher" if value > 0 else "lower",
        better=None if difference.apart else is_better(metric, higher=value > 0),
    )


def is_better(metric: str, *, higher: bool) -> bool | None:
    """None where no direction of the metric is better."""
    stem, _ = split_label(metric)
    if stem in HIGHER_IS_BETTER:
        return higher
    return not higher if stem in LOWER_IS_BETTER else None


def differences(candidates: Sequence[ComparedCandidate]) -> Iterator[Difference]:
    for candidate in candidates:
        for measure in candidate.measures:
            yield from (each for each in measure.differences if each is not None)
