"""summary.md: the verdict for a pull request or the summary of a CI job."""

import html
import re
from dataclasses import replace
from itertools import groupby

from reports.behaviours import behaviour_of, behaviours
from reports.blocks import Cell, Row, Table, beside, estimate_cell
from reports.decisions import Recommendation
from reports.definitions import terms_in
from reports.formatting import Kind, abridged, counted, full_with_n, kind_of, moment, visible
from reports.kinds import kind_title
from reports.limits import required, unit_of_change
from reports.markdown_text import fitting, markdown_table
from reports.model import AuditReport, Finding, GateCheck, GateResult
from reports.sections.fairness import largest_differences
from reports.sections.texts import fooling, shown_of_each
from reports.sections.verdict import candidates_table
from reports.successes import near_in_words, success_table
from reports.suites import results_of, suites
from reports.verdict import FAILED, check_in_words
from robustness.behaviour.results import BehaviouralResult, MinimumFunctionalityResult
from robustness.estimate import Estimate

MAX_ROWS = 30
"""Rows of a table; report.html has all."""

_MARKS: dict[Recommendation, str] = {"ship": "✅", "ship with care": "⚠️", "do not ship": "❌"}
_SPECIAL = re.compile(r"([\\`*_\[\]{}|~#$])")
_LINE_START = re.compile(r"^([-+]|\d+[.)])(?=\s|$)")
_LINKS = re.compile(r"@|://|www\.", re.IGNORECASE)


def render_markdown(report: AuditReport) -> str:
    """Verdict, the findings behind it, gate, candidates, groups, attacks on texts, behaviour and the kinds of
    the other findings in GitHub-flavoured Markdown, short enough for a comment."""
    parts = [
        _opening(report),
        _checks(report.gate),
        "### Candidates\n\n" + _cut(candidates_table(report)),
        _differences(report),
        _successes(report),
        _texts(report),
        _behaviours(report),
        _others(report),
    ]
    return fitting([part for part in parts if part], "report.html") + "\n"


def escape(text: str, limit: int = 300) -> str:
    """``text`` as one line of literal Markdown: no markup, no HTML, no link, nobody notified.

    A zero-width space keeps GitHub from turning ``@name`` and bare addresses into mentions and links.
    """
    line = html.escape(abridged(visible(" ".join(text.split())), limit), quote=False)
    line = _SPECIAL.sub(r"\\\1", line)
    line = _LINE_START.sub(lambda match: match[0][:-1] + "\\" + match[0][-1], line)
    return _LINKS.sub(lambda match: match[0][:1] + "\u200b" + match[0][1:], line)


def _opening(report: AuditReport) -> str:
    verdict = report.verdict
    heading = f"## {_MARKS[verdict.state]} {verdict.state.capitalize()}: audit of {escape(report.data.name)}"
    because = "\n".join(f"{i}. {_finding(finding)}" for i, finding in enumerate(verdict.because, start=1))
    terms = terms_in([finding.message for finding in verdict.because])
    words = "Words used above: " + "; ".join(f"**{term}**: {meaning}" for term, meaning in terms) + "."
    of = f"{counted(len(report.candidates), 'candidate')} on {counted(report.data.n, 'example')}"
    told = f"Audited: {of}, {escape(moment(report.provenance.started))}."
    parts = (heading, escape(verdict.reason, 600), because, words if terms else "", told)
    return "\n\n".join(filter(None, parts))


def _finding(finding: Finding) -> str:
    weight = "failed check" if finding.id == FAILED else finding.severity
    about = f" ({escape(finding.candidate, 80)})" if finding.candidate is not None else ""
    return f"**{weight}**{about} {escape(finding.message, 600)}"


