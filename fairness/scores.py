"""What the scores say of each group: ROC AUC, log loss and calibration error."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.stats import t

from attacks.errors import AssayError
from fairness.counts import Outcome
from fairness.groups import Grouping
from robustness.calibration_error import expected_calibration_error
from robustness.delong import Placements, area_of, influence, placements
from robustness.estimate import Estimate

SUM_TOLERANCE = 1e-3
N_BOOT = 1000
NO_EXAMPLES = "the group has no examples"


@dataclass(frozen=True)
class Scored:
    """One metric of g groups and how it varies from sample to sample.

    values: (g,) float, NaN where the metric is undefined.
    covariance: (g, g) float, of the values; 0 between groups that share no example; NaN in the row and the
        column of a group that has no value.
    """

    values: np.ndarray
    covariance: np.ndarray


def check_scores(scores: np.ndarray, n: int, k: int, what: str = "scores") -> np.ndarray:
    """Class probabilities as a checked (n, k) float64 array; ``what`` names them in an error.

    Raises AssayError for another shape or type, NaN, a value outside [0, 1], and a row whose sum is not 1
    to within 0.001. Nothing is clipped or scaled.
    """
    array = np.asarray(scores)
    if array.shape != (n, k) or array.dtype.kind not in "fiu":
        raise AssayError(
            f"{what}: expected an array of {k} probabilities for each of {n} examples, "
            f"got one of shape {array.shape} and type {array.dtype}"
        )
    checked = array.astype(np.float64)
    # Written so that a NaN is wrong as well.
    wrong = np.flatnonzero(~((checked >= 0) & (checked <= 1)).all(axis=1))
    if len(wrong):
        row = checked[wrong[0]]
        label = int(np.flatnonzero(~((row >= 0) & (row <= 1)))[0])
        raise AssayError(
            f"{what}, example {wrong[0]} (counted from 0), class {label}: expected a probability from 0 to "
            f"1, got {row[label]:g} ({len(wrong):,} such rows); give probabilities, not logits"
        )
    wrong = np.flatnonzero(np.abs(checked.sum(axis=1) - 1) > SUM_TOLERANCE)
    if len(wrong):
        raise AssayError(
            f"{what}, example {wrong[0]} (counted from 0): expected probabilities that sum to 1, got a "
            f"sum of {checked[wrong[0]].sum():g} ({len(wrong):,} such rows)"
        )
    return checked


def score_metrics(
    y_true: np.ndarray,
    scores: np.ndarray,
    grouping: Grouping,
    shown: Sequence[Outcome],
    confidence: float,
    seed: int,
) -> list[dict[str, Estimate]]:
    """{metric: Estimate} of each group, in the order of ``grouping.values``.

    y_true: (n,) checked labels. scores: (n, k) checked probabilities.

    ``roc_auc``, with the suffix of each shown outcome: see ``robustness.delong``; undefined in a group of one
    class. ``log_loss``: the mean of -log p(true class), p kept one rounding error away from 0 and 1 as in
    scikit-learn, with a t interval on the log scale; without an interval where no spread is seen. Simulated
    at 95 % for calibrated, sharp and overconfident models: 0.81 to 0.94 with 30 examples, 0.92 to 0.95 with
    100; the plain t interval is at 0.82 to 0.93 and 0.89 to 0.94 (a sample misses rare large losses).
    ``expected_calibration_error``: see ``robustness.calibration_error``.
    """
    losses = _losses(y_true, scores)
    found = []
    for rows in grouping.rows():
        metrics = {}
        for outcome in shown:
            placed = _placed(y_true, scores, rows, outcome)
            metrics[f"roc_auc{outcome.suffix}"] = (
                Estimate.undefined(one_class(outcome, int((y_true[rows] == outcome.index).sum()), len(rows)))
                if placed is None
                else area_of(placed).estimate(confidence)
            )
        metrics["log_loss"] = _mean_loss(losses[rows], confidence)
        metrics["expected_calibration_error"] = expected_calibration_error(
            y_true[rows], scores[rows], confidence=confidence, n_boot=N_BOOT, seed=seed
        )
        found.append(metrics)
    return found


def score_families(
    y_true: np.ndarray, scores: np.ndarray, grouping: Grouping, shown: Sequence[Outcome]
) -> dict[str, Scored]:
    """``roc_auc`` (with the suffix of each shown outcome) and ``log_loss`` of the groups, jointly.

    The covariance of two groups is the sum of the products of their influences over the examples that they
    share (DeLong et al. 1988, eq. 5 and 6, for areas of the same examples). The variance of an area whose
    spread is unknown is that of ``Area.variance``; a log loss of one example has no variance and so no value.
    """
    groups = grouping.rows()
    losses = _losses(y_true, scores)
    families = {}
    for outcome in shown:
        values, variances, influences = [], [], []
        for rows in groups:
            placed = _placed(y_true, scores, rows, outcome)
            area = None if placed is None else area_of(placed)
            values.append(math.nan if area is None else area.value)
            variances.append(math.nan if area is None else area.variance)
            influences.append(_area_influence(placed, y_true[rows] == outcome.index, values[-1]))
        families[f"roc_auc{outcome.suffix}"] = _scored(values, variances, influences, groups, grouping)
    values = [float(losses[rows].mean()) if len(rows) > 1 else math.nan for rows in groups]
    influences = [influence(losses[rows], value) for rows, value in zip(groups, values, strict=True)]
    variances = [float(np.square(each).sum()) for each in influences]
    families["log_loss"] = _scored(values, variances, influences, groups, grouping)
    return families


def one_class(outcome: Outcome, positives: int, n: int) -> str:
    """Why a group of ``n`` examples, of which ``positives`` or none or all, has no area under the curve."""
    if n == 0:
        return NO_EXAMPLES
    return f'{"every" if positives else "no"} example of the group is labelled "{outcome.name}"'


def _placed(y_true: np.ndarray, scores: np.ndarray, rows: np.ndarray, outcome: Outcome) -> Placements | None:
    """The placements of a group's examples, or None where it lacks positives or negatives."""
    positive = y_true[rows] == outcome.index
    if positive.all() or not positive.any():
        return None
    score = scores[rows, outcome.index]
    return placements(score[positive], score[~positive])


