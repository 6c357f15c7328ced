"""Of many disparities in one table, which stand: false discovery control and what each finding is worth."""

from collections.abc import Sequence

import numpy as np

from fairness.results import Status


def adjusted(p_values: Sequence[float]) -> np.ndarray:
    """p-values adjusted after Benjamini and Hochberg (1995), in the given order.

    Valid for independent tests and for positively dependent ones (Benjamini and Yekutieli 2001); disparities
    of one table share examples and mostly rise together.
    """
    from statsmodels.stats.multitest import multipletests

    if not len(p_values):
        return np.empty(0)
    return np.asarray(multipletests(p_values, method="fdr_bh")[1])


def status(p_value: float, after: float, confidence: float) -> Status:
    """``after``: the adjusted p-value."""
    level = 1 - confidence
    return "established" if after <= level else "suggestive" if p_value <= level else "undecided"
