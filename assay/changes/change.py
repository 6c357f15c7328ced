"""How a metric differs between two audits, with an interval and a test."""

import math
from dataclasses import dataclass, replace

import numpy as np

from assay.changes.audited import Audited, by_row
from assay.changes.compared import Side, answered, bounded_attacks, survived
from assay.changes.metrics import FLIP_RATES, OF_CLASS, split_label
from assay.changes.observed import observed
from assay.changes.pairing import (
    UnmeasuredError,
    enough,
    paired_failures,
    pairs_of,
    same_rows,
    stacked,
    with_other_label,
)
from assay.changes.resampling import Paired, bootstrap, interval_of, swapping_test
from assay.changes.subject import Subject
from assay.changes.two_samples import check_groups, difference_of_samples, known_shared
from assay.changes.values import RATES, Answered, rate_of, weighing
from assay.outcome_table import Failures, behaviour_subject
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
            second = observed(subject, theirs)
            if mine is not None and first.value is not None:
                return _change(subject, _Sides(now, then, mine, theirs), first, second)
        except UnmeasuredError as error:
            reason = str(error)
    return Change(first, second, Estimate.undefined(reason), None, None, "not tested", 0)


def _result(audit: Audited, name: str) -> CandidateResult | None:
    return next((each for each in audit.candidates if each.name == name), None)


@dataclass(frozen=True, eq=False)
class _Sides:
    """Two audits and a candidate of each."""

    now: Audited
    then: Audited
    mine: CandidateResult
    theirs: CandidateResult

    def failures(self, subject: Subject) -> tuple[Failures | None, Failures | None]:
        """Of a test now and then; None where not kept."""
        kind = FLIP_RATES.get(subject.metric)
        key = kind or behaviour_subject(subject.behaviour or "", subject.params or {})
        mine, theirs = (
            None if audit.outcomes is None else audit.outcomes.failures.get(result.name, {}).get(key)
            for audit, result in ((self.now, self.mine), (self.then, self.theirs))
        )
        return mine, theirs


def _change(subject: Subject, sides: _Sides, first: Estimate, second: Estimate) -> Change:
    """first, second: the metric in the audits themselves; the first is defined."""
    if subject.behaviour is not None or subject.metric in FLIP_RATES:
        return _of_failures(subject, sides, first, second)
    attack = subject.attack_in(sides.theirs)
    if subject.attack is not None and (attack is None or attack.unreached):
        raise UnmeasuredError(f"in the other audit {second.reason}")
    if sides.now.outcomes is None or sides.then.outcomes is None:
        return _of_samples(subject, sides, first, second, NOT_KEPT)
    rows = by_row(sides.now, sides.then)
    pairs = pairs_of(sides.now.outcomes, sides.then.outcomes, by_row=rows)
    if not pairs.enough:
        most = max(pairs.n_now, pairs.n_then)
        shared = known_shared(len(pairs.now), most, "examples", by_row=rows)
        return _of_samples(subject, sides, first, second, shared)
    now, then = Side(sides.now.outcomes, sides.mine), Side(sides.then.outcomes, sides.theirs)
    if subject.metric == "worst_case_accuracy":
        return _of_rate(*survived(pairs, now, then), sides.now.confidence)
    mine, theirs = answered(subject, pairs, now, then)
    if split_label(subject.metric)[0] in RATES:
        (of, had), (_, had_then) = rate_of(subject.metric, mine), rate_of(subject.metric, theirs)
        if not of.any():
            raise UnmeasuredError("no shared example counts in it")
        return _of_rate(had[of], had_then[of], "", sides.now.confidence)
    rng = np.random.default_rng(sorted((sides.now.seed, sides.then.seed)))
    # What an audit says of more examples is not what the shared ones say, even where the value is the same.
    whole = [
        each if n == len(pairs.now) else None for each, n in ((first, pairs.n_now), (second, pairs.n_then))
    ]
    return _of_resampled(_paired(subject.metric, mine, theirs), rng, sides.now.confidence, *whole)


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
    paired: Paired,
    rng: np.random.Generator,
    confidence: float,
    first: Estimate | None,
    second: Estimate | None,
) -> Change:
    """first, second: the metric in the audits themselves; None for one that has other examples too."""
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


def _own(value: float, audited: Estimate | None, m: int) -> Estimate:
    """The audit's own estimate where it is that of the shared examples."""
    if audited is None or audited.value is None or not math.isclose(audited.value, value, abs_tol=1e-9):
        return Estimate(value, None, None, m)
    return audited


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


def _of_failures(subject: Subject, sides: _Sides, first: Estimate, second: Estimate) -> Change:
    """Of a behavioural test, or of swapped identities in texts or in templates."""
    mine, theirs = sides.failures(subject)
    if mine is None or theirs is None or sides.now.outcomes is None or sides.then.outcomes is None:
        return _of_samples(subject, sides, first, second, NOT_KEPT)
    most = max(len(mine.ids), len(theirs.ids))
    # Templates have ids of their own, which say nothing of the audited texts.
    of_texts = FLIP_RATES.get(subject.metric) != "templates"
    numbered = of_texts and by_row(sides.now, sides.then)
    if numbered and not same_rows(sides.now.outcomes, sides.then.outcomes):
        return _of_samples(subject, sides, first, second, known_shared(0, most, "texts", by_row=True))
    apart = with_other_label(sides.now.outcomes, sides.then.outcomes) if of_texts else frozenset()
    now, then = paired_failures(mine, theirs, apart)
    if not enough(len(now), most):
        return _of_samples(subject, sides, first, second, known_shared(len(now), most, "texts"))
    return _of_rate(now, then, "", sides.now.confidence)
