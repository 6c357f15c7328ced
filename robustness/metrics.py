"""Estimates of how well a classifier does on clean text."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from robustness.calibration_error import expected_calibration_error, reliability
from robustness.delong import area_of, influence, placements, summarized
from robustness.estimate import Estimate, wilson
from robustness.results import CleanResult

if TYPE_CHECKING:  # it imports torch, which the metrics of given predictions do without
    from robustness.outcomes import Outcome

NO_PROBABILITIES = "the predictions come without probabilities"


def clean_result(
    outcomes: "Sequence[Outcome]", label_names: Sequence[str], *, confidence: float, n_boot: int, seed: int
) -> CleanResult:
    """``clean_result_of`` the clean outcomes of a classifier."""
    return clean_result_of(
        np.array([outcome.label for outcome in outcomes], dtype=np.int64),
        np.array([outcome.prediction for outcome in outcomes], dtype=np.int64),
        np.array([outcome.probabilities for outcome in outcomes]).reshape(-1, len(label_names)),
        label_names,
        truncated=sum(outcome.truncated for outcome in outcomes),
        confidence=confidence,
        n_boot=n_boot,
        seed=seed,
    )


def clean_result_of(
    y_true: np.ndarray,
    y_pred: np.ndarray,
    y_prob: np.ndarray | None,
    label_names: Sequence[str],
    *,
    truncated: int,
    confidence: float,
    n_boot: int,
    seed: int,
) -> CleanResult:
    """Accuracy, macro F1, ROC AUC, calibration and the classification report of predictions.

    y_true, y_pred: (n,) int labels in [0, k). y_prob: (n, k) class probabilities; without them ROC AUC and
    calibration error are undefined and there is no reliability diagram. truncated: how many texts were cut.
    """
    n = len(y_true)
    confusion = confusion_matrix(y_true, y_pred, len(label_names))
    return CleanResult(
        accuracy=wilson(int(np.trace(confusion)), n, confidence),
        macro_f1=macro_f1(confusion, confidence=confidence, n_boot=n_boot, seed=seed),
        roc_auc=Estimate.undefined(NO_PROBABILITIES, n)
        if y_prob is None
        else roc_auc(y_true, y_prob, confidence=confidence),
        expected_calibration_error=Estimate.undefined(NO_PROBABILITIES, n)
        if y_prob is None
        else expected_calibration_error(y_true, y_prob, confidence=confidence, n_boot=n_boot, seed=seed),
        classification_report=_classification_report(confusion, label_names),
        confusion_matrix=confusion.tolist(),
        reliability=[] if y_prob is None else reliability(y_true, y_prob),
        truncated=truncated,
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

    y_true: (n,) int. y_prob: (n, k). The interval is DeLong's (``Area.estimate``); for a mean over classes
    the influences of the classes are averaged example by example. Undefined when a class has no example or
    no counter-example.
    """
    n, k = y_prob.shape
    classes = [1] if k == 2 else list(range(k))
    areas, mean_influence = [], np.zeros(n)
    for label in classes:
        positive = y_true == label
        m, rest = int(positive.sum()), int((~positive).sum())
        if m == 0 or rest == 0:
            return Estimate.undefined(f"class {label} has {m} examples and {rest} counter-examples", n)
        scores = y_prob[:, label]
        placed = placements(scores[positive], scores[~positive])
        area = area_of(placed)
        areas.append(area)
        mean_influence[positive] += influence(placed.positives, area.value) / len(classes)
        mean_influence[~positive] += influence(placed.negatives, area.value) / len(classes)
    if k == 2:
        return areas[0].estimate(confidence)
    variance = float(mean_influence @ mean_influence)
    return summarized(
        float(np.mean([area.value for area in areas])), areas, [1 / k] * k, variance, n, confidence
    )


def _classification_report(confusion: np.ndarray, label_names: Sequence[str]) -> dict[str, object]:
    """scikit-learn's report, with None (never 0) where a rate is undefined; {} of no examples.

    From the k k cells, weighted by their counts: the same on any number of examples, at no cost.
    """
    if not confusion.any():
        return {}
    from sklearn.metrics import classification_report

    y_true, y_pred = np.nonzero(confusion)
    report = classification_report(
        y_true,
        y_pred,
        labels=list(range(len(label_names))),
        target_names=list(label_names),
        sample_weight=confusion[y_true, y_pred],
        output_dict=True,
        zero_division=np.nan,
    )
    return {
        name: {key: _finite(value) for key, value in row.items()} if isinstance(row, dict) else _finite(row)
        for name, row in report.items()
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
