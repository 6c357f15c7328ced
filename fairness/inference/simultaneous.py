"""Intervals for the largest difference and the smallest ratio between groups.

The largest of several noisy differences is biased upward, and its percentile bootstrap interval nearly
always claims a disparity, even between equal groups. So the lower end is the largest of lower bounds that
hold for all pairs of groups at once (max-t, as in Tukey's range test; Hothorn, Bretz and Westfall 2008):
while every pair is covered, none lies above the extreme. The upper end is the largest of bounds that hold for
each pair alone: it is only missed where the bound of the pair that is extreme in truth is missed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from fairness.inference.families import Family
from fairness.inference.folded import Bounds, folded_interval
from fairness.inference.score_pairs import Kind, Level, added_bounds, bounds, pairs_of
from fairness.metrics import Rate

DRAWS = 20_000  # coverage is then off by 0.0015 (one standard error) at 95 %
MAX_WORK = 20_000_000  # draws times pairs: groupings with many groups get fewer draws
MIN_DRAWS = 2_000
MAX_CANDIDATES = 100  # pairs whose score bounds are computed: those whose simple bounds lie furthest out
GRID = np.linspace(-8, 8, 641)
DENSITY = (
    np.exp(-(GRID**2) / 2) / np.sqrt(2 * np.pi) * (GRID[1] - GRID[0])
)  # of a normal number, times the step
FURTHEST = 40.0  # standard errors: beyond any quantile that is asked for


class MaxT(Protocol):
    """The distribution of the largest contrast of groups, in standard errors, when no groups differ."""

    def quantile(self, level: float) -> float: ...
    def p_value(self, size: float) -> float: ...


@dataclass(frozen=True)
class RangeMaxT:
    """Of disjoint groups: families of ``sizes`` groups, independent as TPR and FPR are given the labels.

    The studentized range with known variances, over the root of 2. Exact where the groups of a family have
    one variance, and always for two groups; else an upper bound of the tail (Tukey and Kramer's conjecture,
    proved by Hayter 1984).
    """

    sizes: tuple[int, ...]

    def quantile(self, level: float) -> float:
        return _range_quantile(self.sizes, level)

    def p_value(self, size: float) -> float:
        if size == 0:
            return 1.0
        pairs = sum(g * (g - 1) // 2 for g in self.sizes)
        # Far out the quadrature is all rounding, and the sum over the pairs (Bonferroni) is exact.
        if size > 6:
            return float(min(1.0, pairs * 2 * ndtr(-size)))
        return 1 - _range_cdf(self.sizes, size)


@dataclass(frozen=True)
class SimulatedMaxT:
    """Of groups that overlap, with ``pairs`` that can differ. draws: sorted simulated values.

    Without draws, and beyond them, Šidák's bound (1967) serves, which holds whatever the correlations.
    """

    pairs: int
    draws: np.ndarray

    def quantile(self, level: float) -> float:
        bound = float(-ndtri(-np.expm1(np.log(level) / self.pairs) / 2))
        if len(self.draws) * (1 - level) < 10:
            return bound
        return min(bound, float(np.quantile(self.draws, level)))

    def p_value(self, size: float) -> float:
        if size == 0:
            return 1.0
        bound = float(-np.expm1(self.pairs * np.log1p(-min(2 * ndtr(-size), 1 - 1e-16))))
        if not len(self.draws):
            return bound
        above = len(self.draws) - int(np.searchsorted(self.draws, size))
        return min(bound, (1 + above) / (1 + len(self.draws)))


def max_t(covariances: Sequence[np.ndarray], seed: int) -> MaxT:
    """Over the pairs within each family of normal variables with these covariances (g, g); families are
    independent.

    ``seed`` is used where groups overlap: pairs of groups that cannot differ (variance 0) are then left out,
    and where there are too many pairs to simulate the distribution is bounded.
    """
    if all(np.count_nonzero(each - np.diag(np.diag(each))) == 0 for each in covariances):
        return RangeMaxT(tuple(len(each) for each in covariances))
    contrasts = [contrast_errors(each) for each in covariances]
    pairs = sum(int((errors > 0).sum()) for errors in contrasts)
    if pairs <= 1 or pairs > MAX_WORK // MIN_DRAWS:
        return SimulatedMaxT(max(pairs, 1), np.empty(0))
    draws = int(np.clip(MAX_WORK // pairs, MIN_DRAWS, DRAWS))
    normals = _normals(draws, sum(len(each) for each in covariances), seed)
    largest = np.zeros(draws)
    start = 0
    for each, errors in zip(covariances, contrasts, strict=True):
        g = len(each)
        noise = factor(each) @ normals[start : start + g]
        for i in range(1, g):
            scale = np.divide(1, errors[i, :i], out=np.zeros(i), where=errors[i, :i] > 0)
            np.maximum(largest, (np.abs(noise[:i] - noise[i]) * scale[:, None]).max(axis=0), out=largest)
        start += g
    return SimulatedMaxT(pairs, np.sort(largest))


def _range_cdf(sizes: tuple[int, ...], size: float) -> float:
    """P(every range of g standard normal numbers <= size times the root of 2), by quadrature."""
    width = size * np.sqrt(2)
    inside = ndtr(GRID) - ndtr(GRID - width)
    return float(np.prod([min(1.0, g * float((DENSITY * inside ** (g - 1)).sum())) for g in sizes]))


@lru_cache(maxsize=256)
def _range_quantile(sizes: tuple[int, ...], level: float) -> float:
    if sizes == (2,):
        return float(ndtri(0.5 + level / 2))
    return float(brentq(lambda size: _range_cdf(sizes, size) - level, 0, FURTHEST, xtol=1e-6))


def contrast_errors(covariance: np.ndarray) -> np.ndarray:
    """(g, g) standard errors of the differences of pairs, lower triangle; 0 where they cannot differ."""
    variance = np.diag(covariance)
    squared = variance[:, None] + variance - 2 * covariance
    # Two groups of the same examples: what is left of the variance is rounding.
    squared[squared < 1e-12 * (variance[:, None] + variance)] = 0
    return np.tril(np.sqrt(squared), -1)


def factor(covariance: np.ndarray) -> np.ndarray:
    """(g, g) matrix A with A A' = covariance, which may be singular."""
    if np.count_nonzero(covariance - np.diag(np.diag(covariance))) == 0:
        return np.diag(np.sqrt(np.diag(covariance)))
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))


