"""Minimum functionality: the failures on suites of labelled cases, worst functionality first."""

from collections.abc import Sequence

from reports.blocks import (
    Block,
    Cell,
    Column,
    Details,
    Example,
    Examples,
    Part,
    Row,
    Table,
    Text,
    estimate_cell,
)
from reports.diffs import Span
from reports.formatting import counted, name
from reports.model import AuditReport, CandidateResult
from robustness.behaviour.results import FailingCase, FunctionalityResult, MinimumFunctionalityResult

MOST_ROWS = 40
"""Functionalities in a table; audit.json has all."""
WORST = 10
"""Functionalities of which failing cases are shown."""
SHOWN = 3
"""Failing cases that are shown of each of these."""

_TOLD = (
    "A suite is a set of cases, each written for one functionality and so simple that a model should get it "
    "right. A case fails where the predicted label is not its own. These rates foretell nothing about texts "
    "met in use: the cases were written, not drawn."
)

Results = Sequence[MinimumFunctionalityResult | None]
"""Of one suite, for each candidate; None where it was not run."""


def suites(report: AuditReport) -> list[tuple[str, str]]:
    """(name, column) of every suite of the audit, in the order in which they were run."""
    given = [suite for each in report.candidates for suite in each.robustness.suites]
    return list(dict.fromkeys((suite.name, suite.column) for suite in given))


def results_of(report: AuditReport, suite: tuple[str, str]) -> list[MinimumFunctionalityResult | None]:
    return [
        next((each for each in candidate.robustness.suites if (each.name, each.column) == suite), None)
        for candidate in report.candidates
    ]


def suite_blocks(report: AuditReport) -> list[Block]:
    """A part for all suites of the audit; nothing where there are none."""
    found = suites(report)
    if not found:
        return []
    parts = [Part(name(suite[0]), _suite(report, suite)) for suite in found]
    return [Part("Minimum functionality: labelled cases", [Text(_TOLD), *parts])]


def _suite(report: AuditReport, suite: tuple[str, str]) -> list[Block]:
    results = results_of(report, suite)
    ordered = worst_first(results)
    left_out = len(ordered) - MOST_ROWS
    mean_over = f"Mean over {counted(len(ordered), 'functionality', 'functionalities')}"
    rows = [
        Row(
            "All cases",
            [
                Cell(""),
                *(estimate_cell(each.failure_rate if each else None, show_n=True) for each in results),
            ],
        ),
        Row(
            mean_over,
            [Cell(""), *(estimate_cell(each.mean_failure_rate if each else None) for each in results)],
        ),
        *(_row(functionality, results) for functionality in ordered[:MOST_ROWS]),
    ]
    candidates = [Column(name(candidate.name)) for candidate in report.candidates]
    columns = [Column("Functionality"), Column("Labelled", numeric=False), *candidates]
    blocks: list[Block] = [Table(f"Failure rate by {name(suite[1])}, worst first", columns, rows)]
    if left_out > 0:
        blocks.append(Text(f"audit.json has {left_out:,} more, which fail less.", "muted"))
    blocks += [_group_table(report, results, column) for column in _columns(results)]
    for candidate, result in zip(report.candidates, results, strict=True):
        blocks += _cases(candidate, result, ordered) if result else []
    return blocks


def worst_first(results: Results) -> list[str]:
    """The functionalities by their highest failure rate among the candidates; unmeasured ones last."""

    def failing(functionality: str) -> float:
        found = _of(functionality, results)
        return max(
            (each.failure_rate.value for each in found if each and each.failure_rate.value is not None),
            default=-1.0,
        )

    names = dict.fromkeys(key for each in results if each for key in each.by_functionality)
    return sorted(names, key=lambda functionality: -failing(functionality))


def _of(functionality: str, results: Results) -> list[FunctionalityResult | None]:
    return [each.by_functionality.get(functionality) if each else None for each in results]


def _row(functionality: str, results: Results) -> Row:
    found = _of(functionality, results)
    labels = dict.fromkeys(label for each in found if each for label in each.by_label)
    rates = [estimate_cell(each.failure_rate if each else None, show_n=True) for each in found]
    return Row(name(functionality), [Cell(", ".join(map(name, labels))), *rates])


def _columns(results: Results) -> list[str]:
    return list(dict.fromkeys(column for each in results if each for column in each.by_group))


def _group_table(report: AuditReport, results: Results, column: str) -> Details:
    """The failure rates by the values of one group column, those that fail most for any candidate first."""
    by_value = [each.by_group.get(column, {}) if each else {} for each in results]

    def failing(value: str) -> float:
        rates = [rate.value for rates in by_value if (rate := rates.get(value)) and rate.value is not None]
        return max(rates, default=-1.0)

    values = sorted(dict.fromkeys(value for rates in by_value for value in rates), key=lambda v: -failing(v))
    rows = [
        Row(name(value), [estimate_cell(rates.get(value), show_n=True) for rates in by_value])
        for value in values[:MOST_ROWS]
    ]
    candidates = [Column(name(candidate.name)) for candidate in report.candidates]
    title = f"Failure rate by {name(column)}, worst first"
    blocks: list[Block] = [Table(title, [Column(name(column)), *candidates], rows)]
    if len(values) > MOST_ROWS:
        blocks.append(Text(f"audit.json has {len(values) - MOST_ROWS:,} more, which fail less.", "muted"))
    return Details(f"By {name(column)}: {counted(len(values), 'group')}", blocks)


def _cases(
    candidate: CandidateResult, result: MinimumFunctionalityResult, ordered: Sequence[str]
) -> list[Block]:
    failing = [
        (functionality, result.by_functionality[functionality])
        for functionality in ordered
        if functionality in result.by_functionality and result.by_functionality[functionality].examples
    ]
    failing.sort(key=lambda each: -(each[1].failure_rate.value or 0.0))
    if not failing:
        return []
    parts = [
        Part(
            f"{name(functionality)}: showing {len(each.examples[:SHOWN]):,} of {each.failures:,}",
            [Examples([_example(case) for case in each.examples[:SHOWN]])],
        )
        for functionality, each in failing[:WORST]
    ]
    count = "" if len(failing) <= WORST else f", of the {WORST} worst functionalities"
    return [Details(f"{name(candidate.name)}: cases that failed{count}", parts)]


def _example(case: FailingCase) -> Example:
    return Example(
        id=name(case.example_id),
        label=name(case.label),
        before="",
        after=name(case.predicted),
        parts=[[Span("same", " ".join(text.split()))] for text in case.text],
    )
