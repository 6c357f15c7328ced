"""What ``assay fairness`` says on the terminal: a few lines; everything is in the report."""

from collections.abc import Iterator, Sequence

from fairness.results import GroupAssessment, Status
from reports.formatting import counted, full, full_with_n, kind_of, name
from reports.groupings import judged
from reports.highlights import is_between_rates
from reports.model import AuditReport
from reports.naming import in_sentence

SHOWN = 5
"""Disparities that are listed of one grouping."""


def summary_lines(report: AuditReport) -> Iterator[str]:
    """The accuracy, what is more than chance between the groups of each grouping, and of whom it is lowest.

    Groups are ranked by accuracy only where it is established that their accuracy differs.
    """
    (candidate,) = report.candidates
    accuracy = full(candidate.robustness.clean.accuracy)
    yield f"{name(report.data.name)}: {counted(report.data.n, 'example')}, accuracy {accuracy}"
    for note in report.data.notes[1:]:
        yield f"Note: {name(note, 300)}"
    groups = candidate.fairness.groups if candidate.fairness else {}
    for grouping, assessment in groups.items():
        if assessment.kind != "intersection":
            yield from ("", *_grouping(grouping, assessment))
    crossed = {grouping: each for grouping, each in groups.items() if each.kind == "intersection"}
    if crossed:
        yield from ("", *_intersections(crossed))
    told = sum(finding.severity != "info" for finding in report.findings)
    yield ""
    yield f"{counted(told, 'finding')} to look at in the report." if told else "No finding to look at."


def _grouping(grouping: str, assessment: GroupAssessment) -> Iterator[str]:
    small = sum(group.small for group in assessment.by_group.values())
    left_out = f", {small} too small to judge" if small else ""
    yield f"{name(grouping)}: {counted(len(assessment.by_group), 'group')}{left_out}"
    told = _more_than_chance(assessment, ("established", "suggestive"))
    yield from (_difference(metric, assessment) for metric in told[:SHOWN])
    if len(told) > SHOWN:
        yield f"  and {counted(len(told) - SHOWN, 'more difference')} in the report"
    if assessment.tests and not told:
        yield "  no difference that is more than chance explains"
    if not assessment.tests:
        reasons = sorted({each.reason for each in assessment.disparities.values() if each.reason})
        yield f"  not compared: {name(reasons[0] if reasons else 'nothing to compare', 200)}"
    test, worst = assessment.tests.get("accuracy_difference"), assessment.worst.get("accuracy")
    if worst and test and test.status == "established":
        yield f"  lowest accuracy: {name(worst.group, 40)}, {full_with_n(worst.estimate)}"


def _intersections(crossed: dict[str, GroupAssessment]) -> Iterator[str]:
    """Of each only the largest established difference: there are many, and small groups among them."""
    found = {grouping: _more_than_chance(each, ("established",)) for grouping, each in crossed.items()}
    told = {grouping: metrics[0] for grouping, metrics in found.items() if metrics}
    yield f"{counted(len(crossed), 'intersection')}, {len(told)} with an established difference"
    for grouping, metric in list(told.items())[:SHOWN]:
        yield f"  {name(grouping)}:{_difference(metric, crossed[grouping])[1:]}"


def _more_than_chance(assessment: GroupAssessment, statuses: Sequence[Status]) -> list[str]:
    """The differences of these statuses, what is surest and then what is largest first; of areas, which are
    no shares and in no points, after those of shares."""
    found = [
        metric
        for metric, test in assessment.tests.items()
        if is_between_rates(metric) and test.status in statuses
    ]
    return sorted(
        found,
        key=lambda metric: (
            statuses.index(assessment.tests[metric].status),
            kind_of(metric) != "points",
            -(assessment.disparities[metric].value or 0.0),
        ),
    )


def _difference(metric: str, assessment: GroupAssessment) -> str:
    """One line. The test of more than two groups speaks of all of them: it names no pair that differs."""
    test = assessment.tests[metric]
    size = full(assessment.disparities[metric], kind_of(metric))
    pair = f"{name(test.lowest, 40)} and {name(test.highest, 40)}"
    differ = "differ" if test.status == "established" else "may differ"
    between = f"some groups {differ} (extremes: {pair})" if judged(assessment) > 2 else f"between {pair}"
    return f"  {test.status}: {in_sentence(metric)} {size}, {between}"
