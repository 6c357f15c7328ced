"""Accuracy against a budget and rates by group: a mark and an interval for each measured value."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from reports.drawing import (
    are_numbered,
    colour_of,
    data,
    draw,
    estimate_fields,
    percent_axis,
    shape_of,
)
from reports.formatting import name
from robustness.estimate import Estimate

MAX_ROWS = 30
"""Groups that one chart shows; the table behind it shows all."""
LINE = 13
"""Pixels between one mark or number and the next below it."""


@dataclass(frozen=True)
class Mark:
    """A measured point of one series: x and the estimate at x."""

    series: str
    x: float
    estimate: Estimate


@dataclass(frozen=True)
class Dot:
    """A measured value of one series for one row; faint: shown, but not to be judged."""

    series: str
    row: str
    estimate: Estimate
    faint: bool = False


def accuracy_curves(
    marks: Sequence[Mark], series: Sequence[str], x_title: str, label: str, *, whole: bool = False
) -> Markup:
    """Accuracy against a budget: a line and an interval band for each series. whole: x counts things.

    Of many series each has its number at the end of its line.
    """
    import altair as alt

    many = are_numbered(series)
    known = [mark for mark in marks if mark.estimate.value is not None]
    height = max(230, 60 + LINE * len(series)) if many else 230
    end = max((mark.x for mark in known), default=1.0)
    axis = alt.Axis(tickCount=5, tickMinStep=1 if whole else 0, grid=False, format="~g")
    scale = alt.Scale(domain=[0, end * 1.1 if many else end], zero=True, nice=False)
    colour = colour_of(series)
    base = alt.Chart(
        data([estimate_fields(m.estimate) | {"series": series.index(m.series), "x": m.x} for m in known])
    ).encode(x=alt.X("x:Q", title=x_title, scale=scale, axis=axis), color=colour)
    rates = alt.Scale(domain=[0, 1])
    y = alt.Y("value:Q", title="Accuracy", scale=rates, axis=percent_axis())
    band = base.mark_area(opacity=0.05 if many else 0.16).encode(
        y=alt.Y("low:Q", title="Accuracy"), y2="high:Q"
    )
    line = base.mark_line(strokeWidth=2).encode(y=y)
    points = base.mark_point(filled=True, size=50, opacity=1).encode(y=y, shape=shape_of(series))
    layers = band + line + points
    if many:
        ends = alt.Chart(data(_line_ends(known, series, end, LINE / (height - 60)))).encode(color=colour)
        at = alt.Y("at:Q", scale=rates)
        leaders = ends.mark_rule(strokeWidth=0.75).encode(
            x=alt.X("x:Q", scale=scale), x2="end:Q", y=y, y2="at:Q"
        )
        numbers = ends.mark_text(fontSize=12, align="left", dx=2).encode(
            x=alt.X("end:Q", scale=scale), y=at, text="number:N"
        )
        layers = layers + leaders + numbers
    return draw(layers, height, label)


def _line_ends(known: Sequence[Mark], series: Sequence[str], end: float, gap: float) -> list[dict[str, Any]]:
    """The last mark of each series, and where beside it the number goes."""
    last = {mark.series: mark for mark in sorted(known, key=lambda mark: mark.x)}
    spots = spread([mark.estimate.value or 0.0 for mark in last.values()], gap)
    return [
        estimate_fields(mark.estimate)
        | {
            "series": series.index(mark.series),
            "number": str(series.index(mark.series) + 1),
            "x": mark.x,
            "end": end * 1.05,
            "at": spot,
        }
        for mark, spot in zip(last.values(), spots, strict=True)
    ]


def spread(values: Sequence[float], gap: float) -> list[float]:
    """``values`` moved as little upwards, and below 1 downwards, as keeps them ``gap`` apart."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    spots = [*values]
    for lower, i in pairwise(order):
        spots[i] = max(spots[i], spots[lower] + gap)
    top = 1.0
    for i in reversed(order):
        spots[i] = min(spots[i], top)
        top = spots[i] - gap
    return spots


def rate_dots(dots: Sequence[Dot], rows: Sequence[str], series: Sequence[str], label: str) -> Markup:
    """Rates by group: a dot with its interval for each row and series; of many series also its number."""
    import altair as alt

    rows = rows[:MAX_ROWS]
    # Rows are placed by number and labelled afterwards: two names that look alike once shortened stay apart.
    names = [name(row, 20) for row in rows]
    labels = "[" + ",".join(map(_vega_text, names)) + "]"
    # The reader's font is not the one that Vega measures with: reserve room for a wide one.
    room = max(map(_columns, names), default=0) * 7.4 + 8
    values = [
        estimate_fields(dot.estimate)
        | {
            "row": rows.index(dot.row),
            "series": series.index(dot.series),
            "number": str(series.index(dot.series) + 1),
            "opacity": 0.35 if dot.faint else 1,
        }
        for dot in dots
        if dot.row in rows and dot.estimate.value is not None
    ]
    many = are_numbered(series)
    y = alt.Y(
        "row:O",
        title=None,
        scale=alt.Scale(domain=list(range(len(rows))), paddingInner=0.06 if many else 0.25),
        axis=alt.Axis(
            labelExpr=f"{labels}[datum.value]",
            labelLimit=1000,
            minExtent=room,
            maxExtent=room,
            ticks=False,
            grid=False,
        ),
    )
    offset = alt.YOffset("series:O", scale=alt.Scale(domain=list(range(len(series)))))
    colour, opacity = colour_of(series), alt.Opacity("opacity:Q", scale=None)
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(data(values)).encode(y=y, yOffset=offset, color=colour, opacity=opacity)
    low, high = alt.X("low:Q", title=None, scale=scale), alt.X("high:Q", title=None, scale=scale)
    quarters = alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1])
    x = alt.X("value:Q", title=None, scale=scale, axis=quarters)
    layers = base.mark_rule(strokeWidth=2).encode(x=low, x2="high:Q")
    layers = layers + base.mark_point(filled=True, size=60).encode(x=x, shape=shape_of(series))
    if many:
        # Behind the interval, or where that ends at the edge before it.
        behind = base.transform_filter("datum.high <= 0.9").mark_text(fontSize=12, align="left", dx=6)
        before = base.transform_filter("datum.high > 0.9").mark_text(fontSize=12, align="right", dx=-6)
        layers = layers + behind.encode(x=high, text="number:N") + before.encode(x=low, text="number:N")
    return draw(layers, 46 + len(rows) * (12 + LINE * len(series)), label)


def _columns(text: str) -> int:
    """The width in columns of a terminal: two for a wide character, such as a Chinese one."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _vega_text(text: str) -> str:
    """``text`` as a string literal of a Vega expression, every character of it spelt as a code unit."""
    units = text.encode("utf-16-be")
    return '"' + "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)) + '"'
