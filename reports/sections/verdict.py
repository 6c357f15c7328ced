"""The verdict: did the gate pass, what was found, and the candidates side by side."""

from collections.abc import Callable

from reports.blocks import (
    Block,
    Callout,
    Cell,
    Column,
    Details,
    Remark,
    Remarks,
    Row,
    Section,
    Table,
    Text,
    Tone,
    estimate_cell,
    norm_cell,
)
from reports.definitions import is_tested
from reports.formatting import counted, kind_of, name
from reports.highlights import (
    Family,
    accuracy_under,
    attack_label,
    families,
    label_of,
    largest_disparity,
    minimal_norm_of,
    strongest_attack,
    verdict,
)
from reports.model import AuditReport, CandidateResult, Finding
from reports.naming import metric_name

ORDER = 10
TOP_FINDINGS = 8

_TONES: dict[str, Tone] = {
    "passed": "good",
    "passed with critical findings": "warn",
    "failed": "bad",
    "none": "muted",
}
_TITLES = {
    "passed": "Passed",
    "passed with critical findings": "Passed, with critical findings",
    "failed": "Failed",
    "none": "No verdict",
}
_WEIGHTS: dict[str, Tone] = {"critical": "bad", "warning": "warn", "info": "muted"}


def section(report: AuditReport) -> Section:
    state, sentence = verdict(report)
    blocks: list[Block] = [Callout(_TONES[state], _TITLES[state], sentence), Text(_scope(report), "muted")]
    blocks += _findings(report)
    blocks.append(candidates_table(report))
    return Section("Verdict", "verdict", blocks)


def _scope(report: AuditReport) -> str:
    candidates = counted(len(report.candidates), "candidate")
    attacks = max((len(candidate.robustness.attacks) for candidate in report.candidates), default=0)
    columns = [name(column) for column in report.data.groups]
    by = f", by {' and '.join(columns)}" if columns else ""
    under = f", clean and under {counted(attacks, 'attack')} (each budget counted)" if attacks else ""
    on = f"{counted(report.data.n, 'example')} of {name(report.data.name)}"
    return f"{candidates} on {on}{under}{by}."


def _findings(report: AuditReport) -> list[Block]:
    findings = report.findings
    if not findings:
        return [Text("No finding crossed the audit's thresholds.")]
    top, rest = findings[:TOP_FINDINGS], findings[TOP_FINDINGS:]
    blocks: list[Block] = [Remarks([_remark(finding) for finding in top])]
    if rest:
        more = Remarks([_remark(finding) for finding in rest])
        blocks.append(Details(f"{counted(len(rest), 'more finding')}", [more]))
    return blocks


def _remark(finding: Finding) -> Remark:
    about = name(finding.candidate) if finding.candidate is not None else "all candidates"
    return Remark(_WEIGHTS[finding.severity], finding.severity, about, finding.message)


def candidates_table(report: AuditReport) -> Table:
    """The candidates side by side: what a reader compares first."""
    level = f"{100 * report.provenance.confidence:.4g} %"
    return Table(
        f"The candidates side by side, with intervals of {level} confidence",
        [Column("Measure"), *(Column(name(candidate.name)) for candidate in report.candidates)],
        [Row(title, [cell(candidate) for candidate in report.candidates]) for title, cell in _rows(report)],
    )


def _rows(report: AuditReport) -> list[tuple[str, Callable[[CandidateResult], Cell]]]:
    def clean(candidate: CandidateResult) -> Cell:
        return estimate_cell(candidate.robustness.clean.accuracy, show_n=True)

    def worst(candidate: CandidateResult) -> Cell:
        return estimate_cell(candidate.robustness.worst_case_accuracy, show_n=True)

    def strongest(candidate: CandidateResult) -> Cell:
        attack = strongest_attack(candidate)
        if attack is None:
            return Cell("not measured", "no attack with limits was run on all examples", "muted")
        cell = estimate_cell(attack.accuracy_under_attack)
        return Cell(cell.text, f"{cell.note} · {label_of(report, attack)}")

    def disparity(candidate: CandidateResult) -> Cell:
        found = largest_disparity(candidate)
        if found is None:
            return Cell("not measured", "no two groups to compare", "muted")
        cell = estimate_cell(found.estimate, kind_of(found.metric))
        return Cell(cell.text, f"{cell.note} · {metric_name(found.metric)}, by {name(found.column)}")

    def under(family: Family, epsilon: float | None) -> Callable[[CandidateResult], Cell]:
        return lambda candidate: estimate_cell(accuracy_under(candidate, family, epsilon), show_n=True)

    def main(family: Family) -> tuple[str, Callable[[CandidateResult], Cell]]:
        if family.minimal:
            title = f"Median minimal norm, {family.label}, relative to the embedding scale"
            return title, lambda candidate: norm_cell(minimal_norm_of(candidate, family))
        return f"Accuracy under {attack_label(family, family.main_epsilon)}", under(
            family, family.main_epsilon
        )

    attacked = [
        *map(main, families(report)),
        ("Accuracy under the strongest attack", strongest),
        ("Worst case: no attack of the audit succeeds", worst),
    ]
    tested = is_tested(report)
    return [
        ("Clean accuracy" if tested else "Accuracy", clean),
        *(attacked if any(candidate.robustness.attacks for candidate in report.candidates) else []),
        (f"Largest difference between groups{', clean' if tested else ''}", disparity),
    ]
