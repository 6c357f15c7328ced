"""Two measures of each candidate against each other, with a number beside each mark."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import dist, floor
from typing import Any

from markupsafe import Markup

from reports.drawing import MUTED, colour_of, data, draw, estimate_fields, shape_of
from reports.labels import Box, place_labels
from robustness.estimate import Estimate

HEIGHT = 300
PLOT = Box(0, 0, 265, 230)
"""About what the axes leave of the chart: exact enough to keep its numbers apart."""
COINCIDE = 4.0
"""Pixels between the middles of two marks below which one hides the other."""


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


def tradeoff(points: Sequence[Point], series: Sequence[str], x_title: str, label: str) -> Markup:
    """Accuracy against a difference, with both intervals: x counts in points, y is a rate.

    Each mark has the number of its candidate beside it, since colours and shapes repeat; those on the Pareto
    front are filled and joined by a line. The titles of the axes say which way is better, and where an axis
    does not start at 0.
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
    x_scale = alt.Scale(domain=across, nice=False, zero=False)
    y_scale = alt.Scale(domain=down, nice=False, zero=False)
    in_points = alt.Axis(tickCount=5, grid=False, labelExpr="format(datum.value * 100, '.3~g')")
    x = alt.X("x:Q", title=x_title, scale=x_scale, axis=in_points)
    y_title = "Accuracy, better →" + _cut(down[0], "%")  # turned with the title, the arrow points up
    y = alt.Y("y:Q", title=y_title, scale=y_scale, axis=alt.Axis(tickCount=5, format=".1~%"))
    base = alt.Chart(data(values)).encode(color=colour_of(series))
    wide = base.mark_rule(strokeWidth=1.5, opacity=0.45).encode(
        x=alt.X("x_low:Q", title=x_title, scale=x_scale), x2="x_high:Q", y=y
    )
    high = base.mark_rule(strokeWidth=1.5, opacity=0.45).encode(
        x=x, y=alt.Y("y_low:Q", title=y_title, scale=y_scale), y2="y_high:Q"
    )
    front = (
        alt.Chart(data([value for value in values if value["front"]]))
        .mark_line(color=MUTED, strokeWidth=1, strokeDash=[4, 4])
        .encode(x=x, y=y, order="x:Q")
    )
    shape = shape_of(series)
    filled = base.transform_filter("datum.front").mark_point(filled=True, size=75, opacity=1)
    hollow = base.transform_filter("!datum.front").mark_point(filled=False, size=65, opacity=1)
    beside_x, beside_y = (alt.X("label_x:Q", scale=x_scale), alt.Y("label_y:Q", scale=y_scale))
    joined = base.transform_filter("datum.apart").mark_rule(strokeWidth=0.75)
    numbers = base.mark_text(fontSize=12).encode(x=beside_x, y=beside_y, text="number:N")
    marks = front + wide + high + joined.encode(x=x, y=y, x2="end_x:Q", y2="end_y:Q")
    marks = marks + filled.encode(x=x, y=y, shape=shape) + hollow.encode(x=x, y=y, shape=shape)
    better = alt.TitleParams(
        "← better" + _cut(across[0], ""), orient="bottom", color=MUTED, fontSize=12, fontWeight="normal"
    )
    return draw((marks + numbers).properties(title=better), HEIGHT, label)


def _cut(start: float, unit: str) -> str:
    """Tells of an axis that does not start at 0; start: a share."""
    return f" · axis from {100 * start:.3g}{unit}" if start else ""


def _ends(estimate: Estimate, axis: str) -> dict[str, Any]:
    fields = estimate_fields(estimate)
    return {axis: fields["value"], f"{axis}_low": fields["low"], f"{axis}_high": fields["high"]}


def _span(values: Sequence[dict[str, Any]], axis: str) -> list[float]:
    """The ends of an axis that holds all intervals, with some room, but none below 0 or above 1.

    It starts at 0 where the intervals still fill most of it, else at a whole percentage.
    """
    if not values:
        return [0.0, 1.0]
    low, high = min(value[f"{axis}_low"] for value in values), max(value[f"{axis}_high"] for value in values)
    room = 0.04 * (high - low) or 0.01
    start = 0.0 if low <= (high - low) / 4 else max(0, floor(100 * (low - room))) / 100
    return [start, min(1.0, high + room)]


def _number_spots(
    values: Sequence[dict[str, Any]], across: Sequence[float], down: Sequence[float]
) -> list[dict[str, Any]]:
    """Where the number of each mark stands, in the units of the axes; apart: a line joins it to the mark.

    Marks that coincide share one label with all their numbers; those after the first have an empty one.
    """

    def x_pixel(x: float) -> float:
        return (x - across[0]) / (across[1] - across[0]) * PLOT.right

    def y_pixel(y: float) -> float:
        return (down[1] - y) / (down[1] - down[0]) * PLOT.bottom

    marks = [(x_pixel(value["x"]), y_pixel(value["y"])) for value in values]
    rules = []
    for value, (x, y) in zip(values, marks, strict=True):
        rules.append(Box(x_pixel(value["x_low"]), y - 1, x_pixel(value["x_high"]), y + 1))
        rules.append(Box(x - 1, y_pixel(value["y_high"]), x + 1, y_pixel(value["y_low"])))

    def x_value(pixel: float) -> float:
        return across[0] + pixel / PLOT.right * (across[1] - across[0])

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
