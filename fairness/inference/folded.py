"""The interval of a distance whose sign is of no interest: how far apart two groups are, whichever is ahead.

Folding a signed interval [L, U] to [0, max(|L|, |U|)] covers too often where the distance is small: an error
at the far end is none any more. The unified interval of Feldman and Cousins (1998, section IV) orders
outcomes by their likelihood ratio instead. Applied to the absolute value of a normal variable it covers at
its level at every distance, and holds 0 exactly where the two-sided test does not reject.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

FAR = 6.0  # standard errors: from here on the other sign has no part in it
STEP = 0.002  # of the grid on which likelihoods are integrated
DENSITY = 1 / np.sqrt(2 * np.pi)


class Bounds(NamedTuple):
    low: float
    high: float


class Acceptance(NamedTuple):
    """For each distance (m,), in standard errors, which observed ones are accepted: lower to upper (m,)."""

    distance: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


@lru_cache(maxsize=8)
def acceptance(confidence: float) -> Acceptance:
    """Of |Z|, with Z ~ N(distance, 1), for distances from 0 to FAR."""
    observed = np.arange(0, 2 * FAR, STEP)
    best = _likelihood(observed, _most_likely(observed))
    distance = np.linspace(0, FAR, 241)
    lower, upper = np.empty_like(distance), np.empty_like(distance)
    for i, each in enumerate(distance):
        likelihood = _likelihood(observed, each)
        mass = likelihood * STEP
        mass[0] /= 2
        order = np.argsort(-likelihood / best, kind="stable")
        taken = order[: int(np.searchsorted(np.cumsum(mass[order]), confidence)) + 1]
        lower[i], upper[i] = observed[taken.min()], observed[taken.max()]
    # The grid is coarse; at no distance the limit is known.
    upper[0] = ndtri(0.5 + confidence / 2)
    return Acceptance(distance, lower, np.maximum.accumulate(upper))


def _likelihood(observed: np.ndarray, distance: np.ndarray | float) -> np.ndarray:
    either = np.exp(-((observed - distance) ** 2) / 2) + np.exp(-((observed + distance) ** 2) / 2)
    return np.asarray(either * DENSITY)


def _most_likely(observed: np.ndarray) -> np.ndarray:
    """The maximum likelihood distance: the largest root of d = x tanh(x d), which is 0 up to x = 1."""
    found = np.where(observed > 1, observed, 0.0)
    for _ in range(200):
        found = np.where(observed > 1, observed * np.tanh(observed * found), 0.0)
    return found


def deviations(distance: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """The accepted deviations of an observed from a true distance, both in standard errors.

    distance: any shape. Returns the least, -inf where every smaller outcome is accepted, and the largest.
    """
    table = acceptance(confidence)
    z = ndtri(0.5 + confidence / 2)
    far = distance >= FAR
    least = np.interp(distance, table.distance, table.lower) - distance
    least = np.where(least <= -distance, -np.inf, least)
    most = np.interp(distance, table.distance, table.upper) - distance
    return np.where(far, -z, least), np.where(far, z, most)


def folded_interval(observed: float, confidence: float) -> Bounds:
    """Interval of the true distance given the ``observed`` one (at least 0), both in standard errors."""
    table = acceptance(confidence)
    z = float(ndtri(0.5 + confidence / 2))
    if observed >= FAR - z:
        return Bounds(
            observed - z
            if observed >= table.upper[-1]
            else float(np.interp(observed, table.upper, table.distance)),
            observed + z,
        )
    # Where the lower limit has left 0 it rises.
    start = max(int(np.flatnonzero(table.lower == 0)[-1]), 0)
    return Bounds(
        float(np.interp(observed, table.upper, table.distance)) if observed > table.upper[0] else 0.0,
        float(np.interp(observed, table.lower[start:], table.distance[start:])),
    )
