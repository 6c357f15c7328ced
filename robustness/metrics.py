"""Estimates of how well a classifier does on clean text."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm, rankdata

from robustness.estimate import Estimate, wilson
from robustness.outcomes import Outcome
from robustness.results import CleanResult, ReliabilityBin

CALIBRATION_BINS = 15


def clean_result(
    outcomes: Sequence[Outcome], label_names: Sequence[str], *, confidence: float, n_boot: int, seed: int
) -> CleanResult:
    """Accuracy, macro F1, ROC AUC, calibration and the classification report of clean outcomes."""
    y_true = np.array([outcome.label for outcome in outcomes], dtype=np.int64)
    y_pred = np.array([outcome.prediction for outcome in outcomes], dtype=np.int64)
    y_prob = np.array([outcome.probabilities for outcome in outcomes]).reshape(-1, len(label_names))
    confusion = confusion_matrix(y_true, y_pred, len(label_names))
    return CleanResult(
        accuracy=wilson(int((y_true == y_pred).sum()), len(y_true), confidence),
        macro_f1=macro_f1(confusion, confidence=confidence, n_boot=n_boot, seed=seed),
        roc_auc=roc_auc(y_true, y_prob, confidence=confidence),
        expected_calibration_error=expected_calibration_error(
            y_true, y_prob, confidence=confidence, n_boot=n_boot, seed=seed
        ),
        classification_report=_classification_report(y_true, y_pred, label_names),
        confusion_matrix=confusion.tolist(),
        reliability=reliability(y_true, y_prob),
        truncated=sum(outcome.truncated for outcome in outcomes),
    )


def confusion_matrix(y_true: np.ndarray, y_pred: np.ndarray, k: int) -> np.ndarray:
    """Counts (k, k): rows true, columns predicted."""
    return np.bincount(y_true * k + y_pred, minlength=k * k).reshape(k, k)


def macro_f1(confusion: np.ndarray, *, confidence: float, n_boot: int, seed: int) -> Estimate:
    """Mean F1 over the classes that occur, with the percentile interval of a multinomial bootstrap.

    Resampling examples is the same as drawing the confusion matrix from one multinomial, so no example
    is touched. Classes that occur neither in the labels nor in the predictions are left out, as in
    scikit-learn.
    """
    n = int(confusion.sum())
    if n == 0:
        return Estimate.undefined("no examples")
    value = float(_mean_f1(confusion[None])[0])
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(n, confusion.ravel() / n, size=n_boot).reshape(n_boot, *confusion.shape)
    low, high = np.quantile(_mean_f1(draws), [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(value, min(value, float(low)), max(value, float(high)), n)


def _mean_f1(confusions: np.ndarray) -> np.ndarray:
    """Macro F1 (r,) of confusion matrices (r, k, k)."""
    hits = np.diagonal(confusions, axis1=1, axis2=2)
    both = confusions.sum(axis=1) + confusions.sum(axis=2)
    f1 = np.where(both > 0, 2 * hits / np.maximum(both, 1), np.nan)
    means: np.ndarray = np.nanmean(f1, axis=1)
    return means


def roc_auc(y_true: np.ndarray, y_prob: np.ndarray, *, confidence: float) -> Estimate:
    """Area under the ROC curve; for more than two classes the macro one-versus-rest mean.

    y_true: (n,) int. y_prob: (n, k). The interval is DeLong's (DeLong et al. 1988) on the logit scale;
    for a mean over classes the structural components of the classes are averaged example by example.
    Undefined when a class has no example or no counter-example; without an interval when it has only one
    of either, or when the classes are told apart perfectly: then nothing is known of the spread.
    """
    n, k = y_prob.shape
    classes = [1] if k == 2 else list(range(k))
    areas, influence, fewest = [], np.zeros(n), n
    for label in classes:
        positive = y_true == label
        m, rest = int(positive.sum()), int((~positive).sum())
        if m == 0 or rest == 0:
            return Estimate.undefined(f"class {label} has {m} examples and {rest} counter-examples", n)
        fewest = min(fewest, m, rest)
        scores = y_prob[:, label]
        ranks = rankdata(scores)
        above = np.empty(n)
        # For a positive: share of negatives that it beats. For a negative: share of positives that beat it.
        above[positive] = (ranks[positive] - rankdata(scores[positive])) / rest
        above[~positive] = 1 - (ranks[~positive] - rankdata(scores[~positive])) / m
        area = float(above[positive].mean())
        areas.append(area)
        influence[positive] += (above[positive] - area) / math.sqrt(m * max(m - 1, 1)) / len(classes)
        influence[~positive] += (above[~positive] - area) / math.sqrt(rest * max(rest - 1, 1)) / len(classes)
    value = float(np.mean(areas))
    deviation = float(np.sqrt(np.square(influence).sum()))
    if fewest < 2 or not 0 < value < 1 or deviation == 0:
        return Estimate(value, None, None, n)
    half = float(norm.ppf(0.5 + confidence / 2)) * deviation / (value * (1 - value))
    return Estimate(value, float(expit(logit(value) - half)), float(expit(logit(value) + half)), n)


def expected_calibration_error(
    y_true: np.ndarray, y_prob: np.ndarray, *, confidence: float, n_boot: int, seed: int
) -> Estimate:
    """Expected calibration error of the top label over 15 equal-width bins (Guo et al. 2017, eq. 3).

    Resampling adds noise within the bins and so inflates the error; the bootstrap interval is therefore
    moved by the mean inflation before it is reported.
    """
    n = len(y_true)
    if n == 0:
        return Estimate.undefined("no examples")
    top = y_prob.max(axis=1)
    gap = (y_prob.argmax(axis=1) == y_true) - top
    cell = _bin(top)
    sums = np.bincount(cell, weights=gap, minlength=CALIBRATION_BINS)
    value = float(np.abs(sums).sum() / n)
    rng = np.random.default_rng(seed)
    draws = np.empty(n_boot)
    for i in range(n_boot):
        rows = rng.integers(0, n, n)
        draws[i] = np.abs(np.bincount(cell[rows], weights=gap[rows], minlength=CALIBRATION_BINS)).sum() / n
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2]) - (draws.mean() - value)
    return Estimate(value, max(0.0, min(value, float(low))), min(1.0, max(value, float(high))), n)


def reliability(y_true: np.ndarray, y_prob: np.ndarray) -> list[ReliabilityBin]:
    """The bins of a reliability diagram: confidence and accuracy of the top label."""
    top = y_prob.max(axis=1)
    right = y_prob.argmax(axis=1) == y_true
    cell = _bin(top)
    bins = []
    for i in range(CALIBRATION_BINS):
        inside = cell == i
        n = int(inside.sum())
        bins.append(
            ReliabilityBin(
                low=i / CALIBRATION_BINS,
                high=(i + 1) / CALIBRATION_BINS,
                n=n,
                mean_confidence=float(top[inside].mean()) if n else None,
                accuracy=float(right[inside].mean()) if n else None,
            )
        )
    return bins


def _bin(top: np.ndarray) -> np.ndarray:
    cells: np.ndarray = np.clip(np.ceil(top * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    return cells


def _classification_report(
    y_true: np.ndarray, y_pred: np.ndarray, label_names: Sequence[str]
) -> dict[str, object]:
    """scikit-learn's report, with None (never 0) where a rate is undefined; {} of no examples."""
    if len(y_true) == 0:
        return {}
    from sklearn.metrics import classification_report

    report = classification_report(
        y_true,
        y_pred,
        labels=list(range(len(label_names))),
        target_names=list(label_names),
        output_dict=True,
        zero_division=np.nan,
    )
    return {
        name: {key: _finite(value) for key, value in row.items()} if isinstance(row, dict) else _finite(row)
        for name, row in report.items()
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
