"""Numbers changed."""

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from robustness.behaviour.base import Nature
from robustness.behaviour.sampled import SampledTest
from robustness.behaviour.words import Edit, apply, free_matches

_NUMBER = re.compile(
    r"(?<![\w.,:/$£€#+-])(?<![#$£€/] )[1-9]\d{1,5}(?![\w:/°+-])(?![.,]\d)(?!\s*[%/])"
    r"(?!\s*(?:percent|per cent|stars?|out of|points?)\b)(?<!out of \d\d)(?<!out of \d\d\d)"
)
_YEAR = re.compile(r"1[0-9]{3}|20[0-9]{2}")
_MEANINGFUL = frozenset({"13", "14", "18", "69", "88", "100", "101", "420", "666", "911", "1488"})
"""Numbers that stand for something."""


@dataclass(frozen=True, kw_only=True)
class Numbers(SampledTest):
    """Whole numbers replaced by others with as many digits.

    Left alone are what a label may hang on or another number would break: years (1000 to 2099), ratings and
    shares (8/10, 3 stars, 90 %), prices, single digits, parts of names (K-19), and numbers that stand for
    something (911).
    """

    name: ClassVar[str] = "numbers"
    nature: ClassVar[Nature] = "meaning kept"

    def draw(self, text: str, rng: np.random.Generator) -> str | None:
        found = [
            match
            for match in free_matches(_NUMBER, text)
            if match.group() not in _MEANINGFUL and not _YEAR.fullmatch(match.group())
        ]
        edits = [Edit(*match.span(), _another(match.group(), rng)) for match in found]
        return apply(text, edits) if edits else None


def _another(number: str, rng: np.random.Generator) -> str:
    """A number of as many digits that is drawn; not this one, no year, none that stands for something."""
    while True:
        drawn = str(rng.integers(10 ** (len(number) - 1), 10 ** len(number)))
        if drawn != number and drawn not in _MEANINGFUL and not _YEAR.fullmatch(drawn):
            return drawn
