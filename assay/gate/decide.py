"""Decides the gate: each check of the config against what was measured, and against the baseline."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from assay.changes.audited import Audited
from assay.changes.change import Change, change_of
from assay.changes.observed import observed
from assay.changes.subject import Subject, subjects
from assay.config_models import GateConfig, GatingConfig
from assay.gate.limits import Judged, of_change, of_value
from assay.gate.words import message
from attacks.errors import AssayError, nearest
from fairness.inference.multiplicity import adjusted
from reports.limits import is_bounded
from reports.model import Baseline, CandidateResult, GateCheck, GateResult
from robustness.estimate import Estimate


@dataclass(frozen=True)
class Asked:
    """One line of the gate: a check of one subject of one candidate."""

    check: GateConfig
    candidate: CandidateResult
    subject: Subject


@dataclass(frozen=True)
class _Case:
    """What one line found, with every limit of its check judged on its own."""

    asked: Asked
    observed: Estimate
    baseline: Estimate | None
    change: Change | None
    judged: Sequence[Judged]


def decide(
    checks: Sequence[GateConfig],
    now: Audited,
    then: Audited | None = None,
    settings: GatingConfig | None = None,
    baseline: Baseline | None = None,
) -> GateResult:
    """Every check on every candidate it speaks of; a metric that was not measured fails its check.

    now: the audit that is judged. then: that of the baseline; None where there is none, which fails every
    ``max_drop`` and ``max_rise``. baseline: what to say of ``then``.

    All tests whose rejection fails a check are one family, corrected together after Benjamini and Hochberg
    (1995): those of ``max_drop`` and ``max_rise``, and those of ``decide = "certain-fail"``. The worst case
    of one attack and the accuracy under it are one test.
    Raises AssayError for a check of a candidate that the audit does not have.
    """
    settings = settings or GatingConfig()
    cases = [_case(asked, now, then, settings) for asked in expanded(checks, now.candidates)]
    judged = [(case.asked, each) for case in cases for each in case.judged]
    after, tests = _corrected([(_tested(i, *each), each[1].p_value) for i, each in enumerate(judged)])
    decided, start = [], 0
    for case in cases:
        end = start + len(case.judged)
        decided.append(_decided(case, after[start:end], tests, settings))
        start = end
    return GateResult(
        passed=all(check.passed for check in decided),
        checks=decided,
        baseline=baseline,
        false_discovery_rate=settings.false_discovery_rate,
        smallest_difference=settings.smallest_difference,
    )


def expanded(checks: Sequence[GateConfig], candidates: Sequence[CandidateResult]) -> list[Asked]:
    """The lines of the gate in their order: by check, then candidate, then budget of the check's attack.

    Raises AssayError for a check of a candidate that is not there: no line of it would ever be decided.
    """
    names = [candidate.name for candidate in candidates]
    for position, check in enumerate(checks):
        if check.candidate is not None and check.candidate not in names:
            raise AssayError(
                f'gate.{position}.candidate: the audit has no candidate "{check.candidate}".'
                f"{nearest(check.candidate, names)} There are: {', '.join(names)}."
            )
    return [
        Asked(check, candidate, subject)
        for check in checks
        for candidate in candidates
        if check.candidate in (None, candidate.name)
        for subject in subjects(check, candidate)
    ]


def smallest_that_counts(metric: str, settings: GatingConfig) -> float:
    """The smallest difference of this metric that may fail a check: 0 for one that may be above 1."""
    return settings.smallest_difference if is_bounded(metric) else 0.0


def _case(asked: Asked, now: Audited, then: Audited | None, settings: GatingConfig) -> _Case:
    check, confidence = asked.check, now.confidence
    found = observed(asked.subject, asked.candidate)
    judged = []
    if check.min is not None:
        judged.append(of_value("min", check.min, check.decide, found, confidence))
    if check.max is not None:
        judged.append(of_value("max", check.max, check.decide, found, confidence))
    if not check.relative:
        return _Case(asked, found, None, None, judged)
    change, before = _against(asked, found, now, then, settings)
    smallest = smallest_that_counts(check.metric, settings)
    if check.max_drop is not None:
        judged.append(of_change("max_drop", check.max_drop, check.decide, change, confidence, smallest))
    if check.max_rise is not None:
        judged.append(of_change("max_rise", check.max_rise, check.decide, change, confidence, smallest))
    return _Case(asked, found, before, change, judged)


def _against(
    asked: Asked, found: Estimate, now: Audited, then: Audited | None, settings: GatingConfig
) -> tuple[Change, Estimate]:
    """The change against the baseline, and the metric there; both undefined, with the reason, without one."""
    other = None if then is None else _counterpart(asked.candidate.name, then.candidates)
    if then is not None and other is not None:
        change = change_of(asked.subject, now, then, asked.candidate.name, other.name)
        return change, observed(asked.subject, other)
    if then is not None:
        there = ", ".join(candidate.name for candidate in then.candidates)
        reason = f'the baseline has no candidate "{asked.candidate.name}"; it has {there}'
    elif settings.baseline is not None:
        reason = f"there is no baseline at {settings.baseline}; keep one with `assay baseline set RUN`"
    else:
        reason = (
            "there is no baseline: name its folder with baseline = ... in [gating], and keep one there with "
            "`assay baseline set RUN`"
        )
    nothing = Estimate.undefined(reason)
    return Change(found, nothing, nothing, None, None, "", 0), nothing


def _counterpart(name: str, candidates: Sequence[CandidateResult]) -> CandidateResult | None:
    """The candidate of the baseline that has this name, or the only one that it has."""
    named = [candidate for candidate in candidates if candidate.name == name]
    return next(iter(named or (candidates if len(candidates) == 1 else ())), None)


def _tested(position: int, asked: Asked, judged: Judged) -> Hashable:
    """What the test of a limit is of: its position, but alike for the worst case of one attack and for the
    accuracy under that attack, which are the same number."""
    subject, attacks = asked.subject, asked.candidate.robustness.attacks
    bounded = [each for each in attacks if each.bounded and not each.unreached]
    alone = (
        Subject("accuracy_under_attack", bounded[0].name, bounded[0].params) if len(bounded) == 1 else None
    )
    if alone is None or subject not in (alone, Subject("worst_case_accuracy")):
        return position
    return asked.candidate.name, judged.side, judged.decide, judged.bound, judged.p_value


def _corrected(tests: Sequence[tuple[Hashable, float | None]]) -> tuple[list[float | None], int]:
    """The p-values that are there, corrected as one family of different tests, and how many these are."""
    different = {what: p for what, p in tests if p is not None}
    after = dict(zip(different, adjusted(list(different.values())).tolist(), strict=True))
    return [None if p is None else after[what] for what, p in tests], len(after)


def _decided(case: _Case, after: Sequence[float | None], tests: int, settings: GatingConfig) -> GateCheck:
    check = case.asked.check
    failed = [
        each.fails(corrected, settings.false_discovery_rate)
        for each, corrected in zip(case.judged, after, strict=True)
    ]
    decisive = _decisive(case.judged, after, failed)
    return GateCheck(
        name=case.asked.subject.named(case.asked.candidate),
        metric=check.metric,
        candidate=case.asked.candidate.name,
        observed=case.observed,
        minimum=check.min,
        maximum=check.max,
        passed=not any(failed),
        message=message(check.metric, case.judged, failed, after, tests),
        decide=check.decide,
        max_drop=check.max_drop,
        max_rise=check.max_rise,
        baseline=case.baseline,
        change=None if case.change is None else case.change.change,
        test=None if decisive is None else case.judged[decisive].test,
        p_value=None if decisive is None else case.judged[decisive].p_value,
        adjusted_p_value=None if decisive is None else after[decisive],
    )


def _decisive(judged: Sequence[Judged], after: Sequence[float | None], failed: Sequence[bool]) -> int | None:
    """Position of the test that a check with several limits stands or falls by: of one that fails, if any
    does, the one with the smallest p-value."""
    tested = [position for position, p in enumerate(after) if p is not None]
    if not tested:
        return None
    return min(tested, key=lambda at: (not failed[at], judged[at].p_value or 0.0, at))
