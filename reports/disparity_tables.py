"""How far apart the groups are, whether that is more than chance, and who fares worst."""

from collections.abc import Sequence

from fairness.results import DisparityTest, GroupAssessment
from reports.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Details,
    Row,
    Table,
    Text,
    Tone,
    beside,
    estimate_cell,
    noted_cell,
)
from reports.definitions import is_tested
from reports.formatting import counted, full, interval, kind_of, name, p_value, two_digits
from reports.groupings import Shown, assessed, judged
from reports.model import AuditReport, CandidateResult
from reports.naming import metric_name

DIFFERENCE, RATIO = "_difference", "_ratio"
TONES: dict[str, Tone] = {"established": "bad", "suggestive": "warn", "undecided": "muted"}
FEW = 12
"""Rows from which on a table of details is folded away."""
EXTREMES = (
    "The test asks whether any of the groups differ. The extremes are those that differ most in this sample; "
    "that these two differ is not what was tested."
)
MANY = 40
"""Disparities from which on, for the many classes that they are of, they are folded away too."""


def disparity_blocks(report: AuditReport, grouping: Shown) -> list[Block]:
    """The disparities of all candidates side by side, the tests behind them, and the worst group."""
    found = assessed(report, grouping.name)
    blocks: list[Block] = []
    if len(found) > 1:
        blocks.append(_side_by_side(report, grouping, found))
        blocks += [
            Details(
                f"{name(each[0].name)}: the tests behind its disparities", _tests(report, grouping, *each)
            )
            for each in found
        ]
    else:
        blocks += [block for each in found for block in _tests(report, grouping, *each)]
    blocks += _four_fifths(found)
    blocks += _worst(grouping, found)
    return blocks


def _status_cell(test: DisparityTest) -> Cell:
    """``suggestive`` above ``about 2,400 examples would decide it``."""
    if test.examples_needed is None:
        return Cell(test.status, tone=TONES[test.status])
    # Breaks in the middle only: as wide as it must be on a phone, not one word a line.
    told = f"about {two_digits(test.examples_needed)} examples".replace(" ", "\u00a0")
    return Cell(test.status, f"{told} would\u00a0decide\u00a0it", TONES[test.status])


def _stems(assessments: Sequence[GroupAssessment]) -> list[tuple[str, str]]:
    """(stem, ``[label]`` or empty) of every disparity, those of one label together."""
    found = dict.fromkeys(metric for each in assessments for metric in each.disparities)
    stems = dict.fromkeys(_split(metric) for metric in found)
    labels = list(dict.fromkeys(label for _, label in stems))
    return sorted(stems, key=lambda each: labels.index(each[1]))


def _split(metric: str) -> tuple[str, str]:
    stem, bracket, label = metric.partition("[")
    return stem.removesuffix(DIFFERENCE).removesuffix(RATIO), bracket + label


def _side_by_side(
    report: AuditReport, grouping: Shown, found: list[tuple[CandidateResult, GroupAssessment]]
) -> Block:
    rows = []
    for stem, label in _stems([each for _, each in found]):
        metric = stem + DIFFERENCE + label
        cells = []
        for _, each in found:
            cell = estimate_cell(each.disparities.get(metric), kind_of(metric), show_n=True)
            test = each.tests.get(metric)
            # A line of its own words: they may break where the interval may not.
            note = f"{cell.note} · {test.status}" if test else cell.note
            cells.append(Cell(cell.text, note, TONES[test.status] if test else cell.tone))
        rows.append(Row(metric_name(metric), cells))
    caption = f"Disparities by {name(grouping.name)}{_unperturbed(report)}"
    return beside(caption, "Disparity", [name(candidate.name) for candidate, _ in found], rows)


def _unperturbed(report: AuditReport) -> str:
    """Told only where there are figures of other texts too."""
    return ", unperturbed text" if is_tested(report) else ""


