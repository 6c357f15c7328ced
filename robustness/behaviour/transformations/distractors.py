"""Things added to a text that have nothing to do with it."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from robustness.behaviour.base import Nature
from robustness.behaviour.sampled import SampledTest
from robustness.behaviour.words import is_free, protected_spans

PHRASES = (
    "This was written on a Tuesday.",
    "I am typing this in the kitchen.",
    "It is four in the afternoon here.",
    "Sent from my phone.",
    "The date is the third of May.",
    "And true is true.",
    "Two and two are four.",
    "I wrote this on a train.",
    "There are seven days in a week.",
    "My desk is made of wood.",
)
"""Statements without sentiment about nothing that is classified; tautologies after Naik et al. 2018."""

_LETTERS = "bcdfghjkmnpqrstvwxz23456789"
"""Without vowels: what is drawn should not happen to be a word."""


@dataclass(frozen=True, kw_only=True)
class Distractors(SampledTest):
    """A neutral phrase, a random address or a random handle added to the text.

    Addresses and handles as in CheckList (Ribeiro et al. 2020); tautologies as in Naik et al. 2018, "Stress
    test evaluation for natural language inference". Addresses are in example.org, which is kept for examples.
    """

    name: ClassVar[str] = "distractors"
    nature: ClassVar[Nature] = "meaning kept"

    add: Literal["any", "phrase", "url", "handle"] = field(
        default="any", metadata={"help": "what is added; any: drawn for each variant"}
    )
    where: Literal["end", "start"] = field(default="end", metadata={"help": "where it is added"})

    def draw(self, text: str, rng: np.random.Generator) -> str | None:
        if not text.strip():
            return None
        kind = ("phrase", "url", "handle")[int(rng.integers(3))] if self.add == "any" else self.add
        if kind == "phrase":
            addition = PHRASES[int(rng.integers(len(PHRASES)))]
        else:
            drawn = "".join(_LETTERS[i] for i in rng.integers(len(_LETTERS), size=6))
            addition = f"https://example.org/{drawn}" if kind == "url" else f"@{drawn}"
        if self.where == "start":
            return f"{addition} {text.lstrip()}"
        text = text.rstrip()
        # A phrase is a sentence of its own: without a stop it would go on with the last one.
        open_end = text[-1].isalnum() and is_free(len(text) - 1, len(text), protected_spans(text))
        stop = "." if kind == "phrase" and open_end else ""
        return f"{text}{stop} {addition}"
