"""Who is easier to attack: accuracy, disparities and what the attacker spends, by group."""

from collections.abc import Callable
from dataclasses import replace

from reports.blocks import (
    Block,
    Cell,
    Column,
    Details,
    Figure,
    Figures,
    Row,
    Table,
    Text,
    estimate_cell,
    norm_cell,
)
from reports.charts import Dot, rate_dots
from reports.formatting import kind_of, name
from reports.groupings import Shown, assessed, assessment_of
from reports.highlights import Family, assessment_under, attack_label, families, result_of
from reports.model import AuditReport, CandidateResult
from reports.naming import metric_name
from robustness.estimate import Estimate
from robustness.results import GroupRobustness

MAX_CHARTS = 4
"""Candidates whose groups are drawn."""

CellOf = Callable[[GroupRobustness | None], Cell]

RATES: tuple[tuple[str, CellOf], ...] = (
    ("Accuracy under attack", lambda found: estimate_cell(found.accuracy_under_attack if found else None)),
    ("Attack success rate", lambda found: estimate_cell(found.attack_success_rate if found else None)),
)


def attack_blocks(report: AuditReport, grouping: Shown) -> list[Block]:
    """Nothing where no attack was run on all examples."""
    found = [
        each
        for each in families(report)
        if any(result_of(candidate, each, each.main_epsilon) for candidate in report.candidates)
    ]
    having = [candidate for candidate, _ in assessed(report, grouping.name)]
    if not found or not having:
        return []
    family, epsilon = found[0], found[0].main_epsilon
    blocks: list[Block] = []
    if any(grouping.name in attack.by_group for each in having for attack in each.robustness.attacks):
        drawn = having[:MAX_CHARTS]  # the tables below have the others too
        charts = [_dots(candidate, grouping.name, family, epsilon) for candidate in drawn]
        blocks.append(Figures("Who is easier to attack", ["clean", attack_label(family, epsilon)], charts))
    for candidate in having:
        tables = [*_rates(candidate, grouping.name, found), _disparities(candidate, grouping.name, found)]
        blocks.append(Details(f"{name(candidate.name)}: every attack by {name(grouping.name)}", tables))
    return blocks


def _dots(candidate: CandidateResult, grouping: str, family: Family, epsilon: float | None) -> Figure:
    assessment = assessment_of(candidate, grouping)
    by_group = assessment.by_group if assessment else {}
    result = result_of(candidate, family, epsilon)
    attacked = result.by_group.get(grouping, {}) if result else {}
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
    label = f"Accuracy of {name(candidate.name)} by {name(grouping)}, clean and under {attack}."
    chart = rate_dots(dots, list(by_group), ["clean", attack], label)
    titles = ("Group", "Clean accuracy", f"Accuracy under {attack}", "Attack success rate")
    table = Table(
        f"{name(candidate.name)} under attack, by {name(grouping)}", list(map(Column, titles)), rows
    )
    return Figure(f"Accuracy of {name(candidate.name)}", chart, table)


def _rates(candidate: CandidateResult, grouping: str, found: list[Family]) -> list[Block]:
    """Accuracy, success, queries and, of attacks that look for it, the minimal norm: one table each."""
    groups = list(
        dict.fromkeys(group for a in candidate.robustness.attacks for group in a.by_group.get(grouping, {}))
    )
    if not groups:
        return []
    tables: list[Block] = [_table(title, cell, candidate, grouping, groups, found) for title, cell in RATES]
    tables += _queries(_table("Queries per example", _spent, candidate, grouping, groups, found))
    if minimal := [family for family in found if family.minimal]:
        tables.append(_table("Median minimal norm", _norm, candidate, grouping, groups, minimal))
    return tables


def _queries(table: Table) -> list[Block]:
    """What attacks spend that ask equally often for every group is a sentence; of the others a table."""
    alike = [
        row
        for row in table.rows
        if len({cell.text for cell in row.cells}) == 1 and row.cells[0].tone != "muted"
    ]
    differing = [row for row in table.rows if row not in alike]
    listed = ", ".join(f"{row.cells[0].text} under {row.header}" for row in alike)
    told: list[Block] = [Text(f"Queries per example, the same for every group: {listed}.")] if alike else []
    return [*([replace(table, rows=differing)] if differing else []), *told]


def _spent(found: GroupRobustness | None) -> Cell:
    return estimate_cell(found.mean_queries if found else None, "count")


def _norm(found: GroupRobustness | None) -> Cell:
    return norm_cell(found.minimal_norm if found else None)


def _table(
    title: str,
    cell: CellOf,
    candidate: CandidateResult,
    grouping: str,
    groups: list[str],
    found: list[Family],
) -> Table:
    rows = []
    for family in found:
        for epsilon in family.epsilons or (None,):
            result = result_of(candidate, family, epsilon)
            if result is not None:
                by_group = result.by_group.get(grouping, {})
                rows.append(
                    Row(attack_label(family, epsilon), [cell(by_group.get(group)) for group in groups])
                )
    columns = [Column("Attack"), *(Column(name(group)) for group in groups)]
    return Table(f"{title} by {name(grouping)}, {name(candidate.name)}", columns, rows)


def _disparities(candidate: CandidateResult, grouping: str, found: list[Family]) -> Table:
    clean = assessment_of(candidate, grouping)
    metrics = list(clean.disparities) if clean else []
    labelled = [("clean", clean)] + [
        (attack_label(family, epsilon), assessment_under(candidate, family, epsilon, grouping))
        for family in found
        for epsilon in family.epsilons or (None,)
    ]
    rows = [
        Row(label, [estimate_cell(each.disparities.get(m), kind_of(m)) for m in metrics])
        for label, each in labelled
        if each is not None
    ]
    return Table(
        f"Disparities under attack by {name(grouping)}, {name(candidate.name)}",
        [Column("Predictions"), *(Column(metric_name(metric)) for metric in metrics)],
        rows,
    )
