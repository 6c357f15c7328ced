"""The candidates side by side: what each costs, and accuracy against differences and robustness."""

from collections.abc import Callable, Mapping

from reports.blocks import (
    Block,
    Cell,
    Column,
    Figure,
    Figures,
    Part,
    Row,
    Section,
    Table,
    Text,
    beside,
    estimate_cell,
    noted_cell,
)
from reports.formatting import Kind, counted, duration, kind_of, name
from reports.highlights import base_of, is_predictions
from reports.model import AuditReport, CandidateResult
from reports.naming import in_sentence, metric_name
from reports.tradeoff_chart import Point, tradeoff
from reports.tradeoffs import OVERLAP, Measures, Side, TradeOff, trade_off
from robustness.estimate import Estimate

ORDER = 56
COLLAPSED = (
    " A candidate whose training collapsed is not on it: answering the same to every text treats all groups "
    "alike, and nobody well."
)


def section(report: AuditReport) -> Section | None:
    """None of predictions alone, of which nobody knows what they cost, where there is nothing to trade."""
    found = trade_off(report)
    blocks: list[Block] = []
    if report.candidates and not all(map(is_predictions, report.candidates)):
        blocks.append(costs_table(report))
    if found is not None:
        blocks.append(Part("Accuracy, differences and robustness", _traded(found)))
    title = "Candidates side by side" if len(report.candidates) > 1 else "What it costs"
    return Section(title, "trade-offs", blocks) if blocks else None


def costs_table(report: AuditReport) -> Table:
    """Parameters, training, mitigation, and what attacking it took; ``not known`` where nothing was told."""
    named = {each.name: each for each in report.candidates}
    measures: list[tuple[str, Callable[[CandidateResult], Cell]]] = [
        ("Parameters", _parameters),
        ("Training", lambda candidate: _training(candidate, named)),
        ("Mitigation", _mitigation),
        ("Time under attack", _attack_time),
        ("Queries of all attacks", _queries),
    ]
    names = [name(candidate.name) for candidate in report.candidates]
    rows = [Row(title, [cell(candidate) for candidate in report.candidates]) for title, cell in measures]
    told = [row for row in rows if any(cell.text != NOTHING.text for cell in row.cells)]
    return beside("What each candidate costs", "Measure", names, told)


NOTHING = Cell("none", tone="muted")


def _parameters(candidate: CandidateResult) -> Cell:
    n = candidate.model.num_parameters
    return Cell("not known", tone="muted") if n is None else Cell(f"{n:,}")


def _training(candidate: CandidateResult, named: Mapping[str, CandidateResult]) -> Cell:
    """named: the candidates of the report. One that stands on another costs the training of that one too."""
    done, base = candidate.training, base_of(candidate)
    if done is None and base is not None:
        stands_on = named.get(base)
        if stands_on is None:
            return noted_cell("none of its own", [f"stands on {name(base)}"])
        theirs = _training(stands_on, named)
        return Cell("none of its own", f"stands on {name(base)}: {theirs.text}")
    if done is None:
        return Cell("came trained", tone="muted")
    examples = counted(done.n_train, "example")
    return noted_cell(duration(done.seconds), [counted(done.epochs, "epoch"), examples])


def _mitigation(candidate: CandidateResult) -> Cell:
    done = candidate.mitigation
    if done is None:
        return NOTHING
    # An objective that treats groups alike is the training: its time stands there.
    time = "within the training" if done.stage == "training" else duration(done.seconds)
    return noted_cell(time, [name(done.method, 40)])


def _attack_time(candidate: CandidateResult) -> Cell:
    attacks = candidate.robustness.attacks
    if not attacks:
        return NOTHING
    return noted_cell(duration(sum(each.seconds for each in attacks)), [counted(len(attacks), "attack")])


def _queries(candidate: CandidateResult) -> Cell:
    """Mean queries per attacked example times the attacked examples, over all attacks."""
    counts = [
        each.mean_queries.value * (each.n - each.skipped)
        for each in candidate.robustness.attacks
        if each.mean_queries.value is not None
    ]
    return Cell(f"{sum(counts):,.0f}") if counts else NOTHING


