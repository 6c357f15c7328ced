"""How far confidence and accuracy are apart, and how sure that is."""

from collections.abc import Callable

import numpy as np

from robustness.estimate import Estimate
from robustness.results import ReliabilityBin

CALIBRATION_BINS = 15
HALVINGS = 25  # of the bracket of a root: to 3e-8 of its width


def expected_calibration_error(
    y_true: np.ndarray, y_prob: np.ndarray, *, confidence: float, n_boot: int, seed: int
) -> Estimate:
    """Expected calibration error of the top label over 15 equal-width bins (Guo et al. 2017, eq. 3).

    y_true: (n,) int. y_prob: (n, k).

    The error is a sum of absolute values, so noise adds to it: even an exactly calibrated model shows some,
    and a percentile interval, moved or not, excludes 0 nearly always (simulated coverage 0.00 to 0.31 for
    such a model with 30 to 5,000 examples). The ends are found by inverting a test instead: were the gaps of
    all bins t times those seen, how often would noise bring the error to that observed or beyond? The
    interval runs from the t where that is (1 - confidence) / 2 to the t where it is (1 + confidence) / 2.
    Simulated at 95 %: 0.89 to 1 for confidences shifted by 0 to 0.2 and 30 to 5,000 examples, 0.98 to 1 for
    an exactly calibrated model; 0.80 for 30 examples that all have confidence 0.99 and of which a tenth is
    wrong. Where nearly all noise would show a larger error than the one observed, the upper end is what an
    exactly calibrated model would at most show.

    The noise is that of resampled examples, drawn ``n_boot`` times from the counts of the bins, so that no
    example is touched. One right and one wrong answer are added to each occupied bin first, as in Agresti
    and Caffo (2000): a bin whose answers are all right has noise too.
    """
    n = len(y_true)
    if n == 0:
        return Estimate.undefined("no examples")
    top = y_prob.max(axis=1)
    right = y_prob.argmax(axis=1) == y_true
    gaps = _gaps(top, right)
    value = float(np.abs(gaps).sum())
    noise = _noise(top, right, n_boot, np.random.default_rng(seed))

    def reached(t: float) -> float:
        return float((np.abs(t * gaps + noise).sum(axis=1) >= value).mean())

    tail = (1 - confidence) / 2
    low = value * _root(reached, tail, 1.0)
    if reached(0) >= 1 - tail:
        high = float(np.quantile(np.abs(noise).sum(axis=1), 1 - tail))
    else:
        high = value * _root(reached, 1 - tail, 1 / value)
    return Estimate(value, min(low, value), min(1.0, max(high, value)), n)


def reliability(y_true: np.ndarray, y_prob: np.ndarray) -> list[ReliabilityBin]:
    """The bins of a reliability diagram: confidence and accuracy of the top label."""
    top = y_prob.max(axis=1)
    cell = _bin(top)
    counts = np.bincount(cell, minlength=CALIBRATION_BINS)
    confidence = np.bincount(cell, weights=top, minlength=CALIBRATION_BINS)
    right = np.bincount(cell, weights=y_prob.argmax(axis=1) == y_true, minlength=CALIBRATION_BINS)
    return [
        ReliabilityBin(
            low=i / CALIBRATION_BINS,
            high=(i + 1) / CALIBRATION_BINS,
            n=int(n),
            mean_confidence=float(confidence[i] / n) if n else None,
            accuracy=float(right[i] / n) if n else None,
        )
        for i, n in enumerate(counts)
    ]


def _bin(top: np.ndarray) -> np.ndarray:
    cells: np.ndarray = np.clip(np.ceil(top * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    return cells


def _gaps(top: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(bins,) what each bin adds to accuracy minus confidence of all examples."""
    return np.bincount(_bin(top), weights=right - top, minlength=CALIBRATION_BINS) / len(top)


def _noise(top: np.ndarray, right: np.ndarray, n_boot: int, rng: np.random.Generator) -> np.ndarray:
    """(n_boot, bins) deviations of the gaps in resampled examples.

    The counts of right and wrong answers are multinomial; the sum of the confidences within a bin, which is
    only 1/15 wide, is normal about its mean.
    """
    n, cell = len(top), _bin(top)
    counts = np.bincount(cell, minlength=CALIBRATION_BINS)
    occupied = np.maximum(counts, 1)
    mean = np.bincount(cell, weights=top, minlength=CALIBRATION_BINS) / occupied
    variance = np.bincount(cell, weights=(top - mean[cell]) ** 2, minlength=CALIBRATION_BINS) / occupied
    share = (np.bincount(cell, weights=right, minlength=CALIBRATION_BINS) + 1) / (counts + 2)
    cells = np.stack([share, 1 - share]) * counts / n
    drawn = rng.multinomial(n, cells.ravel() / cells.sum(), size=n_boot).reshape(n_boot, *cells.shape)
    drawn_counts = drawn.sum(axis=1)
    spread = np.sqrt(drawn_counts * variance) * rng.standard_normal(drawn_counts.shape)
    drawn_gaps = (drawn[:, 0] - drawn_counts * mean - spread) / n
    deviations: np.ndarray = drawn_gaps - counts * (share - mean) / n
    return deviations


def _root(rising: Callable[[float], float], level: float, high: float) -> float:
    """The smallest t in [0, high] at which ``rising`` reaches ``level``, or ``high``."""
    low = 0.0
    if rising(low) >= level:
        return low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if rising(middle) >= level:
            high = middle
        else:
            low = middle
    return high
