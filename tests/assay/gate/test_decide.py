"""The decision of the gate: limits, modes, tests and their correction, and the words of it, from made-up
estimates and changes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from assay.changes.audited import Audited
from assay.changes.change import Change
from assay.config_models import GateConfig, GatingConfig
from assay.gate import decide as deciding
from assay.gate.decide import decide, expanded
from reports.formatting import MINUS
from reports.limits import required
from reports.model import Baseline, CandidateResult, GateCheck, GateResult
from robustness.estimate import Estimate
from tests.reports.example import candidate

PLAIN, HARDENED = candidate("plain"), candidate("fgsm-trained")
UNMEASURED = Estimate.undefined("too few")
MCNEMAR = "exact McNemar test on 1,000 shared examples"


def check(**keys: Any) -> GateConfig:
    return GateConfig.model_validate({"metric": "accuracy", **keys})


def with_accuracy(accuracy: Estimate, plain: CandidateResult = PLAIN) -> CandidateResult:
    robustness = plain.robustness
    return replace(plain, robustness=replace(robustness, clean=replace(robustness.clean, accuracy=accuracy)))


def audited(*candidates: CandidateResult, confidence: float = 0.95) -> Audited:
    return Audited(candidates, None, confidence, 0)


def of_accuracy(accuracy: Estimate, settings: GatingConfig | None = None, **keys: Any) -> GateCheck:
    (found,) = decide([check(**keys)], audited(with_accuracy(accuracy)), settings=settings).checks
    return found


Rate = tuple[float, float | None, float | None]


@pytest.mark.parametrize(
    ("rate", "limits", "estimate", "certain_pass", "certain_fail"),
    [
        # value, low, high                             by: estimate, whole interval, unless certain
        ((0.86, 0.83, 0.89), {"min": 0.80}, True, True, True),
        ((0.86, 0.80, 0.89), {"min": 0.80}, True, True, True),
        ((0.86, 0.79, 0.89), {"min": 0.80}, True, False, True),
        ((0.80, 0.77, 0.83), {"min": 0.80}, True, False, True),
        ((0.79, 0.76, 0.82), {"min": 0.80}, False, False, True),
        ((0.77, 0.74, 0.80), {"min": 0.80}, False, False, True),
        ((0.76, 0.73, 0.79), {"min": 0.80}, False, False, False),
        ((0.10, 0.08, 0.12), {"max": 0.20}, True, True, True),
        ((0.19, 0.17, 0.21), {"max": 0.20}, True, False, True),
        ((0.21, 0.19, 0.23), {"max": 0.20}, False, False, True),
        ((0.30, 0.28, 0.32), {"max": 0.20}, False, False, False),
        ((0.30, 0.28, 0.32), {"min": 0.20, "max": 0.40}, True, True, True),
        ((0.30, 0.10, 0.50), {"min": 0.20, "max": 0.40}, True, False, True),
        # counted, not sampled: its value decides
        ((0.80, None, None), {"min": 0.80}, True, True, True),
        ((0.79, None, None), {"min": 0.80}, False, False, False),
        # an interval without an upper end, and without a lower one
        ((0.50, 0.40, None), {"min": 0.30}, True, True, True),
        ((0.50, 0.40, None), {"max": 0.60}, True, False, True),
        ((0.20, 0.10, None), {"min": 0.30}, False, False, True),
        ((0.50, None, 0.60), {"min": 0.30}, True, False, True),
        ((0.50, None, 0.60), {"max": 0.30}, False, False, True),
        # exactly at the limits
        ((0.0, 0.0, 0.01), {"max": 0.0}, True, False, True),
        ((1.0, 1.0, 1.0), {"min": 1.0}, True, True, True),
    ],
)
def test_a_limit_is_held_against_the_estimate_or_the_interval(
    rate: Rate, limits: dict[str, float], estimate: bool, certain_pass: bool, certain_fail: bool
) -> None:
    modes = ("estimate", "certain-pass", "certain-fail")
    found = [of_accuracy(Estimate(*rate, 500), **limits, decide=mode).passed for mode in modes]
    assert found == [estimate, certain_pass, certain_fail]


@pytest.mark.parametrize("decide_by", ["estimate", "certain-pass", "certain-fail"])
@pytest.mark.parametrize("limits", [{"min": 0.0}, {"max": 1.0}, {"max_drop": 1.0}, {"max_rise": 1.0}])
def test_what_was_not_measured_fails_whatever_decides_it(limits: dict[str, float], decide_by: str) -> None:
    found = of_accuracy(UNMEASURED, **limits, decide=decide_by)
    assert not found.passed
    assert found.message.startswith("not measured: ")


def test_a_failure_that_must_be_certain_is_tested_by_the_half_of_the_interval_towards_the_limit() -> None:
    # The upper half is 0.03 wide and 1.96 standard errors long; the lower one does not matter.
    found = of_accuracy(Estimate(0.75, 0.10, 0.78, 500), min=0.80, decide="certain-fail")
    error = 0.03 / norm.ppf(0.975)
    assert found.p_value == pytest.approx(norm.cdf((0.75 - 0.80) / error))
    assert (found.adjusted_p_value, found.passed) == (found.p_value, False)
    assert found.test == "one-sided test of the interval against the limit"


def test_the_interval_of_an_audit_at_another_confidence_has_another_standard_error() -> None:
    asked, rate = check(min=0.80, decide="certain-fail"), Estimate(0.75, 0.10, 0.78, 500)
    (found,) = decide([asked], audited(with_accuracy(rate), confidence=0.5)).checks
    assert found.p_value == pytest.approx(norm.cdf(-0.05 / (0.03 / norm.ppf(0.75))))


def fell(
    drop: float, low: float, high: float, p: float | None, *, p_rise: float | None = None, now: float = 0.8
) -> Change:
    """A drop with its interval, from ``now + drop`` to ``now``; p: of "it did not fall"."""
    rise = p_rise if p_rise is not None else None if p is None else 1 - p
    after, before = Estimate(now, now - 0.02, now + 0.02, 1000), Estimate(now + drop, now, 1.0, 1000)
    return Change(after, before, Estimate(-drop, -high, -low, 1000), p, rise, MCNEMAR, 1000)


Against = Callable[..., GateResult]


@pytest.fixture
def against(monkeypatch: pytest.MonkeyPatch) -> Against:
    """The gate of ``checks`` on "plain", one made-up change for each check against a baseline."""

    def run(checks: Sequence[GateConfig], *changes: Change, **settings: Any) -> GateResult:
        given = iter(changes)
        monkeypatch.setattr(deciding, "change_of", lambda *_: next(given))
        return decide(checks, audited(PLAIN), audited(PLAIN), GatingConfig(**settings))

    return run


@pytest.mark.parametrize(
    ("change", "max_drop", "estimate", "certain_pass", "certain_fail"),
    [
        # drop, low, high, p                       allowed   by: estimate, whole interval, unless certain
        (fell(0.050, 0.031, 0.070, 0.0001), 0.02, False, False, False),
        (fell(0.050, 0.010, 0.090, 0.0100), 0.02, False, False, True),
        (fell(0.030, -0.01, 0.070, 0.2000), 0.02, True, False, True),
        (fell(0.020, 0.005, 0.035, 0.0050), 0.02, True, False, True),
        (fell(0.010, 0.001, 0.019, 0.0200), 0.02, True, True, True),
        (fell(0.010, 0.001, 0.020, 0.0200), 0.02, True, True, True),
        (fell(0.010, -0.01, 0.030, 0.2000), 0.02, True, False, True),
        (fell(-0.05, -0.07, -0.03, 0.9999), 0.02, True, True, True),
        (fell(0.030, 0.010, 0.050, 0.0010), 0.0, False, False, False),
        (fell(0.030, -0.01, 0.060, 0.0400), 0.0, False, False, True),
        (fell(0.030, 0.010, 0.050, 0.0600), 0.0, True, False, True),
        (fell(0.0, 0.0, 0.0, 1.0), 0.0, True, True, True),
        # nothing could be tested: the value, or the interval, decides alone
        (fell(0.030, 0.025, 0.035, None), 0.02, False, False, False),
        (fell(0.010, 0.005, 0.015, None), 0.02, True, True, True),
    ],
)
def test_a_drop_is_held_against_what_is_allowed(
    against: Against,
    change: Change,
    max_drop: float,
    estimate: bool,
    certain_pass: bool,
    certain_fail: bool,
) -> None:
    modes = ("estimate", "certain-pass", "certain-fail")
    drops = [against([check(max_drop=max_drop, decide=mode)], change).passed for mode in modes]
    assert drops == [estimate, certain_pass, certain_fail]
    # A rise is the mirror image.
    after = Estimate(-change.change.value, None, None, 1000) if change.change.value else change.change
    if change.change.low is not None and change.change.high is not None:
        after = replace(after, low=-change.change.high, high=-change.change.low)
    mirrored = replace(change, change=after, p_drop=change.p_rise, p_rise=change.p_drop)
    rises = [against([check(max_rise=max_drop, decide=mode)], mirrored).passed for mode in modes]
    assert rises == drops
    assert against([check(max_rise=1.0)], change).passed


def test_a_change_that_floating_point_makes_too_large_is_at_the_limit(against: Against) -> None:
    drop = 0.92 - 0.9
    assert drop > 0.02
    assert against([check(max_drop=0.02)], fell(drop, 0.01, 0.03, 0.001)).passed
    assert not against([check(max_drop=0.02)], fell(0.021, 0.01, 0.03, 0.001)).passed


def test_the_test_of_a_drop_that_must_be_certain_is_against_what_is_allowed(against: Against) -> None:
    sure = fell(0.05, 0.03, 0.08, 1e-6)
    above, any_at_all = (
        against([check(max_drop=limit, decide="certain-fail")], sure).checks[0] for limit in (0.02, 0.0)
    )
    # The lower half of the interval is 0.02 wide.
    assert above.p_value == pytest.approx(norm.sf((0.05 - 0.02) / (0.02 / norm.ppf(0.975))))
    assert above.test == f"{MCNEMAR}, one-sided test of the interval against the limit"
    assert (any_at_all.p_value, any_at_all.test) == (1e-6, f"one-sided {MCNEMAR}")


def test_a_smaller_difference_than_counts_fails_nothing(against: Against) -> None:
    sure = fell(0.008, 0.006, 0.009, 1e-9)
    assert not against([check(max_drop=0.0)], sure).passed
    result = against([check(max_drop=0.0)], sure, smallest_difference=0.01)
    assert result.passed
    assert result.smallest_difference == 0.01
    (found,) = result.checks
    assert "no drop of more than 1.0 points is allowed, the smallest difference that counts" in found.message
    assert required(found, result.smallest_difference) == "no drop of more than 1.0 points"
    assert against([check(max_drop=0.02)], sure, smallest_difference=0.01).checks[0].message.count("1.0") == 0


def test_the_smallest_difference_says_nothing_of_a_metric_without_an_upper_end(against: Against) -> None:
    norms = GateConfig(metric="minimal_norm", attack="fmn", max_drop=0.0)
    assert not against([norms], fell(0.005, 0.004, 0.006, 1e-6), smallest_difference=0.01).passed


def test_all_tests_of_the_gate_are_corrected_together(against: Against) -> None:
    p_values = [0.001, 0.02, 0.03, 0.04, 0.5]
    checks = [check(min=0.0), *[check(max_drop=0.0)] * 5, check(max_drop=0.0, decide="certain-pass")]
    changes = [fell(0.03, -0.01, 0.05, p) for p in p_values]
    found = against(checks, *changes, fell(0.0, -0.1, 0.0, 0.9)).checks
    expected = multipletests(p_values, method="fdr_bh")[1]
    assert [each.p_value for each in found] == [None, *p_values, None]
    assert [each.adjusted_p_value for each in found[1:-1]] == pytest.approx(list(expected))
    assert [each.passed for each in found] == [True, *(expected > 0.05), True]
    assert [each.passed for each in found[1:-1]] == [False, False, False, False, True]


@pytest.mark.parametrize(("attacks", "tests"), [(1, 2), (2, 3)])
def test_the_worst_case_of_one_attack_is_no_test_of_its_own(
    monkeypatch: pytest.MonkeyPatch, attacks: int, tests: int
) -> None:
    bounded = [each for each in PLAIN.robustness.attacks if each.bounded][:attacks]
    few = replace(PLAIN, robustness=replace(PLAIN.robustness, attacks=bounded))
    under = check(metric="accuracy_under_attack", attack=bounded[0].name, max_drop=0.0)
    under = under.model_copy(update={"epsilon": bounded[0].threat_model.epsilon})
    checks = [under, check(metric="worst_case_accuracy", max_drop=0.0), check(max_drop=0.0)]
    left = iter([fell(0.05, 0.03, 0.07, p) for p in (0.02, 0.02, 0.04)])
    monkeypatch.setattr(deciding, "change_of", lambda *_: next(left))
    found = decide(checks, audited(few), audited(few)).checks
    expected = multipletests([0.02, 0.02, 0.04][-tests:], method="fdr_bh")[1].tolist()
    assert [each.adjusted_p_value for each in found] == pytest.approx([expected[0], *expected[-2:]])
    assert f"after correction for {tests} tests" in found[0].message


def test_one_test_among_many_that_are_chance_no_longer_fails_alone(against: Against) -> None:
    alone = fell(0.03, 0.001, 0.05, 0.02)
    assert not against([check(max_drop=0.0)], alone).passed
    many = [alone, *[fell(0.001, -0.02, 0.02, 0.5)] * 9]
    assert against([check(max_drop=0.0)] * 10, *many).passed
    assert not against([check(max_drop=0.0)] * 10, *many, false_discovery_rate=0.3).passed


def test_a_failure_of_an_absolute_limit_belongs_to_the_family_only_where_it_must_be_certain(
    against: Against,
) -> None:
    certain = check(min=0.99, decide="certain-fail")
    result = against([check(min=0.99), certain, check(max_drop=0.0)], fell(0.1, 0.05, 0.15, 0.03))
    assert [each.p_value is None for each in result.checks] == [True, False, False]
    both = [each.p_value for each in result.checks[1:]]
    expected = multipletests(both, method="fdr_bh")[1]
    assert [each.adjusted_p_value for each in result.checks[1:]] == pytest.approx(list(expected))


def test_one_check_with_several_limits_passes_only_where_all_hold(against: Against) -> None:
    slump, steady = fell(0.10, 0.08, 0.12, 1e-5), fell(0.0, -0.01, 0.01, 0.5)
    limits = {"min": 0.5, "max": 1.0, "max_drop": 0.02, "max_rise": 0.02}
    assert against([check(**limits)], steady).passed
    (failed,) = against([check(**limits)], slump).checks
    assert not failed.passed
    assert "fell by 10.0 points" in failed.message
    assert "within the limits" not in failed.message
    (both,) = against([check(**{**limits, "min": 0.99})], slump).checks
    assert "below the required 99.0 %" in both.message
    assert "fell by 10.0 points" in both.message


def test_the_test_that_is_shown_is_the_one_that_a_check_fails_by(against: Against) -> None:
    (found,) = against([check(max_drop=0.0, max_rise=0.0)], fell(0.05, 0.03, 0.07, 0.004)).checks
    assert (found.p_value, found.passed) == (0.004, False)
    assert found.adjusted_p_value == pytest.approx(0.008)
    (up,) = against([check(max_drop=0.0, max_rise=0.0)], fell(-0.05, -0.07, -0.03, 0.996)).checks
    assert (up.p_value, up.passed) == (pytest.approx(0.004), False)


def test_what_was_required_and_found_is_kept(against: Against) -> None:
    change = fell(0.05, 0.03, 0.07, 0.004)
    (found,) = against([check(min=0.5, max_drop=0.02, decide="certain-fail")], change).checks
    assert (found.minimum, found.maximum, found.max_drop, found.max_rise) == (0.5, None, 0.02, None)
    assert (found.decide, found.change) == ("certain-fail", change.change)
    assert found.observed is found.baseline is PLAIN.robustness.clean.accuracy


@pytest.mark.parametrize(
    ("keys", "change", "message"),
    [
        (
            {"max_drop": 0.02},
            fell(0.052, 0.031, 0.073, 0.0004, now=0.81),
            "fell by 5.2 points (3.1 to 7.3) to 81.0 %; no drop of more than 2.0 points is allowed "
            f"(one-sided {MCNEMAR}, p <\u00a00.001)",
        ),
        (
            {"max_drop": 0.0},
            fell(0.011, -0.006, 0.028, 0.21),
            f"fell by 1.1 points ({MINUS}0.6 to 2.8) to 80.0 %, which may be chance; no drop is allowed "
            f"(one-sided {MCNEMAR}, p = 0.210)",
        ),
        (
            {"max_drop": 0.02},
            fell(-0.03, -0.05, -0.01, 0.99),
            "rose by 3.0 points (1.0 to 5.0) to 80.0 %; no drop of more than 2.0 points is allowed "
            f"(one-sided {MCNEMAR}, p = 0.990)",
        ),
        (
            {"max_rise": 0.02},
            fell(-0.03, -0.05, -0.01, 0.99, p_rise=0.01),
            "rose by 3.0 points (1.0 to 5.0) to 80.0 %; no rise of more than 2.0 points is allowed "
            f"(one-sided {MCNEMAR}, p = 0.010)",
        ),
        (
            {"max_drop": 0.02, "decide": "certain-pass"},
            fell(0.01, -0.01, 0.03, 0.3),
            f"fell by 1.0 points ({MINUS}1.0 to 3.0) to 80.0 %; no drop of more than 2.0 points is allowed, "
            "and its interval reaches beyond that",
        ),
        (
            {"max_drop": 0.02},
            fell(0.0, -0.01, 0.01, 0.5),
            f"did not change ({MINUS}1.0 to 1.0) from 80.0 %; no drop of more than 2.0 points is allowed "
            f"(one-sided {MCNEMAR}, p = 0.500)",
        ),
        (
            {"max_drop": 0.0225},
            fell(0.0224, 0.01, 0.03, 0.001),
            "fell by 2.2 points (1.0 to 3.0) to 80.0 %; no drop of more than 2.25 points is allowed "
            f"(one-sided {MCNEMAR}, p = 0.001)",
        ),
        (
            {"max_drop": 0.0225},
            fell(0.02251, 0.01, 0.03, 0.001),
            "fell by 2.3 points (1.0 to 3.0) to 80.0 %; no drop of more than 2.25 points is allowed "
            f"(one-sided {MCNEMAR}, p = 0.001)",
        ),
        (
            {"max_drop": 0.0226},
            fell(0.02259, 0.01, 0.03, 0.001),
            "fell by 2.259 points (1.0 to 3.0) to 80.0 %; no drop of more than 2.26 points is allowed "
            f"(one-sided {MCNEMAR}, p = 0.001)",
        ),
    ],
)
def test_a_change_is_told_in_plain_words(
    against: Against, keys: dict[str, Any], change: Change, message: str
) -> None:
    (found,) = against([check(**keys)], change).checks
    assert found.message == message


def test_a_correction_is_told_with_the_number_of_tests(against: Against) -> None:
    changes = [fell(0.05, 0.03, 0.07, 0.004), fell(0.001, -0.01, 0.02, 0.4), fell(0.001, -0.01, 0.02, 0.6)]
    found = against([check(max_drop=0.0)] * 3, *changes).checks[0]
    assert found.message.endswith(f"(one-sided {MCNEMAR}, p = 0.004, 0.012 after correction for 3 tests)")


@pytest.mark.parametrize(
    ("rate", "keys", "message"),
    [
        ((0.86, 0.83, 0.89), {"min": 0.8}, "86.0 % (83.0 to 89.0) is within the limits: at least 80.0 %"),
        ((0.86, 0.83, 0.89), {"min": 0.9}, "86.0 % (83.0 to 89.0) is below the required 90.0 %"),
        ((0.86, 0.83, 0.89), {"max": 0.8}, "86.0 % (83.0 to 89.0) is above the allowed 80.0 %"),
        ((0.86, None, None), {"max": 0.8}, "86.0 % is above the allowed 80.0 %"),
        # as many digits as tell the value from the limit
        ((0.7996, 0.77, 0.82), {"min": 0.8}, "79.96 % (77.0 to 82.0) is below the required 80.0 %"),
        ((0.79999, 0.77, 0.82), {"min": 0.8}, "79.999 % (77.0 to 82.0) is below the required 80.0 %"),
        ((0.86, 0.83, 0.89), {"min": 0.8725}, "86.0 % (83.0 to 89.0) is below the required 87.25 %"),
        (
            (0.82, 0.79, 0.85),
            {"min": 0.8, "decide": "certain-pass"},
            "82.0 % (79.0 to 85.0) may be below the required 80.0 %: the whole interval must be at least "
            "that",
        ),
        (
            (0.79, 0.76, 0.82),
            {"min": 0.8, "decide": "certain-fail"},
            "79.0 % (76.0 to 82.0) is below the required 80.0 %, but that may be chance "
            "(one-sided test of the interval against the limit, p = 0.257)",
        ),
        (
            (0.3, 0.25, 0.35),
            {"min": 0.2, "max": 0.4, "decide": "certain-pass"},
            "30.0 % (25.0 to 35.0) is within the limits: at least 20.0 %, the whole interval; and "
            "30.0 % (25.0 to 35.0) is within the limits: at most 40.0 %, the whole interval",
        ),
    ],
)
def test_a_limit_is_told_in_plain_words(rate: Rate, keys: dict[str, Any], message: str) -> None:
    assert of_accuracy(Estimate(*rate, 500), **keys).message == message


def test_a_norm_is_told_as_a_number_and_not_as_a_share() -> None:
    asked = GateConfig(metric="minimal_norm", attack="fmn", min=0.02)
    (found,) = decide([asked], audited(PLAIN)).checks
    assert found.message.startswith("0.012")
    assert found.message.endswith("is below the required 0.020")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (GatingConfig(), ["there is no baseline", "[gating]", "assay baseline set RUN"]),
        (
            GatingConfig.model_validate_json('{"baseline": "/kept/here"}'),
            ["no baseline at /kept/here", "assay baseline set RUN"],
        ),
    ],
)
def test_without_a_baseline_a_check_against_it_fails_and_says_how_to_keep_one(
    settings: GatingConfig, words: list[str]
) -> None:
    result = decide([check(max_drop=0.02), check(min=0.0)], audited(PLAIN), settings=settings)
    assert [each.passed for each in result.checks] == [False, True]
    relative = result.checks[0]
    assert relative.message.startswith("not measured: ")
    assert [word for word in words if word not in relative.message] == []
    assert relative.baseline is not None
    assert relative.baseline.value is None
    assert (relative.p_value, relative.adjusted_p_value) == (None, None)


def test_the_baseline_has_the_candidate_of_the_same_name_or_the_only_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def change_of(subject: Any, now: Audited, then: Audited, mine: str, other: str) -> Change:
        asked.append((mine, other))
        return fell(0.0, -0.01, 0.01, 0.5)

    monkeypatch.setattr(deciding, "change_of", change_of)
    both = audited(PLAIN, HARDENED)
    decide([check(max_drop=0.0)], both, both)
    decide([check(max_drop=0.0)], both, audited(replace(PLAIN, name="old")))
    assert asked == [
        ("plain", "plain"),
        ("fgsm-trained", "fgsm-trained"),
        ("plain", "old"),
        ("fgsm-trained", "old"),
    ]
    (missing,) = decide([check(max_drop=0.0)], audited(replace(PLAIN, name="new")), both).checks
    assert not missing.passed
    assert missing.message == (
        'not measured: the baseline has no candidate "new"; it has plain, fgsm-trained'
    )


def test_a_change_that_could_not_be_measured_fails_with_its_reason(against: Against) -> None:
    nothing = Estimate.undefined("fgsm was not run there")
    change = Change(PLAIN.robustness.clean.accuracy, nothing, nothing, None, None, "", 0)
    (found,) = against([check(max_drop=0.5, max_rise=0.5)], change).checks
    assert (found.passed, found.message) == (False, "not measured: fgsm was not run there")


def test_the_baseline_and_the_settings_are_part_of_the_result(against: Against) -> None:
    about = Baseline("b", "audit", "2026-01-01T00:00:00+00:00", 100, 90)
    settings = GatingConfig(false_discovery_rate=0.1, smallest_difference=0.02)
    result = decide([], audited(PLAIN), audited(PLAIN), settings, about)
    assert result == GateResult(True, [], about, 0.1, 0.02)


def test_the_lines_of_the_gate_are_known_in_their_order() -> None:
    checks = [check(min=0.1), GateConfig(metric="accuracy_under_attack", attack="fgsm", min=0.1)]
    lines = expanded(checks, [PLAIN, HARDENED])
    decided = decide(checks, audited(PLAIN, HARDENED)).checks
    assert [(each.subject.named(each.candidate), each.candidate.name) for each in lines] == [
        (each.name, each.candidate) for each in decided
    ]
    assert len(lines) == 2 + 2 * 3


def test_a_result_has_no_number_that_is_not_finite(against: Against) -> None:
    asked = [check(min=0.3, decide="certain-fail"), check(max=0.3, decide="certain-pass")]
    half_open = audited(with_accuracy(Estimate(0.2, 0.1, None, 10)))
    found = decide(asked, half_open).checks
    assert all(p is None or math.isfinite(p) for each in found for p in (each.p_value, each.adjusted_p_value))
