"""compare.md: a comparison for a pull request."""

from collections.abc import Sequence

from reports.blocks import Cell, Remark, Table
from reports.comparison.followed import LEFT_OUT, followed_checks, followed_findings
from reports.comparison.metrics import metric_tables, value_tables
from reports.comparison.model import Comparison
from reports.comparison.provenance import runs_table, settings_table, versions_table
from reports.comparison.summary import headline, unmatched
from reports.comparison.words import gathered, sentence, weight
from reports.formatting import counted, listed, name
from reports.markdown import escape
from reports.markdown_text import fitting, markdown_table

MOST = 20
"""Established differences, findings and settings of which compare.md writes; compare.html has more."""
MOST_CHECKS = 50
"""Checks of the gate that compare.md shows."""


def render_markdown(comparison: Comparison) -> str:
    """What differs, the runs, gate, metrics and findings in GitHub-flavoured Markdown, short enough for a
    comment: what is left out is what matters least, and stands last."""
    _, title, told = headline(comparison)
    others = listed([name(run.name) for run in comparison.others])
    parts = [
        f"## Comparison of {escape(others)} with {escape(name(comparison.first.name))}",
        f"**{escape(title)}.** {escape(told, 900)}",
        *_differences(comparison),
        *(escape(note, 900) for note in (*unmatched(comparison), *comparison.notes)),
        "### What was compared\n\n" + _drawn(runs_table(comparison)),
        *_alone(comparison),
        *_gate(comparison),
        *_metrics(comparison),
        *_findings(comparison),
        *_settings(comparison),
    ]
    return fitting(parts, "compare.html") + "\n"


def _differences(comparison: Comparison) -> list[str]:
    found = gathered(comparison)
    lines = [
        f"- **{weight(group[0].difference)}** ({escape(group[0].about)}) " + escape(sentence(group), 600)
        for group in found[:MOST]
    ]
    if len(found) > MOST:
        lines.append(f"- and {sum(map(len, found[MOST:])):,} more, in the tables")
    return ["\n".join(lines)] if lines else []


def _alone(comparison: Comparison) -> list[str]:
    return [
        escape(f"Only in {name(run)}, and not compared: {', '.join(map(name, candidates))}.", 600)
        for run, candidates in comparison.alone.items()
    ]


def _settings(comparison: Comparison) -> list[str]:
    """Settings and versions that differ, short."""
    tables = (settings_table(comparison, MOST), versions_table(comparison, MOST))
    return [f"### {table.caption}\n\n{_drawn(table, 80)}" for table in tables if table is not None]


def _metrics(comparison: Comparison) -> list[str]:
    """A part for each table, each with its own heading: others before it may not fit."""
    tables_of = metric_tables if len(comparison.others) == 1 else value_tables
    return [
        f"### {escape(heading)}\n\n{_drawn(table)}"
        for candidate in comparison.candidates
        for heading, table in tables_of(comparison, candidate)
    ]


def _gate(comparison: Comparison) -> list[str]:
    checks = followed_checks(comparison)
    if not checks:
        return []
    header = ["Check", "Candidate", *(escape(name(run.name)) for run in comparison.runs)]
    rows = [
        [escape(check.name), escape(name(check.candidate)), *map(_cell, check.cells)]
        for check in checks[:MOST_CHECKS]
    ]
    left_out = len(checks) - MOST_CHECKS
    more = f"\n\nThe others, {left_out:,} of them, are in compare.html." if left_out > 0 else ""
    return [f"### Gate\n\n{markdown_table(header, rows)}{more}"]


def _findings(comparison: Comparison) -> list[str]:
    parts = []
    for run in comparison.others:
        found = followed_findings(comparison, run)
        lines = [*_listed("new", found.new), *_listed("gone", found.gone)]
        if found.both:
            lines.append(f"- {counted(len(found.both), 'finding')} in both")
        if found.left_out:
            lines.append(f"- {LEFT_OUT}")
        if lines:
            parts.append(f"### Findings in {escape(name(run.name))}\n\n" + "\n".join(lines))
    return parts


def _listed(word: str, remarks: Sequence[Remark]) -> list[str]:
    lines = [
        f"- {word}: **{each.weight}** "
        + (f"({escape(each.about)}) " if each.about else "")
        + escape(each.text, 600)
        for each in remarks[:MOST]
    ]
    left_out = len(remarks) - MOST
    return [*lines, f"- {word}: {left_out:,} more, in the reports of the runs"] if left_out > 0 else lines


def _drawn(table: Table, limit: int = 300) -> str:
    rows = [[escape(row.header), *(_cell(cell, limit) for cell in row.cells)] for row in table.rows]
    return markdown_table([escape(column.title) for column in table.columns], rows)


def _cell(cell: Cell, limit: int = 300) -> str:
    return escape(cell.text, limit) + (f" ({escape(cell.note)})" if cell.note else "")
