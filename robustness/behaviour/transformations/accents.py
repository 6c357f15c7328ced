"""Accents that a keyboard lacks."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from robustness.behaviour.base import InvarianceTest, Nature
from robustness.behaviour.words import Edit, apply, words

_WHOLE = {
    "ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe",
    "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D",
}  # fmt: skip
"""Letters that Unicode does not take apart."""


@dataclass(frozen=True, kw_only=True)
class Accents(InvarianceTest):
    """Accents left out: é becomes e, as it is typed where the keyboard has no é. Latin letters only."""

    name: ClassVar[str] = "accents"
    nature: ClassVar[Nature] = "natural noise"

    def variants_of(self, text: str, rng: np.random.Generator) -> Iterator[str]:
        # An accent may be a character of its own after its letter; composed, both are one letter of a word.
        composed = unicodedata.normalize("NFC", text)
        edits = [Edit(word.start, word.end, "".join(map(_plain, word.text))) for word in words(composed)]
        if any(edit.text != composed[edit.start : edit.end] for edit in edits):
            yield apply(composed, edits)


def _plain(letter: str) -> str:
    if letter in _WHOLE:
        return _WHOLE[letter]
    base = unicodedata.normalize("NFD", letter)[0]
    return base if base.isascii() else letter
