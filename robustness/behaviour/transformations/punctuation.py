"""Punctuation that carries no label."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from robustness.behaviour.base import InvarianceTest, Nature
from robustness.behaviour.words import Edit, apply, is_free, protected_spans

_EMOTICON = re.compile(r"(?<![^\s])[:;=8xX]['’]?-?[()\[\]DPpOo/\\|3*]+(?![^\W_])")
_MARK = re.compile(r"[.,;:!…\"“”„«»()\[\]{}—–]")
_IN_NUMBER = re.compile(r"(?<=\d)[.,:](?=\d)")
_ABBREVIATION = re.compile(r"(?<![^\W\d_])(?:[^\W\d_]\.){2,}")


@dataclass(frozen=True, kw_only=True)
class Punctuation(InvarianceTest):
    """The final mark added, removed or doubled, or all marks stripped.

    Question marks, apostrophes, hyphens, emoticons, abbreviations (U.S.) and the marks inside numbers stay:
    without them a text says something else.
    """

    name: ClassVar[str] = "punctuation"
    nature: ClassVar[Nature] = "meaning kept"

    change: Literal["each", "add", "remove", "double", "strip"] = field(
        default="each", metadata={"help": "what is done; each: a variant for every change that can be made"}
    )

    def variants_of(self, text: str, rng: np.random.Generator) -> Iterator[str]:
        if self.change in ("each", "add"):
            yield add_final(text)
        if self.change in ("each", "remove"):
            yield remove_final(text)
        if self.change in ("each", "double"):
            yield double_final(text)
        if self.change in ("each", "strip"):
            yield strip_marks(text)


def add_final(text: str) -> str:
    """The text with a full stop after its last letter or digit; as it is where it ends in anything else."""
    end = len(text.rstrip())
    if end == 0 or not text[end - 1].isalnum() or not is_free(end - 1, end, _kept(text)):
        return text
    return text[:end] + "." + text[end:]


def remove_final(text: str) -> str:
    """The text without the full stops and exclamation marks at its end; a text of nothing else stays."""
    body = text.rstrip()
    rest = body.rstrip(".!…")
    if not rest.strip() or rest == body or not is_free(len(rest), len(body), _kept(text)):
        return text
    return rest.rstrip() + text[len(body) :]


def double_final(text: str) -> str:
    """The text with its last mark twice."""
    end = len(text.rstrip())
    if end == 0 or text[end - 1] not in ".!?…" or not is_free(end - 1, end, protected_spans(text)):
        return text
    return text[:end] + text[end - 1 :]


def strip_marks(text: str) -> str:
    """The text without its marks; a space stands where one parted two words without a space."""
    kept = _kept(text)
    marks = [match.start() for match in _MARK.finditer(text) if is_free(*match.span(), kept)]
    stripped = apply(text, [_stripped(text, run[0], run[-1] + 1) for run in _runs(text, marks)])
    return stripped if any(map(str.isalnum, stripped)) else text


def _kept(text: str) -> list[tuple[int, int]]:
    """Where marks are part of something: addresses and placeholders, emoticons, numbers, abbreviations."""
    spans = protected_spans(text)
    for pattern in (_EMOTICON, _IN_NUMBER, _ABBREVIATION):
        spans += [match.span() for match in pattern.finditer(text) if is_free(*match.span(), sorted(spans))]
    return sorted(spans)


def _runs(text: str, marks: list[int]) -> list[list[int]]:
    """Marks together with those that only space parts from them."""
    runs: list[list[int]] = []
    for mark in marks:
        if runs and not text[runs[-1][-1] + 1 : mark].strip():
            runs[-1].append(mark)
        else:
            runs.append([mark])
    return runs


def _stripped(text: str, first: int, end: int) -> Edit:
    """The marks from ``first`` to ``end`` and the spaces around them become one stretch of space, or nothing
    at an end of the text."""
    left, right = first, end
    while left and text[left - 1].isspace():
        left -= 1
    while right < len(text) and text[right].isspace():
        right += 1
    if left == 0 or right == len(text):
        return Edit(left, right, "")
    return Edit(left, right, text[end:right] or text[left:first] or " ")
