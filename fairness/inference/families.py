"""What is compared between groups, as normal variables: centres and covariances on the scale of a disparity.

Intervals and tests of rates without a closed form of their own (F1, balanced accuracy, every rate of groups
that overlap) rest on these. Groups that overlap are correlated, but cells are not: given how many examples a
cell has, its successes are independent of those of the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fairness.inference.score_pairs import Kind
from fairness.metrics import Rate, f1_of


@dataclass(frozen=True)
class Family:
    """One metric of g groups: centres (g,) and covariance (g, g)."""

    centres: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True)
class Shares:
    """One rate, counted by group and by cell.

    groups: (g,) counts of groups, all with trials. cells: (c,) counts. members: (c, g) bool.
    """

    groups: Rate
    cells: Rate
    members: np.ndarray


def shares_family(shares: Shares, kind: Kind, added: float | None = None) -> Family:
    """The rates of the groups, or their logarithms for a ratio.

    added: successes, and as many failures, added to each group. By default 1 as Agresti and Caffo (2000) do
    for a difference, and 1/2 for a ratio, where the variance of a logarithm is then never infinite.
    """
    added = added if added is not None else (1.0 if kind == "difference" else 0.5)
    centres = (shares.groups.successes + added) / (shares.groups.trials + 2 * added)
    family = Family(centres, covariance(shares, added))
    return family if kind == "difference" else transformed(family, np.log, lambda p: 1 / p)


def f1_family(jaccard: Shares, kind: Kind) -> Family:
    """F1 of the groups by the delta method from the Jaccard index, which is a share."""
    added = 1.0 if kind == "difference" else 0.5
    family = transformed(shares_family(jaccard, "difference", added), f1_of, lambda j: 2 / (1 + j) ** 2)
    return family if kind == "difference" else transformed(family, np.log, lambda p: 1 / p)


def balanced_accuracy_family(recalls: Sequence[Shares], kind: Kind) -> Family:
    """The mean recall of the groups; recalls: one for each of the k classes.

    A contrast of two groups is a sum of m = 2k rates, each with 2 / m successes and failures added
    (Price and Bonett 2004, eq. 3).
    """
    k = len(recalls)
    each = [shares_family(recall, "difference", 1 / k) for recall in recalls]
    mean = Family(
        np.mean([family.centres for family in each], axis=0),
        np.sum([family.covariance for family in each], axis=0) / k**2,
    )
    return mean if kind == "difference" else transformed(mean, np.log, lambda p: 1 / p)


def covariance(shares: Shares, added: float) -> np.ndarray:
    """(g, g): of the rates of the groups.

    The rate of a cell is drawn towards that of all cells by ``added`` successes and failures shared out at
    the common rate, so that a cell of few examples, all alike, does not pass for a certain one. Where cells
    are groups it is drawn towards 1/2, as their centres are.
    """
    trials = shares.groups.trials + 2 * added
    if bool((shares.members.sum(axis=1) <= 1).all()):
        rate = (shares.groups.successes + added) / trials
        return np.diag(rate * (1 - rate) / trials)
    variance = cell_variance(shares.cells, added) * shares.cells.trials**2
    joint = (shares.members * variance[:, None]).T @ shares.members
    return np.asarray(joint / np.outer(trials, trials))


def cell_variance(cells: Rate, added: float) -> np.ndarray:
    """(c,) variance of the rate of each cell, 0 for a cell without trials."""
    n = cells.trials.astype(float)
    common = (cells.successes.sum() + added) / (n.sum() + 2 * added)
    rate = (cells.successes + 2 * added * common) / (n + 2 * added)
    return np.asarray(np.divide(rate * (1 - rate), n, out=np.zeros_like(rate), where=n > 0))


def transformed(
    family: Family, function: Callable[[np.ndarray], np.ndarray], slope: Callable[[np.ndarray], np.ndarray]
) -> Family:
    """``function`` of the centres, its variance by the delta method."""
    factor = slope(family.centres)
    return Family(function(family.centres), family.covariance * np.outer(factor, factor))
