"""The words of a text, and how many of them an attack changed."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from attacks.victims import TextInput
from robustness.quality.parts import parts

JOINERS = frozenset("'’‘-‐‑_")
"""Characters that belong to a word where one of them stands inside it: ``don't``, ``film-maker``."""

STAND_INS = frozenset("@*$&")
"""Characters written in place of letters, which belong to a word in it, in runs too: ``b@d``, ``s**t``."""

WORD = re.compile(
    r"m*+im*"  # an ideograph, with what is invisible around it
    r"|m*+[ad](?:[adm]|(?:j|s++)(?=m*+[ad])|(?<=d)p(?=d))*"
)
"""A word in terms of the classes of its characters, see ``_class``."""

UNSPACED = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff]"
)
"""Han characters and kana."""


class WordsChanged(NamedTuple):
    """changed: the least number of words inserted, deleted or replaced. total: words of the original."""

    changed: int
    total: int


def words_changed(original: TextInput, perturbed: TextInput) -> WordsChanged:
    """Word-level Levenshtein distance and the number of words of the original; the parts of a pair add up.

    Words are compared as they are, so that a change of case or an invisible character is a change. Two words
    that changed places count as two. Where words were inserted, more may be changed than there were.
    Raises ValueError for a text and a pair.
    """
    changed = total = 0
    for before, after in zip(parts(original), parts(perturbed), strict=True):
        words_before = words(before)
        changed += Levenshtein.distance(words_before, words(after))
        total += len(words_before)
    return WordsChanged(changed, total)


def words(text: str) -> list[str]:
    """The words of a text in order: runs of letters, digits and their marks.

    Punctuation, symbols and emoji are no words and separate them, but for ``JOINERS`` and ``STAND_INS`` in a
    word and the points and commas of a number. Invisible characters (of no width, directions, backspaces)
    belong to the word that they touch: they are what an imperceptible attack changes (Boucher et al. 2022).
    Scripts without spaces: Han characters and kana are a word each; a run of Thai, Lao, Khmer or Burmese is
    one word.
    """
    return [text[slice(*match.span())] for match in WORD.finditer("".join(map(_class, text)))]


@lru_cache(maxsize=65536)
def _class(character: str) -> str:
    """(i)deograph, (d)igit, (a)lphabetic, (m)ark or invisible, (j)oiner, (s)tand-in, (p)oint, or a blank."""
    if character.isalnum():
        if UNSPACED.match(character):
            return "i"
        return "d" if character.isdigit() else "a"
    category = unicodedata.category(character)
    if category in ("Mn", "Mc", "Me", "Cf") or (category == "Cc" and not character.isspace()):
        return "m"
    if character in JOINERS:
        return "j"
    if character in STAND_INS:
        return "s"
    return "p" if character in ".," else " "
