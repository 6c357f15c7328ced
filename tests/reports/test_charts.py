import re

import numpy as np

from reports.charts import Dot, Mark, accuracy_curves, rate_dots, spread
from reports.reliability_chart import Reliability, reliability_curves
from reports.svg import page_svg
from reports.tradeoff_chart import Point, tradeoff
from robustness.estimate import Estimate, wilson
from tests.reports.page import Element, parse

SERIES = ("var(--series-1,#0067a6)", "var(--series-2,#c8500a)")
"""The first two colours: the page's, or where it has no styles these."""


def texts(svg: str) -> list[str]:
    return [each.text for each in parse(svg).all("text")]


def test_a_curve_passes_through_its_points() -> None:
    # With both ends of the scale in the data, the pixels of 0 and 1 calibrate the axis.
    marks = [
        Mark("a", x, Estimate(value, value, value, 9)) for x, value in ((0.0, 1.0), (0.5, 0.5), (1.0, 0.0))
    ]
    line = next(
        p
        for p in parse(accuracy_curves(marks, ["a"], "epsilon", "a chart")).all("path")
        if p.attributes.get("stroke") == SERIES[0]
    )
    points = [tuple(map(float, p.split(","))) for p in re.findall(r"[\d.]+,[\d.]+", line.attributes["d"])]
    (x0, y0), (x1, y1), (x2, y2) = points
    assert (x0, y0) == (0, 0)
    assert abs(x1 - x2 / 2) < 0.1
    assert abs(y1 - y2 / 2) < 0.1


def test_series_keep_their_colour_and_undefined_points_are_left_out() -> None:
    marks = [Mark("b", 0, Estimate.undefined("none")), Mark("b", 1, wilson(3, 9)), Mark("a", 1, wilson(5, 9))]
    svg = accuracy_curves(marks, ["a", "b"], "epsilon", "a chart")
    fills = [p.attributes.get("fill") for p in parse(svg).all("path") if "transform" in p.attributes]
    assert sorted(filter(None, fills)) == list(SERIES)


def test_names_reach_the_chart_as_text_whatever_they_hold() -> None:
    rows = ['"];alert(1)//', "\\u0041\\", "<b>&amp;", "datum.value", "中文" * 20, "end\ufffe"]
    svg = rate_dots([Dot("s", row, wilson(3, 9)) for row in rows], rows, ["s"], "a <chart>")
    assert set(rows[:4]) <= set(texts(svg))
    assert "end\\ufffe" in texts(svg)
    assert "中文" * 9 + "中…" in texts(svg)
    assert parse(svg).children[0].attributes["aria-label"] == "a <chart>"


def test_rows_that_look_alike_once_cut_stay_apart() -> None:
    rows = ["x" * 100 + "a", "x" * 100 + "b"]
    svg = rate_dots([Dot("s", row, wilson(i, 9)) for i, row in enumerate(rows)], rows, ["s"], "chart")
    assert texts(svg).count("x" * 19 + "…") == 2


def test_charts_without_points_are_drawn_empty() -> None:
    undefined = Estimate.undefined("none")
    assert "<svg" in accuracy_curves([Mark("a", 0, undefined)], ["a"], "epsilon", "a")
    assert "<svg" in rate_dots([Dot("a", "g", undefined)], ["g"], ["a"], "a")
    assert "<svg" in reliability_curves([Reliability("a", 0.5, 0.5)], ["a"], "a")


def test_faint_dots_are_pale() -> None:
    svg = rate_dots([Dot("a", "g", wilson(1, 3), faint=True)], ["g"], ["a"], "a")
    assert 'opacity="0.35"' in svg


def test_a_chart_takes_its_colours_font_and_size_from_the_page() -> None:
    svg = accuracy_curves([Mark("a", 0, wilson(3, 9))], ["a"], "epsilon", "a")
    assert not re.search(r"(?<!,)#[0-9a-f]{3,6}|font-family|http|xmlns|style=", svg)
    # The size is for viewers that forbid styles; the style sheet fits the chart to its column.
    assert 'width="340" height="230" viewBox="0 0 340 230"' in svg


