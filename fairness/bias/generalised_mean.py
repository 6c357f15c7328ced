"""The generalised mean of the groups' areas, and how it varies from sample to sample (delta method)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fairness.bias.background import Against, AreaName, Compared, Ranked, compare
from robustness.delong import Area, influence, summarized
from robustness.estimate import Estimate


class Summary(NamedTuple):
    """A number that rests on several areas.

    weights: its derivative by each of the ``areas``. influence: (n,) what each example adds to its deviation.
    examples: (n,) bool, which examples it rests on.
    """

    value: float
    areas: list[Area]
    weights: list[float]
    influence: np.ndarray
    examples: np.ndarray

    def estimate(self, confidence: float) -> Estimate:
        """With the interval of ``robustness.delong.summarized``."""
        variance = float(self.influence @ self.influence)
        n = int(self.examples.sum())
        return summarized(self.value, self.areas, self.weights, variance, n, confidence)


def power_mean(values: np.ndarray, power: float) -> tuple[float, np.ndarray]:
    """(mean of values^power)^(1 / power) of (g,) values in [0, 1], and its (g,) derivatives; power < 0.

    With a value of 0 the mean and the derivatives by all others are 0: the limit.
    """
    g, zeros = len(values), int((values == 0).sum())
    if zeros:
        return 0.0, np.where(values == 0, (zeros / g) ** (1 / power) / zeros, 0.0)
    mean = float(np.mean(values**power) ** (1 / power))
    return mean, (values / mean) ** (power - 1) / g


def mean_area(name: AreaName, ranked: Ranked, compared: Sequence[Compared], power: float) -> Summary | None:
    """The generalised mean of one area over the groups that have it, or None where no group does."""
    groups = [each for each in compared if each.area(name) is not None]
    if not groups:
        return None
    areas = [area for each in groups if (area := each.area(name)) is not None]
    value, weights = power_mean(np.array([area.value for area in areas]), power)
    joint = _JointInfluence(ranked)
    memberships = np.zeros(len(ranked.ranks), dtype=np.int64)
    for each, weight in zip(groups, weights, strict=True):
        memberships[each.positives] += 1
        memberships[each.negatives] += 1
        if name == "subgroup_auc":
            joint.add_subgroup(each, weight)
        elif name == "bpsn_auc":
            joint.add_against(each.bpsn, each.negatives, each.positives, True, -weight)
        else:
            joint.add_against(each.bnsp, each.positives, each.negatives, False, weight)
    inside, outside = memberships > 0, memberships < len(groups)
    examples = {
        "subgroup_auc": inside,
        "bpsn_auc": np.where(ranked.positive, outside, inside),
        "bnsp_auc": np.where(ranked.positive, inside, outside),
    }
    return Summary(value, areas, weights.tolist(), joint.total(), examples[name])


def overall_area(ranked: Ranked) -> Summary | None:
    """The area of all examples, or None where they are of one class."""
    everyone = compare(ranked, np.arange(len(ranked.ranks)))
    if everyone.subgroup is None:
        return None
    joint = _JointInfluence(ranked)
    joint.add_subgroup(everyone, 1.0)
    every = np.ones(len(ranked.ranks), dtype=bool)
    return Summary(everyone.subgroup.value, [everyone.subgroup], [1.0], joint.total(), every)


def average(parts: Sequence[Summary]) -> Summary:
    """The mean of several summaries of the same examples."""
    share = 1 / len(parts)
    return Summary(
        share * sum(part.value for part in parts),
        [area for part in parts for area in part.areas],
        [share * weight for part in parts for weight in part.weights],
        share * np.sum([part.influence for part in parts], axis=0),
        np.any([part.examples for part in parts], axis=0),
    )


class _JointInfluence:
    """The influence of every example on a weighted sum of areas, gathered group by group.

    A group's background is nearly everyone. What it adds is a step function of the rank, so the steps of all
    groups are added up, given to everyone at the end, and taken back from the group's own examples.
    """

    def __init__(self, ranked: Ranked) -> None:
        self._ranked = ranked
        self._own = np.zeros(len(ranked.ranks))
        self._jumps = np.zeros((2, len(ranked.below[0]) + 1))

    def add_subgroup(self, each: Compared, weight: float) -> None:
        """Add ``weight`` times the area within a group."""
        if each.subgroup is None or each.placed is None:
            return
        self._own[each.positives] += weight * influence(each.placed.positives, each.subgroup.value)
        self._own[each.negatives] += weight * influence(each.placed.negatives, each.subgroup.value)

    def add_against(
        self, against: Against | None, sample: np.ndarray, own: np.ndarray, side: bool, weight: float
    ) -> None:
        """Add ``weight`` times the area of ``Ranked.against(sample, own, side)``."""
        if against is None:
            return
        self._own[sample] += weight * influence(against.placed, against.area)
        scale = weight / math.sqrt(against.size * max(against.size - 1, 1))
        steps, jumps = against.steps, self._jumps[int(side)]
        jumps[0] += scale * (1 - against.area)
        jumps[steps.at] -= scale * (steps.on - np.append(0.0, steps.after[:-1]))
        jumps[steps.at + 1] -= scale * (steps.after - steps.on)
        self._own[own] -= scale * (1 - against.area - steps(self._ranked.ranks[own]))

    def total(self) -> np.ndarray:
        """(n,) the influences; their sum of squares is the variance of the weighted sum."""
        levels = self._jumps.cumsum(axis=1)
        return np.asarray(self._own + levels[self._ranked.positive.astype(int), self._ranked.ranks])
