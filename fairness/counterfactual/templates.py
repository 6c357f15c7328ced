"""Templates: sentences with a slot for an identity, filled with every term of an axis.

A slot is ``{axis}`` (its adjective, ``{religion}`` is "Muslim"), ``{axis.slot}`` (``{religion.worship}`` is
"mosque"), or ``{slot}``, which stands for that slot of every axis that has it (``{people}``). Several slots
of a template are filled with terms of the same group.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from attacks.errors import AssayError, nearest
from fairness.counterfactual.casing import with_articles
from fairness.counterfactual.examples import Example
from fairness.counterfactual.files import read_rows
from fairness.counterfactual.neighbours import starts_sentence
from fairness.counterfactual.swapping import Swap
from fairness.counterfactual.tables.sentences import SENTENCES
from fairness.counterfactual.term_set import TermSet
from robustness.behaviour.words import Edit, apply

MOST_MEMBERS = 20
"""The most names of one group that a template is filled with."""

_FIELD = re.compile(r"\{([^{}]*)\}")
_OF_GENDER = {"person": "man", "people": "men", "adjective": "male"}
"""Slots of gender in the place of those that other axes have."""
_NAME = "name"


@dataclass(frozen=True)
class IdentityTemplate:
    """``text`` with slots in braces. label: that every filling should get; None where it has none.

    place: where it was written, for messages. optional: whether it may go unused where no axis of a run has
    its slots.
    """

    text: str
    label: str | None
    place: str
    optional: bool = False


def built_in_templates(labels: Mapping[str, str]) -> list[IdentityTemplate]:
    """Those of ``tables.sentences``; labels: {tone: label of the data}, for tones that have one."""
    for tone in labels:
        if tone not in SENTENCES:
            raise AssayError(
                f'counterfactual: there is no tone "{tone}".{nearest(tone, list(SENTENCES))} Tones of the '
                f"templates: {', '.join(SENTENCES)}."
            )
    return [
        IdentityTemplate(text, labels.get(tone), f"template of the tone {tone}", optional=True)
        for tone, texts in SENTENCES.items()
        for text in texts
    ]


def read_templates(file: Path) -> list[IdentityTemplate]:
    """The templates of a CSV or JSONL file with the columns text and, where wanted, label.

    Raises AssayError, with file and row, as ``files.read_rows`` does and for a text that stands twice.
    """
    found: dict[str, IdentityTemplate] = {}
    for row, cells in read_rows(file, ("text",), ("label",)):
        place = f"{file}, row {row}"
        if cells["text"] in found:
            raise AssayError(f'{place}: the template "{cells["text"]}" stands twice. Leave one out.')
        found[cells["text"]] = IdentityTemplate(cells["text"], cells.get("label"), place)
    return list(found.values())


def template_examples(
    templates: Sequence[IdentityTemplate], terms: Sequence[TermSet], label_names: Sequence[str]
) -> list[Example]:
    """Each template with each axis that it has a slot for, as an example whose variants are its fillings.

    Raises AssayError for a template without a
    slot, with an unknown one, or with slots of two axes, and for a label that is not in ``label_names``.
    """
    examples = []
    for template in templates:
        if template.label is not None and template.label not in label_names:
            raise AssayError(
                f'{template.place}: the data has no label "{template.label}".'
                f"{nearest(template.label, list(label_names))} Its labels: {', '.join(label_names)}."
            )
        examples += _examples(template, terms)
    return examples


def _examples(template: IdentityTemplate, terms: Sequence[TermSet]) -> list[Example]:
    fields = list(dict.fromkeys(match[1] for match in _FIELD.finditer(template.text)))
    if not fields or re.search("[{}]", _FIELD.sub("", template.text)):
        raise AssayError(
            f'{template.place}: expected slots in braces, as in "I am a {{person}}.", got "{template.text}".'
        )
    found = []
    for each in terms:
        options = [_slots(each, field) for field in fields]
        if all(options):
            # Of several slots for names the first of one field goes with the first of the other.
            for i in range(max(map(len, options))):
                slots = [option[min(i, len(option) - 1)] for option in options]
                found += _filled(template, each, dict(zip(fields, slots, strict=True)))
    if not found and not template.optional:
        _refuse(template, fields, terms)
    return found


def _slots(terms: TermSet, field: str) -> list[str]:
    """The slots of an axis that a field stands for; none where it stands for no slot of two groups."""
    only_names = terms.members == set(terms.slots)
    if field == _NAME or (field == terms.axis and only_names):
        named = [*terms.members]
    elif field == terms.axis:
        known = [slot for slot in ("adjective", _OF_GENDER["adjective"]) if slot in terms.slots]
        named = [*known, *terms.slots][:1]
    else:
        own = field.removeprefix(f"{terms.axis}.")
        named = [own if own in terms.slots else _OF_GENDER.get(own, own)]
    return sorted(slot for slot in named if len(terms.slots.get(slot, ())) > 1)


def _filled(template: IdentityTemplate, terms: TermSet, slots: Mapping[str, str]) -> list[Example]:
    """One example, or none where fewer than two groups have a term for each slot."""
    swaps = []
    for group in terms.groups:
        have = [terms.slots[slot].get(group, ()) for slot in slots.values()]
        members = [
            len(each) for slot, each in zip(slots.values(), have, strict=True) if slot in terms.members
        ]
        for i in range(min([MOST_MEMBERS, *members]) if members else 1) if all(have) else ():
            words = {
                field: each[i] if slot in terms.members else each[0]
                for (field, slot), each in zip(slots.items(), have, strict=True)
            }
            text = _text(template.text, words)
            swaps.append(Swap(text, terms.axis, "", group, tuple(("", word) for word in words.values())))
    if len({swap.new for swap in swaps}) < 2:
        return []
    exact = _FIELD.sub(lambda match: f"{{{terms.axis}.{slots[match[1]]}}}", template.text)
    original = exact if len(terms.members) > 1 and set(slots.values()) <= terms.members else template.text
    return [Example(f"{terms.axis}: {exact}", original, template.label, None, tuple(swaps))]


def _text(text: str, words: Mapping[str, str]) -> str:
    edits = []
    for match in _FIELD.finditer(text):
        word = words[match[1]]
        if starts_sentence(text, match.start()):
            word = word[:1].upper() + word[1:]
        edits.append(Edit(match.start(), match.end(), word))
    return apply(text, with_articles(text, edits))


def _refuse(template: IdentityTemplate, fields: Sequence[str], terms: Sequence[TermSet]) -> None:
    known = [
        *(each.axis for each in terms),
        *(f"{each.axis}.{slot}" for each in terms for slot in each.slots if slot not in each.members),
        *dict.fromkeys(
            slot for each in terms for slot in each.slots if slot in ("adjective", "person", "people")
        ),
        *([_NAME] if any(each.members for each in terms) else []),
    ]
    for field in fields:
        if not any(_slots(each, field) for each in terms):
            raise AssayError(
                f"{template.place}: no axis of this run has a slot {{{field}}}.{nearest(field, known)} "
                f"There are, among others, {', '.join(known[:12])}."
            )
    raise AssayError(
        f'{template.place}: expected slots that one axis has, got those of several in "{template.text}". '
        "Write a template for each axis."
    )
