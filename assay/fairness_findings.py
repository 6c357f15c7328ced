"""What a reader should know of the differences between groups, for one candidate on unperturbed text."""

from collections.abc import Iterator, Mapping

from fairness.disparities import EQUALITY_DIFFERENCES
from fairness.results import GroupAssessment, Status
from reports.formatting import full, kind_of, two_digits
from reports.model import CandidateResult, Finding, Severity
from reports.naming import in_sentence, metric_name, texts_of
from robustness.estimate import Estimate

LARGE_DISPARITY = 0.1
"""A difference between groups from which on it is told."""
LARGE_AUC_LOSS = 0.05
"""How far an area of one group must lie below that of all examples to be told."""
NO_SHARES = ("log_loss", *EQUALITY_DIFFERENCES)
"""Differences that are no differences of shares: points would say nothing."""
_AREAS = {
    "subgroup_auc": (
        "Among {texts}, its scores tell “{outcome}” from the rest less well than among all texts"
    ),
    "bpsn_auc": (
        "Of {texts}, those not labelled “{outcome}” get too high a score for it: it tells them less well "
        "from other texts that are"
    ),
    "bnsp_auc": (
        "Of {texts}, those labelled “{outcome}” get too low a score for it: it tells them less well from "
        "other texts that are not"
    ),
}
"""What a low area of a group means (Borkan et al. 2019)."""
FOUR_FIFTHS = 0.8
"""The ratio of selection rates below which the four-fifths rule sees an adverse impact."""


def fairness_findings(result: CandidateResult) -> Iterator[Finding]:
    """Per grouping: differences, the four-fifths rule, areas of single groups, and groups too small to judge.

    Of the intersections only the one with the largest established difference is told.
    """
    if result.fairness is None:
        return
    groups = result.fairness.groups
    crossed = {name: each for name, each in groups.items() if each.kind == "intersection"}
    for name, assessment in groups.items():
        if name not in crossed:
            yield from _differences(result, name, assessment)
            yield from _four_fifths(result, name, assessment)
            yield from _areas(result, name, assessment)
            yield from _small(result, name, assessment)
    yield from _worst_intersection(result, crossed)


def _differences(result: CandidateResult, name: str, assessment: GroupAssessment) -> Iterator[Finding]:
    """One finding: what is established, or else what may be there."""
    for status in ("established", "suggestive", "undecided"):
        large = _large(assessment, status)
        if large:
            yield _difference(result, name, assessment, large, status)
            return


def _large(assessment: GroupAssessment, status: Status) -> dict[str, Estimate]:
    """The differences of this status that are large enough to tell."""
    return {
        metric: estimate
        for metric, estimate in assessment.disparities.items()
        if "_difference" in metric
        and not metric.startswith(NO_SHARES)
        and metric in assessment.tests
        and assessment.tests[metric].status == status
        and (estimate.value or 0.0) >= LARGE_DISPARITY
    }


def _difference(
    result: CandidateResult,
    name: str,
    assessment: GroupAssessment,
    large: Mapping[str, Estimate],
    status: Status,
) -> Finding:
    """The largest difference between the groups, and the names of the other large ones."""
    metric = max(large, key=lambda each: large[each].value or 0.0)
    test = assessment.tests[metric]
    others = [_in_words(each) for each in large if each != metric]
    size = full(large[metric], kind_of(metric))
    highest, lowest = (texts_of(name, group, assessment.kind) for group in (test.highest, test.lowest))
    extremes = f"(highest for {highest}, lowest for {lowest})"
    told = f"by {size} in {_in_words(metric)} {extremes}"
    if status == "established":
        also = f"; also in {', '.join(others)}" if others else ""
        message = f"The groups of {name} differ {told}{also}."
    else:
        doubt = (
            "chance is unlikely for this one alone, but not among as many as were tested"
            if status == "suggestive"
            else "chance alone may have made it"
        )
        needed = (
            f" About {two_digits(test.examples_needed)} examples would decide it."
            if test.examples_needed is not None
            else ""
        )
        message = f"The groups of {name} may differ {told}: {doubt}.{needed}"
    severity: Severity = "warning" if status == "established" else "info"
    return Finding(
        id="fairness.disparity" if status == "established" else f"fairness.disparity_{status}",
        severity=severity,
        candidate=result.name,
        metric=metric,
        subject=name,
        observed=large[metric],
        limit=LARGE_DISPARITY,
        message=message,
    )


def _four_fifths(result: CandidateResult, name: str, assessment: GroupAssessment) -> Iterator[Finding]:
    violated = [metric for metric, verdict in assessment.four_fifths.items() if verdict == "violated"]
    for metric in violated:
        ratio = assessment.disparities[metric]
        outcome = metric.removeprefix("demographic_parity_ratio").strip("[]")
        outcome = outcome or (result.fairness.positive_label if result.fairness else None) or "positive"
        yield Finding(
            id="fairness.four_fifths",
            severity="warning",
            candidate=result.name,
            metric=metric,
            subject=name,
            observed=ratio,
            limit=FOUR_FIFTHS,
            message=(
                f"“{outcome}” is predicted for one group of {name} at {full(ratio)} of the rate of another: "
                "below the four fifths that are a rule of thumb for adverse impact."
            ),
        )


def _areas(result: CandidateResult, name: str, assessment: GroupAssessment) -> Iterator[Finding]:
    """The group whose ranking, within itself or against the background, is sure to be worse than overall."""
    for outcome, bias in assessment.bias.items():
        overall = bias.overall_auc
        if overall.value is None or overall.low is None:
            continue
        worse = [
            (area, group, kind)
            for group, areas in bias.by_group.items()
            for kind in _AREAS
            if not areas.small
            and (area := getattr(areas, kind)).value is not None
            and area.high is not None
            and area.high < overall.low
            and overall.value - area.value >= LARGE_AUC_LOSS
        ]
        if worse:
            area, group, kind = min(worse, key=lambda each: each[0].value)
            yield Finding(
                id="fairness.auc",
                severity="warning",
                candidate=result.name,
                metric=kind,
                subject=name,
                observed=area,
                limit=overall.value - LARGE_AUC_LOSS,
                message=(
                    _AREAS[kind].format(texts=texts_of(name, group, assessment.kind), outcome=outcome)
                    + f" ({metric_name(kind)} {full(area, 'number')}; over all texts, the AUC is "
                    f"{full(overall, 'number')})."
                ),
            )


def _small(result: CandidateResult, name: str, assessment: GroupAssessment) -> Iterator[Finding]:
    small = [value for value, group in assessment.by_group.items() if group.small]
    if small and result.fairness is not None:
        yield Finding(
            id="fairness.small_groups",
            severity="info",
            candidate=result.name,
            metric="n",
            subject=name,
            observed=Estimate.exact(min(assessment.by_group[value].n for value in small), len(small)),
            limit=result.fairness.min_group_size,
            message=(
                f"Too few examples to judge {name}: {', '.join(small)} (fewer than "
                f"{result.fairness.min_group_size}); they are in no comparison."
            ),
        )


def _worst_intersection(result: CandidateResult, crossed: Mapping[str, GroupAssessment]) -> Iterator[Finding]:
    large = {name: found for name, each in crossed.items() if (found := _large(each, "established"))}
    if large:
        worst = max(large, key=lambda name: max(each.value or 0.0 for each in large[name].values()))
        yield _difference(result, worst, crossed[worst], large[worst], "established")


def _in_words(metric: str) -> str:
    return in_sentence(metric.replace("_difference", ""))
