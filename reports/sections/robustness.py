"""How easily each candidate is fooled: accuracy against the attacker's budget."""

from reports.blocks import (
    Block,
    Cell,
    Column,
    Details,
    Facts,
    Part,
    Row,
    Section,
    Table,
    Text,
    beside,
    estimate_cell,
)
from reports.curves import curve_blocks
from reports.formatting import counted, duration, name
from reports.highlights import (
    Family,
    attack_label,
    curve_of,
    families,
    family_key,
    is_predictions,
    run_of,
    shortens_texts,
)
from reports.model import AuditReport, CandidateResult
from reports.naming import budget_cell, threat_in_words
from reports.reductions import reduction_blocks
from reports.successes import ENDED_EARLY, reached_cell, success_blocks
from robustness.results import AttackResult

ORDER = 40


def section(report: AuditReport) -> Section | None:
    if all(is_predictions(candidate) for candidate in report.candidates):
        return None  # there was no model to attack
    found, reductions = families(report), reduction_blocks(report)
    if not found:
        return Section("Robustness", "robustness", reductions or [Text("No attack was run.")])
    blocks = curve_blocks(
        report, [family for family in found if any(curve_of(each, family) for each in report.candidates)]
    )
    if single := _without_curve(report, found):
        blocks.append(_at_one_budget(report, single))
    if any(attack.unreached for each in report.candidates for attack in each.robustness.attacks):
        blocks.append(Text(ENDED_EARLY, "muted"))
    blocks.append(_worst_case(report))
    blocks += success_blocks(report)
    blocks += reductions
    blocks.append(Part("What the attacker knows and may do", [_threats(report)]))
    blocks += [_attacks(report, candidate) for candidate in report.candidates]
    return Section("Robustness", "robustness", blocks)


def _without_curve(report: AuditReport, found: list[Family]) -> list[tuple[Family, float | None]]:
    """The attacks that no curve shows: those at one budget, and those that did not reach all examples."""

    def is_partial(family: Family, epsilon: float | None) -> bool:
        runs = [run_of(each, family, epsilon) for each in report.candidates]
        return any(run is not None and run.unreached for run in runs)

    return [
        (family, epsilon)
        for family in found
        for epsilon in family.epsilons or (None,)
        if is_partial(family, epsilon) or not any(curve_of(each, family) for each in report.candidates)
    ]


def _at_one_budget(report: AuditReport, single: list[tuple[Family, float | None]]) -> Table:
    rows = [
        Row(
            attack_label(family, epsilon),
            [_accuracy_cell(run_of(each, family, epsilon)) for each in report.candidates],
        )
        for family, epsilon in single
    ]
    names = [name(candidate.name) for candidate in report.candidates]
    return beside("Accuracy under attacks without a curve", "Attack", names, rows)


def _accuracy_cell(attack: AttackResult | None) -> Cell:
    if attack is None:
        return estimate_cell(None)
    # How many were reached says the same as n.
    return reached_cell(attack, attack.accuracy_under_attack, show_n=not attack.unreached)


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


def _measuring(candidate: CandidateResult) -> list[AttackResult]:
    """The attacks that measure accuracy."""
    return [attack for attack in candidate.robustness.attacks if not shortens_texts(attack)]


def _threats(report: AuditReport) -> Facts:
    labels = {family.key: family.label for family in families(report)}
    return Facts(
        list(
            dict.fromkeys(
                (labels[family_key(attack.name, attack.params)], threat_in_words(attack.threat_model))
                for candidate in report.candidates
                for attack in _measuring(candidate)
            )
        )
    )


def _attacks(report: AuditReport, candidate: CandidateResult) -> Block:
    attacks = _measuring(candidate)
    filtered = any(attack.filtered_success_rate is not None for attack in attacks)
    columns = [
        Column("Attack"),
        Column("Budget"),
        Column("Epsilon, absolute"),
        Column("n"),
        Column("Skipped"),
        Column("Accuracy under attack"),
        Column("Attack success rate"),
        *([Column("Success near the original")] if filtered else []),
        Column("Queries per example"),
        Column("Time"),
    ]
    labels = {family.key: family.label for family in families(report)}
    rows = [_attack_row(labels, attack, filtered) for attack in attacks]
    table = Table(f"Attacks on {name(candidate.name)}", columns, rows)
    return Details(f"{name(candidate.name)}: {counted(len(attacks), 'attack')} in detail", [table])


def _attack_row(labels: dict[str, str], attack: AttackResult, filtered: bool) -> Row:
    threat = attack.threat_model
    unreached = f"{attack.unreached:,} more not reached" if attack.unreached else ""
    return Row(
        labels[family_key(attack.name, attack.params)],
        [
            Cell(budget_cell(threat.space, threat.epsilon)),
            Cell("" if attack.epsilon_absolute is None else f"{attack.epsilon_absolute:.4g}"),
            Cell(f"{attack.n:,}", unreached, "warn" if unreached else "plain"),
            Cell(f"{attack.skipped:,}"),
            estimate_cell(attack.accuracy_under_attack),
            estimate_cell(attack.attack_success_rate, show_n=True),
            *([_filtered_cell(attack)] if filtered else []),
            estimate_cell(attack.mean_queries, "count"),
            Cell(duration(attack.seconds)),
        ],
    )


def _filtered_cell(attack: AttackResult) -> Cell:
    if attack.filtered_success_rate is None:
        return Cell("no text", tone="muted")
    return estimate_cell(attack.filtered_success_rate)
