"""Proper names in a text: which words are one, and how to exchange them for others of their kind."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from robustness.behaviour.words import Edit, apply, free_matches

_BEFORE = re.compile(r"(?P<word>[^\W\d_]+)(?P<stop>\.?)[^\S\n]+\Z")
_TITLES = frozenset({"mr", "mrs", "ms", "mx", "dr", "st", "prof", "rev", "saint", "san", "santa"})
_FUNCTION_WORDS = frozenset(
    [
        "a",
        "after",
        "although",
        "an",
        "and",
        "are",
        "as",
        "at",
        "because",
        "before",
        "but",
        "by",
        "can",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "he",
        "her",
        "here",
        "his",
        "how",
        "i",
        "if",
        "in",
        "is",
        "it",
        "its",
        "like",
        "maybe",
        "my",
        "near",
        "no",
        "not",
        "now",
        "of",
        "oh",
        "on",
        "or",
        "our",
        "she",
        "should",
        "since",
        "so",
        "than",
        "that",
        "the",
        "their",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "though",
        "to",
        "until",
        "was",
        "we",
        "well",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "whose",
        "why",
        "will",
        "with",
        "without",
        "would",
        "yes",
        "yet",
        "you",
        "your",
    ]
)


def stands_after_name(text: str, start: int) -> bool:
    """Whether the word at ``start`` follows a title or a capitalised word that may be part of the same name.

    A function word ("When", "In") is no such word, although it has a capital at the start of a sentence.
    """
    match = _BEFORE.search(text[max(0, start - 80) : start])
    if match is None:
        return False
    word = match["word"]
    if match["stop"]:
        return word.lower() in _TITLES
    return word.lower() in _TITLES or (word[0].isupper() and word.lower() not in _FUNCTION_WORDS)


def swapped(
    text: str, pattern: re.Pattern[str], kinds: Mapping[str, Sequence[str]], rng: np.random.Generator
) -> str | None:
    """``text`` with every name that ``pattern`` finds replaced by another of its kind, which is drawn.

    kinds: {kind: its names}. All occurrences of one name get the same new one, and two names stay two: a name
    that stands anywhere in the text is not drawn. None where there is no name, or no other to draw.
    """
    found = [match for match in free_matches(pattern, text) if not stands_after_name(text, match.start())]
    if not found:
        return None
    taken = {match.group() for match in pattern.finditer(text)}
    new: dict[str, str] = {}
    for old in dict.fromkeys(match.group() for match in found):
        (mine,) = (names for names in kinds.values() if old in names)
        free = [name for name in mine if name not in taken]
        if not free:
            return None
        new[old] = free[int(rng.integers(len(free)))]
        taken.add(new[old])
    return apply(text, [Edit(*match.span(), new[match.group()]) for match in found])
