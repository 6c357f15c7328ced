"""How often attacks that change texts succeed, and how often with a text that stays near the original."""

from reports.blocks import Block, Bullets, Cell, Column, Details, Row, Table, Text, estimate_cell
from reports.formatting import counted, name
from reports.highlights import label_of, reached, shortens_texts
from reports.model import AuditReport, CandidateResult
from robustness.estimate import Estimate
from robustness.results import AttackResult

ENDED_EARLY = (
    "Where a cell says that an attack ended early, its budget for all examples was used up or the audit was "
    "interrupted. The figure is of those examples that had their turn, a sample drawn at random; it stands "
    "in no comparison and in no worst case."
)

_UNSEEN = (
    "Characters that no reader sees fool the sentence encoder as well, which then takes a text that looks "
    "the same for another: of such attacks the success with any text is the one to go by."
)

_LIMITS = (
    ("min_similarity", "a sentence similarity of {:g} or more"),
    ("max_changed", "at most {:.4g} % of the words changed"),
    ("max_perplexity_ratio", "at most {:g} times the perplexity"),
)


def judged(report: AuditReport) -> list[tuple[CandidateResult, AttackResult]]:
    """The attacks whose texts were held to limits, those on one family side by side."""
    found = [
        (candidate, attack)
        for candidate in report.candidates
        for attack in candidate.robustness.attacks
        if attack.filtered_success_rate is not None and not shortens_texts(attack)
    ]
    order = list(dict.fromkeys(label_of(report, attack) for _, attack in found))
    return sorted(found, key=lambda each: order.index(label_of(report, each[1])))


def success_table(report: AuditReport) -> Table | None:
    """Raw success beside that near the original; None where no attack changed texts."""
    found = judged(report)
    if not found:
        return None
    rows = [
        Row(
            label_of(report, attack),
            [reached_cell(attack, attack.attack_success_rate, show_n=True), _near_cell(attack)],
            note=name(candidate.name),
        )
        for candidate, attack in found
    ]
    columns = [Column("Attack"), Column("Success, any text"), Column("Success, text near the original")]
    return Table("Success of the attacks that change texts", columns, rows)


def success_blocks(report: AuditReport) -> list[Block]:
    """The table, what near means, and what could not be held to it."""
    table = success_table(report)
    if table is None:
        return []
    blocks: list[Block] = [table, Text(near_in_words(report), "muted")]
    notes = [
        f"{label_of(report, attack)}, {name(candidate.name)}: {note}"
        for candidate, attack in judged(report)
        for note in attack.notes
    ]
    if notes:
        blocks.append(Details(f"{counted(len(notes), 'note')} on how near could be judged", [Bullets(notes)]))
    return blocks


def near_in_words(report: AuditReport) -> str:
    """The limits within which a text counts as near the original, with their figures."""
    limits = report.provenance.config.get("similarity") or {}
    said = [
        text.format(limits[key] * 100 if key == "max_changed" else limits[key])
        for key, text in _LIMITS
        if limits.get(key) is not None
    ]
    listed = " and ".join(filter(None, (", ".join(said[:-1]), *said[-1:])))
    near = f"A text counts as near the original with {listed}. " if said else ""
    told = (
        f"{near}The others may have lost the meaning, and with it the label; near is "
        "not the same in meaning: read the texts."
    )
    on_characters = any(attack.threat_model.space == "character" for _, attack in judged(report))
    return f"{told} {_UNSEEN}" if on_characters else told


def reached_cell(attack: AttackResult, estimate: Estimate, *, show_n: bool = False) -> Cell:
    """A rate of one attack, with a warning where not all examples had their turn."""
    cell = estimate_cell(estimate, show_n=show_n)
    if not attack.unreached:
        return cell
    ended = f"{reached(attack)}, ended early"
    return Cell(cell.text, f"{cell.note} · {ended}" if cell.note else ended, "warn")


def _near_cell(attack: AttackResult) -> Cell:
    cell = estimate_cell(attack.filtered_success_rate)
    if not attack.notes:
        return cell
    return Cell(cell.text, " · ".join(filter(None, (cell.note, "some judged in part"))), cell.tone)
