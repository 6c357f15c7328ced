"""Which examples belong to which groups: columns, their intersections, and groups that overlap."""

from dataclasses import dataclass

import numpy as np

from fairness.results import GroupingKind


@dataclass(frozen=True)
class Grouping:
    """The g groups that one assessment compares.

    values: the names of the groups, sorted.
    cells: (n,) int64, the cell of each example. Examples of one cell belong to the same groups.
    members: (c, g) bool, which groups the examples of a cell belong to. For disjoint groups it is the
        identity; where groups overlap a cell can belong to several, or to none.
    """

    name: str
    kind: GroupingKind
    values: tuple[str, ...]
    cells: np.ndarray
    members: np.ndarray

    def mask(self, g: int) -> np.ndarray:
        """(n,) bool: the examples of group ``g``."""
        return np.asarray(self.members[:, g][self.cells])
