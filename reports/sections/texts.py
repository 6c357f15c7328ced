"""The texts that fooled each model, with what the attack changed in them marked."""

from reports.blocks import Block, Details, Example, Examples, Section, Text
from reports.diffs import visible_diff
from reports.formatting import counted, figure, name
from reports.highlights import label_of, shortens_texts
from reports.model import AuditReport, CandidateResult
from robustness.quality.measured import Quality
from robustness.results import AdversarialExample, AttackResult

ORDER = 54

MOST_TEXTS = 600
"""Texts that a report shows of all attacks together; audit.json and adversarial.jsonl have more."""
FEWEST_TEXTS = 10
"""Texts that it shows of each attack, however many attacks there are."""

UNSEEN = (
    "What cannot be seen in a changed word is written out: \\u200b is a space of no width, \\u202e turns the "
    "reading direction, \\u0008 is a backspace. A letter of another script that only looks the same has its "
    "code point behind the word."
)


def section(report: AuditReport) -> Section | None:
    """None where no attack changed a text and fooled a model with it."""
    limit = shown_of_each(report)
    found: list[Block] = [
        Details(
            f"{name(candidate.name)}, {label_of(report, attack)}: "
            f"showing {len(attack.examples[:limit]):,} of {attack.successes:,}",
            [Examples([changed_text(each) for each in attack.examples[:limit]])],
        )
        for candidate, attack in fooling(report)
    ]
    if not found:
        return None
    told = (
        "The model classified each of these texts correctly before the attack changed it. Words that were "
        "taken out are struck through, words that were put in are underlined. The file "
        "adversarial.jsonl beside the report has all of them."
    )
    hidden = (
        [Text(UNSEEN, "muted")]
        if any(a.threat_model.space == "character" for _, a in fooling(report))
        else []
    )
    return Section("Texts that fooled the models", "texts", [Text(told, "muted"), *hidden, *found])


def fooling(report: AuditReport) -> list[tuple[CandidateResult, AttackResult]]:
    """The attacks that fooled a model with changed texts."""
    return [
        (candidate, attack)
        for candidate in report.candidates
        for attack in candidate.robustness.attacks
        if attack.examples and not shortens_texts(attack)
    ]


def shown_of_each(report: AuditReport) -> int:
    """The most texts that the report shows of one attack on one candidate."""
    return max(FEWEST_TEXTS, MOST_TEXTS // max(1, len(fooling(report))))


def changed_text(example: AdversarialExample) -> Example:
    return Example(
        id=name(example.example_id),
        label=name(example.label),
        before=name(example.before),
        after=name(example.after),
        parts=[
            visible_diff(before, after)
            for before, after in zip(example.original, example.perturbed, strict=True)
        ],
        note=quality_in_words(example.quality),
    )


def quality_in_words(quality: Quality | None) -> str:
    """``similarity 0.914 · 2 of 14 words changed · perplexity 35 before, 80 after``; "" where not known."""
    if quality is None:
        return ""
    said = [f"{quality.words_changed:,} of {counted(quality.words, 'word')} changed"]
    if quality.similarity is not None:
        said.insert(0, f"similarity {figure(quality.similarity, 'number')}")
    if quality.perplexity is not None and quality.perplexity_before is not None:
        said.append(f"perplexity {quality.perplexity_before:,.0f} before, {quality.perplexity:,.0f} after")
    if quality.truncated:
        said.append("only the beginning was compared")
    return " · ".join(said)
