"""Accuracy against the attacker's budget: the charts, and each curve in one number."""

from collections.abc import Sequence

from reports.blocks import (
    Block,
    Bullets,
    Column,
    Details,
    Figure,
    Figures,
    Row,
    Table,
    Text,
    beside,
    estimate_cell,
    norm_cell,
)
from reports.charts import Mark, accuracy_curves
from reports.drawing import numbered
from reports.formatting import counted, name
from reports.highlights import Family, curve_of, minimal_norm_of
from reports.model import AuditReport, CandidateResult
from reports.naming import budget_axis, budget_range
from robustness.results import EpsilonCurve

MOST_CHARTS = 8
"""Curves that are drawn; the others are tables. Each chart costs time, and nobody compares twenty of them."""


def curve_blocks(report: AuditReport, curved: Sequence[Family]) -> list[Block]:
    """The charts of the families that have a curve for some candidate, their numbers, and what they mean."""
    if not curved:
        return []
    series = numbered([name(candidate.name) for candidate in report.candidates])
    charts = [_curve(report, family) for family in curved[:MOST_CHARTS]]
    told = "At budget 0 the text is unperturbed. Bands are confidence intervals, pointwise."
    rest = curved[MOST_CHARTS:]
    tables = [_curve_table(report, family) for family in rest]
    return [
        Figures("Accuracy under attack against the attacker's budget", series, charts, printed=True),
        Text(told, "muted"),
        *([Details(f"{counted(len(rest), 'more curve')}, as tables", tables)] if rest else []),
        _summaries(report, curved),
        Bullets(_meanings(report, curved)),
    ]


def _measured(report: AuditReport, family: Family) -> list[tuple[CandidateResult, EpsilonCurve]]:
    """The curves of the family, of the candidates that have one."""
    found = [(candidate, curve_of(candidate, family)) for candidate in report.candidates]
    return [(candidate, curve) for candidate, curve in found if curve is not None and curve.points]


def _curve(report: AuditReport, family: Family) -> Figure:
    series = [candidate.name for candidate in report.candidates]
    measured = _measured(report, family)
    marks = [
        Mark(candidate.name, point.epsilon, point.accuracy)
        for candidate, curve in measured
        for point in curve.points
    ]
    axis = budget_axis(family.space)
    # For a reader who cannot see the chart: the first and the last point.
    spoken = "; ".join(
        f"{name(candidate.name)}: {estimate_cell(curve.points[0].accuracy).text} at 0, "
        f"{estimate_cell(curve.points[-1].accuracy).text} at {curve.points[-1].epsilon:g}"
        for candidate, curve in measured
    )
    label = f"Accuracy under {family.label} against {axis}. {spoken}."
    chart = accuracy_curves(marks, series, axis, label, whole=family.space != "embedding")
    return Figure(family.label, chart, _curve_table(report, family))


def _curve_table(report: AuditReport, family: Family) -> Table:
    at = {
        (candidate.name, point.epsilon): point.accuracy
        for candidate, curve in _measured(report, family)
        for point in curve.points
    }
    names = [candidate.name for candidate in report.candidates]
    rows = [
        Row(
            f"{budget:g}" if budget else "0 (clean)",
            [estimate_cell(at.get((each, budget))) for each in names],
        )
        for budget in sorted({budget for _, budget in at})
    ]
    first = "Epsilon" if family.space == "embedding" else f"Changed {family.space}s"
    return Table(
        f"Accuracy under {family.label}",
        [Column(first), *map(Column, numbered([name(each) for each in names]))],
        rows,
    )


def _summaries(report: AuditReport, curved: Sequence[Family]) -> Table:
    """Each curve in one number, and the median norm of attacks that look for the smallest."""
    rows = []
    for family in curved:
        curves = [curve_of(candidate, family) for candidate in report.candidates]
        end = max(curve.points[-1].epsilon for _, curve in _measured(report, family))
        title = f"Area under the curve of {family.label}, {budget_range(family.space, end)}"
        rows.append(
            Row(title, [estimate_cell(curve.area if curve else None, show_n=True) for curve in curves])
        )
    for family in curved:
        if family.minimal:
            norms = [minimal_norm_of(candidate, family) for candidate in report.candidates]
            rows.append(Row(f"Median minimal norm of {family.label}", [norm_cell(norm) for norm in norms]))
    names = [name(candidate.name) for candidate in report.candidates]
    return beside(
        "The curves in numbers: the higher the figure, the less an attack achieves", "Measure", names, rows
    )


def _meanings(report: AuditReport, curved: Sequence[Family]) -> list[str]:
    """A sentence on each of the two numbers that some candidate has."""
    pairs = [(family, *each) for family in curved for each in _measured(report, family)]
    norms = [minimal_norm_of(candidate, family) for family, candidate, _ in pairs]
    told = []
    if any(curve.area.value is not None for *_, curve in pairs):
        told.append(
            "The area under the curve is the share of examples that a candidate gets right, averaged over "
            "all budgets from 0 to the last one of the curve."
        )
    if any(norm is not None and norm.value is not None for norm in norms):
        told.append(
            "The median minimal norm is how far the attacker must go to turn half of the examples, in "
            "multiples of the embedding scale; examples that are wrong from the start count as 0."
        )
    return told