def _checks(gate: GateResult) -> str:
    """The checks, those that failed first; with the baseline and the change where there is one."""
    checks = gate.checks
    if not checks:
        return ""
    compared = any(check.baseline is not None or check.change is not None for check in checks)
    rows = [
        [
            "✅ passed" if check.passed else "❌ failed",
            escape(check_in_words(check), 120),
            escape(check.candidate, 80),
            escape(required(check, gate.smallest_difference)),
            _measured(check.observed, kind_of(check.metric), "not measured"),
            *(_compared(check) if compared else ()),
        ]
        for check in sorted(checks, key=lambda check: check.passed)
    ]
    header = ["Result", "Check", "Candidate", "Required", "Observed"]
    header += ["Baseline", "Change"] if compared else []
    return f"### Gate\n\n{markdown_table(header, rows[:MAX_ROWS])}{_more(len(rows))}"


def _compared(check: GateCheck) -> list[str]:
    """Empty for a check that has nothing to do with a baseline."""
    return [
        _measured(check.baseline, kind_of(check.metric), ""),
        _measured(check.change, unit_of_change(check.metric), ""),
    ]


def _measured(estimate: Estimate | None, kind: Kind, missing: str) -> str:
    return escape(missing if estimate is None else full_with_n(estimate, kind))


def _cut(table: Table) -> str:
    return _drawn(replace(table, rows=table.rows[:MAX_ROWS])) + _more(len(table.rows))


def _more(rows: int) -> str:
    left_out = rows - MAX_ROWS
    return f"\n\nThe others, {left_out:,} of them, are in report.html." if left_out > 0 else ""


def _drawn(table: Table) -> str:
    rows = [
        [escape(row.header, 120) + _noted(row.note), *(_cell(cell) for cell in row.cells)]
        for row in table.rows
    ]
    return markdown_table([escape(column.title, 120) for column in table.columns], rows)


def _cell(cell: Cell) -> str:
    return escape(cell.text) + _noted(cell.note)


def _noted(note: str) -> str:
    return f" ({escape(note)})" if note else ""


def _differences(report: AuditReport) -> str:
    """The largest difference of each grouping."""
    table = largest_differences(report)
    return "" if table is None else f"### Differences between groups\n\n{_cut(table)}"


def _successes(report: AuditReport) -> str:
    """Raw success beside that near the original, of the attacks that change texts."""
    table = success_table(report)
    if table is None:
        return ""
    return f"### Attacks on texts\n\n{_cut(table)}\n\n{escape(near_in_words(report), 900)}"


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
        Row(
            each.label,
            [_failure_rate(behaviour_of(candidate, each)) for candidate in report.candidates],
            " · ".join(filter(None, (each.settings, each.nature))),
        )
        for each in behaviours(report)
    ] + [
        Row(suite[0], [_failure_rate(found) for found in results_of(report, suite)], "labelled cases")
        for suite in suites(report)
    ]
    if not rows:
        return ""
    names = [candidate.name for candidate in report.candidates]
    told = (
        "The share of texts that fail each test. These are no attacks: nobody searched for the worst change."
    )
    return f"### Behaviour\n\n{told}\n\n{_cut(beside('Behaviour', 'Test', names, rows))}"


def _failure_rate(result: BehaviouralResult | MinimumFunctionalityResult | None) -> Cell:
    return estimate_cell(result.failure_rate if result else None, show_n=True)


def _others(report: AuditReport) -> str:
    """How many other findings there are of each kind, and the first of it."""
    rest = [finding for finding in report.findings if finding not in report.verdict.because]
    if not rest:
        return ""
    kinds = list(dict.fromkeys(finding.id for finding in rest))
    grouped = groupby(sorted(rest, key=lambda each: kinds.index(each.id)), key=lambda each: each.id)
    lines = []
    for kind, found in grouped:
        first, *more = found
        count = f" And {len(more):,} more." if more else ""
        lines.append(f"- {escape(kind_title(kind))}: {_finding(first)}{count}")
    return "### Other findings\n\n" + "\n".join(lines) + "\n\nAll of them are in report.html."
