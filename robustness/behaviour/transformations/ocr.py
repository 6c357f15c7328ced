"""Errors of text recognition."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from robustness.behaviour.sampled import NoiseTest, pick
from robustness.behaviour.words import Edit, apply, is_free, protected_spans

CONFUSIONS: Mapping[str, tuple[str, ...]] = {
    "rn": ("m",),
    "m": ("rn",),
    "cl": ("d",),
    "d": ("cl",),
    "vv": ("w",),
    "w": ("vv",),
    "ri": ("n",),
    "n": ("ri",),
    "fi": ("ﬁ",),
    "fl": ("ﬂ",),
    "l": ("1", "I"),
    "I": ("l", "1"),
    "1": ("l", "I"),
    "i": ("l", "j"),
    "O": ("0",),
    "0": ("O", "o"),
    "o": ("0",),
    "S": ("5",),
    "5": ("S",),
    "B": ("8",),
    "8": ("B",),
    "Z": ("2",),
    "2": ("Z",),
    "G": ("6",),
    "6": ("G",),
    "e": ("c",),
    "c": ("e",),
    "h": ("b",),
    "b": ("h",),
    "u": ("v",),
    "v": ("u",),
    "g": ("q", "9"),
    "q": ("g",),
    "t": ("f",),
    "f": ("t",),
}
"""What is printed, and what is read instead: shapes that are alike in print."""


@dataclass(frozen=True, kw_only=True)
class OCR(NoiseTest):
    """Errors of text recognition: letters and pairs of letters read as others of the same shape.

    A place is a letter, digit or pair of letters in ``CONFUSIONS``; a pair counts as one place. The first
    letter of a word is a place like any other: a scanner has no regard for it.
    """

    name: ClassVar[str] = "ocr"

    def draw(self, text: str, rng: np.random.Generator) -> str | None:
        places = confusable(text)
        if not places:
            return None
        edits = []
        for place in pick(rng, self.budget(len(places)), len(places)):
            start, end = places[place]
            others = CONFUSIONS[text[start:end]]
            edits.append(Edit(start, end, others[int(rng.integers(len(others)))]))
        return apply(text, edits)


def confusable(text: str) -> list[tuple[int, int]]:
    """Where (start, end) something of the table stands: in order, apart, pairs before single letters."""
    spans = protected_spans(text)
    found, at = [], 0
    while at < len(text):
        size = 2 if text[at : at + 2] in CONFUSIONS and at + 2 <= len(text) else 1
        if text[at : at + size] in CONFUSIONS and is_free(at, at + size, spans):
            found.append((at, at + size))
        at += size
    return found