def _traded(found: TradeOff) -> list[Block]:
    series = [f"{i} {name(each.candidate.name)}" for i, each in enumerate(found.measures, start=1)]
    odds = f"{metric_name(found.metric)} by {name(found.grouping)}"
    return [
        Text(
            f"What is compared is the {in_sentence(found.metric)} by {name(found.grouping)}, "
            f"{name(found.why)}. A higher accuracy is further up, a smaller difference further to the left; "
            "marks whose intervals overlap establish no difference by themselves.",
            "muted",
        ),
        Figures("What each candidate gives, with intervals", series, _charts(found, odds)),
        Text(
            "Filled marks, joined by the dashed line, are on the Pareto front of the estimates: no other "
            "candidate has estimates at least as good in all that is compared and better in some of it. "
            f"Within the intervals the front may lie elsewhere: where it says “{OVERLAP}”, that is so of the "
            "candidate and every one that seems to beat it, and no pairs say more. Marks that "
            f"coincide share a label.{COLLAPSED if any(each.collapsed for each in found.measures) else ''}",
            "muted",
        ),
        _table(found, odds),
        Text(
            "Accuracy is called higher or lower where a finding of this report says so: it compares the "
            "candidates example by example, which tells apart more than their intervals do. Where no finding "
            "compares them, and for differences between groups, higher and lower are said only where the "
            f"intervals do not meet; “{OVERLAP}” says that they do, not that there is no difference.",
            "muted",
        ),
    ]


def _charts(found: TradeOff, odds: str) -> list[Figure]:
    charts = [_chart(found, odds, "Accuracy", [each.accuracy for each in found.measures])]
    if found.attack is not None:
        under = [each.attacked or Estimate.undefined("not run") for each in found.measures]
        charts.append(_chart(found, odds, f"Accuracy under {found.attack}", under))
    return charts


def _chart(found: TradeOff, odds: str, title: str, rates: list[Estimate]) -> Figure:
    series = [each.candidate.name for each in found.measures]
    points = [
        Point(each.candidate.name, i, each.odds, rate, each.front)
        for i, (each, rate) in enumerate(zip(found.measures, rates, strict=True), start=1)
    ]
    spoken = "; ".join(
        f"{i} {name(each.candidate.name)}: {estimate_cell(rate).text}, "
        f"{estimate_cell(each.odds, kind_of(found.metric)).text}"
        for i, (each, rate) in enumerate(zip(found.measures, rates, strict=True), start=1)
    )
    rows = [
        Row(
            f"{i} {name(each.candidate.name)}",
            [estimate_cell(rate), estimate_cell(each.odds, kind_of(found.metric))],
        )
        for i, (each, rate) in enumerate(zip(found.measures, rates, strict=True), start=1)
    ]
    data = Table(f"{title} against {odds}", [Column("Candidate"), Column(title), Column(odds)], rows)
    x_title = f"{metric_name(found.metric)}, points"
    chart = tradeoff(points, series, x_title, f"{title} against {odds}. {spoken}.")
    return Figure(title, chart, data)


def _table(found: TradeOff, odds: str) -> Table:
    first = found.reference
    columns = [Column("Candidate"), Column("Accuracy"), Column(odds)]
    if found.attack is not None:
        columns.append(Column(f"Accuracy under {found.attack}"))
    columns.append(Column("On the Pareto front of the estimates", numeric=False))
    rows = [_row(i, each, first, found) for i, each in enumerate(found.measures, start=1)]
    return Table(f"What each candidate gives, against {name(first.candidate.name)}", columns, rows)


def _row(i: int, each: Measures, first: Measures, found: TradeOff) -> Row:
    shown: list[tuple[Side, Estimate | None, Kind]]
    shown = [("accuracy", each.accuracy, "percent"), ("odds", each.odds, kind_of(found.metric))]
    if found.attack is not None:
        shown.append(("attacked", each.attacked, "percent"))
    cells = []
    for side, mine, kind in shown:
        cell = estimate_cell(mine, kind)
        word = "" if each is first else found.standing(each, first, side)
        cells.append(noted_cell(cell.text, [cell.note, word], cell.tone))
    mitigation = each.candidate.mitigation
    done = "no mitigation" if mitigation is None else f"mitigation: {name(mitigation.method)}"
    return Row(f"{i} {name(each.candidate.name)}", [*cells, _front(each, found)], done)


def _front(each: Measures, found: TradeOff) -> Cell:
    if each.front:
        return Cell("yes")
    if each.collapsed:
        return Cell("no", "its training collapsed")
    return Cell("no", "" if found.is_beaten(each) else OVERLAP)
