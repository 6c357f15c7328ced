"""compare.md: a comparison for a pull request."""

from collections.abc import Sequence

from reports.blocks import Cell, Remark, Table
from reports.comparison.followed import followed_checks, followed_findings
from reports.comparison.metrics import metric_tables, value_tables
from reports.comparison.model import Comparison
from reports.comparison.provenance import runs_table, settings_table, versions_table
from reports.comparison.summary import headline
from reports.comparison.words import gathered, sentence, weight
from reports.formatting import counted, listed, name
from reports.markdown import escape

MOST = 20
"""Established differences, findings and settings of which compare.md writes; compare.html has more."""
MOST_CHECKS = 50
"""Checks of the gate that compare.md shows."""
LIMIT = 55_000
"""Characters at which tables of metrics end: GitHub takes no comment of more than 65,536."""


def render_markdown(comparison: Comparison) -> str:
    """What differs, the runs, metrics, gate and findings in GitHub-flavoured Markdown."""
    _, title, told = headline(comparison)
    others = listed([name(run.name) for run in comparison.others])
    before = [
        f"## Comparison of {escape(others)} with {escape(name(comparison.first.name))}",
        f"**{escape(title)}.** {escape(told)}",
        *_differences(comparison),
        *(escape(note, 600) for note in comparison.notes),
        "### What was compared\n\n" + _drawn(runs_table(comparison)),
        *_alone(comparison),
        *_tables(comparison),
    ]
    after = [*_gate(comparison), *_findings(comparison)]
    room = LIMIT - sum(len(part) + 2 for part in (*before, *after))
    return "\n\n".join([*before, *_metrics(comparison, room), *after]) + "\n"


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


def _tables(comparison: Comparison) -> list[str]:
    """Settings and versions that differ, short."""
    drawn = []
    for table in (settings_table(comparison), versions_table(comparison)):
        if table is not None:
            left_out = len(table.rows) - MOST
            more = f"\n\nThe others, {left_out:,} of them, are in compare.html." if left_out > 0 else ""
            drawn.append(f"#### {table.caption}\n\n{_drawn(table, MOST, 80)}{more}")
    return drawn


def _metrics(comparison: Comparison, room: int) -> list[str]:
    """Tables while there is room for them, in characters."""
    parts: list[str] = []
    tables_of = metric_tables if len(comparison.others) == 1 else value_tables
    for candidate in comparison.candidates:
        parts.append(f"### {escape(name(candidate.name))}")
        for heading, table in tables_of(comparison, candidate):
            drawn = f"#### {heading}\n\n{_drawn(table)}"
            room -= len(drawn)
            parts.append(drawn if room > 0 else f"{heading}: in compare.html.")
    return parts


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
    return [f"### Gate\n\n{_table(header, rows)}{more}"]


def _findings(comparison: Comparison) -> list[str]:
    parts = []
    for run in comparison.others:
        found = followed_findings(comparison, run)
        if not (found.new or found.gone or found.both):
            continue
        lines = [*_listed("new", found.new), *_listed("gone", found.gone)]
        lines.append(f"- {counted(len(found.both), 'finding')} in both")
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
    return [*lines, f"- {word}: {left_out:,} more, in compare.html"] if left_out > 0 else lines


def _drawn(table: Table, most: int | None = None, limit: int = 300) -> str:
    rows = [[escape(row.header), *(_cell(cell, limit) for cell in row.cells)] for row in table.rows[:most]]
    return _table([escape(column.title) for column in table.columns], rows)


def _cell(cell: Cell, limit: int = 300) -> str:
    return escape(cell.text, limit) + (f" ({escape(cell.note)})" if cell.note else "")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
