"""The reliability diagram: whether a model is as often right as it is confident."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.drawing import GRID, MUTED, colour_of, data, draw, percent_axis, shape_of

SMALL = 160
"""Pixels: the width of a chart among many small ones, two of which stand side by side on a phone."""


@dataclass(frozen=True)
class Reliability:
    """How often a series is right where it is this confident; faint: of too few examples to be judged."""

    series: str
    confidence: float
    accuracy: float
    faint: bool = False


def reliability_curves(
    points: Sequence[Reliability],
    series: Sequence[str],
    label: str,
    *,
    n_classes: int = 0,
    alone: str | None = None,
) -> Markup:
    """Accuracy against mean confidence, and the line of calibration. Faint marks are not joined.

    n_classes: what is predicted has at least a probability of one by it, so that the axis starts there; 0
    where that is not known. alone: the one series of a small chart, in which the others are pale lines.
    """
    import altair as alt

    start = min([1 / n_classes if n_classes else 0.0, *(each.confidence for each in points)])
    scale = alt.Scale(domain=[start, 1], nice=False, zero=False)
    x_axis, y_axis = percent_axis(), percent_axis()
    if alone is not None:
        x_axis = alt.Axis(format=".0%", values=[start, 1])
        y_axis = alt.Axis(format=".0%", values=[0, 0.5, 1])
    x = alt.X("x:Q", title="Confidence" if alone else "Mean confidence", scale=scale, axis=x_axis)
    y = alt.Y("value:Q", title="Accuracy", scale=alt.Scale(domain=[0, 1]), axis=y_axis)
    diagonal = (
        alt.Chart(data([{"x": start, "value": start}, {"x": 1, "value": 1}]))
        .mark_line(color=MUTED, strokeWidth=1, strokeDash=[4, 4])
        .encode(x=x, y=y)
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
    mine = values if alone is None else [each for each in values if each["series"] == series.index(alone)]
    base = alt.Chart(data(mine)).encode(x=x, y=y)
    colour = alt.value("#000001") if alone else colour_of(series)
    line = base.transform_filter("datum.opacity == 1").mark_line(strokeWidth=2).encode(color=colour)
    dots = base.mark_point(filled=True, size=30 if alone else 50).encode(
        color=colour,
        opacity=alt.Opacity("opacity:Q", scale=None),
        **({} if alone else {"shape": shape_of(series)}),
    )
    if alone is None:
        return draw(diagonal + line + dots, 260, label)
    others = [each for each in values if each not in mine and each["opacity"] == 1]
    pale = alt.Chart(data(others)).mark_line(strokeWidth=1, color=GRID).encode(x=x, y=y, detail="series:N")
    return draw(pale + diagonal + line + dots, SMALL, label, width=SMALL)
