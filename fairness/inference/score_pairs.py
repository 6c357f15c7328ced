"""Intervals for the distance of two rates, as a difference or a ratio, that hold for small counts too.

Both invert the score test with the nuisance rate at its constrained maximum likelihood (Miettinen and
Nurminen 1985, eq. 8 to 10) and its limits corrected for skewness (Gart and Nam 1988, 1990). A distance has no
sign, so a value is in the interval where the test accepts it for either group ahead. With one pair of groups
alone the limits are those of ``folded``, which differ from the usual ones near 0. They suppose one standard
error for either sign. Where the distance is larger in that of the other sign (small against large groups,
rare outcomes) they are moved to the usual limits; where it is smaller, a little way to those of the smaller.

How much, and where skewness and small counts are allowed for, is set by constants that no theory gives. They
were chosen for coverage between 94 and 97.5 % on a grid of rates and sizes; ``benchmarks.coverage`` sums the
coverage exactly, on rates and sizes off that grid too.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import ndtri

from fairness.inference.folded import deviations, folded_interval
from fairness.metrics import Rate

Kind = Literal["difference", "ratio"]

PARTS, ROUNDS = 16, 6  # an end is searched in so many parts at a time, so many times: to 6e-8
SMALL = 100  # trials: where a group has fewer, the interval is joined with that of added counts,
FEW = 2  # and where it has fewer successes or fewer failures
UNEQUAL = 0.4  # how much smaller than for the other sign a distance is when nothing is folded any more
REVERSE = 0.2  # how far the distance for the other sign counts where it is the smaller one
CORRECTED, UNCORRECTED = 2.5, 5.0  # standard errors: a limit moves inwards for skewness up to, and not from
TINY = 1e-12
NEGLIGIBLE = 1e-15  # added to a standard error, which is 0 where both rates are 0 or 1


@dataclass(frozen=True)
class Level:
    """How sure an interval is to be: accept up to ``critical`` standard errors, or fold at ``confidence``."""

    critical: float
    confidence: float | None = None

    @classmethod
    def folded(cls, confidence: float) -> "Level":
        return cls(float(ndtri(0.5 + confidence / 2)), confidence)


class Pairs(NamedTuple):
    """m pairs of groups; x and n of each are (m,) float successes and trials."""

    x1: np.ndarray
    n1: np.ndarray
    x2: np.ndarray
    n2: np.ndarray

    def swapped(self) -> "Pairs":
        return Pairs(self.x2, self.n2, self.x1, self.n1)


class Tested(NamedTuple):
    """One hypothesis on each pair: its score, skewness and distance from "no difference", each (m,)."""

    score: np.ndarray
    skewness: np.ndarray
    distance: np.ndarray


def pairs_of(rate: Rate, i: np.ndarray, j: np.ndarray) -> Pairs:
    """The pairs of groups ``i`` and ``j`` (m,), the one with the lower rate first."""
    first = rate.values[i] <= rate.values[j]
    a, b = np.where(first, i, j), np.where(first, j, i)
    x, n = rate.successes.astype(float), rate.trials.astype(float)
    return Pairs(x[a], n[a], x[b], n[b])


def bounds(kind: Kind, pairs: Pairs, level: Level) -> tuple[np.ndarray, np.ndarray]:
    """Nearest and furthest distance (m,) of pairs: low and high of a difference, high and low of a ratio."""
    near, far = _ends(kind, pairs, level)
    small = is_small(pairs)
    if small.any():
        added_near, added_far = added_bounds(kind, pairs, level)
        if kind == "difference":
            near = np.where(small, np.minimum(near, added_near), near)
            far = np.where(small, np.maximum(far, added_far), far)
        else:
            near = np.where(small, np.maximum(near, added_near), near)
            far = np.where(small, np.minimum(far, added_far), far)
    return near, far


def is_small(pairs: Pairs) -> np.ndarray:
    """(m,) bool: where counts are too coarse for the score test alone."""
    few = [np.minimum(x, n - x) < FEW for x, n in ((pairs.x1, pairs.n1), (pairs.x2, pairs.n2))]
    return np.asarray((np.minimum(pairs.n1, pairs.n2) < SMALL) | few[0] | few[1])


def added_bounds(kind: Kind, pairs: Pairs, level: Level) -> tuple[np.ndarray, np.ndarray]:
    """As ``bounds``, from counts with a success and a failure, or half of each for a ratio, added to a group.

    Differences after Agresti and Caffo (2000), ratios on the logarithmic scale after Katz et al. (1978).
    """
    added = 1.0 if kind == "difference" else 0.5
    n1, n2 = pairs.n1 + 2 * added, pairs.n2 + 2 * added
    p1, p2 = (pairs.x1 + added) / n1, (pairs.x2 + added) / n2
    if kind == "difference":
        distance, variance = np.abs(p2 - p1), p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2
    else:
        distance, variance = np.abs(np.log(p2 / p1)), (1 - p1) / (p1 * n1) + (1 - p2) / (p2 * n2)
    error = np.sqrt(variance)
    if level.confidence is None:
        near, far = np.maximum(distance - level.critical * error, 0), distance + level.critical * error
    else:
        ends = [folded_interval(float(size), level.confidence) for size in distance / error]
        near, far = np.array([end.low for end in ends]) * error, np.array([end.high for end in ends]) * error
    return (near, np.minimum(far, 1)) if kind == "difference" else (np.exp(-near), np.exp(-far))


def accepted(kind: Kind, pairs: Pairs, value: np.ndarray, level: Level) -> np.ndarray:
    """(..., m) bool: whether ``value`` (..., m) passes with either group ahead; pairs: lower rate first."""
    ahead, behind = _ahead(kind, pairs, value), _behind(kind, pairs, value)
    least, most = np.full_like(value, -level.critical), np.full_like(value, level.critical)
    if level.confidence is not None:
        # Where the other sign is nearer in standard errors, its outcomes pass below anyway.
        nearer = np.minimum(ahead.distance, behind.distance)
        least, most = deviations((1 - REVERSE) * ahead.distance + REVERSE * nearer, level.confidence)
        share = np.clip((1 - ahead.distance / np.maximum(behind.distance, TINY)) / UNEQUAL, 0, 1)
        finite = np.where(np.isinf(least), 0.0, least)
        least = np.where(np.isinf(least), least, finite - (level.critical + finite) * share)
        most = most + (level.critical - most) * share
    # Counts come in steps: far from no distance, and in small groups anywhere, a limit that skewness would
    # move inwards stays, lest it leaves out a whole step of probability.
    small = is_small(pairs)
    inwards = np.where(small, 0.0, np.clip((UNCORRECTED - ahead.distance) / (UNCORRECTED - CORRECTED), 0, 1))
    lower = ahead.skewness * (np.where(np.isinf(least), 1.0, least) ** 2 - 1) / 6
    upper = ahead.skewness * (most**2 - 1) / 6
    reverse = behind.skewness * (level.critical**2 - 1) / 6
    least = least + np.where(lower > 0, inwards * lower, lower)
    most = most + np.where(upper < 0, inwards * upper, upper)
    other = level.critical + np.where(small, np.maximum(reverse, 0), reverse)
    passes = (ahead.score >= least - TINY) & (ahead.score <= most + TINY)
    return np.asarray(passes | (behind.score <= other + TINY))


def _observed(kind: Kind, pairs: Pairs) -> np.ndarray:
    p1, p2 = pairs.x1 / pairs.n1, pairs.x2 / pairs.n2
    if kind == "difference":
        return np.asarray(p2 - p1)
    return np.asarray(np.divide(p1, p2, out=np.ones_like(p1), where=p2 > 0))


def _ends(kind: Kind, pairs: Pairs, level: Level) -> np.ndarray:
    """(2, m): the nearest and the furthest accepted values, searched from the observed one outwards."""
    observed = _observed(kind, pairs)
    limits = np.array([0.0, 1.0]) if kind == "difference" else np.array([1.0, 0.0])
    inside, outside = np.stack([observed, observed]), np.repeat(limits[:, None], len(observed), axis=1)
    reached = accepted(kind, pairs, outside, level)
    steps = np.linspace(0, 1, PARTS + 1)[1:, None, None]
    for _ in range(ROUNDS):
        width = outside - inside
        passes = accepted(kind, pairs, inside + steps * width, level)
        # Of the last point before the first that fails; the outermost is known to fail, or not searched.
        passed = np.minimum(np.cumprod(passes, axis=0).sum(axis=0), PARTS - 1)
        inside, outside = inside + width * passed / PARTS, inside + width * (passed + 1) / PARTS
    return np.where(reached, limits[:, None], inside)


def _ahead(kind: Kind, pairs: Pairs, value: np.ndarray) -> Tested:
    """The hypothesis that the second group, whose observed rate is higher, is ahead by ``value``."""
    if kind == "difference":
        q2, q1 = difference_fit(pairs.swapped(), value)
        return _tested(pairs, q1, q2, np.ones_like(value), pairs.x2 / pairs.n2 - pairs.x1 / pairs.n1 - value)
    q1, q2 = ratio_fit(pairs, value)
    return _tested(pairs, q1, q2, value, value * pairs.x2 / pairs.n2 - pairs.x1 / pairs.n1)


def _behind(kind: Kind, pairs: Pairs, value: np.ndarray) -> Tested:
    """The hypothesis that the second group is behind by ``value``; the score is high if it is not."""
    if kind == "difference":
        q1, q2 = difference_fit(pairs, value)
        return _tested(pairs, q1, q2, np.ones_like(value), pairs.x2 / pairs.n2 - pairs.x1 / pairs.n1 + value)
    q2, q1 = ratio_fit(pairs.swapped(), value)
    reverse = _tested(pairs.swapped(), q2, q1, value, value * pairs.x1 / pairs.n1 - pairs.x2 / pairs.n2)
    return Tested(-reverse.score, -reverse.skewness, reverse.distance)


def _tested(pairs: Pairs, q1: np.ndarray, q2: np.ndarray, weight: np.ndarray, contrast: np.ndarray) -> Tested:
    """Score and skewness of ``contrast`` = weight p2 - p1 (less its expectation) at the rates q1 and q2."""
    v1, v2 = q1 * (1 - q1) / pairs.n1, q2 * (1 - q2) / pairs.n2
    error = np.sqrt(v1 + weight**2 * v2) + NEGLIGIBLE
    third = weight**3 * v2 * (1 - 2 * q2) / pairs.n2 - v1 * (1 - 2 * q1) / pairs.n1
    distance = np.abs(q2 - q1) / (np.sqrt(v1 + v2) + NEGLIGIBLE)
    return Tested(contrast / error, third / error**3, distance)


def difference_fit(pairs: Pairs, difference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most likely rates with p1 - p2 = ``difference`` >= 0: the root of a cubic in p1.

    In the closed form of Farrington and Manning (1990, appendix).
    """
    ratio = pairs.n2 / pairs.n1
    p1, p2 = pairs.x1 / pairs.n1, pairs.x2 / pairs.n2
    a = 1 + ratio
    b = -(1 + ratio + p1 + ratio * p2 + difference * (ratio + 2))
    c = difference**2 + difference * (2 * p1 + ratio + 1) + p1 + ratio * p2
    d = -p1 * difference * (1 + difference)
    v = (b / (3 * a)) ** 3 - b * c / (6 * a**2) + d / (2 * a)
    u = np.sqrt(np.maximum((b / (3 * a)) ** 2 - c / (3 * a), 0)) * np.where(v >= 0, 1, -1)
    u = np.where(u == 0, TINY, u)
    w = (np.pi + np.arccos(np.clip(v / u**3, -1, 1))) / 3
    fit = np.clip(2 * u * np.cos(w) - b / (3 * a), difference, 1)
    return fit, fit - difference


def ratio_fit(pairs: Pairs, ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most likely rates with p1 = ``ratio`` p2, 0 <= ratio <= 1: the root of a quadratic in p2."""
    a = (pairs.n1 + pairs.n2) * ratio
    b = -(pairs.n1 * ratio + pairs.x1 + pairs.n2 + pairs.x2 * ratio)
    c = pairs.x1 + pairs.x2
    # In this form the root stays exact as the ratio goes to 0.
    fit = np.clip(2 * c / (-b + np.sqrt(np.maximum(b**2 - 4 * a * c, 0))), 0, 1)
    return ratio * fit, fit
