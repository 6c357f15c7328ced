"""What the report tells of the gate: limits in the units of people, and the comparison with a baseline."""

from dataclasses import replace
from typing import Any

import pytest

from reports.formatting import Kind, kind_of
from reports.html import render_html
from reports.limits import beside, limit_figure, required, unit_of_change
from reports.model import AuditReport, Baseline, GateCheck, GateResult
from reports.sections.gate import section
from robustness.estimate import Estimate, wilson
from tests.reports.example import example_report
from tests.reports.hostile import SCRIPT
from tests.reports.page import Element, parse

ALONE = ["Check", "Result", "Candidate", "Required", "Observed"]
KEPT = Baseline("baseline", "nightly", "2026-02-01T08:30:00+00:00", 700, 640)


def check(**fields: Any) -> GateCheck:
    usual: dict[str, Any] = {
        "name": "accuracy",
        "metric": "accuracy",
        "candidate": "plain",
        "observed": wilson(512, 640),
        "minimum": None,
        "maximum": None,
        "passed": True,
        "message": "as it should be",
    }
    return GateCheck(**{**usual, **fields})


FELL = check(
    max_drop=0.02,
    passed=False,
    message="fell by 5.2 points",
    baseline=wilson(545, 640),
    change=Estimate(-0.052, -0.073, -0.031, 640),
    test="exact McNemar test on 640 shared examples",
    p_value=0.0004,
    adjusted_p_value=0.0021,
)


def test_the_tests_are_said_to_be_one_sided_and_limits_to_be_as_wide_as_they_are() -> None:
    page = shown(with_gate(FELL, baseline=replace(KEPT, shared=0), smallest_difference=0.03)).words()
    assert "The tests are one-sided: a gate asks only whether something got worse" in page
    assert "none of which is known to be in this audit too" in page
    assert "no drop of more than 3.0\u00a0points" in page.replace("3.0 points", "3.0\u00a0points")
    assert required(FELL, 0.03) == "no drop of more than 3.0 points"
    assert required(replace(FELL, max_drop=0.0)) == "no drop"
    assert required(replace(FELL, metric="minimal_norm"), 0.03) == "no drop of more than 0.020"


def with_gate(*checks: GateCheck, **fields: Any) -> AuditReport:
    """The example without the rest, which takes time to draw."""
    passed, report = all(each.passed for each in checks), example_report()
    one = report.candidates[0]
    clean = replace(one.robustness.clean, reliability=[])
    robustness = replace(one.robustness, clean=clean, attacks=[], curves=[], validity=None)
    few = replace(report, candidates=[replace(one, robustness=robustness, fairness=None)], findings=[])
    return replace(few, gate=GateResult(passed, list(checks), **fields))


def shown(report: AuditReport) -> Element:
    """The section in the page."""
    (found,) = [
        each for each in parse(render_html(report)).all("section") if each.attributes.get("id") == "gate"
    ]
    return found


def table_of(found: Element) -> tuple[list[str], list[list[str]]]:
    """The titles of the columns and the rows of the first table."""
    titles, *rows = found.all("table")[0].all("tr")
    cells = [[" ".join(cell.words().split()) for cell in row.all("td", "th")] for row in rows]
    return [cell.words() for cell in titles.all("th")], cells


def test_without_a_baseline_there_is_no_column_for_it() -> None:
    titles, rows = table_of(shown(with_gate(check(minimum=0.6), check(maximum=0.9))))
    assert titles == ALONE
    assert [row[3] for row in rows] == ["at least 60.0 %", "at most 90.0 %"]
    assert [row[4] for row in rows] == ["80.0 % 76.7 to 82.9 · n 640"] * 2


def test_a_comparison_adds_the_baseline_the_change_and_its_p_value() -> None:
    titles, rows = table_of(shown(with_gate(FELL, check(minimum=0.6), baseline=KEPT)))
    assert titles == [*ALONE, "Baseline", "Change", "p, corrected"]
    assert rows[0] == [
        "accuracy",
        "✗ failed",
        "plain",
        "no drop of more than 2.0 points",
        "80.0 % 76.7 to 82.9 · n 640",
        "85.2 % 82.2 to 87.7 · n 640",
        "−5.2 points −7.3 to −3.1 · n 640",
        "0.002",
    ]
    assert rows[1][5:8] == ["", "", ""]


def test_failed_checks_and_changes_are_told_in_words_too() -> None:
    assert shown(with_gate(check(minimum=0.6))).all("li") == []
    held = replace(FELL, name="macro_f1", passed=True, message="did not fall")
    found = shown(with_gate(FELL, held, check(minimum=0.6), check(passed=False), baseline=KEPT))
    assert [" ".join(each.words().split()) for each in found.all("li")] == [
        "failed plain accuracy: fell by 5.2 points",
        "passed plain macro_f1: did not fall",
        "failed plain accuracy: as it should be",
    ]


