"""When a difference is established, and when it is for the better."""

import io
from dataclasses import replace

import pytest
from rich.console import Console
from statsmodels.stats.multitest import multipletests

from assay.changes.audited import Audited
from assay.changes.change import Change
from assay.changes.subject import Subject
from assay.compare.comparing import compare
from assay.compare.standings import is_better, two_sided
from assay.progress import Reporter
from robustness.estimate import Estimate
from tests.assay.compare.runs import (
    compared,
    saved,
    standings,
)
from tests.reports.example import example_report


def test_p_values_are_adjusted_over_the_whole_comparison() -> None:
    """Statsmodels is the oracle: two candidates in two runs are one family."""
    report = example_report()
    runs = saved(report, report, report)
    made = compared(runs, 0.6, accuracy=0.0001, macro_f1=0.004, roc_auc=0.02)
    found = [
        difference
        for candidate in made.candidates
        for measure in candidate.measures
        for difference in measure.differences
        if difference is not None and difference.p_value is not None
    ]
    assert made.tests == len(found) > 50
    raw = [each.p_value for each in found if each.p_value is not None]
    assert {round(p, 6) for p in raw} == {0.0002, 0.008, 0.04, 0.8}
    expected = multipletests(raw, method="fdr_bh")[1]
    assert [each.adjusted for each in found] == pytest.approx(expected.tolist())
    assert [each.established for each in found] == [p <= 0.05 for p in expected]
    words = standings(made)
    assert words["accuracy"] == "lower"
    assert words["roc_auc"] == "no difference established"  # 0.04 by itself


@pytest.mark.parametrize(
    ("changed", "standing"),
    [
        (Estimate(-0.1, -0.3, 0.1, 100), "no difference established"),
        (Estimate(0.1, -0.1, 0.3, 100), "no difference established"),
        (Estimate(0.1, 0.0, 0.3, 100), "no difference established"),
        (Estimate(0.1, 0.01, 0.3, 100), "higher"),
        (Estimate(-0.1, -0.3, -0.01, 100), "lower"),
        (Estimate(0.1, None, None, 100), "higher"),
    ],
)
def test_a_small_p_value_with_an_interval_around_zero_establishes_nothing(
    changed: Estimate, standing: str
) -> None:
    def change_of(subject: Subject, now: Audited, then: Audited, candidate: str, other: str) -> Change:
        value = Estimate(0.5, 0.4, 0.6, 100)
        return Change(value, value, changed, 1e-6, 1.0, "a made-up test", 100)

    report = example_report()
    made = compare(saved(report, report), change_of, Reporter(Console(file=io.StringIO())))
    assert set(standings(made).values()) == {standing}


def test_both_directions_are_tested() -> None:
    value = Estimate(0.5, 0.4, 0.6, 100)
    change = Change(value, value, Estimate(0.1, 0.0, 0.2, 100), 0.98, 0.03, "", 100)
    assert two_sided(change) == pytest.approx(0.06)
    assert two_sided(replace(change, p_drop=0.6, p_rise=0.6)) == 1.0
    assert two_sided(replace(change, p_rise=None)) is None
    assert two_sided(replace(change, change=Estimate.undefined("nothing"))) is None


@pytest.mark.parametrize(
    ("metric", "higher", "better"),
    [
        ("accuracy", True, True),
        ("worst_case_accuracy", False, False),
        ("expected_calibration_error", True, False),
        ("failure_rate", False, True),
        ("template_flip_rate", True, False),
        ("equalized_odds_difference", False, None),
        ("roc_auc_difference", True, None),
        ("demographic_parity_difference[toxic]", True, None),
    ],
)
def test_better_is_said_only_where_the_direction_is_known(
    metric: str, higher: bool, better: bool | None
) -> None:
    assert is_better(metric, higher=higher) is better
