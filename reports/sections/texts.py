"""The texts that fooled each model, with what the attack changed in them marked."""

from reports.blocks import Block, Details, Example, Examples, Section, Text
from reports.diffs import word_diff
from reports.formatting import name
from reports.highlights import label_of
from reports.model import AuditReport
from robustness.results import AdversarialExample

ORDER = 42


def section(report: AuditReport) -> Section | None:
    """None where no attack changed a text and fooled a model with it."""
    found: list[Block] = [
        Details(
            f"{name(candidate.name)}, {label_of(report, attack)}: "
            f"showing {len(attack.examples):,} of {attack.successes:,}",
            [Examples([_example(each) for each in attack.examples])],
        )
        for candidate in report.candidates
        for attack in candidate.robustness.attacks
        if attack.examples
    ]
    if not found:
        return None
    told = (
        "The model classified each of these texts correctly before the attack changed it. Words that were "
        "taken out are struck through, words that were put in are underlined. The file "
        "adversarial.jsonl beside the report has all of them."
    )
    return Section("Texts that fooled the models", "texts", [Text(told, "muted"), *found])


def _example(example: AdversarialExample) -> Example:
    return Example(
        id=name(example.example_id),
        label=name(example.label),
        before=name(example.before),
        after=name(example.after),
        parts=[
            word_diff(before, after)
            for before, after in zip(example.original, example.perturbed, strict=True)
        ],
    )