def test_ids_differ_between_charts_and_references_follow() -> None:
    raw = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><clipPath id="clip0"/>'
        '<g clip-path="url(#clip0)"/></svg>'
    )
    ids = set()
    for label in ("first", "second"):
        root = parse(page_svg(raw, label, {})).children[0]
        clip, group = root.children
        assert group.attributes["clip-path"] == f"url(#{clip.attributes['id']})"
        ids.add(clip.attributes["id"])
    assert len(ids) == 2


def test_the_axes_of_a_trade_off_run_forwards_and_what_is_on_the_front_is_filled() -> None:
    def point(series: str, number: int, x: float, y: float, front: bool) -> Point:
        return Point(series, number, Estimate(x, x, x, 9), Estimate(y, y, y, 9), front)

    points = [point("a", 1, 0.3, 0.9, True), point("b", 2, 0.1, 0.8, True), point("c", 3, 0.4, 0.7, False)]
    svg = parse(tradeoff(points, ["a", "b", "c"], "difference", "a chart"))
    marks = [p for p in svg.all("path") if "translate" in p.attributes.get("transform", "")]
    filled = {p.attributes["fill"] for p in marks if p.attributes.get("fill", "").startswith("var(--series")}
    assert filled == set(SERIES)
    numbers = {each.text: each for each in svg.all("text") if each.text in ("1", "2", "3")}
    across = {text: _place(each)[0] for text, each in numbers.items()}
    down = {text: _place(each)[1] for text, each in numbers.items()}
    assert across["2"] < across["1"] < across["3"]
    assert down["1"] < down["2"] < down["3"]


def _place(text: Element) -> tuple[float, float]:
    x, y = re.findall(r"-?[\d.]+", text.attributes["transform"])[:2]
    return float(x), float(y)


def test_the_numbers_of_a_crowded_trade_off_do_not_meet_and_stay_inside() -> None:
    rng = np.random.default_rng(4)
    for n in (8, 14):
        xs, ys = 0.06 + 0.04 * rng.random(n), 0.8 + 0.02 * rng.random(n)
        ends = [
            (Estimate(x, x - 0.03, x + 0.03, 99), Estimate(y, y - 0.02, y + 0.02, 99))
            for x, y in zip(xs, ys, strict=True)
        ]
        points = [Point(f"c{i}", i + 1, x, y, True) for i, (x, y) in enumerate(ends)]
        svg = parse(tradeoff(points, [f"c{i}" for i in range(n)], "difference, points", "a chart"))
        # Those that coincide share a label.
        labels = [each for each in svg.all("text") if each.attributes["fill"].startswith("var(--series")]
        found = [(each.text, *_place(each)) for each in labels if each.text]
        assert sorted(int(number) for text, *_ in found for number in text.split(",")) == [*range(1, n + 1)]
        for i, (text, x, y) in enumerate(found):
            for other, other_x, other_y in found[:i]:
                apart = abs(x - other_x) >= 3.3 * (len(text) + len(other)) or abs(y - other_y) >= 10
                assert apart, (n, text, other)
        assert all(-5 < x < 300 and -5 < y < 260 for _, x, y in found)


def test_the_axis_of_a_trade_off_counts_in_points_as_the_table_does() -> None:
    points = [
        Point("a", 1, Estimate(0.3, 0.2, 0.4, 9), Estimate(0.8, 0.7, 0.9, 9), True),
        Point("b", 2, Estimate(0.1, 0.05, 0.2, 9), Estimate(0.7, 0.6, 0.8, 9), True),
    ]
    found = texts(tradeoff(points, ["a", "b"], "Difference, points", "a chart"))
    assert {"10", "20", "30", "40", "70%"} <= set(found)
    assert {"Difference, points", "← better"} <= set(found)
    assert "30%" not in found


def test_a_trade_off_leaves_out_what_was_not_measured() -> None:
    known, unknown = Estimate(0.3, 0.2, 0.4, 9), Estimate.undefined("no groups")
    points = [Point("a", 1, known, unknown, False), Point("b", 2, unknown, known, False)]
    assert not {"1", "2"} & set(texts(tradeoff(points, ["a", "b"], "difference", "a chart")))


def test_marks_that_coincide_share_one_label_and_stay_apart_from_others() -> None:
    def point(number: int, x: float, y: float) -> Point:
        return Point(f"c{number}", number, Estimate(x, x, x, 9), Estimate(y, y, y, 9), True)

    points = [point(1, 0.2, 0.8), point(2, 0.2, 0.8), point(3, 0.1, 0.7), point(4, 0.2001, 0.8)]
    svg = tradeoff(points, ["c1", "c2", "c3", "c4"], "difference", "a chart")
    assert {"1, 2, 4", "3"} <= set(texts(svg))
    assert not {"1", "2", "4"} & set(texts(svg))


