"""What swapped identities do to each candidate, as tables and examples; no sentence of its own."""

from collections.abc import Mapping, Sequence

from fairness.counterfactual.intervals import FEWEST_TESTED
from fairness.counterfactual.results import (
    AxisEffect,
    CounterfactualResult,
    FlippedExample,
    TemplateEffect,
    TermEffect,
)
from reports.blocks import Block, Cell, Column, Details, Example, Examples, Row, Table, Text, estimate_cell
from reports.diffs import visible_diff
from reports.formatting import Kind, figure, name, p_words
from reports.model import AuditReport
from robustness.estimate import Estimate

MOST_ROWS = 30
"""Groups, terms or templates in a table; audit.json has all."""
SHOWN = 10
"""Flips that are shown of one candidate."""

Results = Sequence[CounterfactualResult | None]
"""Of one set of examples, for each candidate; None where it was not asked them."""


def axis_tables(report: AuditReport, results: Results) -> list[Table]:
    """Flip rates and changes of the score, by axis."""
    given = [each for each in results if each]
    axes = list(dict.fromkeys(axis for each in given for axis in each.by_axis))
    noun = given[0].kind

    def table(caption: str, measure: str, kind: Kind) -> Table:
        rows = [
            Row("All axes", [estimate_cell(_of(each, measure), kind, show_n=True) for each in results]),
            *(
                Row(
                    in_words(axis),
                    [
                        estimate_cell(
                            _of(each.by_axis.get(axis) if each else None, measure), kind, show_n=True
                        )
                        for each in results
                    ],
                )
                for axis in axes
            ),
        ]
        candidates = [Column(name(candidate.name)) for candidate in report.candidates]
        return Table(caption, [Column("Axis"), *candidates], rows)

    tables = [table(f"Share of {noun} with a variant that gets another label", "flip_rate", "percent")]
    if any(each.mean_change.value is not None for each in given):
        tables += [
            table(f"Mean change of the score, up or down, in {noun}", "mean_change", "points"),
            table(f"Largest change for each of the {noun}, on average", "worst_change", "points"),
        ]
    return tables


def _of(effect: CounterfactualResult | AxisEffect | None, measure: str) -> Estimate | None:
    found: Estimate | None = getattr(effect, measure, None)
    return found


def effect_details(
    candidate: str, result: CounterfactualResult, what: str, by_axis: Mapping[str, Mapping[str, TermEffect]]
) -> list[Block]:
    """A table of groups or terms: established ones first, then by the size of the change or the flip rate."""
    effects = [(axis, key, effect) for axis, table in by_axis.items() for key, effect in table.items()]
    if not effects:
        return []
    effects.sort(key=lambda each: (not each[2].established, -_size(each[2]), -each[2].n))
    labelled = any(effect.failure_rate for _, _, effect in effects)
    scores = any(effect.mean_change.value is not None for _, _, effect in effects)
    titles = [Column("n"), Column("Another label")]
    titles += (
        [Column("Mean change of the score"), Column("More than chance?", numeric=False)] if scores else []
    )
    titles += [Column("Wrong label")] if labelled else []
    rows = []
    for axis, key, effect in effects[:MOST_ROWS]:
        cells = [_number(effect), estimate_cell(effect.flip_rate)]
        verdict = _verdict(effect, result.outcome)
        cells += [estimate_cell(effect.mean_change, "points"), verdict] if scores else []
        cells += [estimate_cell(effect.failure_rate, show_n=True)] if labelled else []
        rows.append(Row(name(key.replace(" -> ", " → ")), cells, note=in_words(axis)))
    title = f"{name(candidate)}, {result.kind}: by {what}"
    blocks: list[Block] = [Table(title, [Column(what.capitalize()), *titles], rows)]
    if len(effects) > MOST_ROWS:
        blocks.append(Text(f"audit.json has {len(effects) - MOST_ROWS:,} more.", "muted"))
    return [Details(title, blocks)]


