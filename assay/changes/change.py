"""How a metric differs between two audits, with an interval and a test."""

import math
from dataclasses import dataclass, replace

import numpy as np

from assay.changes.audited import Audited
from assay.changes.compared import Side, answered, bounded_attacks, survived
from assay.changes.failing import FailureTest, failure_tests
from assay.changes.metrics import FLIP_RATES, OF_CLASS, split_label
from assay.changes.observed import observed
from assay.changes.pairing import (
    UnmeasuredError,
    enough,
    paired_failures,
    pairs_of,
    stacked,
    with_other_label,
)
from assay.changes.resampling import Paired, bootstrap, interval_of, swapping_test
from assay.changes.subject import Subject
from assay.changes.two_samples import check_groups, difference_of_samples, known_shared
from assay.changes.values import RATES, Answered, rate_of, weighing
from assay.outcome_table import attack_subject
from reports.formatting import counted
from reports.model import CandidateResult
from robustness.estimate import Estimate, wilson
from robustness.paired import Discordant, difference_of, mcnemar

NOT_KEPT = "(the outcomes of one of them were not kept)"


@dataclass(frozen=True)
class Change:
    """Of one subject, from another audit to this one.

    now, then: the metric, on the shared examples where they are compared in pairs. change: now minus then.
    p_drop, p_rise: of the one-sided tests of "it did not fall" and "it did not rise"; None where nothing
    could be tested. test: how, in words that leave open whether in one direction or in both. shared: how
    many examples were compared in pairs; 0 for two samples.
    """

    now: Estimate
    then: Estimate
    change: Estimate
    p_drop: float | None
    p_rise: float | None
    test: str
    shared: int


def change_of(subject: Subject, now: Audited, then: Audited, candidate: str, other: str) -> Change:
    """How the subject differs from ``other``, a candidate of ``then``, to ``candidate`` of ``now``.

    Where the audits share at least 80 % of the larger one's examples (the same id and label), these are
    compared in pairs. Rates of the same examples (``RATES``, the worst case, failure and flip rates): exact
    McNemar test, interval of Bonett and Price. Any other metric: swapping test and paired bootstrap
    (``assay.changes.resampling``). Then ``now`` and ``then`` are recomputed on the shared examples; what is
    no rate keeps its interval only where they are all that the audit has. Else the audits are two samples
    (``assay.changes.two_samples``), and so they are where an earlier version of assay kept no outcomes.

    What was not measured in one of the audits has an undefined change, with the reason. Nothing is raised.
    """
    mine, theirs = _result(now, candidate), _result(then, other)
    first = observed(subject, mine) if mine else Estimate.undefined(f'no candidate is called "{candidate}"')
    second = Estimate.undefined(f'the other audit has no candidate "{other}"')
    reason = first.reason or second.reason or ""
    if theirs is not None:
        try:
            second = observed(_in_other(subject, mine, theirs), theirs)
            if mine is not None and first.value is not None:
                return _change(subject, _Sides(now, then, mine, theirs), first, second)
        except UnmeasuredError as error:
            reason = str(error)
            second = second if second.value is not None else Estimate.undefined(reason)
    return Change(first, second, Estimate.undefined(reason), None, None, "not tested", 0)


def _result(audit: Audited, name: str) -> CandidateResult | None:
    return next((each for each in audit.candidates if each.name == name), None)


def _in_other(subject: Subject, mine: CandidateResult | None, theirs: CandidateResult) -> Subject:
    """The subject with the parameters of the same attack as ``theirs`` has them (read from a file, a tuple
    is a list)."""
    if subject.attack is None:
        return subject
    wanted = attack_subject(subject.attack, subject.params or {})
    for attack in theirs.robustness.attacks:
        if attack_subject(attack.name, attack.params) == wanted:
            return replace(subject, params=attack.params)
    attacked = subject.attack_in(mine) if mine else None
    label = attacked.label if attacked else subject.attack
    raise UnmeasuredError(f"the other audit did not run {label}, or not with the same parameters")


@dataclass(frozen=True, eq=False)
class _Sides:
    """Two audits and a candidate of each."""

    now: Audited
    then: Audited
    mine: CandidateResult
    theirs: CandidateResult


def _change(subject: Subject, sides: _Sides, first: Estimate, second: Estimate) -> Change:
    """first, second: the metric in the audits themselves; the first is defined."""
    if subject.behaviour is not None or subject.metric in FLIP_RATES:
        return _of_failures(subject, sides)
    attack = _in_other(subject, sides.mine, sides.theirs).attack_in(sides.theirs)
    if attack is not None and attack.unreached:
        raise UnmeasuredError(f"in the other audit {second.reason}")
    if sides.now.outcomes is None or sides.then.outcomes is None:
        return _of_samples(subject, sides, first, second, NOT_KEPT)
    by_row = sides.now.by_row or sides.then.by_row
    pairs = pairs_of(sides.now.outcomes, sides.then.outcomes, by_row=by_row)
    if not pairs.enough:
        most = max(pairs.n_now, pairs.n_then)
        shared = known_shared(len(pairs.now), most, "examples", by_row=by_row)
        return _of_samples(subject, sides, first, second, shared)
    now, then = Side(sides.now.outcomes, sides.mine), Side(sides.then.outcomes, sides.theirs)
    if subject.metric == "worst_case_accuracy":
        return _of_rate(*survived(pairs, now, then), sides.now.confidence)
    mine, theirs = answered(subject, pairs, now, then)
    if split_label(subject.metric)[0] in RATES:
        (rows, had), (_, had_then) = rate_of(subject.metric, mine), rate_of(subject.metric, theirs)
        if not rows.any():
            raise UnmeasuredError("no shared example counts in it")
        return _of_rate(had[rows], had_then[rows], "", sides.now.confidence)
    rng = np.random.default_rng(sorted((sides.now.seed, sides.then.seed)))
    return _of_resampled(_paired(subject.metric, mine, theirs), rng, sides.now.confidence, first, second)