def largest_size(families: Sequence[Family]) -> float:
    """The largest |centre_i - centre_j| in standard errors, over the pairs of all families."""
    sizes = [_contrasts(f.centres) / _finite(contrast_errors(f.covariance)) for f in families]
    return max(float(size.max()) for size in sizes)


def family_bounds(kind: Kind, families: Sequence[Family], null: MaxT, confidence: float) -> Bounds:
    """Interval for the extreme over all pairs of all families: of differences, or of ratios on logarithms."""
    z = float(ndtri(0.5 + confidence / 2))
    critical = null.quantile(confidence)
    low = high = 0.0
    for family in families:
        errors = contrast_errors(family.covariance)
        contrasts = _contrasts(family.centres)
        if len(families) == 1 and (errors > 0).sum() == 1:
            g, h = np.unravel_index(int(errors.argmax()), errors.shape)
            error = float(errors[g, h])
            ends = folded_interval(float(contrasts[g, h]) / error, confidence)
            low, high = ends.low * error, ends.high * error
        else:
            low = max(low, float((contrasts - critical * errors).max()))
            high = max(high, float((contrasts + z * errors).max()))
    if kind == "difference":
        return Bounds(low, high)
    return Bounds(float(np.exp(-high)), float(np.exp(-low)))


def rate_bounds(kind: Kind, rates: Sequence[Rate], null: MaxT, confidence: float) -> Bounds:
    """As ``family_bounds`` for rates of disjoint groups, each (g,) with trials > 0 and g >= 2."""
    sizes = [len(rate.trials) for rate in rates]
    lower = Level.folded(confidence) if sizes == [2] else Level(null.quantile(confidence))
    upper = lower if sizes == [2] else Level(float(ndtri(0.5 + confidence / 2)))
    nearest, furthest = [], []
    for rate in rates:
        near, far = bounds(kind, pairs_of(rate, *_candidates(kind, rate, lower, 0)), lower)
        if upper != lower:
            _, far = bounds(kind, pairs_of(rate, *_candidates(kind, rate, upper, 1)), upper)
        nearest.append(near.max() if kind == "difference" else near.min())
        furthest.append(far.max() if kind == "difference" else far.min())
    if kind == "difference":
        return Bounds(float(max(nearest)), float(max(furthest)))
    return Bounds(float(min(furthest)), float(min(nearest)))


def _candidates(kind: Kind, rate: Rate, level: Level, end: int) -> tuple[np.ndarray, np.ndarray]:
    """The pairs whose bound at this end can be the extreme one; a pair 0 / 0 has no ratio."""
    i, j = np.triu_indices(len(rate.trials), 1)
    if kind == "ratio":
        some = (rate.successes[i] > 0) | (rate.successes[j] > 0)
        i, j = i[some], j[some]
    if len(i) <= MAX_CANDIDATES:
        return i, j
    simple = added_bounds(kind, pairs_of(rate, i, j), level)[end]
    order = np.argsort(-simple if kind == "difference" else simple, kind="stable")[:MAX_CANDIDATES]
    return i[order], j[order]


def _contrasts(centres: np.ndarray) -> np.ndarray:
    return np.asarray(np.tril(np.abs(centres[:, None] - centres), -1))


def _finite(errors: np.ndarray) -> np.ndarray:
    return np.where(errors > 0, errors, np.inf)


@lru_cache(maxsize=4)
def _normals(draws: int, size: int, seed: int) -> np.ndarray:
    """(size, draws) standard normal numbers, shared between calls and so read-only."""
    normals = np.random.default_rng(seed).standard_normal((size, draws))
    normals.flags.writeable = False
    return normals
