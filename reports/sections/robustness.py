"""How easily each candidate is fooled: accuracy against the attacker's budget."""

from reports.blocks import Block, Cell, Column, Details, Facts, Part, Row, Section, Table, Text, estimate_cell
from reports.curves import curve_blocks
from reports.formatting import counted, duration, name
from reports.highlights import Family, accuracy_under, attack_label, curve_of, families, family_key
from reports.model import AuditReport, CandidateResult
from reports.naming import budget_cell, threat_in_words
from robustness.results import AttackResult

ORDER = 40


def section(report: AuditReport) -> Section:
    found = families(report)
    if not found:
        return Section("Robustness", "robustness", [Text("No attack was run.")])
    single = [family for family in found if not any(curve_of(each, family) for each in report.candidates)]
    blocks = curve_blocks(report, [family for family in found if family not in single])
    if single:
        blocks.append(_at_one_budget(report, single))
    blocks += [_worst_case(report), Part("What the attacker knows and may do", [_threats(report)])]
    blocks += [_attacks(report, candidate) for candidate in report.candidates]
    return Section("Robustness", "robustness", blocks)


def _at_one_budget(report: AuditReport, single: list[Family]) -> Table:
    rows = [
        Row(
            attack_label(family, epsilon),
            [estimate_cell(accuracy_under(each, family, epsilon), show_n=True) for each in report.candidates],
        )
        for family in single
        for epsilon in family.epsilons or (None,)
    ]
    columns = [Column("Attack"), *(Column(name(candidate.name)) for candidate in report.candidates)]
    return Table("Accuracy under attacks without a curve", columns, rows)


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
        Column("Budget"),
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
    threat = attack.threat_model
    return Row(
        labels[family_key(attack.name, attack.params)],
        [
            Cell(budget_cell(threat.space, threat.epsilon)),
            Cell("" if attack.epsilon_absolute is None else f"{attack.epsilon_absolute:.4g}"),
            Cell(f"{attack.n:,}"),
            Cell(f"{attack.skipped:,}"),
            estimate_cell(attack.accuracy_under_attack),
            estimate_cell(attack.attack_success_rate, show_n=True),
            estimate_cell(attack.mean_queries, "count"),
            Cell(duration(attack.seconds)),
        ],
    )
