"""Every metric side by side: a table for each candidate and topic, its changes, and what is established."""

from reports.blocks import Block, Cell, Column, Details, Part, Row, Section, Table, Text
from reports.comparison.model import ComparedCandidate, Comparison, Measure, Topic
from reports.comparison.words import change_cell, judged_cell, standing_cell, value_cell
from reports.formatting import name

TOPICS: dict[Topic, str] = {
    "clean": "On the texts as they are",
    "attacks": "Under attack",
    "behaviour": "Behavioural tests",
    "identities": "Swapped identities",
    "groups": "Largest differences between groups",
}


def metrics_section(comparison: Comparison) -> Section | None:
    if not comparison.candidates:
        return None
    parts: list[Block] = []
    for candidate in comparison.candidates:
        blocks: list[Block] = []
        if candidate.names[1:] != [candidate.name] * len(comparison.others):
            blocks.append(Text(_called(comparison, candidate), "muted"))
        if len(comparison.others) == 1:
            blocks += [table for _, table in metric_tables(comparison, candidate)]
        else:
            blocks += [table for _, table in value_tables(comparison, candidate)]
            blocks += [
                Details(f"{name(run.name)} against {name(comparison.first.name)}: changes and tests", tables)
                for i, run in enumerate(comparison.others, start=1)
                if candidate.names[i] is not None
                for tables in [[table for _, table in metric_tables(comparison, candidate, i)]]
            ]
        parts.append(Part(name(candidate.name), blocks))
    return Section("Metrics side by side", "metrics", parts)


def _called(comparison: Comparison, candidate: ComparedCandidate) -> str:
    told = [
        f"{name(called)} in {name(run.name)}" if called is not None else f"missing in {name(run.name)}"
        for run, called in zip(comparison.runs, candidate.names, strict=True)
    ]
    return f"It is {', '.join(told)}."


def metric_tables(
    comparison: Comparison, candidate: ComparedCandidate, run: int = 1
) -> list[tuple[str, Table]]:
    """(heading, table) for each topic: one run beside the first, each change, and what is established."""
    first, other = comparison.first, comparison.runs[run]
    titles = [Column(name(first.name)), Column(name(other.name)), Column("Change")]
    columns = [Column("Metric"), *titles, Column("Established? Adjusted p", numeric=False)]
    found = []
    for heading, measures in _by_topic(candidate):
        rows = [_changed(comparison, candidate, measure, run) for measure in measures]
        against = f"{_caption(candidate, heading)}, {name(other.name)} against {name(first.name)}"
        found.append((heading, Table(against, columns, rows)))
    return found


def value_tables(comparison: Comparison, candidate: ComparedCandidate) -> list[tuple[str, Table]]:
    """(heading, table) for each topic: all runs side by side, with what is established of each change."""
    columns = [Column("Metric"), *(Column(name(run.name)) for run in comparison.runs)]
    found = []
    for heading, measures in _by_topic(candidate):
        rows = [
            Row(
                measure.label,
                [
                    judged_cell(measure.metric, _value(comparison, candidate, measure, i), difference)
                    for i, difference in enumerate([None, *measure.differences])
                ],
            )
            for measure in measures
        ]
        found.append((heading, Table(_caption(candidate, heading), columns, rows)))
    return found


def _by_topic(candidate: ComparedCandidate) -> list[tuple[str, list[Measure]]]:
    found = [
        (heading, [measure for measure in candidate.measures if measure.topic == topic])
        for topic, heading in TOPICS.items()
    ]
    return [(heading, measures) for heading, measures in found if measures]


def _caption(candidate: ComparedCandidate, heading: str) -> str:
    return f"{name(candidate.name)}: {heading[:1].lower()}{heading[1:]}"


def _changed(comparison: Comparison, candidate: ComparedCandidate, measure: Measure, run: int) -> Row:
    difference = measure.differences[run - 1]
    values = [_value(comparison, candidate, measure, i) for i in (0, run)]
    return Row(measure.label, [*values, change_cell(measure, difference), standing_cell(difference)])


def _value(comparison: Comparison, candidate: ComparedCandidate, measure: Measure, run: int) -> Cell:
    return value_cell(measure, run, comparison.runs[run].report.data.n, candidate.names[run])
