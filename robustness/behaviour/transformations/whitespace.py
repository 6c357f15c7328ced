"""Spaces that no reader sees."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from robustness.behaviour.base import InvarianceTest, Nature

_BETWEEN = re.compile(r"(?<=\S) (?=\S)")


@dataclass(frozen=True, kw_only=True)
class Whitespace(InvarianceTest):
    """Spaces doubled, put around the text, or turned into line breaks; the words stay."""

    name: ClassVar[str] = "whitespace"
    nature: ClassVar[Nature] = "natural noise"

    change: Literal["each", "double", "pad", "newline"] = field(
        default="each", metadata={"help": "what is done; each: a variant for every change that can be made"}
    )

    def variants_of(self, text: str, rng: np.random.Generator) -> Iterator[str]:
        if not text.strip():
            return
        if self.change in ("each", "double"):
            yield _BETWEEN.sub("  ", text)
        if self.change in ("each", "pad"):
            yield f"  {text} "
        if self.change in ("each", "newline"):
            yield _BETWEEN.sub("\n", text)
