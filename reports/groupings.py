"""The groupings of an audit, aligned over its candidates."""

from collections.abc import Sequence
from dataclasses import dataclass

from fairness.results import GroupAssessment, GroupingKind
from reports.model import AuditReport, CandidateResult


@dataclass(frozen=True)
class Shown:
    """One grouping as the report shows it; values: the groups of all candidates."""

    name: str
    kind: GroupingKind
    values: Sequence[str]


def groupings(report: AuditReport) -> list[Shown]:
    """All groupings that some candidate was assessed by, in the order of the assessments."""
    found: dict[str, tuple[GroupingKind, dict[str, None]]] = {}
    for candidate in report.candidates:
        for grouping, assessment in candidate.fairness.groups.items() if candidate.fairness else ():
            values = found.setdefault(grouping, (assessment.kind, {}))[1]
            values.update(dict.fromkeys(assessment.by_group))
    return [Shown(each, kind, list(values)) for each, (kind, values) in found.items()]


def assessment_of(candidate: CandidateResult, grouping: str) -> GroupAssessment | None:
    return None if candidate.fairness is None else candidate.fairness.groups.get(grouping)


def assessed(report: AuditReport, grouping: str) -> list[tuple[CandidateResult, GroupAssessment]]:
    """The candidates that were assessed by the grouping."""
    return [
        (candidate, found)
        for candidate in report.candidates
        if (found := assessment_of(candidate, grouping)) is not None
    ]


def judged(assessment: GroupAssessment) -> int:
    """How many groups are large enough to be compared."""
    return sum(not group.small for group in assessment.by_group.values())


def minimum_size(report: AuditReport) -> int:
    """The size below which a group is too small to judge."""
    return max((each.fairness.min_group_size for each in report.candidates if each.fairness), default=0)
