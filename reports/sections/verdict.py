"""The verdict: what the audit advises, the findings behind it, and the candidates side by side."""

from collections.abc import Callable, Sequence
from itertools import groupby

from reports.blocks import (
    MOST_COLUMNS,
    Block,
    Cell,
    Decision,
    Details,
    Facts,
    Part,
    Remark,
    Remarks,
    Row,
    Section,
    Table,
    Text,
    Tone,
    beside,
    estimate_cell,
    norm_cell,
)
from reports.decisions import Recommendation
from reports.definitions import is_tested, terms_in
from reports.formatting import counted, kind_of, listed, name, unbroken
from reports.highlights import (
    HEADLINE_IN_WORDS,
    Family,
    accuracy_under,
    attack_label,
    families,
    label_of,
    largest_disparity,
    minimal_norm_of,
    strongest_attack,
)
from reports.kinds import kind_title, section_of
from reports.model import AuditReport, CandidateResult, Finding
from reports.naming import in_sentence
from reports.verdict import FAILED

ORDER = 10
MOST_ATTACKS = 12
"""Attacks that the first table shows; the section on robustness has all of them."""

WORDS: dict[Recommendation, tuple[str, Tone]] = {
    "ship": ("✓\u00a0ship", "good"),
    "ship with care": ("!\u00a0ship\u00a0with\u00a0care", "care"),
    "do not ship": ("✗\u00a0do\u00a0not\u00a0ship", "bad"),
}
_WEIGHTS: dict[str, Tone] = {"critical": "bad", "warning": "warn", "info": "muted"}


def section(report: AuditReport) -> Section:
    verdict = report.verdict
    blocks: list[Block] = [Decision(verdict.state, verdict.reason), Text(_scope(report), "muted")]
    if verdict.because:
        remarks = Remarks([remark(finding) for finding in verdict.because], ranked=True)
        blocks.append(Part("What lies behind it", [remarks, *_terms(verdict.because)]))
    else:
        blocks.append(Text("No finding crossed the audit's thresholds."))
    blocks.append(Part("The candidates", [candidates_table(report), Text(_overlap(report), "muted")]))
    blocks += _others(report)
    return Section("Verdict", "verdict", blocks)


def _scope(report: AuditReport) -> str:
    candidates = counted(len(report.candidates), "candidate")
    attacks = max((len(candidate.robustness.attacks) for candidate in report.candidates), default=0)
    columns = [name(column) for column in report.data.groups]
    by = f", by {listed(columns)}" if columns else ""
    under = f", clean and under {counted(attacks, 'attack')} (each budget counted)" if attacks else ""
    on = f"{counted(report.data.n, 'example')} of {name(report.data.name)}"
    return f"{candidates} on {on}{under}{by}."


def _terms(findings: Sequence[Finding]) -> list[Block]:
    """The words of these findings that not everybody knows, each in a line."""
    found = terms_in([finding.message for finding in findings])
    return [Details("What these words mean", [Facts(found)])] if found else []


def _overlap(report: AuditReport) -> str:
    alone = "Each interval speaks of the chance of drawing these examples."
    if len(report.candidates) < 2:
        return alone
    return (
        f"{alone} Where the intervals of two candidates overlap, these figures establish no difference "
        "between them; a finding that does so compares them example by example."
    )


def _others(report: AuditReport) -> list[Block]:
    """All findings that are not among those behind the verdict, those of one kind together."""
    rest = [finding for finding in report.findings if finding not in report.verdict.because]
    if not rest:
        return []
    title = counted(len(rest), "other finding")
    kinds = list(dict.fromkeys(finding.id for finding in rest))
    grouped = sorted(rest, key=lambda finding: kinds.index(finding.id))
    parts = [_of_kind(kind, list(found)) for kind, found in groupby(grouped, key=lambda each: each.id)]
    return [Details(title if len(parts) == 1 else f"{title}, by kind", parts)]


def _of_kind(kind: str, found: Sequence[Finding]) -> Details:
    about = {finding.candidate for finding in found if finding.candidate is not None}
    of = f", {counted(len(about), 'candidate')}" if len(about) > 1 else ""
    return Details(f"{kind_title(kind)} ({len(found):,}{of})", [Remarks([remark(each) for each in found])])


def remark(finding: Finding) -> Remark:
    about = name(finding.candidate) if finding.candidate is not None else "all candidates"
    weight = "failed check" if finding.id == FAILED else finding.severity
    return Remark(_WEIGHTS[finding.severity], weight, about, unbroken(finding.message), section_of(finding))


def candidates_table(report: AuditReport) -> Table:
    """The candidates side by side: what a reader compares first."""
    level = f"{100 * report.provenance.confidence:.4g} %"
    names = [name(candidate.name) for candidate in report.candidates]
    rows = [
        Row(title, [cell(candidate) for candidate in report.candidates], note)
        for title, cell, note in _rows(report)
    ]
    caption = f"The candidates side by side, with intervals of {level} confidence"
    return beside(caption, "Measure", names, [*_verdicts(report), *rows])


def _verdicts(report: AuditReport) -> list[Row]:
    found = {each.candidate: each for each in report.verdict.candidates}
    if not found:
        return []
    # In a row for each of many candidates the sentence would drown the figures.
    told = len(report.candidates) <= MOST_COLUMNS
    cells = []
    for candidate in report.candidates:
        verdict = found.get(candidate.name)
        if verdict is None:
            cells.append(Cell("not judged", tone="muted"))
        else:
            word, tone = WORDS[verdict.state]
            cells.append(Cell(word, verdict.reason if told else "", tone))
    return [Row("Verdict", cells)]


def _rows(report: AuditReport) -> list[tuple[str, Callable[[CandidateResult], Cell], str]]:
    """(title, what it says of a candidate, note)."""

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
        what = f"{in_sentence(found.metric.replace('_difference', '', 1))}, by {name(found.column)}"
        return Cell(cell.text, " · ".join(filter(None, (cell.note, what, found.status))))

    def under(family: Family, epsilon: float | None) -> Callable[[CandidateResult], Cell]:
        return lambda candidate: estimate_cell(accuracy_under(candidate, family, epsilon), show_n=True)

    def main(family: Family) -> tuple[str, Callable[[CandidateResult], Cell], str]:
        if family.minimal:
            title = f"Median minimal norm, {family.label}, relative to the embedding scale"
            return title, lambda candidate: norm_cell(minimal_norm_of(candidate, family)), ""
        title = f"Accuracy under {attack_label(family, family.main_epsilon)}"
        return title, under(family, family.main_epsilon), ""

    attacked = [
        *map(main, families(report)[:MOST_ATTACKS]),
        ("Lowest accuracy under one attack", strongest, ""),
        ("Worst case: no attack of the audit succeeds", worst, ""),
    ]
    tested = is_tested(report)
    return [
        ("Clean accuracy" if tested else "Accuracy", clean, ""),
        *(attacked if any(candidate.robustness.attacks for candidate in report.candidates) else []),
        (f"Largest group difference{', clean' if tested else ''}", disparity, HEADLINE_IN_WORDS),
    ]
