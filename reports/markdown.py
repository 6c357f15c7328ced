"""summary.md: the verdict for a pull request."""

import html
import re
from collections.abc import Sequence
from dataclasses import replace

from reports.behaviours import behaviour_of, behaviours
from reports.blocks import Cell, Table, estimate_cell
from reports.formatting import counted, full_with_n, kind_of, shorten, visible
from reports.highlights import verdict
from reports.model import AuditReport, Finding, GateCheck
from reports.sections.gate import required
from reports.sections.texts import fooling, shown_of_each
from reports.sections.verdict import candidates_table
from reports.successes import near_in_words, success_table
from reports.suites import results_of, suites
from robustness.behaviour.results import BehaviouralResult, MinimumFunctionalityResult

MAX_FINDINGS = 20
MAX_ROWS = 30
"""Rows of the tables of attacks on texts and of behavioural tests."""

_MARKS = {"passed": "✅", "passed with critical findings": "⚠️", "failed": "❌", "none": "➖"}
_SPECIAL = re.compile(r"([\\`*_\[\]{}|~#$])")
_LINE_START = re.compile(r"^([-+]|\d+[.)])(?=\s|$)")
_LINKS = re.compile(r"@|://|www\.", re.IGNORECASE)


def render_markdown(report: AuditReport) -> str:
    """Verdict, gate, candidates, attacks on texts, behaviour and findings in GitHub-flavoured Markdown."""
    state, sentence = verdict(report)
    parts = [f"## {_MARKS[state]} Audit of {escape(report.data.name)}", escape(sentence)]
    if report.gate.checks:
        parts.append(_gate_table(report.gate.checks))
    parts.append("### Candidates\n\n" + _drawn(candidates_table(report)))
    parts += [part for part in (_successes(report), _texts(report), _behaviours(report)) if part]
    if report.findings:
        parts.append("### Findings\n\n" + _findings(report.findings))
    return "\n\n".join(parts) + "\n"


def escape(text: str, limit: int = 300) -> str:
    """``text`` as one line of literal Markdown: no markup, no HTML, no link, nobody notified.

    A zero-width space keeps GitHub from turning ``@name`` and bare addresses into mentions and links.
    """
    line = html.escape(shorten(visible(" ".join(text.split())), limit), quote=False)
    line = _SPECIAL.sub(r"\\\1", line)
    line = _LINE_START.sub(lambda match: match[0][:-1] + "\\" + match[0][-1], line)
    return _LINKS.sub(lambda match: match[0][:1] + "\u200b" + match[0][1:], line)


def _gate_table(checks: Sequence[GateCheck]) -> str:
    rows = [
        [
            "✅ passed" if check.passed else "❌ failed",
            escape(check.name),
            escape(check.candidate),
            escape(required(check)),
            escape(
                "not measured"
                if check.observed is None
                else full_with_n(check.observed, kind_of(check.metric))
            ),
        ]
        for check in checks
    ]
    return _table(["Result", "Check", "Candidate", "Required", "Observed"], rows)


def _drawn(table: Table) -> str:
    rows = [
        [escape(row.header) + _noted(row.note), *(_cell(cell) for cell in row.cells)] for row in table.rows
    ]
    return _table([escape(column.title) for column in table.columns], rows)


def _cell(cell: Cell) -> str:
    return escape(cell.text) + _noted(cell.note)


def _noted(note: str) -> str:
    return f" ({escape(note)})" if note else ""


def _successes(report: AuditReport) -> str:
    """Raw success beside that near the original, of the attacks that change texts."""
    table = success_table(report)
    if table is None:
        return ""
    left_out = len(table.rows) - MAX_ROWS
    more = f"\n\nThe others, {left_out:,} of them, are in report.html." if left_out > 0 else ""
    shown = replace(table, rows=table.rows[:MAX_ROWS])
    return f"### Attacks on texts\n\n{_drawn(shown)}{more}\n\n{escape(near_in_words(report), 900)}"


def _texts(report: AuditReport) -> str:
    """How many changed texts fooled a model; the texts themselves are in the report."""
    attacks, limit = [attack for _, attack in fooling(report)], shown_of_each(report)
    shown, found = sum(len(a.examples[:limit]) for a in attacks), sum(a.successes for a in attacks)
    if not found:
        return ""
    return f"The attacks fooled a model with {counted(found, 'changed text')}; report.html shows {shown:,}."


def _behaviours(report: AuditReport) -> str:
    """The failure rates of all behavioural tests and suites in one table."""
    rows = [
        [
            escape(each.label) + _noted(each.settings),
            each.nature,
            *(_failure_rate(behaviour_of(candidate, each)) for candidate in report.candidates),
        ]
        for each in behaviours(report)
    ] + [
        [escape(suite[0]), "labelled cases", *map(_failure_rate, results_of(report, suite))]
        for suite in suites(report)
    ]
    if not rows:
        return ""
    left_out = len(rows) - MAX_ROWS
    more = f"\n\nThe others, {left_out:,} of them, are in report.html." if left_out > 0 else ""
    header = ["Test", "What it is", *(escape(candidate.name) for candidate in report.candidates)]
    told = (
        "The share of texts that fail each test. These are no attacks: nobody searched for the worst change."
    )
    return f"### Behaviour\n\n{told}\n\n{_table(header, rows[:MAX_ROWS])}{more}"


def _failure_rate(result: BehaviouralResult | MinimumFunctionalityResult | None) -> str:
    return _cell(estimate_cell(result.failure_rate if result else None, show_n=True))


def _findings(findings: Sequence[Finding]) -> str:
    lines = [
        f"- **{finding.severity}** "
        + (f"({escape(finding.candidate)}) " if finding.candidate is not None else "")
        + escape(finding.message, 600)
        for finding in findings[:MAX_FINDINGS]
    ]
    left_out = len(findings) - MAX_FINDINGS
    if left_out > 0:
        lines.append(f"- and {left_out} more, in report.html")
    return "\n".join(lines)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
