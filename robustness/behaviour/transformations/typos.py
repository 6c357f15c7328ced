"""Typing errors."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np

from attacks.parameters import require_positive
from robustness.behaviour.base import NOUN
from robustness.behaviour.sampled import NoiseTest, pick
from robustness.behaviour.words import Edit, Word, apply, cased_like, words

Error = Literal["neighbour", "swap", "deletion", "doubling"]

ERRORS: tuple[Error, ...] = ("neighbour", "swap", "deletion", "doubling")

LAYOUTS: Mapping[str, tuple[str, str, str]] = {
    "qwerty": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "qwertz": ("qwertzuiopü", "asdfghjklöä", "yxcvbnm"),
    "azerty": ("azertyuiop", "qsdfghjklm", "wxcvbn"),
}
"""The letter rows of keyboards, from the top."""

ROW_OFFSETS = (0.0, 0.25, 0.75)
"""How far each row is moved to the right against the top one, in key widths: the stagger of a keyboard."""


@dataclass(frozen=True, kw_only=True)
class Typos(NoiseTest):
    """Typing errors: a neighbouring key, two letters swapped, one left out or struck twice.

    A place is a word with at least ``min_letters`` letters of the layout; its first letter is never touched,
    since readers lean on it and typists seldom miss it (Pruthi et al. 2019, "Combating adversarial
    misspellings with robust word recognition", section 3.1, who also keep the last one and short words).
    The key that is hit instead is drawn with a probability falling with the square of its distance, among
    those that touch the right one. An error costs one edit, where a swap of neighbours counts as one
    (Damerau 1964).
    """

    name: ClassVar[str] = "typos"

    error: Literal["any", "neighbour", "swap", "deletion", "doubling"] = field(
        default="any", metadata={"help": "the kind of error"}
    )
    layout: Literal["qwerty", "qwertz", "azerty"] = field(
        default="qwerty", metadata={"help": "the keyboard that is typed on"}
    )
    reach: float = field(
        default=1.3,
        metadata={"help": "the farthest key that is hit instead, in key widths; 1.3: those touching"},
    )
    min_letters: int = field(default=4, metadata={"help": "the shortest word that gets an error"})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "reach", self.reach, kind=NOUN)
        require_positive(self.name, "min_letters", self.min_letters, kind=NOUN)

    def draw(self, text: str, rng: np.random.Generator) -> str | None:
        keys = neighbours(self.layout, self.reach)
        kinds: tuple[Error, ...] = ERRORS if self.error == "any" else (self.error,)
        places = [
            (word, found)
            for word in words(text)
            if len(word.text) >= self.min_letters and (found := _edits(word, kinds, keys))
        ]
        if not places:
            return None
        edits = []
        for place in pick(rng, self.budget(len(places)), len(places)):
            word, found = places[place]
            kind = list(found)[int(rng.integers(len(found)))]
            at = found[kind][int(rng.integers(len(found[kind])))]
            edits.append(_edit(word, kind, at, keys, rng))
        return apply(text, edits)


@cache
def neighbours(layout: str, reach: float) -> Mapping[str, Mapping[str, float]]:
    """{letter: {letter of another key within ``reach``: distance}}, in key widths."""
    where = {
        letter: (column + offset, row)
        for row, (letters, offset) in enumerate(zip(LAYOUTS[layout], ROW_OFFSETS, strict=True))
        for column, letter in enumerate(letters)
    }
    return {
        letter: {
            other: distance
            for other, there in where.items()
            if other != letter and (distance := math.dist(here, there)) <= reach
        }
        for letter, here in where.items()
    }


def _edits(
    word: Word, kinds: tuple[Error, ...], keys: Mapping[str, Mapping[str, float]]
) -> dict[Error, list[int]]:
    """For each kind of error that the word can have, at which of its letters; never the first."""
    letters = word.text.lower()
    if len(letters) != len(word.text):
        return {}
    mine = [at for at in range(1, len(letters)) if letters[at] in keys]
    possible: dict[Error, list[int]] = {
        "neighbour": [at for at in mine if keys[letters[at]]],
        "swap": [at for at, then in pairwise(mine) if then == at + 1 and letters[at] != letters[then]],
        "deletion": mine,
        "doubling": mine,
    }
    return {kind: possible[kind] for kind in kinds if possible[kind]}


def _edit(
    word: Word, kind: Error, at: int, keys: Mapping[str, Mapping[str, float]], rng: np.random.Generator
) -> Edit:
    start = word.start + at
    letter = word.text[at]
    if kind == "neighbour":
        others = keys[letter.lower()]
        weights = np.array([distance**-2 for distance in others.values()])
        hit = list(others)[int(rng.choice(len(others), p=weights / weights.sum()))]
        return Edit(start, start + 1, cased_like(letter, hit))
    if kind == "swap":
        return Edit(start, start + 2, word.text[at + 1] + letter)
    if kind == "deletion":
        return Edit(start, start + 1, "")
    return Edit(start, start + 1, letter * 2)
