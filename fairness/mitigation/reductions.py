"""What Fairlearn's reductions are given, and what they give, as heads."""

from typing import Any

import numpy as np

from fairness.mitigation.comparison import Constraint
from fairness.mitigation.heads import constant, head_from
from robustness.heads import Head


def moment(constraint: Constraint, bound: float | None = None) -> Any:
    """Fairlearn's constraint of that name. bound: the difference between groups that is allowed."""
    from fairlearn import reductions

    kind = {
        "equalized_odds": reductions.EqualizedOdds,
        "demographic_parity": reductions.DemographicParity,
        "true_positive_rate_parity": reductions.TruePositiveRateParity,
        "false_positive_rate_parity": reductions.FalsePositiveRateParity,
    }[constraint]
    return kind() if bound is None else kind(difference_bound=bound)


def head_of_predictor(predictor: Any, like: Head, positive: int) -> Head:
    """The head of one predictor of a reduction, which was fitted to 1 for the label ``positive``, else 0.

    Where the reweighted labels were all the same, the predictor is a constant one.
    """
    if not hasattr(predictor, "coef_"):
        outcome = int(predictor.predict(np.zeros((1, like.weight.shape[1])))[0])
        return constant(positive if outcome else 1 - positive, like)
    head = head_from(predictor, 2)
    return head if positive == 1 else Head(head.weight[::-1].copy(), head.bias[::-1].copy())


def answers(head: Head, x: np.ndarray, positive: int) -> np.ndarray:
    """Whether the head gives embeddings x (n, h) the label ``positive``: (n,) 0.0 or 1.0."""
    return np.asarray(head.logits(x).argmax(axis=1) == positive, dtype=np.float64)
