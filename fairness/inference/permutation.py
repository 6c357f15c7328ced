"""Exact tests of "the groups do not differ": outcomes are dealt out anew among the groups.

Given how many trials each group has and how many successes there are in all, the successes of groups with
one rate follow a multivariate hypergeometric law, however small the counts: the test is Fisher's, for any
statistic. TPR is dealt out among the positives, FPR among the negatives, precision among the predicted
positives; they share no example, and so are independent of each other. The statistic is the range of the
groups' standardised successes, whose null variance is the same in every deal.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import rel_entr

from fairness.metrics import Rate

PERMUTATIONS = 9_999  # the least p-value is 0.0001: enough for 1 of 500 tests to stand at 5 %
FIRST = 999  # deals after which a p-value of clearly no interest is left as it is
ENOUGH = 100  # of these at least as extreme as what was observed (Besag and Clifford 1991)
MAX_CELLS = 2_000_000  # deals times groups held at once
MAX_WORK = 4_000_000  # deals times groups in all: hundreds of groups get fewer deals

Statistic = Callable[[np.ndarray], np.ndarray]
"""(b, g) successes -> (b,), larger where groups differ more."""


def range_test(rates: Sequence[Rate], seed: int) -> float:
    """p-value of the largest range over the ``rates``, each (g,) of disjoint groups with trials > 0."""
    statistics = [_standardised_range(rate) for rate in rates]
    observed = max(
        float(statistic(rate.successes[None])[0]) for statistic, rate in zip(statistics, rates, strict=True)
    )
    if observed == 0:
        return 1.0
    if all(_clear(rate, observed) for rate in rates):
        return 1 / (PERMUTATIONS + 1)
    return _p_value(rates, statistics, observed, seed)


def gap_test(rate: Rate, judged: np.ndarray, seed: int) -> float:
    """p-value of the sum of |overall rate - rate of the group| over the ``judged`` (g,) of the groups."""

    def statistic(successes: np.ndarray) -> np.ndarray:
        overall = successes.sum(axis=1, keepdims=True) / rate.trials.sum()
        return np.asarray(np.abs(overall - successes / rate.trials)[:, judged].sum(axis=1))

    return _p_value([rate], [statistic], float(statistic(rate.successes[None])[0]), seed)


def _standardised_range(rate: Rate) -> Statistic:
    n, total, hits = rate.trials.astype(float), float(rate.trials.sum()), float(rate.successes.sum())
    share = hits / total
    variance = n * share * (1 - share) * (total - n) / max(total - 1, 1)
    scale = np.divide(1, np.sqrt(variance), out=np.zeros_like(n), where=variance > 0)

    def statistic(successes: np.ndarray) -> np.ndarray:
        standardised = (successes - n * share) * scale
        return np.asarray(standardised.max(axis=1) - standardised.min(axis=1))

    return statistic


def _clear(rate: Rate, observed: float) -> bool:
    """Whether no deal can be expected to reach ``observed``.

    A range that large needs a group half as far from its mean; the chance of that has Chernoff's bound, for
    drawing without replacement too (Hoeffding 1963, theorems 1 and 4).
    """
    n, total = rate.trials.astype(float), float(rate.trials.sum())
    share = float(rate.successes.sum()) / total
    error = np.sqrt(share * (1 - share) * (total - n) / max(total - 1, 1) / n)
    chance = 0.0
    for side in (share + observed / 2 * error, share - observed / 2 * error):
        # Groups that differ as far as they can reach 0 or 1 exactly, but for rounding.
        inside = (side > -1e-9) & (side < 1 + 1e-9)
        q = np.clip(side[inside], 0, 1)
        chance += float(np.exp(-n[inside] * (rel_entr(q, share) + rel_entr(1 - q, 1 - share))).sum())
    return chance * PERMUTATIONS < 1e-3


def _p_value(rates: Sequence[Rate], statistics: Sequence[Statistic], observed: float, seed: int) -> float:
    """Share of deals, the observed one among them, that are at least as extreme.

    Ties count in full; the tolerance keeps rounding from making two of them.
    """
    rng = np.random.default_rng(seed)
    groups = sum(len(rate.trials) for rate in rates)
    deals = int(np.clip(MAX_WORK // groups, 2 * FIRST + 1, PERMUTATIONS))
    reached = done = 0
    while done < deals:
        count = min(FIRST - done if done < FIRST else deals - done, max(1, MAX_CELLS // groups))
        largest = np.full(count, -np.inf)
        for rate, statistic in zip(rates, statistics, strict=True):
            dealt = rng.multivariate_hypergeometric(
                rate.trials, int(rate.successes.sum()), size=count, method="marginals"
            )
            np.maximum(largest, statistic(dealt), out=largest)
        reached += int((largest >= observed * (1 - 1e-9) - 1e-12).sum())
        done += count
        if done == FIRST and reached >= ENOUGH:
            break
    return (1 + reached) / (1 + done)
