"""How each candidate answers to changes that nobody searched for, and to cases that it must get right."""

from collections.abc import Sequence

from reports.behaviours import FAILURES, NATURES, Behaviour, behaviour_of, behaviours, summary_of
from reports.blocks import (
    Block,
    Cell,
    Column,
    Details,
    Example,
    Examples,
    Facts,
    Part,
    Row,
    Section,
    Side,
    Table,
    Text,
    estimate_cell,
    noted_cell,
)
from reports.diffs import WHITE_SPACE, only_white_space_differs, visible_diff
from reports.formatting import bare, counted, figure, interval, name
from reports.model import AuditReport, CandidateResult
from reports.suites import suite_blocks
from robustness.behaviour.results import BehaviouralResult, FailingExample

ORDER = 44

SHOWN = 5
"""Failing texts that are shown of one test on one candidate."""
MOST_GROUPS = 20
"""Groups in a table; audit.json has all."""

_TOLD = (
    "Each test changes texts in a way of its own, makes one or more variants of each, and asks the model "
    "again. These are no attacks: nobody searched for the change that does the most harm, so that what fails "
    "here can fail without an enemy. Whether the first answer was right does not count in a failure rate; "
    "the accuracy beside it tells that."
)


def section(report: AuditReport) -> Section | None:
    """None where no behavioural test and no suite was run."""
    found = behaviours(report)
    blocks: list[Block] = [Text(_TOLD)] if found else []
    for nature, title in NATURES.items():
        if chosen := [each for each in found if each.nature == nature]:
            blocks.append(Part(title, _part(report, chosen)))
    blocks += _by_group(report, found) + suite_blocks(report)
    return Section("Behaviour", "behaviour", blocks) if blocks else None


def _part(report: AuditReport, chosen: Sequence[Behaviour]) -> list[Block]:
    applied = [each for each in chosen if any(_applies(behaviour_of(c, each)) for c in report.candidates)]
    nowhere = [_heading(each) for each in chosen if each not in applied]
    kept = [each for each in applied if any(_has_accuracy(behaviour_of(c, each)) for c in report.candidates)]
    tables = [_failure_rates(report, applied)] if applied else []
    tables += [_accuracies(report, kept)] if kept else []
    what = [(_heading(each), summary_of(each.name)) for each in chosen]
    blocks: list[Block] = [Text(_failing(chosen)), Side(tables)]
    if nowhere:
        blocks.append(Text(f"Applies to none of these texts: {', '.join(nowhere)}.", "muted"))
    blocks.append(Details("What each of these tests does", [Facts(what)]))
    if applied:
        blocks.append(Details("More figures", [_figures(each, applied) for each in report.candidates]))
    if failures := _failures(report, applied):
        blocks.append(Details("Texts that failed", failures))
    return blocks


def _failing(chosen: Sequence[Behaviour]) -> str:
    """What a failure is, for each kind of test among these."""
    kinds = list(dict.fromkeys(each.kind for each in chosen))
    if len(kinds) == 1:
        return f"A text fails a test where {FAILURES[kinds[0]]}."
    of_kind = {kind: ", ".join(each.label for each in chosen if each.kind == kind) for kind in kinds}
    return " ".join(f"{labels}: a text fails where {FAILURES[kind]}." for kind, labels in of_kind.items())


def _heading(behaviour: Behaviour) -> str:
    return f"{behaviour.label} ({behaviour.settings})" if behaviour.settings else behaviour.label


def _failure_rates(report: AuditReport, chosen: Sequence[Behaviour]) -> Table:
    rows = []
    for each in chosen:
        results = [behaviour_of(candidate, each) for candidate in report.candidates]
        applied = next(result for result in results if result is not None)
        texts = f"{applied.n:,} of {counted(applied.n + applied.not_applicable, 'text')}"
        rates = [estimate_cell(result.failure_rate if result else None) for result in results]
        rows.append(Row(each.label, rates, " · ".join(filter(None, (each.settings, texts)))))
    return Table("Failure rate: lower is better", [Column("Test"), *_columns(report)], rows)


def _columns(report: AuditReport) -> list[Column]:
    return [Column(name(candidate.name)) for candidate in report.candidates]


def _applies(result: BehaviouralResult | None) -> bool:
    return result is not None and result.n > 0


def _has_accuracy(result: BehaviouralResult | None) -> bool:
    return result is not None and result.accuracy_clean.value is not None


def _accuracies(report: AuditReport, chosen: Sequence[Behaviour]) -> Table:
    rows = [
        Row(
            each.label,
            [_accuracy_cell(behaviour_of(candidate, each)) for candidate in report.candidates],
            note=each.settings,
        )
        for each in chosen
    ]
    caption = "Accuracy on these texts: as they are → right on every variant"
    return Table(caption, [Column("Test"), *_columns(report)], rows)


