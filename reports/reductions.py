"""How much of a text the answer hangs on: attacks that take words out for as long as the answer stays."""

from statistics import median

from reports.blocks import Block, Cell, Column, Details, Examples, Part, Row, Table, Text, estimate_cell
from reports.formatting import duration, name
from reports.highlights import label_of, shortens_texts
from reports.model import AuditReport, CandidateResult
from reports.sections.texts import changed_text
from reports.successes import reached_cell
from robustness.results import AttackResult

SHOWN = 10
"""Shortened texts that are shown of one attack on one candidate."""

_TOLD = (
    "Words are taken out for as long as the predicted label stays. Where a few words that say little are "
    "left and the answer is still the same, the model does not go by what a reader goes by. That is no loss "
    "of accuracy, and these figures stand in no comparison with those above."
)


def reduction_blocks(report: AuditReport) -> list[Block]:
    """A part of its own, or nothing where no such attack was run."""
    found = [
        (candidate, attack)
        for candidate in report.candidates
        for attack in candidate.robustness.attacks
        if shortens_texts(attack)
    ]
    if not found:
        return []
    titles = (
        "Candidate",
        "Texts that could be shortened",
        "Words left of those there were, medians",
        "Queries per example",
        "Time",
    )
    table = Table(
        "Texts made shorter while the answer stays",
        [Column(title) for title in titles],
        [_row(report, candidate, attack) for candidate, attack in found],
    )
    shown = [_texts(report, candidate, attack) for candidate, attack in found if attack.examples]
    return [Part("How much of the text the answer hangs on", [Text(_TOLD), table, *shown])]


def _row(report: AuditReport, candidate: CandidateResult, attack: AttackResult) -> Row:
    left = [_words(each.perturbed) for each in attack.examples]
    before = [_words(each.original) for each in attack.examples]
    told = f"in {len(left):,} of {attack.successes:,} texts"
    return Row(
        name(candidate.name),
        [
            reached_cell(attack, attack.attack_success_rate),
            Cell(f"{median(left):g} of {median(before):g}", told)
            if left
            else Cell("not measured", tone="muted"),
            estimate_cell(attack.mean_queries, "count"),
            Cell(duration(attack.seconds)),
        ],
        note=label_of(report, attack),
    )


def _texts(report: AuditReport, candidate: CandidateResult, attack: AttackResult) -> Block:
    shown = attack.examples[:SHOWN]
    return Details(
        f"{name(candidate.name)}, {label_of(report, attack)}: showing {len(shown):,} of {attack.successes:,}",
        [Examples([changed_text(each) for each in shown])],
    )


def _words(parts: list[str]) -> int:
    return sum(len(part.split()) for part in parts)
