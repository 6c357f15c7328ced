"""Equality differences of Dixon et al. (2018): the sum over groups of how far each is from the rate of all.

FPED = sum_g |FPR - FPR_g| and FNED alike. Noise makes every term larger than 0, so an interval about the
sum needs the distribution of the sum of absolute deviations when there is no gap.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from fairness.inference.families import Shares, cell_variance
from fairness.inference.folded import Bounds
from fairness.inference.simultaneous import DRAWS, MAX_WORK, MIN_DRAWS, factor


@dataclass(frozen=True)
class GapNull:
    """draws: sorted sums of |deviation| without a gap. error: of the sum where every gap keeps its sign."""

    draws: np.ndarray
    error: float

    def quantile(self, level: float) -> float:
        return float(np.quantile(self.draws, level))

    def p_value(self, size: float) -> float:
        above = len(self.draws) - int(np.searchsorted(self.draws, size))
        return (1 + above) / (1 + len(self.draws))


def gap_sum(shares: Shares) -> float:
    """sum_g |rate of all cells - rate of g|."""
    return float(np.abs(_gaps(shares)).sum())


def gap_null(shares: Shares, seed: int) -> GapNull:
    """The distribution of the sum when there is no gap, by simulation with ``seed``."""
    weights = _weights(shares)
    covariance = (weights * cell_variance(shares.cells, 1.0)) @ weights.T
    g = len(covariance)
    draws = int(np.clip(MAX_WORK // (g * max(1, g // 20)), MIN_DRAWS, DRAWS))
    noise = factor(covariance) @ np.random.default_rng(seed).standard_normal((g, draws))
    signs = np.where(_gaps(shares) < 0, -1.0, 1.0)
    return GapNull(np.sort(np.abs(noise).sum(axis=0)), float(np.sqrt(max(signs @ covariance @ signs, 0.0))))


def gap_bounds(size: float, null: GapNull, confidence: float) -> Bounds:
    """Interval of the true sum.

    By the triangle inequality the observed sum exceeds the true one by no more than the sum of the absolute
    errors, of which ``null`` has the quantile; and being convex it falls short of the true one by no more
    than the errors weighted with the signs of the true gaps, whose sum is normal.
    """
    z = float(ndtri(0.5 + confidence / 2))
    return Bounds(max(0.0, size - null.quantile(confidence)), size + z * null.error)


def _weights(shares: Shares) -> np.ndarray:
    """(g, c): the gaps as sums over the rates of the cells."""
    trials = shares.cells.trials.astype(float)
    inside = (shares.members * trials[:, None]).T
    return np.asarray(trials / trials.sum() - inside / inside.sum(axis=1, keepdims=True))


def _gaps(shares: Shares) -> np.ndarray:
    overall = shares.cells.successes.sum() / shares.cells.trials.sum()
    return np.asarray(overall - shares.groups.values)
