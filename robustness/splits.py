"""Seeded, stratified choices of rows, and the splits cut with them."""

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]
Splits = npt.NDArray[np.str_]


def stratified_choice(labels: Labels, n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Indices (n,), ascending, of rows drawn so that each class keeps its share.

    labels: (m,) class indices; 0 <= n <= m.
    Shares are rounded by largest remainder, so no class is off by a whole row; a class rarer than one
    row in m / n may get none.
    """
    classes, counts = np.unique(labels, return_counts=True)
    quotas, remainders = np.divmod(counts * n, max(1, len(labels)))
    largest = np.argsort(-remainders, kind="stable")[: n - int(quotas.sum())]
    quotas[largest] += 1
    chosen = [
        rng.permutation(np.flatnonzero(labels == label))[:quota]
        for label, quota in zip(classes, quotas, strict=True)
    ]
    return np.sort(np.concatenate(chosen)).astype(np.int64) if chosen else np.empty(0, np.int64)


def cut(
    splits: Splits, labels: Labels, source: str, target: str, fraction: float, rng: np.random.Generator
) -> Splits:
    """A copy of ``splits`` (n,) with ``fraction`` of the rows of ``source``, at least one, in ``target``."""
    rows = np.flatnonzero(splits == source)
    n = min(len(rows), max(1, round(fraction * len(rows))))
    moved = splits.astype("<U10")
    moved[rows[stratified_choice(labels[rows], n, rng)]] = target
    return moved