def _accuracy_cell(result: BehaviouralResult | None) -> Cell:
    """``86.0 → 71.3 %`` above the difference."""
    if result is None or result.accuracy_clean.value is None or result.accuracy_worst.value is None:
        return estimate_cell(result.accuracy_worst if result else None)
    change = result.accuracy_change
    lost = "" if change.value is None else figure(change.value, "points")
    text = f"{bare(result.accuracy_clean.value)} → {figure(result.accuracy_worst.value)}"
    return noted_cell(text.replace(" ", "\u00a0"), [lost, interval(change, "points") if lost else ""])


def _figures(candidate: CandidateResult, chosen: Sequence[Behaviour]) -> Table:
    rows = []
    for each in chosen:
        result = behaviour_of(candidate, each)
        if result is None:
            continue
        cells = [
            Cell(f"{result.variants:,}"),
            estimate_cell(result.failure_rate_if_right, show_n=True),
            estimate_cell(result.accuracy_mean),
            estimate_cell(result.mean_change, "number"),
        ]
        rows.append(Row(each.label, cells, note=each.settings))
    titles = (
        "Test",
        "Variants",
        "Failure rate, texts that were right",
        "Accuracy, mean over variants",
        "Mean change of probability",
    )
    return Table(f"More figures of {name(candidate.name)}", [Column(title) for title in titles], rows)


def _failures(report: AuditReport, chosen: Sequence[Behaviour]) -> list[Block]:
    return [
        Part(
            f"{name(candidate.name)}, {_heading(each)}: "
            f"showing {len(result.examples[:SHOWN]):,} of {result.failures:,}",
            [Examples([_example(example, result) for example in result.examples[:SHOWN]])],
        )
        for each in chosen
        for candidate in report.candidates
        if (result := behaviour_of(candidate, each)) is not None and result.examples
    ]


def _example(example: FailingExample, result: BehaviouralResult) -> Example:
    before, after = name(example.before), name(example.after)
    moved = (
        f"probability of “{before}” {figure(example.probability_before, 'number')} before, "
        f"{figure(example.probability_after, 'number')} after"
    )
    pairs = list(zip(example.original, example.variant, strict=True))
    notes = [
        # A model that gives labels only has no probabilities to tell.
        "" if result.mean_change.value is None else moved,
        WHITE_SPACE if any(only_white_space_differs(*pair) for pair in pairs) else "",
    ]
    return Example(
        id=name(example.example_id),
        label=name(example.label),
        before=before,
        after=after,
        parts=[visible_diff(*pair) for pair in pairs],
        note=" · ".join(filter(None, notes)),
    )


def _by_group(report: AuditReport, found: Sequence[Behaviour]) -> list[Block]:
    tables = [
        Details(
            f"{name(candidate.name)}: failure rates by {name(column)}",
            _group_blocks(candidate, column, found),
        )
        for candidate in report.candidates
        for column in report.data.groups
        if any(result.by_group.get(column) and result.n for result in candidate.robustness.behaviours)
    ]
    return [Part("Failures by group", tables)] if tables else []


def _group_blocks(candidate: CandidateResult, column: str, found: Sequence[Behaviour]) -> list[Block]:
    results = [
        (each, result)
        for each in found
        if (result := behaviour_of(candidate, each)) is not None and _applies(result)
    ]
    groups = list(dict.fromkeys(group for _, result in results for group in result.by_group.get(column, {})))
    shown = groups[:MOST_GROUPS]
    small = candidate.fairness.min_group_size if candidate.fairness else 0
    sizes = [
        result.by_group[column][group].n for _, result in results for group in result.by_group.get(column, {})
    ]

    def cell(result: BehaviouralResult, group: str) -> Cell:
        rate = result.by_group.get(column, {}).get(group)
        made = estimate_cell(rate.failure_rate if rate else None, show_n=True)
        return Cell(made.text, made.note, "muted") if rate and rate.n < small else made

    rows = [
        Row(each.label, [cell(result, group) for group in shown], note=each.settings)
        for each, result in results
    ]
    caption = f"Failure rate by {name(column)}, {name(candidate.name)}"
    blocks: list[Block] = [Table(caption, [Column("Test"), *(Column(name(group)) for group in shown)], rows)]
    if any(size < small for size in sizes):
        blocks.append(Text(f"Pale figures: too few texts to judge (n < {small}).", "muted"))
    if len(groups) > len(shown):
        blocks.append(Text(f"The first {len(shown)} groups; audit.json has all {len(groups):,}.", "muted"))
    return blocks