def _size(effect: TermEffect) -> float:
    value = effect.flip_rate.value if effect.mean_change.value is None else effect.mean_change.value
    return abs(value or 0.0)


def _number(effect: TermEffect) -> Cell:
    """Below as many as no test can decide on, an interval looks surer than it is."""
    few = effect.n < FEWEST_TESTED
    return Cell(f"{effect.n:,}", "too few to judge", "warn") if few else Cell(f"{effect.n:,}")


def _verdict(effect: TermEffect, outcome: str | None) -> Cell:
    if effect.adjusted is None:
        why = "no outcome is named" if outcome is None else f"fewer than {FEWEST_TESTED}"
        return Cell("not tested", why, "muted")
    return Cell("established" if effect.established else "undecided", f"adjusted {p_words(effect.adjusted)}")


def template_details(candidate: str, result: CounterfactualResult) -> list[Block]:
    """The templates, the one with the largest spread of scores, or else the most flips, first."""
    found = [(axis, text, each) for axis, table in result.by_template.items() for text, each in table.items()]
    if not found:
        return []
    found.sort(key=lambda each: (-(each[2].spread.value or 0.0), -(each[2].flip_rate.value or 0.0)))
    titles = [Column("Another label than most"), Column("Spread of the score")]
    titles += [Column("Highest", numeric=False), Column("Lowest", numeric=False), Column("Wrong label")]
    rows = [
        Row(name(text), _template_cells(each), note=in_words(axis)) for axis, text, each in found[:MOST_ROWS]
    ]
    title = f"{name(candidate)}: by template"
    blocks: list[Block] = [Table(title, [Column("Template"), *titles], rows)]
    if len(found) > MOST_ROWS:
        blocks.append(Text(f"audit.json has {len(found) - MOST_ROWS:,} more.", "muted"))
    return [Details(title, blocks)]


def _template_cells(each: TemplateEffect) -> list[Cell]:
    wrong = estimate_cell(each.failure_rate) if each.label is not None else Cell("no label", tone="muted")
    return [
        estimate_cell(each.flip_rate, show_n=True),
        estimate_cell(each.spread, "points"),
        Cell(name(each.highest) if each.highest else ""),
        Cell(name(each.lowest) if each.lowest else ""),
        wrong,
    ]


def flip_details(candidate: str, result: CounterfactualResult) -> list[Block]:
    """Of the variants that got another label the one of each example with the largest change."""
    if not result.examples:
        return []
    of_each: dict[str, FlippedExample] = {}
    for flip in result.examples:
        of_each.setdefault(flip.example_id, flip)
    shown = list(of_each.values())[:SHOWN]
    count = f"showing {len(shown):,} of {result.flips:,}"
    title = f"{name(candidate)}, {result.kind}: variants with another label, {count}"
    return [Details(title, [Examples([_example(each, result) for each in shown])])]


def _example(flip: FlippedExample, result: CounterfactualResult) -> Example:
    identity = f"{flip.old} → {flip.new}" if flip.old else flip.new
    moved = ""
    if flip.score_before is not None and flip.score_after is not None:
        label = name(flip.before if result.outcome is None else result.outcome)
        before, after = figure(flip.score_before, "number"), figure(flip.score_after, "number")
        what = "before" if result.kind == "texts" else "on average over all fillings"
        moved = f"score of “{label}” {before} {what}, {after} here"
    return Example(
        id=name(flip.example_id),
        label="none" if flip.label is None else name(flip.label),
        before=name(flip.before),
        after=name(flip.after),
        parts=[visible_diff(*pair) for pair in zip(flip.original, flip.variant, strict=True)],
        note=" · ".join(filter(None, [f"{in_words(flip.axis)}: {name(identity)}", moved])),
    )


def in_words(axis: str) -> str:
    """``sexual_orientation`` as it is printed."""
    return name(axis.replace("_", " "))
