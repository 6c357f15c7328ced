"""What all charts share: size, marks, colours and axes, and the drawing by vl-convert.

Altair specifications become static SVG, without a browser or a network. A chart is 340 pixels wide, the width
of a phone, so that its text never shrinks; on a wide screen it is drawn larger. Colours are placeholders that
the style sheet fills in, for light and dark.
"""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from reports.svg import page_svg
from robustness.estimate import Estimate

WIDTH = 340
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
UNSTYLED = ("#0067a6", "#c8500a", "#1a7f5a", "#9b3f86", "#8a6d00", "#4a5260")
"""The colours of series where a viewer forbids the style sheet."""
_SERIES = ("#000001", "#000002", "#000003", "#000004", "#000005", "#000006")
INK, MUTED, GRID = "#00000a", "#00000b", "#00000c"
_COLOURS = {
    **{colour: f"var(--series-{i},{UNSTYLED[i - 1]})" for i, colour in enumerate(_SERIES, start=1)},
    INK: "var(--ink,#000)",
    MUTED: "var(--muted,#555)",
    GRID: "var(--grid,#ccc)",
}
MOST_SERIES = len(SHAPES)
"""Series that marks and colours tell apart; of more, each has a number."""


def are_numbered(series: Sequence[str]) -> bool:
    return len(series) > MOST_SERIES


def numbered(series: Sequence[str]) -> list[str]:
    """The names as a chart and its legend have them: ``1 plain`` where the marks alone would not do."""
    return [f"{i} {each}" for i, each in enumerate(series, start=1)] if are_numbered(series) else [*series]


def data(values: list[dict[str, Any]]) -> Any:
    import altair as alt

    return alt.InlineData(values=values)


def estimate_fields(estimate: Estimate) -> dict[str, Any]:
    value = estimate.value
    return {
        "value": value,
        "low": value if estimate.low is None else estimate.low,
        "high": value if estimate.high is None else estimate.high,
    }


def percent_axis() -> Any:
    import altair as alt

    return alt.Axis(format=".0%", tickCount=5)


def colour_of(series: Sequence[str]) -> Any:
    """The first series has the first colour in every chart, whatever it is called."""
    import altair as alt

    colours = [_SERIES[i % len(_SERIES)] for i in range(len(series))]
    scale = alt.Scale(domain=list(range(len(series))), range=colours)
    return alt.Color("series:N", scale=scale, legend=None)


def shape_of(series: Sequence[str]) -> Any:
    import altair as alt

    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(series))]
    scale = alt.Scale(domain=list(range(len(series))), range=shapes)
    return alt.Shape("series:N", scale=scale, legend=None)


def draw(chart: Any, height: int, label: str, *, width: int = WIDTH) -> Markup:
    """label: what the chart shows, for screen readers. height, width: pixels, with axes and titles."""
    import vl_convert

    spec = chart.properties(width=width, height=height, background="transparent").to_dict(validate=False)
    spec["autosize"] = {"type": "fit", "contains": "padding"}
    spec["padding"] = 4
    spec["config"] = {
        "aria": False,
        "font": "sans-serif",
        "view": {"stroke": None},
        "axis": {
            "labelColor": INK,
            "titleColor": MUTED,
            "gridColor": GRID,
            "domainColor": GRID,
            "tickColor": GRID,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "labelPadding": 5,
            "titlePadding": 8,
            "labelFlush": False,
        },
    }
    return page_svg(vl_convert.vegalite_to_svg(spec), label, _COLOURS)
