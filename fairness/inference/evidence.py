"""What speaks against "the groups do not differ": a p-value, bounds, and how many examples would decide."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from fairness.inference.folded import Bounds
from fairness.inference.gaps import gap_bounds, gap_null, gap_sum
from fairness.inference.permutation import gap_test, range_test
from fairness.inference.score_pairs import Kind
from fairness.inference.simultaneous import family_bounds, largest_size, max_t, rate_bounds
from fairness.measured import Measured
from fairness.metrics import Rate

POWER = 0.8


@dataclass(frozen=True)
class Evidence:
    """Of one disparity.

    p_value: of "no disparity". bounds: (kind, confidence) -> interval of the true value.
    size, error: the disparity and its standard error, in one unit.
    critical: level -> the size beyond which there is a disparity, at a confidence of ``level``.
    """

    p_value: float
    bounds: Callable[[Kind, float], Bounds]
    size: float
    error: float
    critical: Callable[[float], float]

    def examples_needed(self, n: int, level: float) -> int | None:
        """How many examples instead of ``n`` would establish this size at ``level`` with a power of 80 %.

        None for a size of zero. Standard errors shrink with the root of n, the size stays.
        """
        if self.size <= 0:
            return None
        reach = self.critical(level) + float(ndtri(POWER)) * self.error
        return max(n, math.ceil(n * (reach / self.size) ** 2))


def range_evidence(measured: Measured, metrics: Sequence[str], seed: int) -> Evidence:
    """Of the largest difference, or smallest ratio, between groups in any of the ``metrics``.

    Rates of disjoint groups, and F1 (which differs where the Jaccard index does), are tested by permutation.
    Balanced accuracy and metrics of scores are not exchangeable between groups of other label shares or
    scores, and groups that overlap can have one rate and still be made of cells that differ: there the
    largest contrast in standard errors is compared with its simulated distribution (max-t).
    """
    shares = [measured.shares(metric) for metric in metrics]
    families = [measured.family(metric, "difference") for metric in metrics]
    null = max_t([family.covariance for family in families], seed)
    size = largest_size(families)
    rates = [share.groups for share in shares if share is not None]
    exact = len(rates) == len(metrics) and measured.counts.disjoint
    plain = exact and not any(metric.startswith("f1") for metric in metrics)

    p_value = range_test(rates, seed) if exact else null.p_value(size)

    def bounds(kind: Kind, confidence: float) -> Bounds:
        on_scale, of_scale = families, null
        if kind == "ratio":
            on_scale = [measured.family(metric, kind) for metric in metrics]
            of_scale = max_t([family.covariance for family in on_scale], seed)
        if plain and len(rates) == 1 and len(rates[0].trials) == 2:
            return rate_bounds(kind, rates, of_scale, confidence)
        found = (
            rate_bounds(kind, rates, of_scale, confidence)
            if plain
            else family_bounds(kind, on_scale, of_scale, confidence)
        )
        return _unless_rejected(found, kind, p_value, confidence)

    return Evidence(p_value, bounds, size, 1.0, null.quantile)


def _unless_rejected(bounds: Bounds, kind: Kind, p_value: float, confidence: float) -> Bounds:
    """``bounds``, stretched to no disparity where the test does not reject it.

    Bounds rest on normal errors, the test does not; where counts are small the test is to be believed.
    """
    if p_value <= 1 - confidence:
        return bounds
    return Bounds(0.0, bounds.high) if kind == "difference" else Bounds(bounds.low, 1.0)


def gap_evidence(measured: Measured, metric: str, seed: int) -> Evidence:
    """Of the sum over groups of |rate of all examples - rate of the group|."""
    shares = measured.shares(metric)
    if shares is None:
        raise ValueError(f'"{metric}" is no rate')
    size, null = gap_sum(shares), gap_null(shares, seed)
    members = shares.members
    outside = ~members.any(axis=1)
    rest = Rate(
        np.array([shares.cells.successes[outside].sum()]), np.array([shares.cells.trials[outside].sum()])
    )
    disjoint = measured.counts.disjoint
    whole = disjoint and not rest.trials[0]

    def bounds(kind: Kind, confidence: float) -> Bounds:
        if whole and members.shape[1] == 2:
            # The gaps of two groups that are all there is add up to the difference of their rates.
            families = [measured.family(metric, kind)]
            pair = max_t([family.covariance for family in families], seed)
            return rate_bounds(kind, [shares.groups], pair, confidence)
        return _unless_rejected(gap_bounds(size, null, confidence), kind, p_value, confidence)

    if not disjoint:
        p_value = null.p_value(size)
    elif whole:
        p_value = gap_test(shares.groups, np.ones(members.shape[1], dtype=bool), seed)
    else:
        everyone = Rate(
            np.append(shares.groups.successes, rest.successes), np.append(shares.groups.trials, rest.trials)
        )
        p_value = gap_test(everyone, np.append(np.ones(members.shape[1], dtype=bool), False), seed)
    return Evidence(p_value, bounds, size, null.error, null.quantile)