def _area_influence(placed: Placements | None, positive: np.ndarray, value: float) -> np.ndarray:
    """(rows,) the influence of each example of a group on its area; NaN where it has none."""
    found = np.full(len(positive), math.nan)
    if placed is not None:
        found[positive] = influence(placed.positives, value)
        found[~positive] = influence(placed.negatives, value)
    return found


def _losses(y_true: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(n,) -log p(true class)."""
    eps = np.finfo(np.float64).eps
    losses: np.ndarray = -np.log(np.clip(scores[np.arange(len(y_true)), y_true], eps, 1 - eps))
    return losses


def _mean_loss(losses: np.ndarray, confidence: float) -> Estimate:
    n = len(losses)
    if n == 0:
        return Estimate.undefined(NO_EXAMPLES)
    mean = float(losses.mean())
    deviation = float(losses.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    if deviation <= 1e-12 * mean:
        return Estimate(mean, None, None, n)
    factor = math.exp(min(float(t.ppf(0.5 + confidence / 2, n - 1)) * deviation / mean, 700.0))
    return Estimate(mean, mean / factor, mean * factor, n)


def _scored(
    values: list[float],
    variances: list[float],
    influences: list[np.ndarray],
    groups: list[np.ndarray],
    grouping: Grouping,
) -> Scored:
    covariance = np.zeros((len(values), len(values)))
    if not grouping.disjoint:
        ends = np.cumsum([0, *(len(rows) for rows in groups)])
        matrix = sparse.csr_array(
            (np.concatenate(influences), np.concatenate(groups), ends),
            shape=(len(groups), len(grouping.cells)),
        )
        covariance = (matrix @ matrix.T).toarray()
    np.fill_diagonal(covariance, variances)
    undefined = np.isnan(values)
    covariance[undefined], covariance[:, undefined] = math.nan, math.nan
    return Scored(np.array(values), covariance)