def _tests(
    report: AuditReport, grouping: Shown, candidate: CandidateResult, found: GroupAssessment
) -> list[Block]:
    """Everything about the disparities of one candidate; a short line where there is nothing to compare."""
    reasons = {each.reason for each in found.disparities.values()}
    if len(reasons) == 1 and None not in reasons:
        return [Text(f"Nothing to compare: {reasons.pop()}.", "muted")]
    titles = ["Disparity", "Difference", "Ratio"]
    if found.tests:
        titles = [
            "Disparity",
            "Difference",
            "More than chance?",
            "Extremes: lowest … highest",
            "p, adjusted",
            "Ratio",
        ]
    # All as numbers, which are not broken within words: on a phone the table scrolls instead of growing.
    columns = [Column(title) for title in titles]
    rows = [_test_row(stem, label, found) for stem, label in _stems([found])]
    caption = f"Disparities by {name(grouping.name)}, {name(candidate.name)}{_unperturbed(report)}"
    blocks: list[Block] = [Table(caption, columns, rows)]
    if found.tests and judged(found) > 2:
        blocks.append(Text(EXTREMES, "muted"))
    return blocks if len(rows) <= MANY else [Details(counted(len(rows), "disparity", "disparities"), blocks)]


def _test_row(stem: str, label: str, found: GroupAssessment) -> Row:
    difference, ratio = (
        estimate_cell(found.disparities[metric], kind_of(metric), show_n=kind == DIFFERENCE)
        if (metric := stem + kind + label) in found.disparities
        else Cell("")
        for kind in (DIFFERENCE, RATIO)
    )
    test = found.tests.get(stem + DIFFERENCE + label) or found.tests.get(stem + RATIO + label)
    tests = _test_cells(stem + label, test) if found.tests else []
    return Row(metric_name(stem + label), [difference, *tests, ratio])


def _test_cells(stem: str, test: DisparityTest | None) -> list[Cell]:
    if test is None:
        return [Cell("not tested", tone="muted"), Cell(""), Cell("")]
    # Of several rates that are compared it is told which one differs most.
    rate = "" if test.metric == stem else metric_name(test.metric)
    return [
        _status_cell(test),
        noted_cell(f"{name(test.lowest, 40)} … {name(test.highest, 40)}", [rate]),
        noted_cell(p_value(test.adjusted), [f"alone {p_value(test.p_value)}"]),
    ]


def _four_fifths(found: list[tuple[CandidateResult, GroupAssessment]]) -> list[Block]:
    verdicts = {
        "held": "held: the smallest selection rate is at least four fifths of the largest",
        "violated": "violated: the smallest selection rate is less than four fifths of the largest",
        "undecided": "undecided: the interval lies on both sides of four fifths",
    }
    told = []
    for candidate, each in found:
        for metric, verdict in each.four_fifths.items():
            _, bracket, label = metric.partition("[")
            of = f" for “{name(label.removesuffix(']'))}”" if bracket else ""
            told.append(
                f"{name(candidate.name)}: the four-fifths rule{of} is {verdicts[verdict]} (ratio "
                f"{full(each.disparities[metric], 'number')})."
            )
    if not told:
        return []
    return [Bullets(told)] if len(told) <= FEW else [Details("The four-fifths rule", [Bullets(told)])]


def _worst(grouping: Shown, found: list[tuple[CandidateResult, GroupAssessment]]) -> list[Block]:
    metrics = list(dict.fromkeys(metric for _, each in found for metric in each.worst))
    if not metrics or len(grouping.values) < 2:
        return []
    rows = [Row(metric_name(metric), [_worst_cell(metric, each) for _, each in found]) for metric in metrics]
    note = Text("In this sample; whether the groups differ beyond chance is for the tests to say.", "muted")
    names = [name(candidate.name) for candidate, _ in found]
    table = beside(f"Who fares worst, by {name(grouping.name)}", "Metric", names, rows)
    return [Details(f"Who fares worst, in {counted(len(rows), 'metric')}", [note, table])]


def _worst_cell(metric: str, found: GroupAssessment) -> Cell:
    worst = found.worst.get(metric)
    if worst is None:
        return Cell("not measured", tone="muted")
    value = estimate_cell(worst.estimate, kind_of(metric)).text
    ends = interval(worst.estimate, kind_of(metric))
    rate = f"{value} ({ends})" if ends else value
    return noted_cell(name(worst.group, 40), [rate, f"n {worst.estimate.n:,}"])
