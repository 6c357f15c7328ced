"""Comparing two models on the same examples."""

import math
from collections.abc import Sequence

from scipy.stats import norm

from robustness.estimate import Estimate
from robustness.outcomes import Outcome


def paired_difference(first: Sequence[Outcome], second: Sequence[Outcome], confidence: float) -> Estimate:
    """Accuracy of ``first`` minus accuracy of ``second`` on the same n examples, in [-1, 1].

    The interval is the adjusted Wald interval for paired proportions of Bonett and Price (2012): one
    example is added to each discordant cell. Raises ValueError when the examples are not the same.
    """
    if [outcome.example_id for outcome in first] != [outcome.example_id for outcome in second]:
        raise ValueError("expected outcomes of the same examples in the same order")
    n = len(first)
    if n == 0:
        return Estimate.undefined("no examples")
    gained = lost = 0
    for mine, theirs in zip(first, second, strict=True):
        right, was_right = mine.prediction == mine.label, theirs.prediction == theirs.label
        gained += right and not was_right
        lost += was_right and not right
    value = (gained - lost) / n
    p_gained, p_lost = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    centre = p_gained - p_lost
    z = float(norm.ppf(0.5 + confidence / 2))
    half = z * math.sqrt((p_gained + p_lost - centre**2) / (n + 2))
    # The adjustment moves the centre towards 0 by at most 2 / (n + 2); keep the value inside.
    return Estimate(value, max(-1.0, min(value, centre - half)), min(1.0, max(value, centre + half)), n)
