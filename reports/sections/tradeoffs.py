"""The candidates as a trade: accuracy against the difference between groups and against robustness."""

from reports.blocks import (
    Block,
    Cell,
    Column,
    Figure,
    Figures,
    Row,
    Section,
    Table,
    Text,
    estimate_cell,
    noted_cell,
)
from reports.charts import Point, tradeoff
from reports.formatting import Kind, kind_of, name
from reports.model import AuditReport
from reports.naming import metric_name
from reports.tradeoffs import Measures, TradeOff, compared, trade_off
from robustness.estimate import Estimate

ORDER = 58
COLLAPSED = (
    " A candidate whose training collapsed is not on it: answering the same to every text treats all groups "
    "alike, and nobody well."
)


def section(report: AuditReport) -> Section | None:
    found = trade_off(report)
    if found is None:
        return None
    series = [f"{i} {name(each.candidate.name)}" for i, each in enumerate(found.measures, start=1)]
    odds = f"{metric_name(found.metric)} by {name(found.grouping)}"
    blocks: list[Block] = [
        Text(
            f"What is compared is the {odds[0].lower()}{odds[1:]}, {name(found.why)}. Better is up and to "
            "the right.",
            "muted",
        ),
        Figures("What each candidate costs, with intervals", series, _charts(found, odds)),
        Text(
            "Filled marks, joined by the dashed line, are on the Pareto front: no other candidate is at "
            "least as good in all that is compared and better in some of it. It is drawn through the "
            "estimates; within the intervals it may lie elsewhere."
            f"{COLLAPSED if any(each.collapsed for each in found.measures) else ''}",
            "muted",
        ),
        _table(found, odds),
        Text(
            "Two candidates are called higher or lower only where their intervals do not meet. They were "
            "measured on the same examples, so that is a strict comparison.",
            "muted",
        ),
    ]
    return Section("Trade-offs", "trade-offs", blocks)


def _charts(found: TradeOff, odds: str) -> list[Figure]:
    charts = [_chart(found, odds, "Accuracy", [each.accuracy for each in found.measures])]
    if found.attack is not None:
        under = [each.attacked or Estimate.undefined("not run") for each in found.measures]
        charts.append(_chart(found, odds, f"Accuracy under {found.attack}", under))
    return charts


def _chart(found: TradeOff, odds: str, title: str, rates: list[Estimate]) -> Figure:
    series = [each.candidate.name for each in found.measures]
    points = [
        Point(each.candidate.name, i, each.odds, rate, each.front)
        for i, (each, rate) in enumerate(zip(found.measures, rates, strict=True), start=1)
    ]
    spoken = "; ".join(
        f"{i} {name(each.candidate.name)}: {estimate_cell(rate).text}, "
        f"{estimate_cell(each.odds, kind_of(found.metric)).text}"
        for i, (each, rate) in enumerate(zip(found.measures, rates, strict=True), start=1)
    )
    rows = [
        Row(
            f"{i} {name(each.candidate.name)}",
            [estimate_cell(rate), estimate_cell(each.odds, kind_of(found.metric))],
        )
        for i, (each, rate) in enumerate(zip(found.measures, rates, strict=True), start=1)
    ]
    data = Table(f"{title} against {odds}", [Column("Candidate"), Column(title), Column(odds)], rows)
    x_title = f"{metric_name(found.metric)}, points"
    chart = tradeoff(points, series, x_title, f"{title} against {odds}. {spoken}.")
    return Figure(title, chart, data)


def _table(found: TradeOff, odds: str) -> Table:
    first = found.reference
    columns = [Column("Candidate"), Column("Accuracy"), Column(odds)]
    if found.attack is not None:
        columns.append(Column(f"Accuracy under {found.attack}"))
    columns.append(Column("On the Pareto front", numeric=False))
    rows = [_row(i, each, first, found) for i, each in enumerate(found.measures, start=1)]
    return Table(f"What each candidate costs, against {name(first.candidate.name)}", columns, rows)


def _row(i: int, each: Measures, first: Measures, found: TradeOff) -> Row:
    pairs: list[tuple[Estimate | None, Estimate | None, Kind]]
    pairs = [(each.accuracy, first.accuracy, "percent"), (each.odds, first.odds, kind_of(found.metric))]
    if found.attack is not None:
        pairs.append((each.attacked, first.attacked, "percent"))
    cells = []
    for mine, theirs, kind in pairs:
        cell = estimate_cell(mine, kind)
        word = "" if each is first else compared(mine, theirs)
        cells.append(noted_cell(cell.text, [cell.note, word], cell.tone))
    mitigation = each.candidate.mitigation
    done = "no mitigation" if mitigation is None else f"mitigation: {name(mitigation.method)}"
    front = Cell("yes" if each.front else "no", "its training collapsed" if each.collapsed else "")
    return Row(f"{i} {name(each.candidate.name)}", [*cells, front], done)
