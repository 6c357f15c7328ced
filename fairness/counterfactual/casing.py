"""How a term is written where another one stood: its capitals, and the article before it."""

import re
from collections.abc import Iterable, Iterator

from fairness.counterfactual.neighbours import starts_sentence
from robustness.behaviour.words import Edit

_ARTICLE = re.compile(r"(?<![\w'’-])(an?)[^\S\n]+[\"'“‘(]?\Z", re.IGNORECASE)
_VOWEL = re.compile(r"[aeiou]|hon(?!ey)|hour|heir", re.IGNORECASE)
_NO_VOWEL = re.compile(r"eu|one(?!i)|uni(?!n|m)|u[ks]r?[aeiou]|ugan|urug|uzb(?!e)", re.IGNORECASE)
"""What is written with a vowel and spoken without: European, one, university, Ukrainian, usual, Ugandan."""


def in_case_of(text: str, start: int, end: int, term: str, target: str, *, lower: bool) -> str:
    """``target`` in the place of the characters ``start`` to ``end``, which spell ``term``.

    term, target: as in the middle of a sentence. lower: whether the text has no capitals at all.

    In capitals where those are; with a capital where they have one that the term itself has not; in lower
    case where the text has no capitals or leaves the term's out.
    """
    found = text[start:end]
    if lower:
        return target.lower()
    if found.isupper() and len(found) > 1 and not term.isupper():
        return target.upper()
    if term[0].isupper():
        if found[0].islower():
            return target.lower()
        return _capital(target) if starts_sentence(text, start) else target
    return _capital(target) if found[0].isupper() else target


def with_articles(text: str, edits: Iterable[Edit]) -> Iterator[Edit]:
    """The edits, each with the article before it put right: "a Muslim" and "an atheist"."""
    for edit in edits:
        article = _ARTICLE.search(text, max(0, edit.start - 8), edit.start)
        if article is None or not _same_sound_needed(article[1], edit.text):
            yield edit
            continue
        between = text[article.end(1) : edit.start]
        yield Edit(article.start(1), edit.end, f"{_article(article[1], edit.text)}{between}{edit.text}")


def starts_with_vowel(word: str) -> bool:
    """Whether a word is spoken with a vowel first, as far as its letters tell."""
    return _VOWEL.match(word) is not None and _NO_VOWEL.match(word) is None


def _same_sound_needed(article: str, word: str) -> bool:
    return (len(article) == 2) != starts_with_vowel(word)


def _article(old: str, word: str) -> str:
    if not starts_with_vowel(word):
        return old[0]
    return f"{old[0]}N" if old[0].isupper() and word.isupper() else f"{old[0]}n"


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]
