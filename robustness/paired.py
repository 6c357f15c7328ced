"""Comparing two models on the same examples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binomtest, norm

from robustness.estimate import Estimate

if TYPE_CHECKING:  # it imports torch, which comparing two saved audits does without
    from robustness.outcomes import Outcome


@dataclass(frozen=True)
class Discordant:
    """Where two models on the same n examples part: gained, where the first alone has it (is right, say);
    lost, where the second alone has."""

    gained: int
    lost: int
    n: int

    @classmethod
    def of(cls, first: np.ndarray, second: np.ndarray) -> "Discordant":
        """Of (n,) bool each, in the same order."""
        return cls(int((first & ~second).sum()), int((second & ~first).sum()), len(first))


@dataclass(frozen=True)
class McNemar:
    """p_drop, p_rise: one-sided, of "it did not fall" and "it did not rise" from the second to the first."""

    p_drop: float
    p_rise: float


def paired_difference(first: "Sequence[Outcome]", second: "Sequence[Outcome]", confidence: float) -> Estimate:
    """Accuracy of ``first`` minus accuracy of ``second`` on the same n examples, in [-1, 1].

    The interval is that of ``difference_of``. Raises ValueError when the examples are not the same.
    """
    if [outcome.example_id for outcome in first] != [outcome.example_id for outcome in second]:
        raise ValueError("expected outcomes of the same examples in the same order")
    right, was_right = (
        np.array([outcome.prediction == outcome.label for outcome in side], dtype=bool)
        for side in (first, second)
    )
    return difference_of(Discordant.of(right, was_right), confidence)


def difference_of(counts: Discordant, confidence: float) -> Estimate:
    """The difference of two paired proportions, first minus second, in [-1, 1]; undefined of no examples.

    The interval is the adjusted Wald interval for paired proportions of Bonett and Price (2012): one
    example is added to each discordant cell.
    """
    gained, lost, n = counts.gained, counts.lost, counts.n
    if n == 0:
        return Estimate.undefined("no examples")
    value = (gained - lost) / n
    p_gained, p_lost = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    centre = p_gained - p_lost
    z = float(norm.ppf(0.5 + confidence / 2))
    half = z * math.sqrt((p_gained + p_lost - centre**2) / (n + 2))
    # The adjustment moves the centre towards 0 by at most 2 / (n + 2); keep the value inside.
    return Estimate(value, max(-1.0, min(value, centre - half)), min(1.0, max(value, centre + half)), n)


def mcnemar(counts: Discordant) -> McNemar:
    """The exact test of McNemar (1947): of the examples where two equally good models part, each gains half.

    Given how many they are, those gained are binomial with p = 1/2; examples on which the two agree say
    nothing of a difference. Where they never part every p-value is 1.
    """
    parted = counts.gained + counts.lost
    if parted == 0:
        return McNemar(1.0, 1.0)
    p_drop, p_rise = (
        float(binomtest(counts.gained, parted, 0.5, alternative=side).pvalue) for side in ("less", "greater")
    )
    return McNemar(p_drop, p_rise)
