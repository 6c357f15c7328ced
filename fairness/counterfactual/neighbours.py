"""The words around a word of a text, as far as nothing but a space is between them."""

import re

_NEXT = re.compile(r"[^\S\n]+[\"'“‘(]?(\w[\w'’-]*)")
_BEFORE = re.compile(r"(\w[\w'’-]*)[\"'“‘(]?[^\S\n]+\Z")
_SENTENCE_START = re.compile(r"(?:\A|[.!?:\n]|[.!?][\"'”’)])[\s\"'“‘(*>-]*\Z")
_CAPITAL = re.compile(r"[^\S\n]+([A-Z][\w’'-]*)")
_FAR = 60
"""Characters that are looked at before a word."""


def following(text: str, end: int, count: int = 1) -> list[str]:
    """Up to ``count`` next words with nothing but a space between them, in lower case."""
    found: list[str] = []
    while len(found) < count and (match := _NEXT.match(text, end)):
        found.append(match[1].lower())
        end = match.end()
    return found


def preceding(text: str, start: int, count: int = 1) -> list[str]:
    """Up to ``count`` words before with nothing but a space between them, nearest first, in lower case."""
    found: list[str] = []
    floor = max(0, start - _FAR)
    while len(found) < count and (match := _BEFORE.search(text[floor:start])):
        found.append(match[1].lower())
        start = floor + match.start()
    return found


def starts_sentence(text: str, start: int) -> bool:
    """Whether the word at ``start`` is the first of a sentence or a line."""
    return _SENTENCE_START.search(text[max(0, start - _FAR) : start]) is not None


def capital_follows(text: str, end: int) -> bool:
    """Whether a capitalised word follows; unless this one is in capitals, one that is not all capitals."""
    match = _CAPITAL.match(text, end)
    return match is not None and (
        not match[1].isupper() or len(match[1]) == 1 or text[end - 2 : end].isupper()
    )
