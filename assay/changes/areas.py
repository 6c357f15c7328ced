"""Areas under the ROC curve of weighted examples: of all, of each group, and of groups against all others.

As in ``fairness.bias.background`` the numbers of a group's background are those of all examples less those
of the group, so the cost depends on the group's size alone.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from assay.changes.resampling import Value
from fairness.bias.auc import POWER
from fairness.metrics import divide


class Below(NamedTuple):
    """Where the examples of one class stand among those of another, both sorted by score.

    start, end: (m,) how many of the other class score lower, and how many do not score higher.
    """

    start: np.ndarray
    end: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, others: np.ndarray) -> "Below":
        return cls(
            np.searchsorted(others, scores, side="left"), np.searchsorted(others, scores, side="right")
        )

    def weight(self, others: np.ndarray) -> np.ndarray:
        """(b, m) the weight of the others below each example, a tie counting half. others: (b, o) weights."""
        summed = np.zeros((others.shape[0], others.shape[1] + 1))
        np.cumsum(others, axis=1, out=summed[:, 1:])
        return np.asarray((summed[:, self.start] + summed[:, self.end]) / 2)


@dataclass(frozen=True, eq=False)
class _Group:
    """positives, negatives: places among all positives and negatives. own_negatives: of its positives among
    its own negatives; own_positives: of its negatives among its own positives."""

    positives: np.ndarray
    negatives: np.ndarray
    own_negatives: Below
    own_positives: Below


@dataclass(frozen=True, eq=False)
class GroupAreas:
    """positives, negatives: the examples of each class by score. among_negatives: of all positives among all
    negatives; among_positives: of all negatives among all positives."""

    positives: np.ndarray
    negatives: np.ndarray
    among_negatives: Below
    among_positives: Below
    groups: tuple[_Group, ...]

    def overall(self, weights: np.ndarray) -> np.ndarray:
        """(b,) the area of all examples."""
        positive, negative = weights[:, self.positives], weights[:, self.negatives]
        return _area(positive, self.among_negatives.weight(negative), negative.sum(axis=1))

    def within(self, weights: np.ndarray) -> np.ndarray:
        """(b, g) the area of each group."""
        positive, negative = weights[:, self.positives], weights[:, self.negatives]
        found = [
            _area(
                positive[:, group.positives],
                group.own_negatives.weight(negative[:, group.negatives]),
                negative[:, group.negatives].sum(axis=1),
            )
            for group in self.groups
        ]
        return np.stack(found, axis=1)

    def against_others(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(b, g) each: BPSN and BNSP areas (Borkan et al. 2019) of each group."""
        positive, negative = weights[:, self.positives], weights[:, self.negatives]
        negatives_below = self.among_negatives.weight(negative)
        positives_below = self.among_positives.weight(positive)
        all_positive, all_negative = positive.sum(axis=1), negative.sum(axis=1)
        bpsn, bnsp = [], []
        for group in self.groups:
            own_positive, own_negative = positive[:, group.positives], negative[:, group.negatives]
            outside = negatives_below[:, group.positives] - group.own_negatives.weight(own_negative)
            bnsp.append(_area(own_positive, outside, all_negative - own_negative.sum(axis=1)))
            outside = positives_below[:, group.negatives] - group.own_positives.weight(own_positive)
            bpsn.append(1 - _area(own_negative, outside, all_positive - own_positive.sum(axis=1)))
        return np.stack(bpsn, axis=1), np.stack(bnsp, axis=1)


def group_areas(score: np.ndarray, positive: np.ndarray, inside: np.ndarray) -> GroupAreas:
    """score: (r,) of the class. positive: (r,) bool. inside: (r, g) bool, the groups of each answer."""
    order = np.argsort(score, kind="stable")
    positives, negatives = order[positive[order]], order[~positive[order]]
    high, low = score[positives], score[negatives]
    groups = []
    for g in range(inside.shape[1]):
        mine, others = np.flatnonzero(inside[positives, g]), np.flatnonzero(inside[negatives, g])
        groups.append(
            _Group(mine, others, Below.of(high[mine], low[others]), Below.of(low[others], high[mine]))
        )
    return GroupAreas(positives, negatives, Below.of(high, low), Below.of(low, high), tuple(groups))


def _area(weights: np.ndarray, below: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(b,) of examples (b, m), ``below`` which lies the weight (b, m) of the ``others`` (b,) in all."""
    return divide((weights * below).sum(axis=1), weights.sum(axis=1) * others)


def mean_area_of_classes(y_true: np.ndarray, probabilities: np.ndarray) -> Value:
    """As ``robustness.metrics.roc_auc``: of class 1 of two, else the mean over classes against the rest."""
    k = probabilities.shape[1]
    nobody = np.zeros((len(y_true), 0), dtype=bool)
    classes = [
        group_areas(probabilities[:, label], y_true == label, nobody)
        for label in ([1] if k == 2 else range(k))
    ]
    return lambda weights: np.mean([each.overall(weights) for each in classes], axis=0)


def bias_value(name: str, areas: GroupAreas) -> Value:
    """A bias area of the one group, or the generalised mean over the groups (``fairness.bias``)."""
    if name.endswith("_auc") and not name.startswith("mean_"):
        return lambda weights: _named(areas, name, weights)[:, 0]
    if name != "bias_score":
        return lambda weights: power_mean(_named(areas, name.removeprefix("mean_"), weights))

    def score(weights: np.ndarray) -> np.ndarray:
        groups = [areas.within(weights), *areas.against_others(weights)]
        parts = [areas.overall(weights), *(power_mean(each) for each in groups)]
        return np.asarray(np.mean(parts, axis=0))

    return score


def _named(areas: GroupAreas, name: str, weights: np.ndarray) -> np.ndarray:
    if name == "subgroup_auc":
        return areas.within(weights)
    bpsn, bnsp = areas.against_others(weights)
    return bpsn if name == "bpsn_auc" else bnsp


def power_mean(values: np.ndarray) -> np.ndarray:
    """(b,) the generalised mean of (b, g) areas over the groups that have one; 0 where one of them is 0."""
    with np.errstate(divide="ignore"):
        powers = np.where(np.isnan(values), 0.0, values**POWER)
        means = divide(powers.sum(axis=1), (~np.isnan(values)).sum(axis=1)) ** (1 / POWER)
    return np.asarray(means)
