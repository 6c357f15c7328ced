import re
from dataclasses import replace

import pytest

from reports.markdown import escape, render_markdown
from reports.markdown_text import MAX_CHARACTERS
from reports.model import AuditReport
from robustness.estimate import Estimate
from tests.reports.example import no_attacks, with_verdict

ALLOWED_STARTS = {
    "##",
    "###",
    "|",
    "-",
    "The",
    "A",
    "All",
    "2",
    "Audited:",
    "Words",
    *(f"{i}." for i in range(1, 6)),
}


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", "a\\|b"),
        ("two\nlines", "two lines"),
        ("`code` *x* _y_ [l](u)", "\\`code\\` \\*x\\* \\_y\\_ \\[l\\](u)"),
        ("<script>&amp;", "&lt;script&gt;&amp;amp;"),
        ("# no heading", "\\# no heading"),
        ("1. no list", "1\\. no list"),
        ("- no list", "\\- no list"),
        ("25.8 % stays", "25.8 % stays"),
        ("-0.1 stays", "-0.1 stays"),
        ("@team", "@\u200bteam"),
        ("https://x www.y", "https:\u200b//x w\u200bww.y"),
        ("a\u202eb", "a\\\\u202eb"),
        ("\\|", "\\\\\\|"),
    ],
)
def test_text_stays_text(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_the_summary_opens_with_the_verdict_and_what_lies_behind_it(report: AuditReport) -> None:
    text = render_markdown(report)
    assert text.startswith(
        "## ❌ Do not ship: audit of vader sentences\n\n2 of 3 checks of the gate do not hold.\n\n"
        "1. **failed check** (plain) The check “accuracy under fgsm 0.03, plain” failed: "
        "25.8 % is below 60.0 %.\n"
        "2. **failed check** (plain) The check “demographic parity by mentions” failed: "
        "it was not measured.\n"
        "3. **critical** (plain) Accuracy falls from 85.9 % to 25.8 % under fgsm at epsilon 0.03.\n"
    )
    assert "Audited: 2 candidates on 640 examples, 3 February 2026, 10:15 UTC." in text


def test_the_summary_holds_gate_candidates_and_differences(report: AuditReport) -> None:
    text = render_markdown(report)
    assert (
        "| ❌ failed | accuracy under fgsm 0.03, plain | plain | at least 60.0 % "
        "| 25.8 % (22.5 to 29.3), n 640 |" in text
    )
    assert re.search(r"^\| Clean accuracy \| 85\.9 % .*\| 84\.1 % .*\|$", text, re.MULTILINE)
    assert re.search(r"^\| By domain \| \d+\.\d points .*\| \d+\.\d points .*\|$", text, re.MULTILINE)
    assert text.index("❌ failed |") < text.index("✅ passed |")


def test_a_gate_with_a_baseline_shows_it_and_the_change(report: AuditReport) -> None:
    first, *others = report.gate.checks
    fell = replace(
        first, baseline=Estimate(0.872, 0.844, 0.896, 640), change=Estimate(-0.0125, -0.03, 0.005, 640)
    )
    text = render_markdown(replace(report, gate=replace(report.gate, checks=[fell, *others])))
    (gate,) = [rows for rows in tables(text) if rows[0].startswith("| Result |")]
    assert gate[0] == "| Result | Check | Candidate | Required | Observed | Baseline | Change |"
    (row,) = [row for row in gate if "−1.3 points" in row]
    assert row.endswith("| 87.2 % (84.4 to 89.6), n 640 | −1.3 points (−3.0 to 0.5), n 640 |")
    assert all(row.endswith(" |  |  |") for row in gate[2:] if "points (−" not in row)
    assert "Baseline" not in render_markdown(report)


def tables(text: str) -> list[list[str]]:
    return [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]


def test_every_row_of_a_table_has_the_same_cells(
    report: AuditReport, hostile: AuditReport, black_box: AuditReport, hostile_black_box: AuditReport
) -> None:
    for each in (report, hostile, black_box, hostile_black_box, no_attacks(report)):
        for table in tables(render_markdown(each)):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1


@pytest.mark.parametrize("name", ["hostile", "hostile_black_box"])
def test_hostile_text_makes_no_markup(name: str, request: pytest.FixtureRequest) -> None:
    text = render_markdown(request.getfixturevalue(name))
    assert not re.search(r"<[a-z/!]|(?<!\\)`|://|@[a-z]|(?<!\\)\[", text)
    assert not any(char in text for char in "\u202e\u2066\x07")
    assert {line.split()[0] for line in text.splitlines() if line} <= ALLOWED_STARTS
    assert len(text) < 20_000


def test_of_many_findings_each_kind_is_counted(report: AuditReport) -> None:
    disparity = report.findings[1]
    many = [replace(disparity, subject=f"column {i}") for i in range(60)]
    text = render_markdown(with_verdict(replace(report, findings=many)))
    # Five are behind the verdict: the two failed checks and, with nothing else to tell, three of these.
    assert "And 56 more." in text
    assert text.count("True positive rates differ") == 4


def test_a_large_audit_fits_a_comment(report: AuditReport) -> None:
    first = report.candidates[0]
    model = first.robustness.attacks[0]
    attacks = [replace(model, name=f"attack {i} {'x' * 60}") for i in range(20)]
    many = [
        replace(first, name=f"model {i} {'y' * 60}", robustness=replace(first.robustness, attacks=attacks))
        for i in range(14)
    ]
    checks = [replace(report.gate.checks[0], name=f"check {i} {'z' * 200}") for i in range(300)]
    large = replace(report, candidates=many, gate=replace(report.gate, checks=checks))
    text = render_markdown(with_verdict(large))
    assert len(text) < MAX_CHARACTERS
    assert "The others, 270 of them, are in report.html." in text
    assert "model 13" in text


def test_what_does_not_fit_is_left_out_with_a_count(report: AuditReport) -> None:
    long = [replace(report.candidates[0], name=f"{i} " + "$" * 80) for i in range(40)]
    data = replace(report, candidates=long)
    text = render_markdown(with_verdict(data))
    assert len(text) < MAX_CHARACTERS
    assert text.startswith("## ❌ Do not ship")


def test_without_a_gate_the_summary_says_so(report: AuditReport) -> None:
    text = render_markdown(no_attacks(report))
    assert text.startswith("## ⚠️ Ship with care: audit of vader sentences\n\nNo check was set")
    assert "findings" not in text
