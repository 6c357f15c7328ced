"""What several runs say of the same thing: each check of their gates, and each finding."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.blocks import Cell, Remark, Tone, noted_cell
from reports.comparison.model import ComparedRun, Comparison
from reports.formatting import figure, interval, kind_of, name, unbroken
from reports.limits import required
from reports.model import Finding, GateCheck, Severity
from reports.verdict import check_in_words

LEFT_OUT = "Findings about candidates that only one of the two runs has are in the reports of the runs."
SEVERITIES: dict[Severity, Tone] = {"critical": "bad", "warning": "warn", "info": "plain"}


_Key = tuple[str, str | None, str, str]
"""Of a finding: its kind, the candidate as the first run calls it, metric and subject."""


@dataclass(frozen=True)
class FollowedCheck:
    """One check in every run. candidate: as the first run calls it. cells: r, what became of it."""

    name: str
    candidate: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class FollowedFindings:
    """Of one run: what the first run does not say, what the first alone says, and what both say.

    left_out: whether there are findings about candidates that are not compared: they neither came nor went.
    """

    new: Sequence[Remark]
    gone: Sequence[Remark]
    both: Sequence[Remark]
    left_out: bool


def followed_checks(comparison: Comparison) -> list[FollowedCheck]:
    """The checks of all runs in the order in which they are first met.

    A check is the same in two runs where its name and its candidate are; its limits may differ and are shown.
    """
    by_run = [dict(_keyed(comparison, i, run.report.gate.checks)) for i, run in enumerate(comparison.runs)]
    candidates = [
        {canonical(comparison, i, each.name) for each in run.report.candidates}
        for i, run in enumerate(comparison.runs)
    ]
    keys = dict.fromkeys(key for checks in by_run for key in checks)
    found = []
    for key in keys:
        checks = [each.get(key) for each in by_run]
        least = [run.report.gate.smallest_difference for run in comparison.runs]
        wanted = [
            None if check is None else required(check, each)
            for check, each in zip(checks, least, strict=True)
        ]
        limits = {each for each in wanted if each is not None}
        candidate = key[0]
        what = check_in_words(next(check for check in checks if check is not None))
        cells = [
            _check_cell(check, candidate in there, each if len(limits) > 1 else None)
            for check, there, each in zip(checks, candidates, wanted, strict=True)
        ]
        note = f", {limits.pop()}" if len(limits) == 1 else ""
        found.append(FollowedCheck(f"{what}{note}", candidate, cells))
    return found


def followed_findings(comparison: Comparison, run: ComparedRun) -> FollowedFindings:
    """A finding is the same in two runs where its kind, candidate, metric and subject are."""
    place = [each.name for each in comparison.runs].index(run.name)
    compared = {each.name for each in comparison.candidates if each.names[place] is not None}
    first, there = (_findings(comparison, i) for i in (0, place))
    alone = [about for _, about, *_ in (*first, *there) if about is not None and about not in compared]
    first, there = (
        {key: each for key, each in found.items() if key[1] is None or key[1] in compared}
        for found in (first, there)
    )
    return FollowedFindings(
        new=[_remark(each) for key, each in there.items() if key not in first],
        gone=[_remark(each) for key, each in first.items() if key not in there],
        both=[_remark(each) for key, each in there.items() if key in first],
        left_out=bool(alone),
    )


def _keyed(
    comparison: Comparison, run: int, checks: Sequence[GateCheck]
) -> Iterator[tuple[tuple[str, str, int], GateCheck]]:
    """Two checks of a run that are called the same are told apart by their order."""
    met: Counter[tuple[str, str]] = Counter()
    for check in checks:
        called = (canonical(comparison, run, check.candidate), check.name)
        yield (*called, met[called]), check
        met[called] += 1


def canonical(comparison: Comparison, run: int, candidate: str) -> str:
    """What the first run calls the candidate of another; its own name where it is compared with none."""
    for each in comparison.candidates:
        if each.names[run] == candidate:
            return each.name
    return candidate


def _check_cell(check: GateCheck | None, candidate_there: bool, limits: str | None) -> Cell:
    if check is None:
        return Cell("no such check" if candidate_there else "no such candidate", tone="muted")
    observed, kind = check.observed, kind_of(check.metric)
    if observed is None or observed.value is None:
        notes = ["not measured"]
    else:
        notes = [figure(observed.value, kind), interval(observed, kind)]
    notes += [limits] if limits is not None else []
    if check.passed:
        return noted_cell("✓\u00a0passed", notes, "good")
    return noted_cell("✗\u00a0failed", notes, "bad")


def _findings(comparison: Comparison, run: int) -> dict[_Key, Finding]:
    found: dict[_Key, Finding] = {}
    for finding in comparison.runs[run].report.findings:
        about = None if finding.candidate is None else canonical(comparison, run, finding.candidate)
        found.setdefault((finding.id, about, finding.metric, finding.subject), finding)
    return found


def _remark(finding: Finding) -> Remark:
    about = "" if finding.candidate is None else name(finding.candidate)
    return Remark(SEVERITIES[finding.severity], finding.severity, about, unbroken(finding.message))
