"""British and American spelling."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from robustness.behaviour.base import InvarianceTest, Nature
from robustness.behaviour.tables.spelling import AMERICAN_TO_BRITISH
from robustness.behaviour.words import Edit, apply, cased_like, words

_TO = {"uk": dict(AMERICAN_TO_BRITISH), "us": {uk: us for us, uk in AMERICAN_TO_BRITISH.items()}}


@dataclass(frozen=True, kw_only=True)
class Spelling(InvarianceTest):
    """American spelling turned into British, and the reverse: color, colour.

    Words whose spelling also tells their meaning (tire, program, check) are not in the table.
    """

    name: ClassVar[str] = "spelling"
    nature: ClassVar[Nature] = "meaning kept"

    to: Literal["each", "uk", "us"] = field(
        default="each", metadata={"help": "the spelling; each: a variant in British and one in American"}
    )

    def variants_of(self, text: str, rng: np.random.Generator) -> Iterator[str]:
        for to in ("uk", "us"):
            if self.to in ("each", to):
                yield apply(
                    text,
                    [
                        Edit(word.start, word.end, cased_like(word.text, _TO[to][word.text.lower()]))
                        for word in words(text)
                        if word.text.lower() in _TO[to]
                    ],
                )
