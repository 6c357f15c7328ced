"""How failure and flip rates changed: each test on its own, in pairs, as samples, and by rows without ids."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from assay.changes.audited import Audited
from assay.changes.change import Change, change_of
from assay.changes.subject import Subject
from assay.config_models import GateConfig
from assay.gate.decide import decide
from assay.outcome_table import Failures, behaviour_subject
from fairness.counterfactual.results import CounterfactualResult
from reports.model import GateResult
from robustness.behaviour.results import BehaviouralResult
from robustness.estimate import Estimate, wilson
from tests.assay.changes.test_change import audit_of
from tests.reports.behaviour_example import behaviours

TYPOS = next(each for each in behaviours("plain", 640, {}) if each.name == "typos")
NOTHING = Estimate.undefined("not asked")
Kept = tuple[Sequence[str], np.ndarray]


def typos_with(errors: int, failed: np.ndarray) -> BehaviouralResult:
    params = {**TYPOS.params, "errors": errors}
    return replace(TYPOS, params=params, failure_rate=wilson(int(failed.sum()), len(failed)))


@cache
def always_right(n: int) -> Audited:
    labels = [i % 2 for i in range(n)]
    return audit_of(labels, labels)


def audited(*tests: np.ndarray, kept: bool = True, **more: Any) -> Audited:
    """Of typing errors, one test for each array (n,) bool of texts that failed it, with 1 error, 2, ..."""
    n = max(map(len, tests))
    base = always_right(n)
    (result,) = base.candidates
    results = [typos_with(errors, failed) for errors, failed in enumerate(tests, 1)]
    robustness = replace(result.robustness, behaviours=results)
    outcomes = base.outcomes
    assert outcomes is not None
    failures = {
        behaviour_subject(each.name, each.params): Failures(outcomes.ids[: len(failed)], failed)
        for each, failed in zip(results, tests, strict=True)
    }
    table = replace(outcomes, failures={"model": failures}) if kept else None
    return replace(base, candidates=[replace(result, robustness=robustness)], outcomes=table, **more)


def first(failed: int, n: int) -> np.ndarray:
    return np.arange(n) < failed


def gate(now: Audited, then: Audited, **limits: Any) -> GateResult:
    asked = GateConfig.model_validate({"metric": "failure_rate", "behaviour": "typos", **limits})
    return decide([asked], now, then)


SMALL, LARGE = (first(0, 20), first(3, 20)), (first(100, 2000), first(300, 2000))
""" + 15 points of 20 texts, which may be chance, and + 10 points of 2,000, which cannot be."""


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("decide_by", ["estimate", "certain-fail"])
def test_an_established_rise_of_one_test_fails_whatever_the_others_do(at: int, decide_by: str) -> None:
    then, now = zip(*[LARGE if i == at else SMALL for i in range(2)], strict=True)
    result = gate(audited(*now), audited(*then), max_rise=0.02, decide=decide_by)
    assert [check.passed for check in result.checks] == [i != at for i in range(2)]
    assert [check.name for check in result.checks] == [
        "failure_rate of typos (errors 1)",
        "failure_rate of typos (errors 2)",
    ]
    back = gate(audited(*then), audited(*now), max_drop=0.02, decide=decide_by)
    assert [check.passed for check in back.checks] == [i != at for i in range(2)]
    assert gate(audited(*then), audited(*now), max_rise=0.02, decide=decide_by).passed


def test_every_test_must_be_within_the_limit_for_certain() -> None:
    then, now = (first(100, 2000), first(10, 20)), (first(100, 2000), first(10, 20))
    result = gate(audited(*now), audited(*then), max_rise=0.1, decide="certain-pass")
    assert [check.passed for check in result.checks] == [True, False]
    absolute = gate(audited(*now), audited(*then), max=0.3, decide="estimate")
    assert [check.passed for check in absolute.checks] == [True, False]


def test_one_test_of_a_name_is_called_by_that_alone() -> None:
    (only,) = gate(audited(SMALL[1]), audited(SMALL[0]), max_rise=0.02).checks
    assert only.name == "failure_rate of typos"
    assert only.p_value == pytest.approx(0.5**3)
    (missing,) = decide(
        [GateConfig.model_validate({"metric": "failure_rate", "behaviour": "names", "max": 1.0})],
        audited(SMALL[1]),
    ).checks
    assert (missing.name, missing.message) == ("failure_rate of names", "not measured: names was not run")


@pytest.mark.parametrize("m", [1, 10])
@pytest.mark.parametrize("kept", [True, False])
def test_more_tests_of_a_name_cry_wolf_no_more_often(m: int, kept: bool) -> None:
    """Nothing changed: each audit draws anew whether a text fails."""
    rng, alarms, repetitions = np.random.default_rng(3), 0, 200
    for _ in range(repetitions):
        now, then = (audited(*(rng.random((m, 150)) < 0.2), kept=kept) for _ in range(2))
        alarms += not gate(now, then, max_rise=0.0, decide="certain-fail").passed
    # 5 % and 3 standard errors.
    assert alarms / repetitions <= 0.05 + 3 * (0.05 * 0.95 / repetitions) ** 0.5


def test_the_tests_of_a_name_are_judged_by_their_own_p_values() -> None:
    """One of ten rose in 8 texts and fell in none: 2 ** -8, times ten after Benjamini and Hochberg."""
    now, then = [first(10, 50)] * 9 + [first(18, 50)], [first(10, 50)] * 10
    checks = gate(audited(*now), audited(*then), max_rise=0.0).checks
    assert [check.p_value for check in checks] == pytest.approx([1.0] * 9 + [0.5**8])
    assert checks[-1].adjusted_p_value == pytest.approx(10 * 0.5**8)
    assert [check.passed for check in checks] == [True] * 9 + [False]


def test_a_test_with_other_parameters_is_another_test() -> None:
    now, then = audited(first(5, 20), first(5, 20)), audited(first(5, 20))
    found = gate(now, then, max_rise=0.5).checks
    assert [check.passed for check in found] == [True, False]
    assert found[1].message == ("not measured: in the other audit: typos was not run with these parameters")


def typed(now: Audited, then: Audited) -> Change:
    subject = Subject("failure_rate", behaviour="typos", params={**TYPOS.params, "errors": 1})
    return change_of(subject, now, then, "model", "model")


def test_parameters_that_were_read_from_a_file_are_the_same() -> None:
    now, then = audited(first(5, 20)), audited(first(5, 20))
    (result,) = now.candidates
    (test,) = result.robustness.behaviours
    tuples = replace(test, params={**test.params, "reach": (1, 2)})
    lists = replace(test, params={**test.params, "reach": [1, 2]})
    both = [
        replace(
            each,
            outcomes=None,
            candidates=[replace(result, robustness=replace(result.robustness, behaviours=[one]))],
        )
        for each, one in ((now, tuples), (then, lists))
    ]
    subject = Subject("failure_rate", behaviour="typos", params=tuples.params)
    assert change_of(subject, *both, "model", "model").change.value == 0


def test_texts_known_by_row_alone_are_paired_only_where_the_data_are_the_same() -> None:
    now, then = audited(first(9, 30), by_row=True), audited(first(0, 30), by_row=True)
    assert typed(now, then).shared == 30  # the same labels throughout
    outcomes = then.outcomes
    assert outcomes is not None
    mended = replace(outcomes, labels=np.append(1 - outcomes.labels[:1], outcomes.labels[1:]))
    other = replace(then, outcomes=mended)
    found = typed(now, other)
    assert (found.shared, found.test) == (0, "test of two samples on other texts (none known to be shared)")
    same = typed(replace(now, data_sha256="a"), replace(other, data_sha256="a"))
    assert same.shared == 29  # of the same data, though one label is not the same


def swapped(
    failed: list[bool], start: int = 0, kind: str = "texts", labels: Sequence[int] = (0, 1), **more: Any
) -> Audited:
    base = audit_of(labels, labels, ids=[f"t{i}" for i in range(len(labels))])
    ids = tuple(f"t{start + i}" for i in range(len(failed)))
    rate = wilson(sum(failed), len(failed))
    run = CounterfactualResult(
        kind, kind, None, 10, 0, 10, rate, NOTHING, NOTHING, NOTHING, NOTHING, {}, {}, {}
    )
    assert base.outcomes is not None
    kept = {"model": {kind: Failures(ids, np.array(failed))}}
    return replace(
        base,
        candidates=[replace(base.candidates[0], counterfactuals=[run])],
        outcomes=replace(base.outcomes, failures=kept),
        **more,
    )


SIX, NONE = [True] * 6 + [False] * 4, [False] * 10


def test_flip_rates_are_paired_by_the_texts_that_both_audits_swapped() -> None:
    found = change_of(Subject("flip_rate"), swapped(SIX), swapped(NONE), "model", "model")
    assert (found.shared, found.p_rise) == (10, pytest.approx(binom.sf(5, 6, 0.5)))
    apart = change_of(Subject("flip_rate"), swapped(SIX), swapped(NONE, start=5), "model", "model")
    assert apart.test == "test of two samples (5 of 10 texts are shared)"


@pytest.mark.parametrize(
    ("metric", "kind", "shared"), [("flip_rate", "texts", 0), ("template_flip_rate", "templates", 10)]
)
def test_templates_are_the_same_whatever_texts_are_audited(metric: str, kind: str, shared: int) -> None:
    now = swapped(SIX, kind=kind, by_row=True)
    then = swapped(NONE, kind=kind, labels=(1, 0, 1), by_row=True)
    # The texts "t0" and "t1" have another label in the other audit; a template of that name is no such text.
    assert change_of(Subject(metric), now, then, "model", "model").shared == shared
