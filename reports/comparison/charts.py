"""Every change of a candidate with its interval, about a line at zero: a forest plot."""

from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from reports.blocks import MOST_COLUMNS, Block, Cell, Column, Figure, Figures, Row, Table, Text
from reports.charts import LINE, MAX_ROWS
from reports.comparison.model import ComparedCandidate, Comparison, Difference, Measure
from reports.comparison.words import change_cell
from reports.drawing import (
    INK,
    MUTED,
    are_numbered,
    colour_of,
    data,
    draw,
    estimate_fields,
    numbered,
    shape_of,
)
from reports.formatting import Kind, name
from reports.limits import is_bounded, unit_of_change

TITLES: dict[Kind, str] = {"points": "Rates, in points", "number": "Scores between 0 and 1"}
"""A panel for each unit; what may be above 1, such as a norm, would have no scale in common."""
ABOVE, BELOW = 19, 9
"""Pixels of a row above its marks, where its name stands, and below them."""
AXIS = 32
LONGEST = 50
"""Characters of a name; about as many as are 340 pixels wide."""


def change_charts(comparison: Comparison, candidate: ComparedCandidate) -> list[Block]:
    """A panel for each unit, and what to know of the marks; nothing where no change is known.

    Where there are many candidates each has the panel of its rates alone, else their page is slow to make.
    """
    kinds: Sequence[Kind] = (
        ("points", "number") if len(comparison.candidates) <= MOST_COLUMNS else ("points",)
    )
    shown = {kind: _charted(candidate.measures, kind) for kind in kinds}
    panels = [_figure(comparison, candidate, kind, rows) for kind, rows in shown.items() if rows]
    if not panels:
        return []
    others = numbered([name(run.name) for run in comparison.others])
    told = "Each mark is a change with its interval, the line is no change. Filled: established. Hollow: not."
    if any(len(rows) > MAX_ROWS for rows in shown.values()):
        told += f" The established ones first, {MAX_ROWS} metrics are drawn; the tables have all."
    title = f"{name(candidate.name)}: changes from {name(comparison.first.name)}"
    return [Figures(title, others, panels), Text(told, "muted")]


def _charted(measures: Sequence[Measure], kind: Kind) -> list[Measure]:
    """What has a change in this unit, in its order."""
    return [
        measure
        for measure in measures
        if unit_of_change(measure.metric) == kind
        and is_bounded(measure.metric)
        and any(each is not None and each.change.value is not None for each in measure.differences)
    ]


def _figure(
    comparison: Comparison, candidate: ComparedCandidate, kind: Kind, charted: Sequence[Measure]
) -> Figure:
    drawn = sorted(charted, key=lambda measure: not any(_established(measure)))[:MAX_ROWS]
    drawn = [measure for measure in charted if measure in drawn]
    established = [measure.label for measure in drawn if any(_established(measure))]
    told = f"established: {'; '.join(map(name, established))}" if established else "none is established"
    label = (
        f"Changes of {name(candidate.name)} from {name(comparison.first.name)}, {TITLES[kind].lower()}: each "
        f"of {len(drawn)} with its interval about a line at zero; {told}."
    )
    table = Table(
        f"{name(candidate.name)}: changes, {TITLES[kind].lower()}",
        [Column("Metric"), *(Column(name(run.name)) for run in comparison.others)],
        [Row(measure.label, [_cell(measure, each) for each in measure.differences]) for measure in drawn],
    )
    return Figure(TITLES[kind], forest(drawn, len(comparison.others), kind, label), table)


def _established(measure: Measure) -> Iterator[bool]:
    return (each is not None and each.established for each in measure.differences)


def forest(measures: Sequence[Measure], runs: int, kind: Kind, label: str) -> Markup:
    """A row for each metric with its name above its marks, one for each of the other ``runs``.

    What is established differs in fill and weight, not in colour alone.
    """
    import altair as alt

    row = ABOVE + LINE * runs + BELOW
    height = row * len(measures)
    series = [str(i) for i in range(runs)]
    scale = 100 if kind == "points" else 1
    shown = f"(datum.value > 0 ? '+' : '') + format(datum.value * {scale}, '.3~g')"
    across: dict[str, Any] = {
        "title": None,
        "scale": alt.Scale(domain=_span(measures), nice=False, zero=False),
        "axis": alt.Axis(tickCount=5, grid=False, labelExpr=shown),
    }
    down: dict[str, Any] = {
        "title": None,
        "scale": alt.Scale(domain=[0, height], reverse=True, nice=False, zero=False),
        "axis": None,
    }
    rows = alt.Chart(data(_rows(measures, row)))
    zero = rows.mark_rule(color=INK, strokeWidth=1).encode(
        x=alt.X("zero:Q", **across), y=alt.Y("from:Q", **down), y2="to:Q"
    )
    names = rows.mark_text(align="left", baseline="middle", fontSize=12, color=INK, limit=330).encode(
        x=alt.value(0), y=alt.Y("name_y:Q", **down), text="name:N"
    )
    base = alt.Chart(data(_records(measures, row))).encode(y=alt.Y("y:Q", **down))
    x, low = alt.X("value:Q", **across), alt.X("low:Q", **across)
    chance, sure = base.transform_filter("!datum.sure"), base.transform_filter("datum.sure")
    shape, colour = shape_of(series), colour_of(series)
    layers = zero + names
    layers = layers + chance.mark_rule(strokeWidth=1.25, color=MUTED).encode(x=low, x2="high:Q")
    layers = layers + sure.mark_rule(strokeWidth=2.5).encode(x=low, x2="high:Q", color=colour)
    hollow, filled = (each.encode(x=x, shape=shape) for each in (chance, sure))
    layers = layers + hollow.mark_point(filled=False, size=45, color=MUTED, opacity=1)
    layers = layers + filled.mark_point(filled=True, size=75, opacity=1).encode(color=colour)
    if are_numbered(series):
        number = base.mark_text(fontSize=11, align="right", color=MUTED, dx=-7)
        layers = layers + number.encode(x=low, text="number:N")
    return draw(layers, height + AXIS, label)


def _rows(measures: Sequence[Measure], row: int) -> list[dict[str, Any]]:
    """The name of each metric, and its part of the line at zero, which leaves the names free."""
    return [
        {"name": name(measure.label, LONGEST), "name_y": i * row + ABOVE / 2, "zero": 0.0}
        | {"from": i * row + ABOVE, "to": (i + 1) * row - BELOW + 3}
        for i, measure in enumerate(measures)
    ]


def _records(measures: Sequence[Measure], row: int) -> list[dict[str, Any]]:
    return [
        estimate_fields(each.change)
        | {"series": run, "number": str(run + 1), "sure": each.established}
        | {"y": i * row + ABOVE + LINE * (run + 0.5)}
        for i, measure in enumerate(measures)
        for run, each in enumerate(measure.differences)
        if each is not None and each.change.value is not None
    ]


def _span(measures: Sequence[Measure]) -> list[float]:
    """The ends of an axis that holds zero and all intervals, with some room."""
    ends = [0.0, *(record[end] for record in _records(measures, 0) for end in ("low", "high"))]
    low, high = min(ends), max(ends)
    room = 0.05 * (high - low) or 0.01
    return [low - room, high + room]


def _cell(measure: Measure, difference: Difference | None) -> Cell:
    """The change, and what is established of it."""
    change = change_cell(measure, difference)
    if difference is None or difference.standing is None:
        return change
    return Cell(change.text, f"{change.note} · {difference.standing}".removeprefix(" · "), change.tone)
