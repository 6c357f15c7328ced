"""One grouping, assessed: its groups, the disparities between them, and who fares worst."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fairness.counts import GroupCounts, Outcome
from fairness.disparities import Found, definitions, disparities, disparity_names
from fairness.groups import Grouping
from fairness.inference.multiplicity import adjusted, status
from fairness.measured import Measured, Scored
from fairness.metrics import group_metrics
from fairness.results import (
    BiasAUC,
    DisparityTest,
    FourFifths,
    GroupAssessment,
    GroupMetrics,
    WorstGroup,
)
from robustness.estimate import Estimate

LOWER_IS_WORSE = ("accuracy", "balanced_accuracy", "tpr", "tnr", "precision", "f1", "roc_auc")
HIGHER_IS_WORSE = ("fpr", "fnr", "log_loss", "expected_calibration_error")
FOUR_FIFTHS = 0.8


@dataclass(frozen=True)
class ScoreResults:
    """What the scores say of a grouping: metrics of each group, the same jointly, and the bias metrics."""

    metrics: list[dict[str, Estimate]]
    families: Mapping[str, Scored]
    bias: dict[str, BiasAUC]


@dataclass(frozen=True)
class Assessed:
    """One grouping before its tests are adjusted; n: all examples, of whatever group."""

    assessment: GroupAssessment
    found: dict[str, Found] = field(default_factory=dict)
    n: int = 0


def assess_grouping(
    grouping: Grouping,
    counts: GroupCounts,
    label_names: Sequence[str],
    shown: Sequence[Outcome],
    scores: ScoreResults | None,
    *,
    min_group_size: int,
    confidence: float,
    seed: int,
) -> Assessed:
    """Metrics of all groups and disparities between those of at least ``min_group_size`` examples."""
    sizes, table = counts.n, counts.table
    large = sizes >= min_group_size
    metrics = group_metrics(counts, shown, confidence)
    if scores is not None:
        metrics = [row | more for row, more in zip(metrics, scores.metrics, strict=True)]
    by_group = {
        value: GroupMetrics(
            n=int(sizes[g]),
            n_by_label=dict(zip(label_names, table[g].sum(axis=1).tolist(), strict=True)),
            small=not large[g],
            metrics=metrics[g],
        )
        for g, value in enumerate(counts.values)
    }
    judged = {value: group for value, group in by_group.items() if not group.small}
    bias = {} if scores is None else scores.bias
    worst = _worst(judged)
    if len(judged) < 2:
        reason = (
            f'only one group ("{counts.values[0]}")'
            if len(large) == 1
            else f"{len(judged)} of {len(large)} groups have at least {min_group_size} examples; "
            "two are needed"
        )
        names = disparity_names(shown, scores is not None)
        undefined = {name: Estimate.undefined(reason) for name in names}
        return Assessed(GroupAssessment(by_group, undefined, worst=worst, bias=bias, kind=grouping.kind))
    families = {} if scores is None else {name: _of(each, large) for name, each in scores.families.items()}
    measured = Measured.of(counts.keep(large), shown, families)
    found = disparities(measured, definitions(shown, scores is not None), confidence, seed)
    estimates = {name: each for one in found.values() for name, each in one.estimates.items()}
    return Assessed(
        GroupAssessment(
            by_group,
            estimates,
            worst=worst,
            four_fifths={
                name: four_fifths(each)
                for name, each in estimates.items()
                if name.startswith("demographic_parity_ratio") and each.value is not None
            },
            bias=bias,
            kind=grouping.kind,
        ),
        found,
        len(grouping.cells),
    )


def with_tests(assessed: Mapping[str, Assessed], confidence: float) -> dict[str, GroupAssessment]:
    """The assessments of one set of predictions, their tests adjusted for all of them together.

    A difference and a ratio of the same disparity are one test, and count once.
    """
    tested = [
        (grouping, disparity, found.evidence.p_value)
        for grouping, each in assessed.items()
        for disparity, found in each.found.items()
        if found.evidence is not None
    ]
    after = adjusted([p_value for *_, p_value in tested])
    tests: dict[str, dict[str, DisparityTest]] = {grouping: {} for grouping in assessed}
    for (grouping, disparity, p_value), value in zip(tested, after, strict=True):
        found = assessed[grouping].found[disparity]
        tests[grouping] |= _tests(found, p_value, float(value), assessed[grouping].n, confidence)
    return {
        grouping: GroupAssessment(**{**vars(each.assessment), "tests": tests[grouping]})
        for grouping, each in assessed.items()
    }


def _tests(found: Found, p_value: float, after: float, n: int, confidence: float) -> dict[str, DisparityTest]:
    decided = status(p_value, after, confidence)
    if decided == "established" and _may_be_none(found):
        # The test sees what the interval does not; a reader of both must not be told two things.
        decided = "suggestive"
    needed = None
    if decided != "established" and found.evidence is not None:
        # What the adjustment asks of this disparity: its own p-value times the factor it got.
        level = 1 - (1 - confidence) * p_value / after
        needed = found.evidence.examples_needed(n, level)
    return {
        name: DisparityTest(p_value, after, decided, metric, lowest, highest, needed)
        for name, (metric, lowest, highest) in found.between.items()
    }


def _may_be_none(found: Found) -> bool:
    """Whether the interval of the difference holds "no difference"."""
    return any(not each.low for name, each in found.estimates.items() if "_difference" in name)


def four_fifths(ratio: Estimate) -> FourFifths:
    """Of a defined ratio of selection rates: where its whole interval lies."""
    if ratio.low is not None and ratio.low >= FOUR_FIFTHS:
        return "held"
    if ratio.high is not None and ratio.high < FOUR_FIFTHS:
        return "violated"
    return "undecided"


def _worst(judged: Mapping[str, GroupMetrics]) -> dict[str, WorstGroup]:
    """{metric: the worst of the groups that have it}; the first of equals.

    The selection rate has none: whether it is good to be selected, the data do not say.
    """
    found = {}
    for metric in next(iter(judged.values())).metrics if judged else ():
        name = metric.split("[")[0]
        if name not in LOWER_IS_WORSE and name not in HIGHER_IS_WORSE:
            continue
        sign = 1 if name in LOWER_IS_WORSE else -1
        values = {
            value: sign * estimate.value
            for value, group in judged.items()
            if (estimate := group.metrics[metric]).value is not None
        }
        if values:
            group = min(values, key=values.__getitem__)
            found[metric] = WorstGroup(group, judged[group].n, judged[group].metrics[metric])
    return found


@dataclass(frozen=True)
class _Kept:
    values: np.ndarray
    covariance: np.ndarray


def _of(each: Scored, groups: np.ndarray) -> Scored:
    return _Kept(each.values[groups], each.covariance[np.ix_(groups, groups)])