def test_only_the_columns_that_some_check_fills_are_there() -> None:
    untested = replace(FELL, p_value=None, adjusted_p_value=None)
    assert table_of(shown(with_gate(untested)))[0] == [*ALONE, "Baseline", "Change"]
    certain = check(minimum=0.9, decide="certain-fail", p_value=0.2, adjusted_p_value=0.3, test="of it")
    assert table_of(shown(with_gate(certain)))[0] == [*ALONE, "p, corrected"]


def test_the_notes_name_the_baseline_the_correction_and_what_does_not_count() -> None:
    words = shown(
        with_gate(FELL, baseline=KEPT, false_discovery_rate=0.1, smallest_difference=0.0125)
    ).words()
    assert "audit nightly of 1 February 2026, 08:30 UTC on 700 examples, of which 640 are in this" in words
    assert "Benjamini and Hochberg 1995" in words
    assert "fails only at 0.1 or less" in words
    assert "A change of 1.25 points or less fails no check" in words
    alone = shown(with_gate(check(minimum=0.6))).words()
    assert [word for word in ("baseline", "Benjamini", "A change") if word in alone] == []


def test_what_was_not_measured_says_why() -> None:
    nothing = Estimate.undefined("fgsm was not run")
    titles, (row,) = table_of(shown(with_gate(check(observed=nothing, baseline=nothing, change=nothing))))
    assert row[4:7] == ["not measured fgsm was not run"] * 3
    assert "p, corrected" not in titles


def test_how_a_check_is_decided_stands_below_what_it_requires() -> None:
    checks = [check(minimum=0.6, decide=how) for how in ("estimate", "certain-pass", "certain-fail")]
    _, rows = table_of(shown(with_gate(*checks)))
    assert [row[3] for row in rows] == [
        "at least 60.0 %",
        "at least 60.0 % by the whole interval",
        "at least 60.0 % unless it certainly fails",
    ]


def test_names_and_words_from_outside_are_escaped_everywhere() -> None:
    hostile = replace(
        FELL, name=SCRIPT, candidate=SCRIPT, message=SCRIPT, test=SCRIPT, baseline=Estimate.undefined(SCRIPT)
    )
    report = with_gate(hostile, baseline=replace(KEPT, name=SCRIPT, started=SCRIPT))
    assert SCRIPT not in render_html(report)
    assert shown(report).words().count(SCRIPT[:20]) >= 5


def test_a_gate_without_checks_says_how_to_add_one() -> None:
    found = section(with_gate())
    assert found is not None
    assert "[[gate]]" in render_html(with_gate())


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"minimum": 0.6}, "at least 60.0 %"),
        ({"minimum": 0.625, "maximum": 0.9}, "at least 62.5 % and at most 90.0 %"),
        ({"minimum": 0.62505}, "at least 62.505 %"),
        ({"max_drop": 0.0}, "no drop"),
        ({"max_drop": 0.02, "max_rise": 0.1},
         "no drop of more than 2.0 points and no rise of more than 10.0 points"),
        ({"metric": "roc_auc", "minimum": 0.9, "max_drop": 0.01},
         "at least 0.900 and no drop of more than 0.010"),
        ({"metric": "accuracy_difference", "maximum": 0.1, "max_rise": 0.02},
         "at most 10.0 points and no rise of more than 2.0 points"),
        ({"metric": "log_loss", "maximum": 1234.5678}, "at most 1,234.5678"),
        ({"metric": "minimal_norm", "minimum": 0.0125}, "at least 0.0125"),
    ],
)  # fmt: skip
def test_what_is_required_is_said_with_every_digit_of_the_limit(fields: dict[str, Any], words: str) -> None:
    assert required(check(**fields)) == words


@pytest.mark.parametrize(
    ("value", "limit", "kind", "words"),
    [
        (0.5, 0.6, "percent", "50.0 %"),
        (0.6, 0.6, "percent", "60.0 %"),
        (0.5996, 0.6, "percent", "59.96 %"),
        (0.60001, 0.6, "percent", "60.001 %"),
        (0.0226, 0.0225, "points", "2.3 points"),
        (0.0224, 0.0225, "points", "2.2 points"),
        (0.02259, 0.0226, "points", "2.259 points"),
        (0.90004, 0.9, "number", "0.90004"),
        (1.0, 0.9996, "percent", "100.0 %"),
        (0.9999, 1.0, "percent", "99.9 %"),
        (0.0001, 0.0, "percent", "0.1 %"),
    ],
)
def test_a_value_is_never_rounded_to_the_other_side_of_its_limit(
    value: float, limit: float, kind: Kind, words: str
) -> None:
    assert beside(value, limit, kind) == words


def test_a_norm_is_a_number_and_a_change_of_a_share_is_in_points() -> None:
    assert (kind_of("minimal_norm"), unit_of_change("minimal_norm")) == ("number", "number")
    assert (kind_of("tpr[hate]"), unit_of_change("tpr[hate]")) == ("percent", "points")
    assert limit_figure(0.07, "percent") == "7.0 %"
