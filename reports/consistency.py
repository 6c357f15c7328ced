"""Whether an audit.json agrees with itself: what a change by hand is found by."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from reports.formatting import shorten
from reports.limits import is_bounded
from reports.model import AuditReport, CandidateResult, DataSummary, GateCheck
from robustness.estimate import Estimate
from robustness.results import AttackResult, CleanResult

TOLERANCE = 1e-9
"""By which floats that must be equal may differ."""

Problem = tuple[str, str]
"""The place in the document, and what is wrong there."""

_SHARES = {
    "accuracy",
    "macro_f1",
    "roc_auc",
    "expected_calibration_error",
    "worst_case_accuracy",
    "accuracy_under_attack",
    "attack_success_rate",
    "filtered_success_rate",
    "failure_rate",
    "flip_rate",
}
"""Keys of estimates that lie in [0, 1]."""


def contradictions(report: AuditReport) -> Iterator[Problem]:
    """Every place where the report says two things that cannot both be true.

    What a later version may word or weigh in another way is not among them: only counts, intervals, and the
    rules that ``reports.model`` states.
    """
    yield from _estimates(report, "")
    yield from _data(report.data)
    seen: set[str] = set()
    for i, candidate in enumerate(report.candidates):
        place = f"candidates[{i}]"
        if candidate.name in seen:
            yield f"{place}.name", f"there is another candidate {_quoted(candidate.name)}"
        seen.add(candidate.name)
        yield from _candidate(candidate, report.data.n, place)
    yield from _gate(report, seen)
    yield from _verdict(report, seen)


def _estimates(value: Any, place: str) -> Iterator[Problem]:
    """Of all estimates within ``value``."""
    if isinstance(value, Estimate):
        yield from _estimate(value, place)
    elif is_dataclass(value):
        for each in fields(value):
            here = f"{place}.{each.name}" if place else each.name
            yield from _estimates(getattr(value, each.name), here)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _estimates(inner, f"{place}.{shorten(str(key))}")
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _estimates(inner, f"{place}[{i}]")


def _estimate(estimate: Estimate, place: str) -> Iterator[Problem]:
    value, low, high = estimate.value, estimate.low, estimate.high
    if estimate.n < 0:
        yield f"{place}.n", f"expected a count, got {estimate.n}"
    for name, end in (("low", low), ("high", high)):
        if end is not None and (value is None or not math.isfinite(end)):
            yield f"{place}.{name}", f"expected null beside a value of {value}, got {end}"
    if value is None:
        return
    if estimate.n == 0:
        yield f"{place}.n", f"a value ({value:g}) that rests on no example"
    if low is not None and value < low - TOLERANCE:
        yield f"{place}.value", f"{value:g} lies below its own interval, which starts at {low:g}"
    if high is not None and value > high + TOLERANCE:
        yield f"{place}.value", f"{value:g} lies above its own interval, which ends at {high:g}"
    if place.rpartition(".")[2] in _SHARES and not -TOLERANCE <= value <= 1 + TOLERANCE:
        yield f"{place}.value", f"expected a share between 0 and 1, got {value:g}"


def _data(data: DataSummary) -> Iterator[Problem]:
    counted = sum(data.label_counts.values())
    if counted != data.n:
        yield "data.label_counts", f"the counts add up to {counted:,}, but data.n is {data.n:,}"
    for column, counts in data.groups.items():
        for group, n in counts.items():
            if not 0 <= n <= data.n:
                place = f"data.groups.{shorten(column)}.{shorten(group)}"
                yield place, f"expected a count of at most data.n = {data.n:,}, got {n:,}"


def _candidate(candidate: CandidateResult, n: int, place: str) -> Iterator[Problem]:
    yield from _clean(candidate.robustness.clean, n, f"{place}.robustness.clean")
    yield from _of_too_many(vars(candidate.robustness.clean), n, f"{place}.robustness.clean")
    worst = {"worst_case_accuracy": candidate.robustness.worst_case_accuracy}
    yield from _of_too_many(worst, n, f"{place}.robustness")
    for i, attack in enumerate(candidate.robustness.attacks):
        yield from _attack(attack, n, f"{place}.robustness.attacks[{i}]")
        yield from _of_too_many(vars(attack), n, f"{place}.robustness.attacks[{i}]")
    groups = candidate.fairness.groups if candidate.fairness is not None else {}
    for column, assessment in groups.items():
        for group, each in assessment.by_group.items():
            here = f"{place}.fairness.groups.{shorten(column)}.by_group.{shorten(group)}"
            yield from _of_too_many(each.metrics, n, f"{here}.metrics")
            labelled = sum(each.n_by_label.values())
            if labelled != each.n:
                yield f"{here}.n", f"it is {each.n:,}, but n_by_label adds up to {labelled:,}"


def _of_too_many(measured: Mapping[str, object], n: int, place: str) -> Iterator[Problem]:
    """Of the estimates among ``measured``, each of some of the audit's n examples."""
    for key, estimate in measured.items():
        if isinstance(estimate, Estimate) and estimate.n > n:
            where = f"{place}.{shorten(key)}.n"
            yield where, f"{estimate.n:,} examples, but data.n is {n:,}"


