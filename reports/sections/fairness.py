"""Whom each candidate fails: metrics by group, disparities, and who is easier to attack."""

from fairness.results import GroupAssessment, GroupMetrics
from reports.blocks import (
    Block,
    Cell,
    Column,
    Details,
    Figure,
    Figures,
    Part,
    Row,
    Section,
    Table,
    Text,
    Tone,
    estimate_cell,
)
from reports.charts import MAX_ROWS, Dot, rate_dots
from reports.formatting import kind_of, name
from reports.highlights import Family, assessment_under, attack_label, families, result_of
from reports.model import AuditReport, CandidateResult
from reports.naming import metric_name
from robustness.estimate import Estimate

ORDER = 50
CHARTED = ("accuracy", "selection_rate", "tpr", "fpr")


def section(report: AuditReport) -> Section:
    columns = list(report.data.groups)
    if not columns or not _assessed(report):
        nothing = Text("The data names no groups, so nothing was assessed by group.")
        return Section("Fairness", "fairness", [nothing])
    blocks: list[Block] = [Text(_introduction(report), "muted")]
    blocks += [Part(f"By {name(column)}", _column(report, column)) for column in columns]
    return Section("Fairness", "fairness", blocks)


def _assessed(report: AuditReport) -> list[CandidateResult]:
    return [candidate for candidate in report.candidates if candidate.fairness is not None]


def _introduction(report: AuditReport) -> str:
    positives = {c.fairness.positive_label for c in report.candidates if c.fairness is not None}
    named = sorted(name(positive) for positive in positives if positive is not None)
    if named:
        return f"Selection rate, true and false positive rate speak of the outcome “{', '.join(named)}”."
    return "With more than two classes, each class is assessed against all others."


def _assessment(candidate: CandidateResult, column: str) -> GroupAssessment | None:
    return None if candidate.fairness is None else candidate.fairness.groups.get(column)


def _minimum(candidate: CandidateResult) -> int:
    return candidate.fairness.min_group_size if candidate.fairness is not None else 0


def _column(report: AuditReport, column: str) -> list[Block]:
    assessments = [found for each in report.candidates if (found := _assessment(each, column))]
    measured = {m for found in assessments for group in found.by_group.values() for m in group.metrics}
    series = [name(candidate.name) for candidate in report.candidates]
    charts = [_dots(report, column, metric) for metric in CHARTED if metric in measured]
    blocks: list[Block] = [Figures("Rates by group, with intervals", series, charts)] if charts else []
    if small := {
        group: each.n for found in assessments for group, each in found.by_group.items() if each.small
    }:
        listed = ", ".join(f"{name(group)} (n {n})" for group, n in small.items())
        minimum = max(map(_minimum, _assessed(report)))
        blocks.append(
            Text(f"Pale marks: too few to judge (n < {minimum}), in no disparity: {listed}.", "muted")
        )
    if len(report.data.groups[column]) > MAX_ROWS:
        blocks.append(Text(f"The charts show the first {MAX_ROWS} groups, the tables all.", "muted"))
    blocks.append(_disparities(report, column))
    blocks += [
        Details(f"{name(candidate.name)}: all metrics by group", [_group_table(candidate, column)])
        for candidate in _assessed(report)
    ]
    return blocks + _under_attack(report, column)


def _dots(report: AuditReport, column: str, metric: str) -> Figure:
    dots, cells = [], dict[str, list[Cell]]()
    groups = list(report.data.groups[column])
    for candidate in report.candidates:
        assessment = _assessment(candidate, column)
        for group in groups:
            found = assessment.by_group.get(group) if assessment else None
            estimate = found.metrics.get(metric) if found else None
            cells.setdefault(group, []).append(estimate_cell(estimate, show_n=True))
            if found and estimate:
                dots.append(Dot(candidate.name, group, estimate, found.small))
    title = metric_name(metric)
    names = [candidate.name for candidate in report.candidates]
    label = f"{title} by {name(column)}: a dot and its interval for each group and candidate."
    table = Table(
        f"{title} by {name(column)}",
        [Column("Group"), *(Column(name(each)) for each in names)],
        [Row(name(group), cells[group]) for group in groups],
    )
    return Figure(title, rate_dots(dots, groups, names, label), table)


def _group_row(group: str, found: GroupMetrics, metrics: list[str], minimum: int) -> Row:
    tone: Tone = "muted" if found.small else "plain"
    cells = [estimate_cell(found.metrics.get(metric), kind_of(metric)) for metric in metrics]
    note = f"too few to judge (n < {minimum})" if found.small else ""
    return Row(name(group), [Cell(f"{found.n:,}"), *cells], note, tone)


