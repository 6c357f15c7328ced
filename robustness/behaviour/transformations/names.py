"""First names swapped."""

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from robustness.behaviour.base import Nature
from robustness.behaviour.proper_names import swapped
from robustness.behaviour.sampled import SampledTest
from robustness.behaviour.tables.names import FIRST_NAMES

_NAME = re.compile(
    rf"(?<![\w'’-])(?:{'|'.join(name for names in FIRST_NAMES.values() for name in names)})(?![\w-])"
)


@dataclass(frozen=True, kw_only=True)
class Names(SampledTest):
    """First names replaced by others of the same table: those of women by each other, those of men likewise.

    A name stands in ``FIRST_NAMES``, has its capital, and follows no other capitalised word or title, after
    which it may be a surname. All occurrences of one name get the same new name; two names stay two.
    """

    name: ClassVar[str] = "names"
    nature: ClassVar[Nature] = "meaning kept"

    def draw(self, text: str, rng: np.random.Generator) -> str | None:
        return swapped(text, _NAME, FIRST_NAMES, rng)
