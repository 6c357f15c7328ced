"""Clean metrics against scikit-learn, statsmodels and formulas written out a second time."""

import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import norm, t
from sklearn import metrics as sk
from statsmodels.stats.proportion import proportion_confint

from robustness.delong import Area
from robustness.metrics import clean_result, clean_result_of, confusion_matrix, macro_f1, roc_auc
from robustness.outcomes import Outcome

NAMES = ("a", "b", "c", "d")


def outcomes_of(y_true: Sequence[int], y_prob: np.ndarray) -> list[Outcome]:
    return [
        Outcome(str(i), int(label), int(row.argmax()), tuple(row.tolist()), truncated=i % 5 == 0)
        for i, (label, row) in enumerate(zip(y_true, y_prob, strict=True))
    ]


@st.composite
def answers(draw: st.DrawFn, k: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n,) of which each class occurs, and probabilities (n, k) with many ties."""
    k = k or draw(st.integers(2, 4))
    labels = [*range(k), *draw(st.lists(st.integers(0, k - 1), max_size=40))]
    weights = st.lists(st.integers(0, 3), min_size=k, max_size=k).filter(any)
    rows = np.array([draw(weights) for _ in labels], dtype=float)
    return np.array(labels), rows / rows.sum(axis=1, keepdims=True)


@settings(max_examples=60, deadline=None)
@given(answers())
def test_point_values_are_scikit_learn_s(case: tuple[np.ndarray, np.ndarray]) -> None:
    y_true, y_prob = case
    k = y_prob.shape[1]
    y_pred = y_prob.argmax(axis=1)
    result = clean_result(outcomes_of(y_true, y_prob), NAMES[:k], confidence=0.95, n_boot=20, seed=0)
    assert result.accuracy.value == pytest.approx(sk.accuracy_score(y_true, y_pred))
    assert result.macro_f1.value == pytest.approx(sk.f1_score(y_true, y_pred, average="macro"))
    areas = [sk.roc_auc_score(y_true == label, y_prob[:, label]) for label in range(k)]
    assert result.roc_auc.value == pytest.approx(areas[1] if k == 2 else np.mean(areas))
    assert result.confusion_matrix == sk.confusion_matrix(y_true, y_pred, labels=range(k)).tolist()
    assert result.truncated == len(range(0, len(y_true), 5))
    for estimate in (result.accuracy, result.macro_f1, result.expected_calibration_error):
        assert estimate.low <= estimate.value <= estimate.high
        assert estimate.n == len(y_true)


@settings(max_examples=30, deadline=None)
@given(answers())
def test_classification_report_is_scikit_learn_s(case: tuple[np.ndarray, np.ndarray]) -> None:
    y_true, y_prob = case
    k = y_prob.shape[1]
    low, high = (
        sk.classification_report(
            y_true,
            y_prob.argmax(axis=1),
            labels=range(k),
            target_names=NAMES[:k],
            output_dict=True,
            zero_division=filler,
        )
        for filler in (0, 1)
    )
    result = clean_result(outcomes_of(y_true, y_prob), NAMES[:k], confidence=0.95, n_boot=2, seed=0)
    ours = result.classification_report
    assert ours.keys() == low.keys()
    assert ours["accuracy"] == low["accuracy"]
    for name in NAMES[:k]:
        for key, value in low[name].items():
            # What depends on the filler is undefined.
            assert ours[name][key] == (value if value == high[name][key] else None), (name, key)


def test_a_rate_of_the_report_without_examples_is_none_and_not_zero() -> None:
    y_prob = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.3, 0.7, 0.0]])
    report = clean_result(outcomes_of([0, 0, 0], y_prob), NAMES[:3], confidence=0.95, n_boot=5, seed=0)
    row = report.classification_report
    assert row["a"] == {"precision": 1.0, "recall": pytest.approx(2 / 3), "f1-score": 0.8, "support": 3.0}
    assert row["b"] == {"precision": 0.0, "recall": None, "f1-score": 0.0, "support": 0.0}
    assert row["c"] == {"precision": None, "recall": None, "f1-score": None, "support": 0.0}


def test_no_examples_are_undefined_everywhere() -> None:
    result = clean_result([], NAMES[:2], confidence=0.95, n_boot=5, seed=0)
    for estimate in (result.accuracy, result.macro_f1, result.roc_auc, result.expected_calibration_error):
        assert (estimate.value, estimate.n) == (None, 0)
        assert estimate.reason
    assert result.confusion_matrix == [[0, 0], [0, 0]]
    assert result.classification_report == {}
    assert all(cell.n == 0 and cell.accuracy is None for cell in result.reliability)


def test_predictions_without_probabilities_have_no_auc_and_no_calibration() -> None:
    y_true, y_pred = np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0])
    result = clean_result_of(y_true, y_pred, None, NAMES[:2], truncated=0, confidence=0.95, n_boot=20, seed=0)
    for estimate in (result.roc_auc, result.expected_calibration_error):
        assert (estimate.value, estimate.reason) == (None, "the predictions come without probabilities")
    assert result.reliability == []
    assert result.accuracy.value == 0.75
    assert result.confusion_matrix == [[2, 0], [1, 1]]


def test_results_of_outcomes_and_of_their_arrays_are_one() -> None:
    rng = np.random.default_rng(6)
    y_true, y_prob = rng.integers(0, 3, 60), rng.dirichlet([1, 1, 1], 60)
    settings_ = {"confidence": 0.9, "n_boot": 50, "seed": 3}
    outcomes = outcomes_of(y_true, y_prob)
    arrays = clean_result_of(y_true, y_prob.argmax(axis=1), y_prob, NAMES[:3], truncated=12, **settings_)
    assert clean_result(outcomes, NAMES[:3], **settings_) == arrays


def test_metrics_of_given_predictions_load_no_torch() -> None:
    code = "import sys, robustness.metrics; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ROC AUC.


def delong(y_true: np.ndarray, scores: np.ndarray) -> tuple[float, float, float]:
    """AUC and the two parts of its variance from all pairs, as DeLong et al. 1988 define them, O(mn)."""
    x, y = scores[y_true], scores[~y_true]
    psi = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    return psi.mean(), psi.mean(axis=1).var(ddof=1) / len(x), psi.mean(axis=0).var(ddof=1) / len(y)


@settings(max_examples=60, deadline=None)
@given(answers(k=2).filter(lambda case: 1 < case[0].sum() < len(case[0]) - 1))
def test_interval_of_the_auc_is_delong_s_on_the_logit_scale(case: tuple[np.ndarray, np.ndarray]) -> None:
    y_true, y_prob = case
    m, r = int(y_true.sum()), int((1 - y_true).sum())
    area, of_positives, of_negatives = delong(y_true == 1, y_prob[:, 1])
    variance = of_positives + of_negatives
    estimate = roc_auc(y_true, y_prob, confidence=0.9)
    assert estimate.value == pytest.approx(area)
    if not 0 < area < 1 or variance < 1e-15:
        expected = proportion_confint(area * min(m, r), min(m, r), alpha=0.1, method="wilson")
    else:
        freedom = variance**2 / (of_positives**2 / (m - 1) + of_negatives**2 / (r - 1))
        half = t.ppf(0.95, freedom) * np.sqrt(variance) / (area * (1 - area))
        expected = expit(logit(area) - half), expit(logit(area) + half)
    assert (estimate.low, estimate.high) == pytest.approx(expected, abs=1e-9)


def test_variance_of_the_mean_auc_is_that_of_its_influence() -> None:
    """With k = 3, leaving one example out after the other gives nearly the same standard error."""
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 3, 300)
    y_prob = rng.dirichlet([1, 1, 1], 300) * 0.6 + 0.4 * np.eye(3)[y_true] * rng.random((300, 1))
    y_prob /= y_prob.sum(axis=1, keepdims=True)
    estimate = roc_auc(y_true, y_prob, confidence=0.95)
    keep = ~np.eye(300, dtype=bool)
    left_out = [roc_auc(y_true[rows], y_prob[rows], confidence=0.95).value for rows in keep]
    jackknife = np.sqrt(299 / 300 * np.square(np.array(left_out) - np.mean(left_out)).sum())
    width = logit(estimate.high) - logit(estimate.low)
    deviation = width / 2 / t.ppf(0.975, 299) * estimate.value * (1 - estimate.value)
    assert deviation == pytest.approx(jackknife, rel=0.02)


@pytest.mark.parametrize(
    ("y_true", "k", "reason"),
    [
        ([0, 0, 0], 2, "class 1 has 0 examples and 3 counter-examples"),
        ([1, 1, 1], 2, "class 1 has 3 examples and 0 counter-examples"),
        ([0, 1, 1], 3, "class 2 has 0 examples and 3 counter-examples"),
    ],
)
def test_auc_of_a_class_without_examples_is_undefined(y_true: list[int], k: int, reason: str) -> None:
    estimate = roc_auc(np.array(y_true), np.full((3, k), 1 / k), confidence=0.95)
    assert (estimate.value, estimate.reason, estimate.n) == (None, reason, 3)


def test_auc_of_equal_scores_is_one_half() -> None:
    assert roc_auc(np.array([0, 1, 0, 1]), np.full((4, 2), 0.5), confidence=0.95).value == 0.5


@pytest.mark.parametrize("y_true", [[0, 0, 0, 1], [1, 1, 1, 0]])
def test_one_example_of_a_class_tells_no_spread_and_so_the_interval_is_wide(y_true: list[int]) -> None:
    scores = np.array([0.1, 0.6, 0.3, 0.4])
    estimate = roc_auc(np.array(y_true), np.stack([1 - scores, scores], axis=1), confidence=0.95)
    assert estimate.value == pytest.approx(sk.roc_auc_score(y_true, scores))
    ends = proportion_confint(estimate.value, 1, method="wilson")
    assert (estimate.low, estimate.high) == pytest.approx(ends)


@pytest.mark.parametrize(("perfect", "end"), [(True, 1.0), (False, 0.0)])
def test_classes_told_apart_without_an_error_still_have_an_interval(perfect: bool, end: float) -> None:
    y_true = np.repeat([0, 1], [50, 20])
    scores = np.where((y_true == 1) == perfect, 0.9, 0.2)
    estimate = roc_auc(y_true, np.stack([1 - scores, scores], axis=1), confidence=0.95)
    assert estimate.value == end
    assert (estimate.low, estimate.high) == pytest.approx(proportion_confint(20 * end, 20, method="wilson"))


def test_equal_placements_tell_no_spread_whatever_rounding_makes_of_them() -> None:
    y_true = np.repeat([1, 0], [7, 6])
    scores = np.array([0.5] * 7 + [0.5] * 6)
    estimate = roc_auc(y_true, np.stack([1 - scores, scores], axis=1), confidence=0.95)
    assert (estimate.low, estimate.high) == pytest.approx(proportion_confint(3, 6, method="wilson"))
    uncertain = Area(1 / 3, 7, 6, 1e-34, 1e-35)
    assert uncertain.estimate(0.95).high > 0.6


def test_a_class_of_one_example_widens_the_mean_of_many_classes_only_by_its_share() -> None:
    rng = np.random.default_rng(5)
    y_true = np.concatenate([np.repeat(np.arange(9), 40), [9]])
    y_prob = rng.dirichlet(np.ones(10), len(y_true)) * 0.5 + 0.5 * np.eye(10)[y_true]
    y_prob[:, 9] = 0.0
    y_prob[-1], y_prob[0] = np.eye(10)[9] * 0.5 + 0.05, np.eye(10)[9] * 0.9 + 0.01
    y_prob /= y_prob.sum(axis=1, keepdims=True)
    estimate = roc_auc(y_true, y_prob, confidence=0.95)
    assert 0.9 < estimate.value < 1
    assert 0.05 < estimate.high - estimate.low < 0.2, "0.8 is what a single pair of examples leaves open"


def coverage(hits: Sequence[bool]) -> float:
    return float(np.mean(hits))


def test_auc_interval_covers() -> None:
    rng = np.random.default_rng(1)
    truth = norm.cdf(1 / np.sqrt(2))
    hits = []
    for _ in range(400):
        y_true = np.repeat([0, 1], [60, 40])
        scores = expit(rng.normal(y_true, 1))
        estimate = roc_auc(y_true, np.stack([1 - scores, scores], axis=1), confidence=0.95)
        hits.append(estimate.low <= truth <= estimate.high)
    assert 0.92 <= coverage(hits) <= 0.98


@pytest.mark.parametrize(("m", "r", "least"), [(2, 28, 0.88), (10, 100, 0.92), (1, 29, 0.95)])
def test_auc_interval_covers_with_few_positives(m: int, r: int, least: float) -> None:
    rng = np.random.default_rng(m)
    y_true = np.repeat([1, 0], [m, r])
    hits = []
    for _ in range(400):
        scores = expit(rng.normal(y_true * np.sqrt(2) * norm.ppf(0.8), 1))
        estimate = roc_auc(y_true, np.stack([1 - scores, scores], axis=1), confidence=0.95)
        hits.append(estimate.low <= 0.8 <= estimate.high)
    assert coverage(hits) >= least


# Macro F1.


def test_macro_f1_interval_is_that_of_resampled_examples() -> None:
    rng = np.random.default_rng(2)
    y_true = rng.integers(0, 3, 200)
    y_pred = np.where(rng.random(200) < 0.7, y_true, rng.integers(0, 3, 200))
    estimate = macro_f1(confusion_matrix(y_true, y_pred, 3), confidence=0.95, n_boot=4000, seed=0)
    resampled = []
    for _ in range(600):
        rows = rng.integers(0, 200, 200)
        resampled.append(sk.f1_score(y_true[rows], y_pred[rows], average="macro"))
    assert (estimate.low, estimate.high) == pytest.approx(np.quantile(resampled, [0.025, 0.975]), abs=0.012)


def test_the_same_seed_gives_the_same_interval() -> None:
    confusion = np.array([[30, 10], [5, 55]])
    first, again, other = (macro_f1(confusion, confidence=0.9, n_boot=200, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
