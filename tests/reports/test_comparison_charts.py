"""The forest plot of a comparison: where its marks are, what they say is established, what is left out."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from reports.blocks import Figure, Figures, Text
from reports.comparison.charts import change_charts, forest
from reports.comparison.html import render_html
from reports.comparison.model import Comparison, Difference, Measure
from robustness.estimate import Estimate
from tests.reports.comparison_example import N, comparison, difference, measure, three_runs
from tests.reports.page import Element, parse

COLOUR, MUTED, INK = "var(--series-1,#0067a6)", "var(--muted,#555)", "var(--ink,#000)"


def changed(low: float | None, value: float | None, high: float | None, *, sure: bool = False) -> Difference:
    change = Estimate.undefined("not measured") if value is None else Estimate(value, low, high, N)
    other = Estimate(0.5, 0.4, 0.6, N)
    return Difference(other, other, change, standing="higher" if sure else "no difference established")


def of(*differences: Difference | None, metric: str = "accuracy", label: str = "Accuracy") -> Measure:
    return Measure("clean", metric, label, [Estimate(0.5, 0.4, 0.6, N)] * (len(differences) + 1), differences)


def place(element: Element) -> tuple[float, float]:
    x, y = re.findall(r"-?[\d.]+", element.attributes["transform"])
    return float(x), float(y)


def drawn(svg: str) -> dict[str, list[Element]]:
    """The marks, the lines of intervals (wide but not high) and those at zero, by what they are."""
    root = parse(svg)
    lines = [each for each in root.all("line") if each.attributes.get("stroke") != "var(--grid,#ccc)"]
    return {
        "marks": [each for each in root.all("path") if "transform" in each.attributes],
        "intervals": [each for each in lines if each.attributes["stroke"] != INK],
        "zero": [each for each in lines if each.attributes["stroke"] == INK],
        "texts": root.all("text"),
    }


def test_marks_and_intervals_stand_where_their_numbers_are_beside_zero() -> None:
    # The axis goes from -0.2 to 0.2 and 5 % beyond: 0.44 over the width of the plot.
    svg = forest([of(changed(-0.2, 0.1, 0.2))], 1, "points", "a chart")
    found = drawn(svg)
    (mark,), (interval,), (zero,) = found["marks"], found["intervals"], found["zero"]
    width = 332 / 0.44
    assert place(mark)[0] - place(zero)[0] == pytest.approx(0.1 * width, abs=0.5)
    assert place(interval)[0] - place(zero)[0] == pytest.approx(-0.2 * width, abs=0.5)
    assert float(interval.attributes["x2"]) == pytest.approx(0.4 * width, abs=0.5)
    assert place(mark)[1] == place(interval)[1]
    assert place(zero)[1] < place(mark)[1] < place(zero)[1] + float(zero.attributes["y2"])


@pytest.mark.parametrize(
    ("kind", "metric", "written"), [("points", "accuracy", "+10"), ("number", "macro_f1", "+0.1")]
)
def test_the_axis_is_in_the_unit_of_the_change_with_its_sign(kind: Any, metric: str, written: str) -> None:
    svg = forest([of(changed(-0.2, 0.1, 0.2), metric=metric)], 1, kind, "a chart")
    texts = [each.text for each in drawn(svg)["texts"]]
    assert {"0", written, written.replace("+", "−"), "Accuracy"} <= set(texts)


def test_what_is_established_differs_in_fill_and_weight_and_colour() -> None:
    svg = forest([of(changed(0.1, 0.2, 0.3, sure=True)), of(changed(-0.1, 0.1, 0.3))], 1, "points", "a chart")
    found = drawn(svg)
    marks = {each.attributes.get("fill"): each.attributes.get("stroke") for each in found["marks"]}
    assert marks[COLOUR] is None
    assert MUTED in [stroke for fill, stroke in marks.items() if fill != COLOUR]
    widths = {
        each.attributes["stroke"]: float(each.attributes["stroke-width"]) for each in found["intervals"]
    }
    assert widths[COLOUR] > widths[MUTED]


def test_an_open_or_missing_interval_ends_at_its_mark_and_an_unknown_change_has_no_mark() -> None:
    rows = [
        of(changed(None, 0.1, 0.3)),
        of(changed(None, 0.2, None)),
        of(changed(None, None, None)),
        of(None),
    ]
    found = drawn(forest(rows, 1, "points", "a chart"))
    assert len(found["marks"]) == 2
    (first, _) = sorted(found["intervals"], key=lambda each: place(each)[1])
    assert place(first)[0] == pytest.approx(place(found["marks"][0])[0], abs=0.1)
    assert len(found["zero"]) == 4


def test_a_change_of_exactly_nothing_is_drawn_on_the_line() -> None:
    found = drawn(forest([of(changed(0.0, 0.0, 0.0))], 1, "points", "a chart"))
    assert place(found["marks"][0])[0] == pytest.approx(place(found["zero"][0])[0], abs=0.1)


def test_several_runs_have_a_mark_each_and_more_than_there_are_shapes_also_a_number() -> None:
    three = drawn(forest([of(*[changed(0.1, 0.2, 0.3, sure=True)] * 3)], 3, "points", "a chart"))
    assert len({each.attributes["d"] for each in three["marks"]}) == 3
    assert len({each.attributes["fill"] for each in three["marks"]}) == 3
    assert len({place(each)[1] for each in three["marks"]}) == 3
    eight = drawn(forest([of(*[changed(0.1, 0.2, 0.3)] * 8)], 8, "points", "a chart"))
    assert {str(i) for i in range(1, 9)} <= {each.text for each in eight["texts"]}


def test_names_reach_the_chart_as_text_whatever_they_hold() -> None:
    rows = ['"];alert(1)//', "<b>&amp;", "datum.value", "end\ufffe", "x" * 100]
    svg = forest([of(changed(-0.1, 0.1, 0.2), label=row) for row in rows], 1, "points", "a <chart>")
    texts = [each.text for each in drawn(svg)["texts"]]
    assert set(rows[:3]) <= set(texts)
    assert "end\\ufffe" in texts
    assert any(re.fullmatch("x{20,}…", each) for each in texts)
    assert parse(svg).children[0].attributes["aria-label"] == "a <chart>"


def charts(made: Comparison) -> tuple[Figures, str]:
    figures, told = change_charts(made, made.candidates[0])
    assert isinstance(figures, Figures)
    assert isinstance(told, Text)
    return figures, told.text


def rows_of(figure: Figure) -> list[str]:
    return [row.header for row in figure.data.rows]


def test_each_unit_has_a_panel_and_what_has_no_common_scale_none() -> None:
    sure, chance = difference(550, 500, 0.001, better=True), difference(501, 500, 0.9, established=False)
    made = comparison(
        [
            measure("Accuracy", [500, 550], [sure]),
            measure("Parity by domain", [500, 501], [chance], "demographic_parity_difference", "groups"),
            measure("Macro F1", [500, 501], [chance], "macro_f1"),
            measure("Median minimal norm", [500, 501], [chance], "minimal_norm", "attacks"),
        ]
    )
    figures, told = charts(made)
    assert [each.title for each in figures.figures] == ["Rates, in points", "Scores between 0 and 1"]
    assert [rows_of(each) for each in figures.figures] == [["Accuracy", "Parity by domain"], ["Macro F1"]]
    assert figures.series == ["run1"]
    rates, scores = figures.figures
    assert "established: Accuracy." in parse(rates.svg).children[0].attributes["aria-label"]
    assert "none is established." in parse(scores.svg).children[0].attributes["aria-label"]
    assert "Filled: established. Hollow: not." in told
    (cell,) = rates.data.rows[0].cells
    assert (cell.text, cell.note.replace("\xa0", " ")) == ("+7.8 points", "+4.8 to +10.8 · higher")


def test_where_no_change_is_known_there_is_no_chart() -> None:
    made = comparison([of(changed(None, None, None))])
    assert change_charts(made, made.candidates[0]) == []


def test_of_too_many_metrics_the_established_ones_are_drawn_and_it_is_said() -> None:
    changes: Sequence[Difference] = [difference(510, 500, 0.5, established=False)] * 40
    made = [measure(f"m{i}", [500, 510], [change]) for i, change in enumerate(changes)]
    made[39] = measure("m39", [500, 550], [difference(550, 500, 0.001, better=True)])
    figures, told = charts(comparison(made))
    assert rows_of(figures.figures[0]) == [*(f"m{i}" for i in range(29)), "m39"]
    assert "The established ones first, 30 metrics are drawn; the tables have all." in told


def test_a_run_without_the_candidate_has_no_mark_but_its_place_in_the_legend() -> None:
    figures, _ = charts(three_runs())
    assert figures.series == ["run1", "run2"]
    assert len(drawn(figures.figures[0].svg)["marks"]) == 1
    assert [cell.text for cell in figures.figures[0].data.rows[0].cells] == [
        "+7.8 points",
        "no such candidate",
    ]


def test_of_many_candidates_the_rates_alone_are_drawn() -> None:
    chance = difference(501, 500, 0.9, established=False)
    made = comparison(
        [measure("Accuracy", [500, 501], [chance]), measure("Macro F1", [500, 501], [chance], "macro_f1")]
    )
    assert len(charts(made)[0].figures) == 2
    many = replace(made, candidates=[replace(made.candidates[0], names=[f"c{i}"] * 2) for i in range(5)])
    assert [each.title for each in charts(many)[0].figures] == ["Rates, in points"]


def test_a_page_of_five_runs_and_sixty_metrics_stays_below_a_megabyte() -> None:
    changes = [difference(520 + i, 500, 0.001, better=True) for i in range(4)]
    labels = [f"Accuracy under attack {i} at epsilon 0.0{i}" for i in range(60)]
    page = render_html(comparison([measure(label, [500, *[520] * 4], changes) for label in labels], runs=5))
    assert len(page.encode()) < 1_000_000
