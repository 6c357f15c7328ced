"""Groups as columns of numbers, and the heads of a model that answers each group in its own way."""

from collections.abc import Mapping, Sequence

import numpy as np

from robustness.heads import Head
from robustness.routed import Routing


def one_hot(groups: np.ndarray, values: Sequence[str]) -> np.ndarray:
    """(n, g) float64: 1 in the column of each example's group, none for a group that is not in ``values``."""
    return np.asarray(groups[:, None] == np.asarray(values)[None, :], dtype=np.float64)


def by_group(
    column: str, mixtures: Mapping[str, Sequence[tuple[float, Head]]], seed: int
) -> tuple[tuple[Head, ...], Routing]:
    """Heads and routes of a model that answers group ``value`` by one of ``mixtures[value]``.

    mixtures: {group value: (share, head) pairs}; the shares of a value add up to 1, and those of 0 are left
    out. A head that several groups have in common (the same object) is one member.
    """
    used = {id(head): head for parts in mixtures.values() for share, head in parts if share > 0}
    positions = {key: member for member, key in enumerate(used)}
    shares = {}
    for value, parts in mixtures.items():
        row = [0.0] * len(used)
        for share, head in parts:
            if share > 0:
                row[positions[id(head)]] += float(share)
        shares[str(value)] = tuple(row)
    return tuple(used.values()), Routing(column, shares, seed)
