"""summary.md: the verdict for a pull request."""

import html
import re
from collections.abc import Sequence

from reports.blocks import Cell
from reports.formatting import counted, full_with_n, kind_of, shorten, visible
from reports.highlights import verdict
from reports.model import AuditReport, Finding, GateCheck
from reports.sections.gate import required
from reports.sections.verdict import candidates_table

MAX_FINDINGS = 20

_MARKS = {"passed": "✅", "passed with critical findings": "⚠️", "failed": "❌", "none": "➖"}
_SPECIAL = re.compile(r"([\\`*_\[\]{}|~#$])")
_LINE_START = re.compile(r"^([-+]|\d+[.)])(?=\s|$)")
_LINKS = re.compile(r"@|://|www\.", re.IGNORECASE)


def render_markdown(report: AuditReport) -> str:
    """The verdict, the gate, the candidates and the findings as GitHub-flavoured Markdown."""
    state, sentence = verdict(report)
    parts = [f"## {_MARKS[state]} Audit of {escape(report.data.name)}", escape(sentence)]
    if report.gate.checks:
        parts.append(_gate_table(report.gate.checks))
    parts.append("### Candidates\n\n" + _candidates_table(report))
    if texts := _texts(report):
        parts.append(texts)
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


def _candidates_table(report: AuditReport) -> str:
    table = candidates_table(report)
    rows = [[escape(row.header), *(_cell(cell) for cell in row.cells)] for row in table.rows]
    return _table([escape(column.title) for column in table.columns], rows)


def _cell(cell: Cell) -> str:
    return escape(cell.text) + (f" ({escape(cell.note)})" if cell.note else "")


def _texts(report: AuditReport) -> str:
    """How many changed texts fooled a model; the texts themselves are in the report."""
    attacks = [attack for each in report.candidates for attack in each.robustness.attacks if attack.examples]
    shown, found = sum(len(attack.examples) for attack in attacks), sum(a.successes for a in attacks)
    if not found:
        return ""
    return f"The attacks fooled a model with {counted(found, 'changed text')}; report.html shows {shown:,}."


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
