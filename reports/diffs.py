"""What changed between two texts, word by word."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

CONTEXT = 20
"""Unchanged words that are kept on either side of a change."""

Change = Literal["same", "del", "ins", "gap"]


@dataclass(frozen=True)
class Span:
    """A run of words: in both texts, only in the first (``del``), only in the second (``ins``), or a note of
    how many words of both are left out (``gap``)."""

    change: Change
    text: str


def word_diff(before: str, after: str) -> list[Span]:
    """How ``after`` came from ``before``: the words, which white space divides, of both in reading order.

    Runs of white space count as one space. Unchanged words far from every change are left out.
    """
    spans = list(_spans(before.split(), after.split()))
    last = len(spans) - 1
    return [
        part
        for i, (change, words) in enumerate(spans)
        for part in (
            _near(words, first=i == 0, last=i == last)
            if change == "same"
            else [Span(change, " ".join(words))]
        )
    ]


def _spans(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[Change, Sequence[str]]]:
    # What both texts start and end with is set aside first: matching takes quadratic time, and an attack
    # changes few words.
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    middle, changed = before[start : len(before) - end], after[start : len(after) - end]
    found: list[tuple[Change, Sequence[str]]] = [("same", before[:start])]
    matcher = SequenceMatcher(a=middle, b=changed, autojunk=False)
    for operation, a, b, c, d in matcher.get_opcodes():
        if operation == "equal":
            found.append(("same", middle[a:b]))
        else:
            found += [("del", middle[a:b]), ("ins", changed[c:d])]
    found.append(("same", before[len(before) - end :]))
    return (each for each in found if each[1])


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words two texts start with in common."""
    limit = min(len(one), len(other))
    return next((i for i in range(limit) if one[i] != other[i]), limit)


def _near(words: Sequence[str], *, first: bool, last: bool) -> list[Span]:
    """The words of an unchanged run that are near a change: at its ends, but for those of the whole text."""
    head, tail = 0 if first else CONTEXT, 0 if last else CONTEXT
    left_out = len(words) - head - tail
    # A note in place of a few words would save nothing.
    if left_out <= CONTEXT:
        return [Span("same", " ".join(words))]
    gap = Span("gap", f"{left_out:,} words")
    parts = [Span("same", " ".join(words[:head])), gap, Span("same", " ".join(words[len(words) - tail :]))]
    return [part for part in parts if part.text]
