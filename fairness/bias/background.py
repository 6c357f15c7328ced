"""A group's scores against those of everyone else, from ranks: the cost depends on the group's size alone.

With every example's rank and the number of positives and negatives below each rank at hand, the background of
a group needs no second look: its numbers are those of all examples less those of the group.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from robustness.delong import Area, Placements, area_of, influence, placements

AreaName = Literal["subgroup_auc", "bpsn_auc", "bnsp_auc"]


class Steps(NamedTuple):
    """The share of a sample that is below a rank, a tie counting half: 0 before ``at[0]``, then in steps.

    at: (s,) the different ranks of the sample, ascending. on: (s,) the share at each of them. after: (s,) the
    share from there to the next.
    """

    at: np.ndarray
    on: np.ndarray
    after: np.ndarray

    @classmethod
    def of(cls, sample: np.ndarray) -> "Steps":
        """Of the ranks (m,), m at least 1, ascending."""
        below = np.append(np.flatnonzero(np.diff(sample)) + 1, len(sample))
        counts = np.diff(below, prepend=0)
        return cls(sample[below - 1], (below - counts / 2) / len(sample), below / len(sample))

    def __call__(self, ranks: np.ndarray) -> np.ndarray:
        place = np.searchsorted(self.at, ranks, side="right") - 1
        last = np.maximum(place, 0)
        share = np.where(self.at[last] == ranks, self.on[last], self.after[last])
        return np.where(place < 0, 0.0, share)


@dataclass(frozen=True)
class Against:
    """One class of a group (the sample) against one class of its background.

    area: P(an example of the sample scores higher than one of the background) + P(they tie) / 2.
    placed: (m,) the share of the background that each example of the sample beats.
    steps: the share of the sample below a rank.
    size: how many examples the background has.
    variance: what the background adds to the variance of ``area``.
    """

    area: float
    placed: np.ndarray
    steps: Steps
    size: int
    variance: float

    def wins(self) -> Area:
        """The area with the sample as positives."""
        m = len(self.placed)
        own = float(np.square(influence(self.placed, self.area)).sum())
        return Area(self.area, m, self.size, own, self.variance)

    def losses(self) -> Area:
        """The area with the background as positives."""
        wins = self.wins()
        return Area(
            1 - self.area, wins.negatives, wins.positives, wins.negative_variance, wins.positive_variance
        )


@dataclass(frozen=True)
class Ranked:
    """All examples by the rank of their score.

    ranks: (n,) int, the dense rank, equal where scores are. positive: (n,) bool.
    below: for negatives (0) and positives (1) the number below each rank, (number of ranks + 1,).
    """

    ranks: np.ndarray
    positive: np.ndarray
    below: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, scores: np.ndarray, positive: np.ndarray) -> "Ranked":
        """Of the scores (n,)."""
        values, ranks = np.unique(scores, return_inverse=True)
        counts = (np.bincount(ranks[positive == side], minlength=len(values)) for side in (False, True))
        negatives, positives = (np.concatenate([[0], np.cumsum(count)]) for count in counts)
        return cls(ranks, positive, (negatives, positives))

    def against(self, sample: np.ndarray, own: np.ndarray, side: bool) -> Against | None:
        """The examples ``sample`` (m,) of a group against all of class ``side`` outside it.

        own: the group's examples of that class. Both are sorted by rank. None if either side is empty.
        """
        below = self.below[side]
        size = int(below[-1]) - len(own)
        if size == 0 or len(sample) == 0:
            return None
        own_ranks = self.ranks[own]

        def outside(rank: np.ndarray) -> np.ndarray:
            return np.asarray(below[rank] - np.searchsorted(own_ranks, rank, side="left"))

        ranks = self.ranks[sample]
        placed = (outside(ranks) + outside(ranks + 1)) / (2 * size)
        area = float(placed.mean())
        steps = Steps.of(ranks)
        # How many of the background lie at each step and how many between it and the next.
        start, end = outside(steps.at), outside(steps.at + 1)
        between = np.append(start[1:], size) - end
        squares = (
            start[0] * (1 - area) ** 2
            + (end - start) @ (1 - steps.on - area) ** 2
            + between @ (1 - steps.after - area) ** 2
        )
        return Against(area, placed, steps, size, float(squares) / (size * max(size - 1, 1)))


@dataclass(frozen=True)
class Compared:
    """One group and its background; None for an area that lacks one of its two sides.

    positives, negatives: the indices of the group's examples, by rank. outside: how many others there are.
    subgroup, placed: the area within the group and its placements.
    bpsn: the group's negatives against the positives of the background, so its area is 1 - BPSN AUC.
    bnsp: the group's positives against the negatives of the background.
    positive_gap, negative_gap: the group's positives, and negatives, against those of the background.
    """

    positives: np.ndarray
    negatives: np.ndarray
    outside: int
    subgroup: Area | None
    placed: Placements | None
    bpsn: Against | None
    bnsp: Against | None
    positive_gap: Against | None
    negative_gap: Against | None

    @property
    def n(self) -> int:
        return len(self.positives) + len(self.negatives)

    def area(self, name: AreaName) -> Area | None:
        """The area of that name, with the positives of the pair as its positives."""
        if name == "subgroup_auc":
            return self.subgroup
        if name == "bpsn_auc":
            return None if self.bpsn is None else self.bpsn.losses()
        return None if self.bnsp is None else self.bnsp.wins()


def compare(ranked: Ranked, members: np.ndarray) -> Compared:
    """The group of the examples ``members`` against all others."""
    # Sorted once, for all that follows: a search of sorted values in sorted values is quick, too.
    members = members[np.argsort(ranked.ranks[members], kind="stable")]
    inside = ranked.positive[members]
    positives, negatives = members[inside], members[~inside]
    two_classes = len(positives) and len(negatives)
    placed = placements(ranked.ranks[positives], ranked.ranks[negatives]) if two_classes else None
    return Compared(
        positives,
        negatives,
        len(ranked.ranks) - len(members),
        None if placed is None else area_of(placed),
        placed,
        bpsn=ranked.against(negatives, positives, side=True),
        bnsp=ranked.against(positives, negatives, side=False),
        positive_gap=ranked.against(positives, positives, side=True),
        negative_gap=ranked.against(negatives, negatives, side=False),
    )
