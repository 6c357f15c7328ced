"""Every metric side by side: a table for each candidate and topic, its changes, and what is established."""

from reports.blocks import MOST_COLUMNS, Block, Cell, Column, Details, Part, Row, Section, Table, Text
from reports.comparison.charts import change_charts
from reports.comparison.model import ComparedCandidate, Comparison, Measure, Standing, Topic
from reports.comparison.words import change_cell, established, judged_cell, standing_cell, value_cell
from reports.formatting import name

TOPICS: dict[Topic, str] = {
    "clean": "on the texts as they are",
    "attacks": "under attack",
    "behaviour": "behavioural tests",
    "identities": "swapped identities",
    "groups": "largest differences between groups",
}
NONE: Standing = "no difference established"


def metrics_section(comparison: Comparison) -> Section | None:
    """Of many candidates the tables are folded away, and all of those of which nothing is established."""
    if not comparison.candidates:
        return None
    many = len(comparison.candidates) > MOST_COLUMNS
    differ = {each.candidate for each in established(comparison)}
    parts: list[Block] = []
    for candidate in comparison.candidates:
        called = name(candidate.name)
        blocks: list[Block] = []
        if candidate.names[1:] != [candidate.name] * len(comparison.others):
            blocks.append(Text(_called(comparison, candidate), "muted"))
        blocks += change_charts(comparison, candidate)
        tables = _tables(comparison, candidate)
        blocks += [Details(f"{called}: the tables", tables)] if many else tables
        fold = many and candidate.name not in differ
        parts.append(Details(f"{called}: {NONE}", blocks) if fold else Part(called, blocks))
    return Section("Metrics side by side", "metrics", parts)


def _tables(comparison: Comparison, candidate: ComparedCandidate) -> list[Block]:
    """Two runs with their changes; of more the values, with the changes of each behind them."""
    if len(comparison.others) == 1:
        return [table for _, table in metric_tables(comparison, candidate)]
    changes = [
        Details(
            f"{name(run.name)} against {name(comparison.first.name)}: changes and tests",
            [table for _, table in metric_tables(comparison, candidate, i)],
        )
        for i, run in enumerate(comparison.others, start=1)
        if candidate.names[i] is not None
    ]
    return [*(table for _, table in value_tables(comparison, candidate)), *changes]


def _called(comparison: Comparison, candidate: ComparedCandidate) -> str:
    told = [
        f"{name(called)} in {name(run.name)}" if called is not None else f"missing in {name(run.name)}"
        for run, called in zip(comparison.runs, candidate.names, strict=True)
    ]
    return f"It is {', '.join(told)}."


def metric_tables(
    comparison: Comparison, candidate: ComparedCandidate, run: int = 1
) -> list[tuple[str, Table]]:
    """(heading, table) for each topic: each change, what is established, and the two runs behind it.

    The change stands first: on a phone the last columns are off the screen.
    """
    first, other = comparison.first, comparison.runs[run]
    titles = [Column("Change"), Column("Standing")]
    columns = [Column("Metric"), *titles, Column(name(first.name)), Column(name(other.name))]
    found = []
    for heading, measures in _by_topic(candidate):
        rows = [_changed(comparison, candidate, measure, run) for measure in measures]
        against = f"{name(other.name)} against {name(first.name)}"
        found.append((heading, Table(f"{heading}, {against}", columns, rows)))
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
        found.append((heading, Table(heading, columns, rows)))
    return found


def _by_topic(candidate: ComparedCandidate) -> list[tuple[str, list[Measure]]]:
    """[(``plain: under attack``, what there is of it)]."""
    found = [
        (heading, [measure for measure in candidate.measures if measure.topic == topic])
        for topic, heading in TOPICS.items()
    ]
    return [(f"{name(candidate.name)}: {heading}", measures) for heading, measures in found if measures]


def _changed(comparison: Comparison, candidate: ComparedCandidate, measure: Measure, run: int) -> Row:
    difference = measure.differences[run - 1]
    values = [_value(comparison, candidate, measure, i) for i in (0, run)]
    return Row(measure.label, [change_cell(measure, difference), standing_cell(difference), *values])


def _value(comparison: Comparison, candidate: ComparedCandidate, measure: Measure, run: int) -> Cell:
    return value_cell(measure, run, comparison.runs[run].report.data.n, candidate.names[run])