def _of_rate(now: np.ndarray, then: np.ndarray, words: str, confidence: float) -> Change:
    """now, then: (m,) bool, the successes among the same examples, one or more."""
    m, counts = len(now), Discordant.of(now, then)
    tested = mcnemar(counts)
    return Change(
        wilson(int(now.sum()), m, confidence),
        wilson(int(then.sum()), m, confidence),
        difference_of(counts, confidence),
        tested.p_drop,
        tested.p_rise,
        f"exact McNemar test on {counted(m, 'shared example')}{words}",
        m,
    )


def _paired(metric: str, mine: Answered, theirs: Answered) -> Paired:
    """The answers of both audits, weighed as one list of answers."""
    twice = replace(
        mine,
        y_true=np.tile(mine.y_true, 2),
        cells=np.tile(mine.cells, 2),
        answers=stacked([mine.answers, theirs.answers]),
    )
    weighed = weighing(metric, twice)
    now, then = np.split(weighed.codes, 2)
    return Paired(now, then, weighed.rows, weighed.value)


def _of_resampled(
    paired: Paired, rng: np.random.Generator, confidence: float, first: Estimate, second: Estimate
) -> Change:
    m, (now, then) = paired.n, paired.values()
    for value, which in ((now, "this"), (then, "the other")):
        if math.isnan(value):
            raise UnmeasuredError(f"on the shared examples {which} audit has none")
    p_drop, p_rise = swapping_test(paired, rng)
    ends = interval_of(now - then, bootstrap(paired, rng), confidence) or (None, None)
    return Change(
        _own(now, first, m),
        _own(then, second, m),
        Estimate(now - then, ends[0], ends[1], m),
        p_drop,
        p_rise,
        f"swapping test on {counted(m, 'shared example')}",
        m,
    )


def _own(value: float, audited: Estimate, m: int) -> Estimate:
    """The audit's own estimate where it is that of the shared examples."""
    own = audited.value is not None and math.isclose(audited.value, value, abs_tol=1e-9)
    return audited if own else Estimate(value, None, None, m)


def _of_samples(subject: Subject, sides: _Sides, first: Estimate, second: Estimate, why: str) -> Change:
    if second.value is None:
        raise UnmeasuredError(f"in the other audit: {second.reason}")
    if subject.metric == "worst_case_accuracy" and bounded_attacks(sides.mine) != bounded_attacks(
        sides.theirs
    ):
        raise UnmeasuredError("the audits ran different attacks, on different examples")
    classes = [each.fairness.positive_label for each in (sides.mine, sides.theirs) if each.fairness]
    if split_label(subject.metric)[0] in OF_CLASS and subject.group is not None and len(set(classes)) > 1:
        raise UnmeasuredError("in the other audit it is of another class")
    check_groups(subject, sides.mine.fairness, sides.theirs.fairness)
    found = difference_of_samples(first, second, sides.now.confidence, sides.then.confidence)
    test = f"test of two samples {why}"
    if found.p_drop is None:
        test = f"two samples {why}, not tested: one of them has no interval"
    return Change(first, second, found.change, found.p_drop, found.p_rise, test, 0)


def _of_failures(subject: Subject, sides: _Sides) -> Change:
    """Of the tests that both audits ran the one whose rate rose most: a gate must hold for each.

    The p-values are multiplied by their number and the interval widened to match (Bonferroni).
    """
    tests = failure_tests(subject, (sides.mine, sides.now.outcomes), (sides.theirs, sides.then.outcomes))
    m = len(tests)
    confidence = 1 - (1 - sides.now.confidence) / m
    changes = [_of_test(test, subject, sides, confidence) for test in tests]
    most = max(changes, key=lambda each: each.change.value or 0.0)
    if m == 1:
        return most
    return replace(
        most,
        p_drop=None if most.p_drop is None else min(1.0, m * most.p_drop),
        p_rise=None if most.p_rise is None else min(1.0, m * most.p_rise),
        test=f"{most.test}, the largest of {m} changes",
    )


def _of_test(test: FailureTest, subject: Subject, sides: _Sides, confidence: float) -> Change:
    if test.now.value is None or test.then.value is None:
        which = "this" if test.now.value is None else "the other"
        raise UnmeasuredError(f"in {which} audit: {test.now.reason or test.then.reason}")
    kept = test.failed_now, test.failed_then
    if kept[0] is None or kept[1] is None or sides.now.outcomes is None or sides.then.outcomes is None:
        return _of_samples(subject, sides, test.now, test.then, NOT_KEPT)
    apart = with_other_label(sides.now.outcomes, sides.then.outcomes)
    now, then = paired_failures(kept[0], kept[1], apart)
    most = max(len(each.ids) for each in kept if each)
    if not enough(len(now), most):
        return _of_samples(subject, sides, test.now, test.then, known_shared(len(now), most, "texts"))
    return _of_rate(now, then, "", confidence)
