"""Which candidates are worth having: those for which no other one is better all round, the Pareto front."""

import numpy as np


def pareto_front(objectives: np.ndarray) -> np.ndarray:
    """(n,) bool: the rows of ``objectives`` (n, m) that no other row dominates.

    Every column is better the larger it is: negate a disparity. A row dominates another one where it is at
    least as large in all m columns and larger in one: what is better in anything is never left out, and
    equals stay together. A row with NaN cannot be compared: it is not on the front and keeps none from it.

    Raises ValueError unless ``objectives`` has two dimensions and m >= 1.
    """
    if objectives.ndim != 2 or objectives.shape[1] < 1:
        raise ValueError(f"expected objectives (n, m) with m >= 1, got shape {objectives.shape}")
    others, mine = objectives[None, :, :], objectives[:, None, :]
    dominated = np.any(np.all(others >= mine, axis=2) & np.any(others > mine, axis=2), axis=1)
    return np.asarray(~dominated & ~np.isnan(objectives).any(axis=1))
