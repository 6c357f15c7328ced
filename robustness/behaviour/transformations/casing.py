"""Capitals and small letters."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from attacks.parameters import require_positive
from robustness.behaviour.base import NOUN, InvarianceTest, Nature
from robustness.behaviour.words import Edit, apply, words


@dataclass(frozen=True, kw_only=True)
class Casing(InvarianceTest):
    """All capitals, all small letters, a capital to begin each word, or capitals at random.

    Letters whose other case is not the same letter alone (ß, ı) stay as they are.
    """

    name: ClassVar[str] = "casing"
    nature: ClassVar[Nature] = "natural noise"

    to: Literal["each", "upper", "lower", "title", "random"] = field(
        default="each", metadata={"help": "the case; each: a variant in upper, in lower and in title case"}
    )
    samples: int = field(default=1, metadata={"help": "variants that are drawn of each text for random"})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "samples", self.samples, kind=NOUN)

    def variants_of(self, text: str, rng: np.random.Generator) -> Iterator[str]:
        if self.to == "random":
            for _ in range(self.samples):
                yield _each_letter(text, "".join("ul"[draw] for draw in rng.integers(2, size=len(text))))
            return
        if self.to in ("each", "upper"):
            yield _each_letter(text, "u" * len(text))
        if self.to in ("each", "lower"):
            yield _each_letter(text, "l" * len(text))
        if self.to in ("each", "title"):
            yield apply(
                text,
                [
                    Edit(word.start, word.start + 1, _cased(word.text[0], "u"))
                    for word in words(text)
                    # The s of "it's" and the t of "don't" begin no word.
                    if text[word.start - 1 : word.start] not in ("'", "’") or _opens(text, word.start - 1)
                ],
            )


def _each_letter(text: str, cases: str) -> str:
    """The letters of all words in the case given for each character: u or l."""
    return apply(
        text,
        [
            Edit(
                word.start,
                word.end,
                "".join(map(_cased, word.text, cases[word.start : word.end])),
            )
            for word in words(text)
        ],
    )


def _cased(letter: str, case: str) -> str:
    turned = letter.upper() if case == "u" else letter.lower()
    return turned if len(turned) == 1 and turned.casefold() == letter.casefold() else letter


def _opens(text: str, apostrophe: int) -> bool:
    """Whether an apostrophe opens a quotation: it follows a space, and more than a clitic follows it."""
    follows_space = apostrophe <= 0 or text[apostrophe - 1].isspace()
    clitic = text[apostrophe + 1 :].split(maxsplit=1)[0].lower() if text[apostrophe + 1 :].strip() else ""
    return follows_space and clitic not in ("s", "t", "m", "d", "re", "ve", "ll")
