"""Words of a text as they stand in it: where they are, what must not be touched, and how to exchange them."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PROTECTED = re.compile(
    r"""
      (?:https?://|ftp://|www\.)\S*[^\s.,;:!?)\]'"’”]           # addresses, without the mark after them
    | (?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+                 # mail
    | (?<![\w.-])(?:[\w-]+\.)+(?:com|org|net|edu|gov|info|io|co\.uk)\b(?:/\S*)?   # without a scheme
    | [@\#][\w-]+                                               # handles and hashtags
    | <[^<>\s]+> | \[[\w:-]+\] | \{[\w:-]+\} | &\#?\w+;         # placeholders, tags and entities
    """,
    re.VERBOSE,
)
"""Stretches that are no language: a test that changes letters inside them would test something else."""

_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Word:
    """A run of letters: characters ``start`` to ``end`` of the text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Edit:
    """Puts ``text`` in place of the characters ``start`` to ``end``."""

    start: int
    end: int
    text: str


def protected_spans(text: str) -> list[tuple[int, int]]:
    """Where addresses, handles, hashtags, placeholders, tags and entities stand, in order."""
    return [match.span() for match in PROTECTED.finditer(text)]


def is_free(start: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether the characters ``start`` to ``end`` touch none of ``spans``, which are in order and apart."""
    before = bisect_left(spans, end, key=lambda span: span[0])
    return before == 0 or spans[before - 1][1] <= start


def words(text: str) -> list[Word]:
    """The runs of letters of any script, in order, without those in ``protected_spans``."""
    spans = protected_spans(text)
    found = (Word(match.group(), *match.span()) for match in _WORD.finditer(text))
    return [word for word in found if is_free(word.start, word.end, spans)]


def free_matches(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """The matches of ``pattern`` that touch none of ``protected_spans``, in order."""
    spans = protected_spans(text)
    return [match for match in pattern.finditer(text) if is_free(*match.span(), spans)]


def apply(text: str, edits: Iterable[Edit]) -> str:
    """``text`` with all ``edits``. ValueError where two of them overlap."""
    parts, at = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if edit.start < at:
            raise ValueError(f"expected edits that do not overlap, got two at character {edit.start}")
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*parts, text[at:]])


def cased_like(model: str, word: str) -> str:
    """``word`` in capitals, with a capital first, or as it is, whichever ``model`` does.

    A single capital letter, such as "I", says nothing of the rest: it counts as a capital first.
    """
    if len(model) > 1 and model.isupper():
        return word.upper()
    if model[:1].isupper():
        return word[:1].upper() + word[1:]
    return word