def _group_table(candidate: CandidateResult, column: str) -> Table:
    assessment = _assessment(candidate, column)
    by_group = assessment.by_group if assessment else {}
    metrics = list(dict.fromkeys(metric for found in by_group.values() for metric in found.metrics))
    return Table(
        f"Metrics by {name(column)}, {name(candidate.name)}",
        [Column("Group"), Column("n"), *(Column(metric_name(metric)) for metric in metrics)],
        [_group_row(group, found, metrics, _minimum(candidate)) for group, found in by_group.items()],
    )


def _disparities(report: AuditReport, column: str) -> Table:
    found = [_assessment(candidate, column) for candidate in report.candidates]
    metrics = list(dict.fromkeys(metric for each in found if each for metric in each.disparities))
    rows = [
        Row(
            metric_name(metric),
            [
                estimate_cell(each.disparities.get(metric) if each else None, kind_of(metric), show_n=True)
                for each in found
            ],
        )
        for metric in metrics
    ]
    columns = [Column("Disparity"), *(Column(name(candidate.name)) for candidate in report.candidates)]
    return Table(f"Disparities by {name(column)}, unperturbed text", columns, rows)


def _under_attack(report: AuditReport, column: str) -> list[Block]:
    found = [
        each
        for each in families(report)
        if any(result_of(candidate, each, each.main_epsilon) for candidate in report.candidates)
    ]
    if not found:
        return []
    family, epsilon = found[0], found[0].main_epsilon
    charts = [_attack_dots(candidate, column, family, epsilon) for candidate in _assessed(report)]
    series = ["clean", attack_label(family, epsilon)]
    blocks: list[Block] = [Figures("Who is easier to attack", series, charts)]
    for candidate in _assessed(report):
        tables = [
            _attack_table(candidate, column, found),
            _attack_disparities(candidate, column, found),
        ]
        title = f"{name(candidate.name)}: every attack by {name(column)}"
        blocks.append(Details(title, tables))
    return blocks


def _attack_dots(candidate: CandidateResult, column: str, family: Family, epsilon: float | None) -> Figure:
    assessment = _assessment(candidate, column)
    by_group = assessment.by_group if assessment else {}
    result = result_of(candidate, family, epsilon)
    attacked = result.by_group.get(column, {}) if result else {}
    attack = attack_label(family, epsilon)
    dots, rows = [], []
    for group, found in by_group.items():
        clean = found.metrics.get("accuracy")
        under: Estimate | None = attacked[group].accuracy_under_attack if group in attacked else None
        success = attacked[group].attack_success_rate if group in attacked else None
        pairs = (("clean", clean), (attack, under))
        dots += [Dot(series, group, estimate, found.small) for series, estimate in pairs if estimate]
        cells = [estimate_cell(estimate, show_n=True) for estimate in (clean, under, success)]
        rows.append(Row(name(group), cells))
    label = f"Accuracy of {name(candidate.name)} by {name(column)}, clean and under {attack}."
    chart = rate_dots(dots, list(by_group), ["clean", attack], label)
    titles = ("Group", "Clean accuracy", f"Accuracy under {attack}", "Attack success rate")
    table = Table(f"{name(candidate.name)} under attack, by {name(column)}", list(map(Column, titles)), rows)
    return Figure(f"Accuracy of {name(candidate.name)}", chart, table)


def _attack_table(candidate: CandidateResult, column: str, found: list[Family]) -> Table:
    groups = list(dict.fromkeys(g for a in candidate.robustness.attacks for g in a.by_group.get(column, {})))
    rows = []
    for family in found:
        for epsilon in family.epsilons or (None,):
            result = result_of(candidate, family, epsilon)
            if result is None:
                continue
            by_group = result.by_group.get(column, {})
            rates = [by_group[g].accuracy_under_attack if g in by_group else None for g in groups]
            rows.append(Row(attack_label(family, epsilon), [estimate_cell(rate) for rate in rates]))
    return Table(
        f"Accuracy under attack by {name(column)}, {name(candidate.name)}",
        [Column("Attack"), *(Column(name(group)) for group in groups)],
        rows,
    )


def _attack_disparities(candidate: CandidateResult, column: str, found: list[Family]) -> Table:
    clean = _assessment(candidate, column)
    metrics = list(clean.disparities) if clean else []
    labelled = [("clean", clean)] + [
        (attack_label(family, epsilon), assessment_under(candidate, family, epsilon, column))
        for family in found
        for epsilon in family.epsilons or (None,)
    ]
    rows = [
        Row(label, [estimate_cell(each.disparities.get(m), kind_of(m)) for m in metrics])
        for label, each in labelled
        if each is not None
    ]
    return Table(
        f"Disparities under attack by {name(column)}, {name(candidate.name)}",
        [Column("Predictions"), *(Column(metric_name(metric)) for metric in metrics)],
        rows,
    )
