"""What changed between two texts, word by word."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

CONTEXT = 20
"""Unchanged words that are kept on either side of a change."""

Change = Literal["same", "del", "ins", "gap"]

_SPACES = {" ": "␣", "\n": "⏎", "\t": "⇥"}
WHITE_SPACE = "␣ is a space, ⏎ a line break, ⇥ a tab"
_WITHOUT_SHAPE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Characters that are not seen and that Unicode does not class as formats, of which none is seen."""


@dataclass(frozen=True)
class Span:
    """A run of words: in both texts, only in the first (``del``), only in the second (``ins``), or a note of
    how many words of both are left out (``gap``)."""

    change: Change
    text: str


def visible_diff(before: str, after: str) -> list[Span]:
    """``word_diff``, but no change in it is hidden from the eye.

    Of a run of words whose invisible characters changed these are written out, ``\\u200b``. A word with
    letters in the place of others of another script is followed by their code points,
    ``p\u0430ypal [U+0430 Cyrillic]``. Where white space alone changed, each such run of it is a span: ``␣``
    is a space, ``⏎`` a line break.
    """
    if only_white_space_differs(before, after):
        return _assembled(list(_white_space(before, after)))
    spans = word_diff(before, after)
    found: list[Span] = []
    for i, span in enumerate(spans):
        previous, following = spans[i - 1 : i], spans[i + 1 : i + 2]
        if span.change == "del":
            other = following[0].text if following and following[0].change == "ins" else ""
            found.append(Span("del", _written_out(span.text, other)))
        elif span.change == "ins":
            other = previous[0].text if previous and previous[0].change == "del" else ""
            found.append(Span("ins", _written_out(_with_code_points(span.text, other), other)))
        else:
            found.append(span)
    return found


def only_white_space_differs(before: str, after: str) -> bool:
    return before != after and before.split() == after.split()


def word_diff(before: str, after: str) -> list[Span]:
    """How ``after`` came from ``before``: the words, which white space divides, of both in reading order.

    Runs of white space count as one space. Unchanged words far from every change are left out.
    """
    return _assembled(list(_spans(before.split(), after.split())))


def _assembled(spans: Sequence[tuple[Change, Sequence[str]]]) -> list[Span]:
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


def _white_space(before: str, after: str) -> Iterator[tuple[Change, Sequence[str]]]:
    """The runs between the same words: what is there now where it is another one, what was where none is."""
    words, kept = before.split(), list[str]()
    runs = zip(re.split(r"\S+", before), re.split(r"\S+", after), strict=True)
    for i, (old, new) in enumerate(runs):
        if old != new:
            if kept:
                yield "same", kept
                kept = []
            yield ("ins", [_spaces(new)]) if new else ("del", [_spaces(old)])
        kept += words[i : i + 1]
    if kept:
        yield "same", kept


def _spaces(run: str) -> str:
    return "".join(_SPACES.get(char) or _code_point(char) for char in run)


def _code_point(char: str) -> str:
    return f"[U+{ord(char):04X}]"


def _written_out(text: str, other: str) -> str:
    """``text`` with its invisible characters as escapes, where it does not have the same ones as ``other``.

    A word that keeps them, such as an emoji of several characters, stays as it is.
    """
    if Counter(filter(_is_invisible, text)) == Counter(filter(_is_invisible, other)):
        return text
    return "".join(f"\\u{ord(char):04x}" if _is_invisible(char) else char for char in text)


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) == "Cf" or char in _WITHOUT_SHAPE or 0xFE00 <= ord(char) <= 0xFE0F


def _with_code_points(text: str, other: str) -> str:
    """The words of ``text``, each followed by the code points of its lookalikes for letters of ``other``."""
    words, originals = text.split(" "), other.split(" ")
    if len(words) != len(originals):
        return text
    return " ".join(
        f"{word} [{', '.join(found)}]" if (found := list(_lookalikes(word, original))) else word
        for word, original in zip(words, originals, strict=True)
    )


def _lookalikes(word: str, original: str) -> Iterable[str]:
    """``U+0430 Cyrillic`` for each character of another script than the one in its place, each once."""
    if len(word) != len(original):
        return []
    swapped = [new for new, old in zip(word, original, strict=True) if _is_lookalike(new, old)]
    return [f"U+{ord(char):04X} {_script(char).capitalize()}" for char in dict.fromkeys(swapped)]


def _is_lookalike(new: str, old: str) -> bool:
    return not (new.isascii() and old.isascii()) and new.isalpha() and _script(new) != _script(old)


def _script(char: str) -> str:
    """The script of a letter, with which its name begins: LATIN, GREEK, CYRILLIC."""
    return unicodedata.name(char, "unnamed").partition(" ")[0]


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
