"""Behavioural tests that draw their variants."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from attacks.parameters import require_positive, wrong
from robustness.behaviour.base import NOUN, InvarianceTest, Nature


@dataclass(frozen=True, kw_only=True)
class SampledTest(InvarianceTest):
    """An invariance test that draws its variants."""

    samples: int = field(default=3, metadata={"help": "variants that are drawn of each text"})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "samples", self.samples, kind=NOUN)

    def variants_of(self, text: str, rng: np.random.Generator) -> Iterator[str]:
        for _ in range(self.samples):
            variant = self.draw(text, rng)
            if variant is None:
                return
            yield variant

    @abstractmethod
    def draw(self, text: str, rng: np.random.Generator) -> str | None:
        """One variant; None where the test does not apply to the text."""


@dataclass(frozen=True, kw_only=True)
class NoiseTest(SampledTest):
    """A test of errors at places of the text that are drawn, at most one at each."""

    nature: ClassVar[Nature] = "natural noise"

    errors: int = field(default=1, metadata={"help": "errors in each variant, as far as there are places"})
    rate: float | None = field(
        default=None, metadata={"help": "share of the places with an error, instead of a number of errors"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "errors", self.errors, kind=NOUN)
        if self.rate is not None and not 0 < self.rate <= 1:
            raise wrong(self.name, "rate", "a share above 0 and at most 1", self.rate, kind=NOUN)

    def budget(self, places: int) -> int:
        """How many of ``places`` get an error: at least one, unless there are none."""
        wanted = self.errors if self.rate is None else max(1, round(self.rate * places))
        return min(wanted, places)


def pick(rng: np.random.Generator, n: int, among: int) -> list[int]:
    """``n`` distinct indices below ``among``, drawn, in order."""
    return sorted(rng.choice(among, size=n, replace=False).tolist())
