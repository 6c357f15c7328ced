"""Runs compared with the first of them: candidates matched, every metric followed, every change tested."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assay.changes.audited import Audited
from assay.changes.change import Change
from assay.changes.observed import observed
from assay.changes.subject import Subject
from assay.compare.data import matched, notes, shared_examples, unique_names
from assay.compare.followed import Followed, followed_metrics, incomparable
from assay.compare.standings import FALSE_DISCOVERY_RATE, differences, judged_together, two_sided
from assay.progress import Reporter
from assay.saved_runs import SavedRun
from reports.comparison.model import ComparedCandidate, ComparedRun, Comparison, Difference, Measure
from reports.model import CandidateResult
from robustness.estimate import Estimate

ChangeOf = Callable[[Subject, Audited, Audited, str, str], Change]
"""``assay.changes.change.change_of``: (subject, now, then, candidate now, candidate then)."""


@dataclass(frozen=True, eq=False)
class _There:
    """One candidate in one run. apart: whether the run is known to share no example with the first one."""

    run: SavedRun
    audited: Audited
    result: CandidateResult
    apart: bool


def compare(runs: Sequence[SavedRun], change_of: ChangeOf, reporter: Reporter) -> Comparison:
    """Every run against the first one. Raises AssayError for outcomes that cannot be read."""
    names = unique_names(runs)
    first, *others = runs
    audited = [Audited.of(run) for run in runs]
    matches = [matched(first.report, other.report) for other in others]
    called = [
        [each.name, *(match.get(each.name) for match in matches)]
        for each in first.report.candidates
        if any(each.name in match for match in matches)
    ]
    shared = [shared_examples(run, first) for run in runs]
    candidates = []
    with reporter.task("Comparing candidates", len(called)) as advance:
        for each in called:
            there = [_there(*of) for of in zip(runs, audited, each, shared, strict=True)]
            candidates.append(_candidate(each, there, change_of))
            advance(1)
    candidates = judged_together(candidates)
    return Comparison(
        runs=[
            ComparedRun(name, str(run.folder.path), run.report, n)
            for name, run, n in zip(names, runs, shared, strict=True)
        ],
        candidates=candidates,
        alone=_alone(names, runs, matches),
        notes=list(notes(runs, names)),
        tests=sum(each.p_value is not None for each in differences(candidates)),
        false_discovery_rate=FALSE_DISCOVERY_RATE,
    )


def _alone(
    names: Sequence[str], runs: Sequence[SavedRun], matches: Sequence[dict[str, str]]
) -> dict[str, list[str]]:
    those = [{name for match in matches for name in match}, *(set(match.values()) for match in matches)]
    found = {
        name: [each.name for each in run.report.candidates if each.name not in compared]
        for name, run, compared in zip(names, runs, those, strict=True)
    }
    return {name: candidates for name, candidates in found.items() if candidates}


def _there(run: SavedRun, audited: Audited, called: str | None, shared: int | None) -> _There | None:
    found = next((each for each in run.report.candidates if each.name == called), None)
    return None if found is None else _There(run, audited, found, shared == 0)


def _candidate(
    called: Sequence[str | None], there: Sequence[_There | None], change_of: ChangeOf
) -> ComparedCandidate:
    """Its metrics and changes, none of them judged yet. there: in each run, in the first one surely."""
    first = there[0]
    if first is None:
        raise ValueError("expected a candidate of the first run")
    measures = []
    results = [None if each is None else each.result for each in there]
    for followed in followed_metrics(first.run.report, results):
        estimates = [_observed(followed.subject, each) for each in there]
        if any(estimate.value is not None for estimate in estimates):
            changes = [
                None if each is None else _difference(followed.subject, each, first, change_of)
                for each in there[1:]
            ]
            measures.append(_measure(followed, estimates, changes))
    return ComparedCandidate(called, measures)


def _observed(subject: Subject, there: _There | None) -> Estimate:
    return Estimate.undefined("no such candidate") if there is None else observed(subject, there.result)


def _measure(
    followed: Followed, estimates: Sequence[Estimate], changes: Sequence[Difference | None]
) -> Measure:
    return Measure(followed.topic, followed.subject.metric, followed.label, estimates, changes)


def _difference(subject: Subject, now: _There, then: _There, change_of: ChangeOf) -> Difference:
    why_not = incomparable(subject, (now.run, now.result), (then.run, then.result))
    if why_not is not None:
        return Difference(
            now=observed(subject, now.result),
            then=observed(subject, then.result),
            change=Estimate.undefined(why_not),
        )
    found = change_of(subject, now.audited, then.audited, now.result.name, then.result.name)
    p_value = two_sided(found)
    return Difference(
        found.now,
        found.then,
        found.change,
        p_value,
        test=found.test if p_value is None else f"two-sided {found.test}",
        apart=now.apart,
    )
