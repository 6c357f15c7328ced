"""Which examples belong to which groups: columns, their intersections, and groups that overlap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd

from attacks.errors import AssayError, nearest
from fairness.group_columns import MAX_GROUPS, coded, indicator, is_missing, refuse_ids
from fairness.results import GroupingKind

BITS = 32  # indicators packed into one number: with 31 bits of code in front it still is an int64


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

    @property
    def disjoint(self) -> bool:
        """Whether every example belongs to exactly one group."""
        return bool((self.members.sum(axis=1) == 1).all())

    @cached_property
    def n(self) -> np.ndarray:
        """(g,) int64: the examples in each group; 0 is possible where groups overlap."""
        sizes = np.bincount(self.cells, minlength=len(self.members))
        return np.asarray(sizes @ self.members.astype(np.int64))

    def mask(self, g: int) -> np.ndarray:
        """(n,) bool: the examples of group ``g``."""
        return np.asarray(self.members[:, g][self.cells])

    def rows(self) -> list[np.ndarray]:
        """For each group the indices of its examples, ascending."""
        if not self.disjoint:
            return [np.flatnonzero(self.mask(g)) for g in range(len(self.values))]
        group = self.members.argmax(axis=1)[self.cells]
        # A stable sort of small integers is a radix sort: one pass over the rows for all groups.
        order = np.argsort(group.astype(np.int16 if len(self.values) < 2**15 else np.int64), kind="stable")
        return np.split(order, np.cumsum(self.n)[:-1])


def columns_of(groups: Mapping[str, np.ndarray], n: int | None = None) -> list[Grouping]:
    """One grouping for each column; its values are the groups.

    groups: {column: (n,) text}. n: the number of examples; by default that of the first column.
    An empty cell is the group ``(missing)`` by the time it comes here.

    Raises AssayError for no column, a wrong length, a value that is no text, a column of missing values
    only, and one of more than 1,000 values.
    """
    if not groups:
        raise AssayError("expected at least one group column, got none; name one to assess fairness by")
    found = []
    for name, column in groups.items():
        n = len(column) if n is None else n
        codes, values = coded(name, column, n)
        found.append(Grouping(name, "column", values, codes, np.eye(len(values), dtype=bool)))
    return found


def intersections(
    groups: Mapping[str, np.ndarray], depth: int, min_size: int, n: int | None = None
) -> list[Grouping]:
    """The intersections of every 2, 3, ... ``depth`` columns, in the order of the columns.

    The grouping of the columns "a" and "b" is named "a & b", and a group of it "x & y". A combination that
    no example has is no group. One of fewer than ``min_size`` examples is (it is shown as small), except
    where more than 1,000 combinations occur: then the small ones are left out, and their examples belong
    to no group of that intersection.

    groups, n: as for ``columns_of``, which raises the same errors. Raises AssayError too for a depth below
    1, for two combinations that would have one name, and where over 1,000 combinations are large.
    """
    if depth < 1:
        raise AssayError(f"intersections: expected a depth of at least 1 (none), got {depth}")
    columns = columns_of(groups, n) if groups else []
    found = []
    for size in range(2, min(depth, len(columns)) + 1):
        found += [_intersection(chosen, min_size) for chosen in combinations(columns, size)]
    check_names([*columns, *found])
    return found


def overlapping(name: str, columns: Mapping[str, np.ndarray], n: int | None = None) -> Grouping:
    """Groups named after indicator columns; an example can belong to several, or to none.

    columns: {group: (n,) 0 or 1, true or false, yes or no, in any case}. n: as for ``columns_of``.
    A group to which no example belongs is kept, with n = 0.

    Raises AssayError for no or more than 1,000 columns, a wrong length, and any other value.
    """
    if not columns:
        raise AssayError(f'overlapping groups "{name}": expected at least one column of 0 and 1, got none')
    if len(columns) > MAX_GROUPS:
        raise AssayError(
            f'overlapping groups "{name}": expected at most {MAX_GROUPS:,} columns, got {len(columns):,}'
        )
    values = tuple(sorted(columns))
    indicators = []
    for group in values:
        n = len(columns[group]) if n is None else n
        indicators.append(indicator(name, group, columns[group], n))
    return _patterns(name, values, indicators)


def multi_valued(name: str, column: np.ndarray, separator: str, n: int | None = None) -> Grouping:
    """The groups of a column whose cells name several, such as "black;female" with ``separator`` ";".

    Space around a name is no part of it; a cell that is empty or ``(missing)`` belongs to no group.

    Raises AssayError as ``columns_of`` does, and for an empty separator.
    """
    if not separator:
        raise AssayError(f'group column "{name}": expected a separator such as ";", got an empty one')
    codes, cells = coded(name, column, len(column) if n is None else n, MAX_GROUPS**2)
    named = [
        {part.strip() for part in cell.split(separator) if not is_missing(part.strip())} for cell in cells
    ]
    values = tuple(sorted(set().union(*named)))
    if len(values) > MAX_GROUPS:
        refuse_ids(name, len(values), len(codes))
    if not values:
        raise AssayError(f'group column "{name}": names no group, only "{separator}"')
    position = {value: g for g, value in enumerate(values)}
    members = np.zeros((len(cells), len(values)), dtype=bool)
    for cell, words in enumerate(named):
        members[cell, [position[word] for word in words]] = True
    return Grouping(name, "overlapping", values, codes, members)


def all_groupings(
    groups: Mapping[str, np.ndarray],
    *,
    alone: Sequence[str] | None = None,
    depth: int = 1,
    several: Mapping[str, Sequence[str]] | None = None,
    min_size: int = 1,
    n: int | None = None,
) -> list[Grouping]:
    """Every column, the intersections of up to ``depth`` columns, and the overlapping groups ``several``.

    alone: the columns of ``groups`` that are assessed by themselves and crossed; None for all of them. The
        others are there for ``several``.
    several: {name: columns of ``groups`` that hold 0 and 1, or yes and no}.
    depth, min_size, n: as for ``columns_of`` and ``intersections``.

    Raises AssayError as they do, and for an unknown column or a name given twice.
    """
    several = several or {}
    columns = groups if alone is None else _chosen(groups, alone, "group columns")
    found = columns_of(columns, n) if columns or not several else []
    found += intersections(columns, depth, min_size, n)
    for name, members in several.items():
        found.append(overlapping(name, _chosen(groups, members, f'overlapping groups "{name}"'), n))
    check_names(found)
    return found


def check_names(groupings: Sequence[Grouping]) -> None:
    """Raise AssayError where two groupings have one name."""
    seen: set[str] = set()
    for grouping in groupings:
        if grouping.name in seen:
            raise AssayError(
                f'two groupings are named "{grouping.name}": rename the column or the overlapping groups'
            )
        seen.add(grouping.name)


def _chosen(groups: Mapping[str, np.ndarray], columns: Sequence[str], what: str) -> dict[str, np.ndarray]:
    for column in columns:
        if column not in groups:
            raise AssayError(f'{what}: there is no group column "{column}".{nearest(column, list(groups))}')
    return {column: groups[column] for column in columns}


def _intersection(columns: Sequence[Grouping], min_size: int) -> Grouping:
    name = " & ".join(column.name for column in columns)
    codes, parts = columns[0].cells, [(value,) for value in columns[0].values]
    for column in columns[1:]:
        # Numbered anew after every column, so that the product of the sizes cannot overflow.
        codes, kept = pd.factorize(codes * len(column.values) + column.cells, sort=True)
        parts = [
            (*parts[cell // len(column.values)], column.values[cell % len(column.values)]) for cell in kept
        ]
    values = [" & ".join(part) for part in parts]
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise AssayError(
            f'intersection "{name}": two different combinations would be named "{twice}"; '
            'rename the values that hold " & "'
        )
    # Combinations come in the order of their parts, which is not quite the order of their names.
    shown = np.array(sorted(range(len(values)), key=values.__getitem__))
    if len(values) > MAX_GROUPS:
        shown = shown[np.bincount(codes)[shown] >= min_size]
        if len(shown) > MAX_GROUPS:
            raise AssayError(
                f'intersection "{name}": {len(shown):,} combinations have at least {min_size} examples; '
                f"at most {MAX_GROUPS:,} can be assessed. Lower the depth or raise the minimum group size."
            )
    # The combinations that are left out share the last cell, which belongs to no group.
    cells = np.full(len(values), len(shown))
    cells[shown] = np.arange(len(shown))
    members = np.eye(len(shown) + (len(shown) < len(values)), len(shown), dtype=bool)
    return Grouping(name, "intersection", tuple(values[g] for g in shown), cells[codes], members)


def _patterns(name: str, values: tuple[str, ...], indicators: Sequence[np.ndarray]) -> Grouping:
    """The grouping whose cells are the different rows of the indicators."""
    codes = np.zeros(len(indicators[0]), dtype=np.int64)
    for start in range(0, len(indicators), BITS):
        for inside in indicators[start : start + BITS]:
            codes = codes * 2 + inside
        codes = pd.factorize(codes, sort=True)[0].astype(np.int64)
    first = np.unique(codes, return_index=True)[1]
    members = np.stack([inside[first] for inside in indicators], axis=1)
    return Grouping(name, "overlapping", values, codes, members)
