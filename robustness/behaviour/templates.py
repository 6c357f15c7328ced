"""Labelled cases from templates: a text with slots, and what may stand in each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from string import Formatter

import numpy as np

from attacks.errors import AssayError, nearest
from robustness.dataset import TextDataset

COLUMN = "functionality"
"""The group column of templated cases."""


@dataclass(frozen=True)
class Template:
    """``text`` with slots in braces, as in "I {verb} the {noun}"; two braces are one brace of the text.

    label: of every case made from it. fill: {slot: the words that stand in it}; a slot that occurs twice has
    the same word twice. functionality: the name of what it tests.

    Raises AssayError for a slot without words, words without a slot, and a text that is no template.
    """

    text: str
    label: str
    functionality: str
    fill: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        slots = self.slots
        for slot in slots:
            if isinstance(self.fill.get(slot), str) or not self.fill.get(slot):
                hint = nearest(slot, list(self.fill))
                raise AssayError(f'Template "{self.text}": expected a list of words for {{{slot}}}.{hint}')
        for slot in self.fill:
            if slot not in slots:
                raise AssayError(
                    f'Template "{self.text}": there are words for {{{slot}}}, and no such slot.'
                    f"{nearest(slot, list(slots))} Its slots: {', '.join(slots) or 'none'}."
                )

    @property
    def slots(self) -> tuple[str, ...]:
        """The names in braces, each once, in order."""
        try:
            pieces = list(Formatter().parse(self.text))
        except ValueError as error:
            raise AssayError(
                f'Template "{self.text}": {error}. Write a brace of the text itself twice.'
            ) from None
        names = [name for _, name, _, _ in pieces if name is not None]
        for _, name, form, conversion in pieces:
            if name is not None and (not name.isidentifier() or form or conversion):
                raise AssayError(
                    f'Template "{self.text}": expected a plain name in each pair of braces, got "{name}". '
                    "Write a brace of the text itself twice."
                )
        return tuple(dict.fromkeys(names))

    def expand(self) -> list[str]:
        """Every combination of words, the last slot changing fastest; equal texts once."""
        slots = self.slots
        combinations = product(*(self.fill[slot] for slot in slots))
        return list(
            dict.fromkeys(self.text.format(**dict(zip(slots, words, strict=True))) for words in combinations)
        )


def templated(
    templates: Sequence[Template], *, name: str = "templates", label_names: Sequence[str] | None = None
) -> TextDataset:
    """The cases of all templates, with the group column ``functionality``; all of them are test examples.

    label_names: the order of the labels; without it that in which the templates name them. A text that two
    templates of one functionality make is one case. Raises AssayError where two templates give a text two
    labels, and for a label that is not in ``label_names``.
    """
    names = tuple(dict.fromkeys(t.label for t in templates)) if label_names is None else tuple(label_names)
    made: dict[tuple[str, str], Template] = {}
    label_of: dict[str, Template] = {}
    for template in templates:
        if template.label not in names:
            raise AssayError(
                f'Template "{template.text}": the label "{template.label}" is none of {", ".join(names)}.'
                f"{nearest(template.label, names)}"
            )
        for text in template.expand():
            other = label_of.setdefault(text, template)
            if other.label != template.label:
                raise AssayError(
                    f'The templates "{other.text}" and "{template.text}" both make "{text}", with the labels '
                    f'"{other.label}" and "{template.label}". Take it out of one of them.'
                )
            made.setdefault((template.functionality, text), template)
    counts: dict[str, int] = {}
    ids = []
    for functionality, _ in made:
        counts[functionality] = counts.get(functionality, 0) + 1
        ids.append(f"{functionality}:{counts[functionality]}")
    return TextDataset(
        name=name,
        ids=tuple(ids),
        texts=tuple(text for _, text in made),
        text_pairs=None,
        labels=np.array([names.index(template.label) for template in made.values()], dtype=np.int64),
        label_names=names,
        groups={COLUMN: np.array([functionality for functionality, _ in made], dtype=np.str_)},
        splits=np.full(len(made), "test"),
    )
