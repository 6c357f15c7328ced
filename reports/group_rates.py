"""Metrics by group: the dot plots, and the tables with all metrics."""

from dataclasses import replace

from fairness.results import GroupAssessment, GroupMetrics
from reports.blocks import (
    Block,
    Cell,
    Column,
    Details,
    Figure,
    Figures,
    Row,
    Table,
    Text,
    Tone,
    estimate_cell,
)
from reports.charts import MAX_ROWS, Dot, rate_dots
from reports.drawing import numbered
from reports.formatting import kind_of, name
from reports.groupings import Shown, assessed, assessment_of, minimum_size
from reports.model import AuditReport, CandidateResult
from reports.naming import metric_name

CHARTED = ("accuracy", "selection_rate", "tpr", "fpr")


def rate_charts(report: AuditReport, grouping: Shown) -> list[Block]:
    """Dot plots of the main rates with their intervals, and what to know of the groups in them."""
    found = [each for _, each in assessed(report, grouping.name)]
    measured = {metric for each in found for group in each.by_group.values() for metric in group.metrics}
    series = numbered([name(candidate.name) for candidate in report.candidates])
    charts = [_dots(report, grouping, metric) for metric in CHARTED if metric in measured]
    blocks: list[Block] = [Figures("Rates by group, with intervals", series, charts)] if charts else []
    if charts and len(grouping.values) > MAX_ROWS:
        blocks.append(Text(f"The charts show the first {MAX_ROWS} groups, the tables all.", "muted"))
    return [*blocks, *small_groups(report, grouping)]


def small_groups(report: AuditReport, grouping: Shown) -> list[Block]:
    """Who is too small to judge, or nothing."""
    small = {
        group: each.n
        for _, found in assessed(report, grouping.name)
        for group, each in found.by_group.items()
        if each.small
    }
    if not small:
        return []
    listed = ", ".join(f"{name(group)} (n {n:,})" for group, n in list(small.items())[:MAX_ROWS])
    more = f" and {len(small) - MAX_ROWS:,} more" if len(small) > MAX_ROWS else ""
    told = f"Pale marks: too few to judge (n < {minimum_size(report)}), in no disparity: {listed}{more}."
    return [Text(told, "muted")]


def metric_tables(report: AuditReport, grouping: Shown) -> list[Block]:
    """All metrics of every group, one table a candidate; of an intersection only of groups to be judged."""
    minimum = minimum_size(report)
    tables: list[Block] = []
    for candidate, found in assessed(report, grouping.name):
        kept = found
        if grouping.kind == "intersection":
            judged = {group: each for group, each in found.by_group.items() if not each.small}
            kept = replace(found, by_group=judged)
        blocks: list[Block] = [_table(candidate, grouping.name, kept, minimum)]
        if len(kept.by_group) < len(found.by_group):
            blocks.append(Text("The metrics of groups too small to judge are in audit.json.", "muted"))
        tables.append(Details(f"{name(candidate.name)}: all metrics by group", blocks))
    return tables


def _table(candidate: CandidateResult, grouping: str, found: GroupAssessment, minimum: int) -> Table:
    metrics = list(dict.fromkeys(metric for group in found.by_group.values() for metric in group.metrics))
    return Table(
        f"Metrics by {name(grouping)}, {name(candidate.name)}",
        [Column("Group"), Column("n"), *(Column(metric_name(metric)) for metric in metrics)],
        [_row(group, each, metrics, minimum) for group, each in found.by_group.items()],
    )


def _row(group: str, found: GroupMetrics, metrics: list[str], minimum: int) -> Row:
    tone: Tone = "muted" if found.small else "plain"
    cells = [estimate_cell(found.metrics.get(metric), kind_of(metric)) for metric in metrics]
    note = f"too few to judge (n < {minimum})" if found.small else ""
    return Row(name(group), [Cell(f"{found.n:,}"), *cells], note, tone)


def _dots(report: AuditReport, grouping: Shown, metric: str) -> Figure:
    dots, cells = [], dict[str, list[Cell]]()
    for candidate in report.candidates:
        assessment = assessment_of(candidate, grouping.name)
        for group in grouping.values:
            found = assessment.by_group.get(group) if assessment else None
            estimate = found.metrics.get(metric) if found else None
            cells.setdefault(group, []).append(estimate_cell(estimate, show_n=True))
            if found and estimate:
                dots.append(Dot(candidate.name, group, estimate, found.small))
    title = metric_name(metric)
    names = [candidate.name for candidate in report.candidates]
    label = f"{title} by {name(grouping.name)}: a dot and its interval for each group and candidate."
    table = Table(
        f"{title} by {name(grouping.name)}",
        [Column("Group"), *map(Column, numbered([name(each) for each in names]))],
        [Row(name(group), cells[group]) for group in grouping.values],
    )
    return Figure(title, rate_dots(dots, grouping.values, names, label), table)
