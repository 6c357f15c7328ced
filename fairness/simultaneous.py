"""Intervals for the largest difference and the smallest ratio between groups.

The largest of several noisy differences is biased upward, and its percentile bootstrap interval nearly
always claims a disparity, even between equal groups. So all pairs of groups get intervals that hold at
once (max-t, as in Tukey's range test; Hothorn, Bretz and Westfall 2008), and these are folded into one
for the extreme: while every pair is covered, so is the extreme.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from fairness.metrics import Rate

DRAWS = 20_000  # coverage is then off by 0.0015 (one standard error) at 95 %
MAX_WORK = 20_000_000  # draws times pairs: columns with very many values get fewer draws
MIN_DRAWS = 2_000


class Bounds(NamedTuple):
    low: float
    high: float


def difference_bounds(rates: Sequence[Rate], confidence: float, seed: int) -> Bounds:
    """Interval in [0, 1] for the largest difference between any two groups in any of the ``rates``.

    Every rate is (g,) with trials > 0 and g >= 2 (g may differ between rates). Rates and variances are
    those of Agresti and Caffo (2000): one success and one failure added to each group.
    """
    centres, variances = [], []
    for rate in rates:
        trials = rate.trials + 2
        share = (rate.successes + 1) / trials
        centres.append(share)
        variances.append(share * (1 - share) / trials)
    low, high = _largest_contrast(centres, variances, confidence, seed)
    return Bounds(low, min(1.0, high))


def ratio_bounds(rates: Sequence[Rate], confidence: float, seed: int) -> Bounds:
    """Interval in [0, 1] for the smallest ratio between any two groups in any of the ``rates``.

    As ``difference_bounds``, on log rates with half a success and half a failure added to each group,
    and the delta-method variance (1 - p) / (n p) (Katz et al. 1978), which is then never zero: the
    smallest ratio is exp(-d), with d the largest difference of logarithms.
    """
    centres, variances = [], []
    for rate in rates:
        trials = rate.trials + 1
        share = (rate.successes + 0.5) / trials
        centres.append(np.log(share))
        variances.append((1 - share) / (share * trials))
    low, high = _largest_contrast(centres, variances, confidence, seed)
    return Bounds(float(np.exp(-high)), float(np.exp(-low)))


def _largest_contrast(
    centres: list[np.ndarray], variances: list[np.ndarray], confidence: float, seed: int
) -> Bounds:
    """Bounds of max |centre_i - centre_j| over the pairs within each family."""
    critical = critical_value(variances, confidence, seed)
    low = high = 0.0
    for centre, variance in zip(centres, variances, strict=True):
        i, j = np.triu_indices(len(centre), 1)
        contrast = np.abs(centre[i] - centre[j])
        half = critical * np.sqrt(variance[i] + variance[j])
        low = max(low, float((contrast - half).max()))
        high = max(high, float((contrast + half).max()))
    return Bounds(low, high)


def critical_value(variances: Sequence[np.ndarray], confidence: float, seed: int) -> float:
    """The quantile of max |X_i - X_j| / sqrt(v_i + v_j) for independent X_i ~ N(0, v_i).

    The maximum runs over the pairs within each family of ``variances``; families are independent, as
    are TPR and FPR given how many positives and negatives each group has. Simulated with ``seed``, but
    exact for a single pair.
    """
    sizes = [len(variance) for variance in variances]
    if sizes == [2]:
        return float(norm.ppf(0.5 + confidence / 2))
    pairs = sum(size * (size - 1) // 2 for size in sizes)
    draws = int(np.clip(MAX_WORK // pairs, MIN_DRAWS, DRAWS))
    normals = _normals(draws, sum(sizes), seed)
    largest = np.zeros(draws)
    start = 0
    for variance in variances:
        noise = normals[start : start + len(variance)] * np.sqrt(variance)[:, None]
        for i in range(1, len(variance)):
            spread = np.abs(noise[:i] - noise[i]) / np.sqrt(variance[:i] + variance[i])[:, None]
            np.maximum(largest, spread.max(axis=0), out=largest)
        start += len(variance)
    return float(np.quantile(largest, confidence))


@lru_cache(maxsize=8)
def _normals(draws: int, size: int, seed: int) -> np.ndarray:
    """(size, draws) standard normal numbers, shared between calls and so read-only."""
    normals = np.random.default_rng(seed).standard_normal((size, draws))
    normals.flags.writeable = False
    return normals
