"""How easily each candidate is fooled: accuracy against the attacker's budget."""

from reports.blocks import (
    Block,
    Cell,
    Column,
    Details,
    Facts,
    Figure,
    Figures,
    Part,
    Row,
    Section,
    Table,
    Text,
    estimate_cell,
)
from reports.charts import Mark, rate_curves
from reports.formatting import counted, duration, name
from reports.highlights import Family, accuracy_under, families, family_key
from reports.model import AuditReport, CandidateResult
from reports.naming import threat_in_words
from robustness.results import AttackResult

ORDER = 40


def section(report: AuditReport) -> Section:
    found = families(report)
    if not found:
        return Section("Robustness", "robustness", [Text("No attack was run.")])
    series = [name(candidate.name) for candidate in report.candidates]
    curves = [_curve(report, family) for family in found if family.epsilons]
    blocks: list[Block] = []
    if curves:
        blocks.append(Figures("Accuracy under attack against the attacker's budget", series, curves))
        blocks.append(
            Text("At budget 0 the text is unperturbed. Bands are confidence intervals, pointwise.", "muted")
        )
    blocks += [_worst_case(report), Part("What the attacker knows and may do", [_threats(report)])]
    blocks += [_attacks(report, candidate) for candidate in report.candidates]
    return Section("Robustness", "robustness", blocks)


def _curve(report: AuditReport, family: Family) -> Figure:
    series = [candidate.name for candidate in report.candidates]
    marks = []
    for candidate in report.candidates:
        marks.append(Mark(candidate.name, 0.0, candidate.robustness.clean.accuracy))
        for epsilon in family.epsilons:
            under = accuracy_under(candidate, family, epsilon)
            if under is not None:
                marks.append(Mark(candidate.name, epsilon, under))
    described = "; ".join(_spoken(candidate, family) for candidate in report.candidates)
    label = f"Accuracy under {family.label} against relative epsilon. {described}."
    chart = rate_curves(marks, series, "epsilon, relative to the embedding scale", label)
    return Figure(family.label, chart, _curve_table(report, family))


def _spoken(candidate: CandidateResult, family: Family) -> str:
    """One line for a reader who cannot see the chart: the first and the last point."""
    last = accuracy_under(candidate, family, family.epsilons[-1])
    clean = estimate_cell(candidate.robustness.clean.accuracy).text
    end = estimate_cell(last).text
    return f"{name(candidate.name)}: {clean} at 0, {end} at {family.epsilons[-1]:g}"


def _curve_table(report: AuditReport, family: Family) -> Table:
    rows = [
        Row(
            "0 (clean)",
            [estimate_cell(candidate.robustness.clean.accuracy) for candidate in report.candidates],
        )
    ]
    for epsilon in family.epsilons:
        cells = [estimate_cell(accuracy_under(each, family, epsilon)) for each in report.candidates]
        rows.append(Row(f"{epsilon:g}", cells))
    columns = [Column("Epsilon"), *(Column(name(candidate.name)) for candidate in report.candidates)]
    return Table(f"Accuracy under {family.label}", columns, rows)


def _worst_case(report: AuditReport) -> Table:
    rows = [
        Row(
            name(candidate.name),
            [
                estimate_cell(candidate.robustness.clean.accuracy, show_n=True),
                estimate_cell(candidate.robustness.worst_case_accuracy, show_n=True),
            ],
        )
        for candidate in report.candidates
    ]
    columns = [Column("Candidate"), Column("Clean accuracy"), Column("Worst case")]
    return Table("Worst case: examples that no attack of this audit turned", columns, rows)


def _threats(report: AuditReport) -> Facts:
    labels = {family.key: family.label for family in families(report)}
    return Facts(
        list(
            dict.fromkeys(
                (labels[family_key(attack.name, attack.params)], threat_in_words(attack.threat_model))
                for candidate in report.candidates
                for attack in candidate.robustness.attacks
            )
        )
    )


def _attacks(report: AuditReport, candidate: CandidateResult) -> Block:
    attacks = candidate.robustness.attacks
    columns = [
        Column("Attack"),
        Column("Epsilon, relative"),
        Column("Epsilon, absolute"),
        Column("n"),
        Column("Skipped"),
        Column("Accuracy under attack"),
        Column("Attack success rate"),
        Column("Queries per example"),
        Column("Time"),
    ]
    labels = {family.key: family.label for family in families(report)}
    rows = [_attack_row(labels, attack) for attack in attacks]
    table = Table(f"Attacks on {name(candidate.name)}", columns, rows)
    return Details(f"{name(candidate.name)}: {counted(len(attacks), 'attack')} in detail", [table])


def _attack_row(labels: dict[str, str], attack: AttackResult) -> Row:
    epsilon = attack.threat_model.epsilon
    return Row(
        labels[family_key(attack.name, attack.params)],
        [
            Cell("unbounded" if epsilon is None else f"{epsilon:g}"),
            Cell("" if attack.epsilon_absolute is None else f"{attack.epsilon_absolute:.4g}"),
            Cell(f"{attack.n:,}"),
            Cell(f"{attack.skipped:,}"),
            estimate_cell(attack.accuracy_under_attack),
            estimate_cell(attack.attack_success_rate, show_n=True),
            estimate_cell(attack.mean_queries, "count"),
            Cell(duration(attack.seconds)),
        ],
    )