def _clean(clean: CleanResult, n: int, place: str) -> Iterator[Problem]:
    matrix = clean.confusion_matrix
    if any(len(row) != len(matrix) for row in matrix):
        yield f"{place}.confusion_matrix", "expected as many columns as rows"
        return
    counted = sum(map(sum, matrix))
    if counted != n:
        yield f"{place}.confusion_matrix", f"it holds {counted:,} examples, but data.n is {n:,}"
    elif clean.accuracy.value is not None and counted:
        right = sum(row[i] for i, row in enumerate(matrix)) / counted
        if abs(right - clean.accuracy.value) > TOLERANCE:
            told = f"it is {clean.accuracy.value:g}, but by the confusion matrix {right:g} are right"
            yield f"{place}.accuracy.value", told


def _attack(attack: AttackResult, n: int, place: str) -> Iterator[Problem]:
    if attack.n + attack.unreached != n:
        yield f"{place}.n", f"with those unreached it is {attack.n + attack.unreached:,}, but data.n is {n:,}"
    if not 0 <= attack.skipped <= attack.n:
        yield f"{place}.skipped", f"{attack.skipped:,} of {attack.n:,} examples"
    if not len(attack.examples) <= attack.successes <= attack.n - attack.skipped:
        told = f"{attack.successes:,}, with {len(attack.examples):,} examples shown of "
        yield f"{place}.successes", f"{told}{attack.n - attack.skipped:,} attacked"


def _gate(report: AuditReport, names: set[str]) -> Iterator[Problem]:
    for i, check in enumerate(report.gate.checks):
        place = f"gate.checks[{i}]"
        if check.candidate not in names:
            yield f"{place}.candidate", f"the audit has no candidate {_quoted(check.candidate)}"
        if problem := _check(check):
            yield f"{place}.passed", problem
        change = None if check.change is None else check.change.value
        if change is not None and is_bounded(check.metric) and abs(change) > 1 + TOLERANCE:
            told = f"expected a change between -1 and 1, got {change:g}"
            yield f"{place}.change.value", told
    held = all(check.passed for check in report.gate.checks)
    if report.gate.passed != held:
        told = "every check passed" if held else "a check failed"
        yield "gate.passed", f"it is {str(report.gate.passed).lower()}, but {told}"


def _check(check: GateCheck) -> str:
    """What is wrong with the decision. Tests may let a check pass, and a baseline make it fail, in ways that
    its numbers do not show: those are taken as they are."""
    value = check.observed.value if check.observed is not None else None
    if value is None:
        return "it is true, but nothing was measured" if check.passed else ""
    below = check.minimum is not None and value < check.minimum
    above = check.maximum is not None and value > check.maximum
    if check.passed and (below or above) and check.decide != "certain-fail":
        limit = f"below the minimum {check.minimum:g}" if below else f"above the maximum {check.maximum:g}"
        return f"it is true, but {value:g} is {limit}"
    relative = check.max_drop is not None or check.max_rise is not None
    if not check.passed and not relative and not (below or above) and check.decide != "certain-pass":
        return f"it is false, but {value:g} is within the limits"
    return ""


def _verdict(report: AuditReport, names: set[str]) -> Iterator[Problem]:
    """ "Do not ship" is said where the gate failed, and only there."""
    yield from _state("verdict.state", report.verdict.state, report.gate.passed)
    for i, each in enumerate(report.verdict.candidates):
        place = f"verdict.candidates[{i}]"
        if each.candidate not in names:
            yield f"{place}.candidate", f"the audit has no candidate {_quoted(each.candidate)}"
        checks = [check for check in report.gate.checks if check.candidate == each.candidate]
        yield from _state(f"{place}.state", each.state, all(check.passed for check in checks))


def _state(place: str, state: str, passed: bool) -> Iterator[Problem]:
    if (state == "do not ship") == passed:
        held = "no check of the gate failed" if passed else "the gate failed"
        yield place, f'it is "{state}", but {held}'


def _quoted(name: str) -> str:
    return f'"{shorten(name)}"'
