"""Means over examples with an interval, and whether signed changes are more than chance."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm, t, wilcoxon

from robustness.estimate import Estimate

FEWEST_TESTED = 6
"""Below so many changes that are not zero no signed-rank test can give a p-value below 0.05."""
_AT_ONCE = 2**22
"""Numbers that are drawn at once."""


def mean_over_examples(
    values: np.ndarray, *, confidence: float = 0.95, n_boot: int = 2000, seed: int = 0, none: str = ""
) -> Estimate:
    """The mean of ``values`` (n,) with its bootstrap interval over examples; undefined (``none``) for n = 0.

    The expanded percentile interval of Hesterberg 2015 ("What teachers should know about the bootstrap",
    section 5.1): percentiles of the resampled means at levels widened as a t interval is, since plain
    percentiles are too narrow for few examples. Without an interval for one value or equal ones, of which no
    resample differs.
    """
    n = len(values)
    if n == 0:
        return Estimate.undefined(none or "no examples")
    mean = float(values.mean())
    if n == 1 or np.ptp(values) == 0:
        return Estimate.exact(mean, n)
    rng = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // n)
    means = np.concatenate(
        [
            values[rng.integers(n, size=(min(step, n_boot - first), n))].mean(axis=1)
            for first in range(0, n_boot, step)
        ]
    )
    tail = float(norm.cdf(-math.sqrt(n / (n - 1)) * t.ppf(0.5 + confidence / 2, n - 1)))
    low, high = np.quantile(means, [tail, 1 - tail]).tolist()
    return Estimate(mean, min(low, mean), max(high, mean), n)


def signed_rank_p_value(changes: np.ndarray) -> float | None:
    """Of "changes (n,) are symmetric about zero": Wilcoxon 1945, two-sided; None below ``FEWEST_TESTED``.

    Changes of zero say nothing either way and are left out, as Wilcoxon does; where all are zero the p-value
    is 1. With ties or more than 50 changes the p-value is that of the normal approximation.
    """
    if len(changes) < FEWEST_TESTED:
        return None
    moved = changes[changes != 0]
    if len(moved) == 0:
        return 1.0
    sizes = np.abs(moved)
    exact = len(moved) <= 50 and len(np.unique(sizes)) == len(sizes)
    return float(wilcoxon(moved, method="exact" if exact else "approx").pvalue)


def adjusted_p_values(p_values: Sequence[float | None]) -> list[float | None]:
    """The p-values after Benjamini and Hochberg (1995), over those that are not None."""
    from scipy.stats import false_discovery_control

    tested = [p for p in p_values if p is not None]
    adjusted = iter(false_discovery_control(tested).tolist() if tested else [])
    return [None if p is None else next(adjusted) for p in p_values]
