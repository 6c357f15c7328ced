"""Countries and cities swapped."""

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from robustness.behaviour.base import Nature
from robustness.behaviour.proper_names import swapped
from robustness.behaviour.sampled import SampledTest
from robustness.behaviour.tables.places import PLACES

# Longest first, so that "South Sudan" is no Sudan.
_ALL = sorted((place for places in PLACES.values() for place in places), key=len, reverse=True)
_PLACE = re.compile(rf"(?<![\w'’-])(?:{'|'.join(_ALL)})(?![\w-])(?!\s+[A-Z])")


@dataclass(frozen=True, kw_only=True)
class Places(SampledTest):
    """Countries replaced by countries and cities by cities.

    Countries that have an article ("the Netherlands") are a kind of their own, so that it stays right. A
    place next to another capitalised word is left alone: it may be part of a longer name ("Boston Globe").
    All occurrences of one place get the same new one; two places stay two.
    """

    name: ClassVar[str] = "places"
    nature: ClassVar[Nature] = "meaning kept"

    def draw(self, text: str, rng: np.random.Generator) -> str | None:
        return swapped(text, _PLACE, PLACES, rng)
