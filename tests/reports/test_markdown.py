import re
from dataclasses import replace

import pytest

from reports.markdown import MAX_FINDINGS, escape, render_markdown
from reports.model import AuditReport
from tests.reports.example import no_attacks


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


def test_the_summary_holds_verdict_gate_candidates_and_findings(report: AuditReport) -> None:
    text = render_markdown(report)
    assert text.startswith("## ❌ Audit of vader sentences\n\nThe gate failed: 2 of 3 checks do not hold.\n")
    assert (
        "| ❌ failed | accuracy under fgsm 0.03, plain | plain | at least 60.0 % "
        "| 25.8 % (22.5 to 29.3), n 640 |" in text
    )
    assert re.search(r"^\| Clean accuracy \| 85\.9 % .*\| 84\.1 % .*\|$", text, re.MULTILINE)
    assert "- **critical** (plain) Accuracy falls from 85.9 % to 25.8 %" in text


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
    assert {line.split()[0] for line in text.splitlines() if line} <= {"##", "###", "|", "-", "The", "A"}
    assert len(text) < 20_000


def test_many_findings_are_cut_with_a_count(report: AuditReport) -> None:
    many = replace(report, findings=report.findings[:1] * (MAX_FINDINGS + 5))
    assert render_markdown(many).endswith("- and 5 more, in report.html\n")


def test_without_a_gate_the_summary_says_so(report: AuditReport) -> None:
    text = render_markdown(no_attacks(report))
    assert text.startswith("## ➖ Audit of vader sentences\n\nNo gate was set")
    assert "### Findings" not in text
