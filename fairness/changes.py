"""Whether a gap between groups grows: from clean text to attacked, or from one candidate to another."""

from dataclasses import dataclass

import numpy as np

from fairness.inference.simultaneous import max_t
from robustness.estimate import Estimate


@dataclass(frozen=True)
class Widening:
    """A gap in the share of right answers that is established to have grown.

    lower, higher: the groups, named as they stand afterwards. before, after: how far ``higher`` is above
    ``lower``, from -1 to 1. growth: how much larger the gap is afterwards, whichever way it was before.
    """

    lower: str
    higher: str
    before: float
    after: float
    growth: Estimate


def widening(
    before: np.ndarray,
    after: np.ndarray,
    column: np.ndarray,
    *,
    min_group_size: int,
    confidence: float,
    seed: int,
) -> Widening | None:
    """The gap between two groups of ``column`` that is surest to have grown; None where none is sure.

    before, after: (n,) bool, whether the same n examples were answered rightly. column: (n,) str. Groups
    below ``min_group_size`` are left out.

    For two groups let d be the change of their gap, and s the sum of the gaps before and after. The gap grew,
    whichever group was ahead before, where both are above zero; by the intersection-union principle (Berger
    1982) no correction is needed for asking both. Each is a contrast between means of paired differences (or
    sums) by group, with intervals that hold for all pairs of groups at once (max-t). As in Agresti and Caffo
    (2000), each group gets one example more at either end of the scale.
    """
    values = [value for value in sorted(set(column.tolist())) if (column == value).sum() >= min_group_size]
    if len(values) < 2:
        return None
    rows = [column == value for value in values]
    right = np.array([[part[mask].mean() for mask in rows] for part in (before, after)])
    gaps = right[1][:, None] - right[1][None, :]
    gaps_before = right[0][:, None] - right[0][None, :]
    change = after.astype(float) - before.astype(float)
    total = after.astype(float) + before.astype(float)
    low_change, high_change = _bounds([change[mask] for mask in rows], (-1.0, 1.0), confidence, seed)
    low_total, high_total = _bounds([total[mask] for mask in rows], (0.0, 2.0), confidence, seed)
    low = np.where(gaps > 0, np.minimum(low_change, low_total), -np.inf)
    high = np.minimum(high_change, high_total)
    i, j = np.unravel_index(int(low.argmax()), low.shape)
    if low[i, j] <= 0:
        return None
    growth = float(gaps[i, j] - abs(gaps_before[i, j]))
    return Widening(
        lower=values[j],
        higher=values[i],
        before=float(gaps_before[i, j]),
        after=float(gaps[i, j]),
        growth=Estimate(
            growth,
            min(growth, float(low[i, j])),
            max(growth, float(high[i, j])),
            int(rows[i].sum() + rows[j].sum()),
        ),
    )


def _bounds(
    parts: list[np.ndarray], ends: tuple[float, float], confidence: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """(g, g) lower and upper bounds of mean i minus mean j, which hold for all pairs at once."""
    grown = [np.append(part, ends) for part in parts]
    centres = np.array([part.mean() for part in grown])
    variances = np.array([part.var() / len(part) for part in grown])
    critical = max_t([np.diag(variances)], seed).quantile(confidence)
    half = critical * np.sqrt(variances[:, None] + variances[None, :])
    contrasts = centres[:, None] - centres[None, :]
    return contrasts - half, contrasts + half