def test_marks_of_few_examples_are_pale_and_not_joined() -> None:
    points = [Reliability("a", 0.3, 0.9, faint=True), Reliability("a", 0.6, 0.5), Reliability("a", 0.9, 0.9)]
    page = parse(reliability_curves(points, ["a"], "a chart"))
    (line,) = (p for p in page.all("path") if p.attributes.get("stroke") == SERIES[0])
    assert len(re.findall(r"[ML]", line.attributes["d"])) == 2
    pale = [p.attributes.get("opacity") for p in page.all("path") if p.attributes.get("fill") == SERIES[0]]
    assert sorted(filter(None, pale)) == ["0.35", "1", "1"]


def test_a_trade_off_says_which_way_is_better_and_where_its_axes_do_not_start_at_zero() -> None:
    def drawn(x: float, y: float) -> list[str]:
        estimates = Estimate(x, x - 0.05, x + 0.05, 9), Estimate(y, y - 0.05, y + 0.05, 9)
        return texts(tradeoff([Point("a", 1, *estimates, True)], ["a"], "Difference, points", "a chart"))

    assert {"← better", "Accuracy, better → · axis from 74%"} <= set(drawn(0.06, 0.8))
    assert {"← better · axis from 44", "Accuracy, better →"} <= set(drawn(0.5, 0.06))


def test_of_many_series_every_mark_has_its_number() -> None:
    few, many = [[f"model {i}" for i in range(n)] for n in (6, 14)]
    for series in (few, many):
        numbers = {str(i) for i in range(1, len(series) + 1)}
        dots = [Dot(each, "group", wilson(i, 20)) for i, each in enumerate(series)]
        marks = [Mark(each, x, wilson(i, 20)) for i, each in enumerate(series) for x in (0.0, 0.5)]
        for svg in (
            rate_dots(dots, ["group"], series, "a chart"),
            accuracy_curves(marks, series, "epsilon", "a chart"),
        ):
            assert (numbers <= set(texts(svg))) == (series is many)


def test_the_numbers_of_dots_stay_within_the_chart() -> None:
    series = [f"model {i}" for i in range(14)]
    svg = parse(rate_dots([Dot(each, "group", wilson(20, 20)) for each in series], ["group"], series, "a"))
    places = {each.text: _place(each)[0] for each in svg.all("text")}
    assert all(0 < places[str(i)] < places["100%"] for i in range(1, 15))


def test_values_that_are_spread_keep_their_order_and_stay_apart_below_one() -> None:
    found = spread([0.99, 0.5, 0.98, 0.5], 0.1)
    assert np.allclose(found, [1.0, 0.5, 0.9, 0.6])
    assert spread([0.2, 0.8], 0.1) == [0.2, 0.8]
    assert spread([], 0.1) == []


def test_reliability_starts_at_the_least_confidence_that_there_can_be() -> None:
    points = [Reliability("a", 0.6, 0.5), Reliability("a", 0.9, 0.9)]
    assert "25%" not in texts(reliability_curves(points, ["a"], "a", n_classes=2))
    assert {"40%", "100%"} <= set(texts(reliability_curves(points, ["a"], "a", n_classes=3)))
    # A threshold for a group can choose the less probable class.
    below = [Reliability("a", 0.3, 0.5), *points]
    assert "40%" in texts(reliability_curves(below, ["a"], "a", n_classes=2))


def test_a_small_reliability_chart_shows_one_series_before_the_others() -> None:
    points = [Reliability(each, x, x) for each in ("a", "b", "c") for x in (0.6, 0.9)]
    page = parse(reliability_curves(points, ["a", "b", "c"], "a chart", n_classes=2, alone="b"))
    assert page.children[0].attributes["width"] == "160"
    lines = [p.attributes.get("stroke", "") for p in page.all("path")]
    assert sum(line == SERIES[0] for line in lines) == 1
    assert SERIES[1] not in lines
    grey = [p for p in page.all("path") if p.attributes.get("stroke-width") == "1" and "d" in p.attributes]
    assert sum("--grid" in p.attributes.get("stroke", "") for p in grey) == 2
