"""The charts: Altair specifications drawn to static SVG by vl-convert, without a browser or a network.

Every chart is 340 pixels wide, the width of a phone, so that its text never shrinks; wide screens show
several side by side. Colours are placeholders that the style sheet fills in, for light and dark.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from math import dist
from typing import Any

from markupsafe import Markup

from reports.formatting import name
from reports.labels import Box, place_labels
from reports.svg import page_svg
from robustness.estimate import Estimate

WIDTH = 340
TRADEOFF_HEIGHT = 300
PLOT = Box(0, 0, 285, 245)
"""About what the axes leave of the chart of a trade-off: exact enough to keep its numbers apart."""
COINCIDE = 4.0
"""Pixels between the middles of two marks of a trade-off below which one hides the other."""
MAX_ROWS = 30
"""Groups that one chart shows; the table behind it shows all."""

SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
UNSTYLED = ("#0067a6", "#c8500a", "#1a7f5a", "#9b3f86", "#8a6d00", "#4a5260")
"""The colours of series where a viewer forbids the style sheet."""
_SERIES = ("#000001", "#000002", "#000003", "#000004", "#000005", "#000006")
_INK, _MUTED, _GRID = "#00000a", "#00000b", "#00000c"
_COLOURS = {
    **{colour: f"var(--series-{i},{UNSTYLED[i - 1]})" for i, colour in enumerate(_SERIES, start=1)},
    _INK: "var(--ink,#000)",
    _MUTED: "var(--muted,#555)",
    _GRID: "var(--grid,#ccc)",
}


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


@dataclass(frozen=True)
class Reliability:
    """How often a series is right where it is this confident; faint: of too few examples to be judged."""

    series: str
    confidence: float
    accuracy: float
    faint: bool = False


@dataclass(frozen=True)
class Point:
    """One candidate of a trade-off: two estimates. number: what it is called in the chart.

    front: whether it is on the Pareto front.
    """

    series: str
    number: int
    x: Estimate
    y: Estimate
    front: bool


def rate_curves(
    marks: Sequence[Mark], series: Sequence[str], x_title: str, label: str, *, whole: bool = False
) -> Markup:
    """Rates against a budget: a line and an interval band for each series. whole: x counts things."""
    import altair as alt

    records = _records(marks, series)
    base = alt.Chart(_data(records)).encode(x=_x(x_title, whole))
    colour = _colour(series)
    y = alt.Y("value:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=_percent_axis())
    band = base.mark_area(opacity=0.16).encode(y=alt.Y("low:Q", title=None), y2="high:Q", color=colour)
    line = base.mark_line(strokeWidth=2).encode(y=y, color=colour)
    points = base.mark_point(filled=True, size=50, opacity=1).encode(y=y, color=colour, shape=_shape(series))
    return _draw(band + line + points, 230, label)


def rate_dots(dots: Sequence[Dot], rows: Sequence[str], series: Sequence[str], label: str) -> Markup:
    """Rates by group: a dot with its interval for each row and series."""
    import altair as alt

    rows = rows[:MAX_ROWS]
    # Rows are placed by number and labelled afterwards: two names that look alike once shortened stay apart.
    names = [name(row, 20) for row in rows]
    labels = "[" + ",".join(map(_vega_text, names)) + "]"
    # The reader's font is not the one that Vega measures with: reserve room for a wide one.
    room = max(map(_columns, names), default=0) * 7.4 + 8
    values = [
        _estimate_fields(dot.estimate)
        | {
            "row": rows.index(dot.row),
            "series": series.index(dot.series),
            "opacity": 0.35 if dot.faint else 1,
        }
        for dot in dots
        if dot.row in rows and dot.estimate.value is not None
    ]
    y = alt.Y(
        "row:O",
        title=None,
        scale=alt.Scale(domain=list(range(len(rows))), paddingInner=0.25),
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
    colour, opacity = _colour(series), alt.Opacity("opacity:Q", scale=None)
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(_data(values)).encode(y=y, yOffset=offset, color=colour, opacity=opacity)
    x = alt.X("value:Q", title=None, scale=scale, axis=_quarters_axis())
    bars = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=None, scale=scale), x2="high:Q")
    points = base.mark_point(filled=True, size=60).encode(x=x, shape=_shape(series))
    return _draw(bars + points, 46 + len(rows) * (12 + 13 * len(series)), label)


def reliability_curves(points: Sequence[Reliability], series: Sequence[str], label: str) -> Markup:
    """Accuracy against mean confidence, and the line of calibration. Faint marks are not joined."""
    import altair as alt

    unit = alt.Scale(domain=[0, 1])
    diagonal = (
        alt.Chart(_data([{"x": 0, "value": 0}, {"x": 1, "value": 1}]))
        .mark_line(color=_MUTED, strokeWidth=1, strokeDash=[4, 4])
        .encode(x="x:Q", y="value:Q")
    )
    values = [
        {
            "series": series.index(each.series),
            "x": each.confidence,
            "value": each.accuracy,
            "opacity": 0.35 if each.faint else 1,
        }
        for each in points
    ]
    base = alt.Chart(_data(values)).encode(
        x=alt.X("x:Q", title="Mean confidence", scale=unit, axis=_quarters_axis()),
        y=alt.Y("value:Q", title=None, scale=unit, axis=_percent_axis()),
        color=_colour(series),
    )
    line = base.transform_filter("datum.opacity == 1").mark_line(strokeWidth=2)
    dots = base.mark_point(filled=True, size=50).encode(
        shape=_shape(series), opacity=alt.Opacity("opacity:Q", scale=None)
    )
    return _draw(diagonal + line + dots, 260, label)


def tradeoff(points: Sequence[Point], series: Sequence[str], x_title: str, label: str) -> Markup:
    """Two measures of each candidate against each other, with both intervals; x is in points, y is a rate.

    Each mark has the number of its candidate beside it, since colours and shapes repeat; those on the Pareto
    front are filled and joined by a line. The x axis is turned round, so that better is up and to the right.
    """
    import altair as alt

    known = [point for point in points if point.x.value is not None and point.y.value is not None]
    values: list[dict[str, Any]] = [
        _ends(point.x, "x")
        | _ends(point.y, "y")
        | {"series": series.index(point.series), "number": str(point.number), "front": point.front}
        for point in known
    ]
    across, down = _span(values, "x"), _span(values, "y")
    values = [value | spot for value, spot in zip(values, _number_spots(values, across, down), strict=True)]
    x_scale = alt.Scale(reverse=True, domain=across, nice=False, zero=False)
    y_scale = alt.Scale(domain=down, nice=False, zero=False)
    in_points = alt.Axis(tickCount=5, grid=False, labelExpr="format(datum.value * 100, '.3~g')")
    x = alt.X("x:Q", title=x_title, scale=x_scale, axis=in_points)
    y = alt.Y("y:Q", title=None, scale=y_scale, axis=alt.Axis(tickCount=5, format=".1~%"))
    colour = _colour(series)
    base = alt.Chart(_data(values)).encode(color=colour)
    wide = base.mark_rule(strokeWidth=1.5, opacity=0.45).encode(
        x=alt.X("x_low:Q", title=x_title, scale=x_scale), x2="x_high:Q", y=y
    )
    high = base.mark_rule(strokeWidth=1.5, opacity=0.45).encode(
        x=x, y=alt.Y("y_low:Q", title=None, scale=y_scale), y2="y_high:Q"
    )
    front = (
        alt.Chart(_data([value for value in values if value["front"]]))
        .mark_line(color=_MUTED, strokeWidth=1, strokeDash=[4, 4])
        .encode(x=x, y=y, order="x:Q")
    )
    shape = _shape(series)
    filled = base.transform_filter("datum.front").mark_point(filled=True, size=75, opacity=1)
    hollow = base.transform_filter("!datum.front").mark_point(filled=False, size=65, opacity=1)
    beside_x, beside_y = (alt.X("label_x:Q", scale=x_scale), alt.Y("label_y:Q", scale=y_scale))
    joined = base.transform_filter("datum.apart").mark_rule(strokeWidth=0.75)
    numbers = base.mark_text(fontSize=12).encode(x=beside_x, y=beside_y, text="number:N")
    marks = front + wide + high + joined.encode(x=x, y=y, x2="end_x:Q", y2="end_y:Q")
    marks = marks + filled.encode(x=x, y=y, shape=shape) + hollow.encode(x=x, y=y, shape=shape)
    return _draw(marks + numbers, TRADEOFF_HEIGHT, label)


def _ends(estimate: Estimate, axis: str) -> dict[str, Any]:
    fields = _estimate_fields(estimate)
    return {axis: fields["value"], f"{axis}_low": fields["low"], f"{axis}_high": fields["high"]}


def _span(values: Sequence[dict[str, Any]], axis: str) -> list[float]:
    """The ends of an axis that holds all intervals, with some room, but none below 0 or above 1."""
    if not values:
        return [0.0, 1.0]
    low, high = min(value[f"{axis}_low"] for value in values), max(value[f"{axis}_high"] for value in values)
    room = 0.04 * (high - low) or 0.01
    return [max(0.0, low - room), min(1.0, high + room)]


def _number_spots(
    values: Sequence[dict[str, Any]], across: Sequence[float], down: Sequence[float]
) -> list[dict[str, Any]]:
    """Where the number of each mark stands, in the units of the axes; apart: a line joins it to the mark.

    Marks that coincide share one label with all their numbers; those after the first have an empty one.
    """

    def x_pixel(x: float) -> float:  # turned round
        return (across[1] - x) / (across[1] - across[0]) * PLOT.right

    def y_pixel(y: float) -> float:
        return (down[1] - y) / (down[1] - down[0]) * PLOT.bottom

    marks = [(x_pixel(value["x"]), y_pixel(value["y"])) for value in values]
    rules = []
    for value, (x, y) in zip(values, marks, strict=True):
        rules.append(Box(x_pixel(value["x_high"]), y - 1, x_pixel(value["x_low"]), y + 1))
        rules.append(Box(x - 1, y_pixel(value["y_high"]), x + 1, y_pixel(value["y_low"])))

    def x_value(pixel: float) -> float:
        return across[1] - pixel / PLOT.right * (across[1] - across[0])

    def y_value(pixel: float) -> float:
        return down[1] - pixel / PLOT.bottom * (down[1] - down[0])

    leaders = _coinciding(marks)
    first = sorted(set(leaders))
    texts = {i: ", ".join(values[j]["number"] for j, k in enumerate(leaders) if k == i) for i in first}
    spots = place_labels([marks[i] for i in first], list(texts.values()), rules, PLOT)
    placed = dict(zip(first, spots, strict=True))
    return [
        {
            "number": texts.get(i, ""),
            "label_x": x_value(placed[leader].x),
            "label_y": y_value(placed[leader].y),
            "apart": placed[leader].apart and i == leader,
            "end_x": x_value(placed[leader].end_x),
            "end_y": y_value(placed[leader].end_y),
        }
        for i, leader in enumerate(leaders)
    ]


def _coinciding(marks: Sequence[tuple[float, float]]) -> list[int]:
    """For each mark the index of the first one that it cannot be told from, often its own."""
    leaders: list[int] = []
    for i, mark in enumerate(marks):
        earlier = (j for j in set(leaders) if dist(mark, marks[j]) < COINCIDE)
        leaders.append(min(earlier, default=i))
    return leaders


def _data(values: list[dict[str, Any]]) -> Any:
    import altair as alt

    return alt.InlineData(values=values)


def _records(marks: Sequence[Mark], series: Sequence[str]) -> list[dict[str, Any]]:
    return [
        _estimate_fields(mark.estimate) | {"series": series.index(mark.series), "x": mark.x}
        for mark in marks
        if mark.estimate.value is not None
    ]


def _estimate_fields(estimate: Estimate) -> dict[str, Any]:
    value = estimate.value
    return {
        "value": value,
        "low": value if estimate.low is None else estimate.low,
        "high": value if estimate.high is None else estimate.high,
    }


def _x(title: str, whole: bool) -> Any:
    import altair as alt

    axis = alt.Axis(tickCount=5, tickMinStep=1 if whole else 0, grid=False, format="~g")
    return alt.X("x:Q", title=title, scale=alt.Scale(zero=True, nice=False), axis=axis)


def _percent_axis() -> Any:
    import altair as alt

    return alt.Axis(format=".0%", tickCount=5)


def _quarters_axis() -> Any:
    """For the short axis, where labels stand side by side."""
    import altair as alt

    return alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1])


def _colour(series: Sequence[str]) -> Any:
    """The first series has the first colour in every chart, whatever it is called."""
    import altair as alt

    colours = [_SERIES[i % len(_SERIES)] for i in range(len(series))]
    scale = alt.Scale(domain=list(range(len(series))), range=colours)
    return alt.Color("series:N", scale=scale, legend=None)


def _shape(series: Sequence[str]) -> Any:
    import altair as alt

    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(series))]
    scale = alt.Scale(domain=list(range(len(series))), range=shapes)
    return alt.Shape("series:N", scale=scale, legend=None)


def _columns(text: str) -> int:
    """The width in columns of a terminal: two for a wide character, such as a Chinese one."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _vega_text(text: str) -> str:
    """``text`` as a string literal of a Vega expression, every character of it spelt as a code unit."""
    units = text.encode("utf-16-be")
    return '"' + "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)) + '"'


def _draw(chart: Any, height: int, label: str) -> Markup:
    import vl_convert

    spec = chart.properties(width=WIDTH, height=height, background="transparent").to_dict(validate=False)
    spec["autosize"] = {"type": "fit", "contains": "padding"}
    spec["padding"] = 4
    spec["config"] = {
        "aria": False,
        "font": "sans-serif",
        "view": {"stroke": None},
        "axis": {
            "labelColor": _INK,
            "titleColor": _MUTED,
            "gridColor": _GRID,
            "domainColor": _GRID,
            "tickColor": _GRID,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "labelPadding": 5,
            "titlePadding": 8,
            "labelFlush": False,
        },
    }
    return page_svg(vl_convert.vegalite_to_svg(spec), label, _COLOURS)
