"""Metrics of weighted scores that are sums over examples, and the weighted median."""

import numpy as np
from scipy import sparse

from assay.changes.resampling import Value
from fairness.metrics import divide
from robustness.calibration_error import CALIBRATION_BINS


def losses(y_true: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(r,) -log p(true class), p kept one rounding error away from 0 and 1 as in ``fairness.scores``."""
    eps = np.finfo(np.float64).eps
    given = probabilities[np.arange(len(y_true)), y_true]
    return np.asarray(-np.log(np.clip(given, eps, 1 - eps)))


def log_loss(y_true: np.ndarray, probabilities: np.ndarray) -> Value:
    """Of y_true (r,) and probabilities (r, k)."""
    each = losses(y_true, probabilities)
    return lambda weights: divide(weights @ each, weights.sum(axis=1))


def group_log_losses(y_true: np.ndarray, probabilities: np.ndarray, inside: np.ndarray) -> Value:
    """(b, g) of the groups of ``inside`` (r, g) bool; of one example there is none, as in an assessment."""
    members = sparse.csr_array(inside.astype(float))
    lost = sparse.csr_array(members.multiply(losses(y_true, probabilities)[:, None]))

    def value(weights: np.ndarray) -> np.ndarray:
        sizes = weights @ members
        return np.where(sizes > 1, divide(weights @ lost, sizes), np.nan)

    return value


def calibration_error(y_true: np.ndarray, probabilities: np.ndarray) -> Value:
    """``robustness.calibration_error.expected_calibration_error`` of weighted examples."""
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y_true
    cell = np.clip(np.ceil(top * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    gaps = sparse.csr_array((right - top, (np.arange(len(top)), cell)), shape=(len(top), CALIBRATION_BINS))
    return lambda weights: divide(np.abs(weights @ gaps).sum(axis=1), weights.sum(axis=1))


def median(values: np.ndarray) -> Value:
    """The median of weighted ``values`` (r,); NaN where it is infinite."""
    order = np.argsort(values, kind="stable")
    ordered = np.append(values[order], np.nan)

    def value(weights: np.ndarray) -> np.ndarray:
        below = np.cumsum(weights[:, order], axis=1)
        n = weights.sum(axis=1, keepdims=True)
        places = [(below <= rank).sum(axis=1) for rank in ((n - 1) // 2, n // 2)]
        middle = (ordered[places[0]] + ordered[places[1]]) / 2
        return np.where(np.isfinite(middle), middle, np.nan)

    return value
