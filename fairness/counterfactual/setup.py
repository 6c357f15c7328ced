"""What a run swaps and asks, checked before the first question."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from attacks.errors import AssayError, nearest
from fairness.counterfactual.examples import Example
from fairness.counterfactual.swapping import Swapper
from fairness.counterfactual.templates import built_in_templates, read_templates, template_examples
from fairness.counterfactual.term_set import TermSet
from fairness.counterfactual.terms import load_terms

BUILT_IN = "built-in templates"
"""The name of the set of templates that comes with the package."""


@dataclass(frozen=True)
class Counterfactuals:
    """A checked run.

    templates: the filled templates, as examples; none where no templates are asked. templates_name: where
    they come from. outcome: the label whose probability is the score; None for that of the reference.
    max_examples, max_variants: of the texts; None for all.
    """

    terms: tuple[TermSet, ...]
    swapper: Swapper
    templates: tuple[Example, ...]
    templates_name: str
    outcome: str | None
    max_examples: int | None = None
    max_variants: int | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the terms and how many swaps of a text are asked."""
        slots = {
            each.axis: {slot: dict(groups) for slot, groups in each.slots.items()} for each in self.terms
        }
        return hashlib.sha256(json.dumps([slots, self.max_variants]).encode()).hexdigest()

    @property
    def templates_fingerprint(self) -> str:
        """SHA-256 (hex) of all filled templates and their labels."""
        filled = [[each.id, each.label, [swap.text for swap in each.swaps]] for each in self.templates]
        return hashlib.sha256(json.dumps(filled).encode()).hexdigest()


def set_up(
    label_names: Sequence[str],
    *,
    axes: Sequence[str] | None = None,
    terms: Sequence[Path] = (),
    templates: bool | Path = True,
    template_labels: Mapping[str, str] | None = None,
    outcome: str | None = None,
    max_examples: int | None = None,
    max_variants: int | None = None,
) -> Counterfactuals:
    """A run on data with the labels ``label_names``.

    axes, terms: see ``terms.load_terms``. templates: whether to ask the built-in ones, or a file of others.
    template_labels: {tone: label} for the built-in ones. outcome: the label whose probability is followed; by
    default the second of two, and of more that of the reference. Raises AssayError for a mistake in any.
    """
    if outcome is not None and outcome not in label_names:
        raise AssayError(
            f'counterfactual: the data has no label "{outcome}".{nearest(outcome, list(label_names))} Its '
            f"labels: {', '.join(label_names)}."
        )
    if outcome is None and len(label_names) == 2:
        outcome = label_names[1]
    sets = load_terms(axes, terms)
    if isinstance(templates, Path):
        given = read_templates(templates)
    else:
        given = built_in_templates(template_labels or {}) if templates else []
    return Counterfactuals(
        terms=sets,
        swapper=Swapper(sets),
        templates=tuple(template_examples(given, sets, label_names)),
        templates_name=templates.name if isinstance(templates, Path) else BUILT_IN,
        outcome=outcome,
        max_examples=max_examples,
        max_variants=max_variants,
    )
