"""Random labels, scores with many ties, and groups: what the tests of scores share."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from fairness.groups import Grouping, columns_of, overlapping


class Case(NamedTuple):
    """y_true (n,), scores (n, k), and groups of which some are empty, of one class, or of one example."""

    y_true: np.ndarray
    scores: np.ndarray
    grouping: Grouping


@st.composite
def cases(draw: st.DrawFn, kind: str | None = None) -> Case:
    k = draw(st.integers(2, 3))
    n = draw(st.integers(1, 40))
    labels = np.array(draw(st.lists(st.integers(0, k - 1), min_size=n, max_size=n)))
    weights = st.lists(st.integers(0, 4), min_size=k, max_size=k).filter(any)
    rows = np.array([draw(weights) for _ in range(n)], dtype=float)
    kind = kind or draw(st.sampled_from(["column", "overlapping"]))
    if kind == "column":
        names = st.sampled_from(["a", "b", "c", "d"])
        column = np.array(draw(st.lists(names, min_size=n, max_size=n)), dtype=object)
        (grouping,) = columns_of({"g": column})
    else:
        bits = st.lists(st.integers(0, 1), min_size=n, max_size=n)
        grouping = overlapping("g", {name: np.array(draw(bits)) for name in "abc"})
    return Case(labels, rows / rows.sum(axis=1, keepdims=True), grouping)


def pairs(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    """(m, r) 1 where a positive beats a negative, 1/2 where they tie: the definition of every area."""
    return (positives[:, None] > negatives[None, :]) + 0.5 * (positives[:, None] == negatives[None, :])


def influence_of_pairs(n: int, rows: np.ndarray, others: np.ndarray, won: np.ndarray) -> np.ndarray:
    """(n,) DeLong's components of an area over ``won`` (rows, others), centred and scaled to variances."""
    found = np.zeros(n)
    for members, components in ((rows, won.mean(axis=1)), (others, won.mean(axis=0))):
        m = len(members)
        found[members] = (components - components.mean()) / np.sqrt(m * max(m - 1, 1))
    return found
