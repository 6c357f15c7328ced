"""Score metrics of groups against scikit-learn, their covariances against all pairs, and refused scores."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.stats import norm, t
from sklearn import metrics as sk
from statsmodels.stats.proportion import proportion_confint

from attacks.errors import AssayError
from fairness.counts import outcomes
from fairness.groups import columns_of, overlapping
from fairness.scores import check_scores, score_families, score_metrics
from robustness.calibration_error import reliability
from tests.fairness.score_cases import Case, cases, influence_of_pairs, pairs

NAMES = ("no", "yes", "maybe")


def shown_of(case: Case):
    return outcomes(NAMES[: case.scores.shape[1]], None)


def metrics_of(case: Case, confidence: float = 0.95):
    found = score_metrics(*case, shown_of(case), confidence, 0)
    return dict(zip(case.grouping.values, found, strict=True))


@settings(max_examples=50, deadline=None)
@given(cases())
def test_every_value_is_scikit_learn_s_on_the_rows_of_the_group(case):
    k = case.scores.shape[1]
    for g, metrics in enumerate(metrics_of(case).values()):
        inside = case.grouping.mask(g)
        y_true, scores = case.y_true[inside], case.scores[inside]
        assert set(metrics) == {f"roc_auc{o.suffix}" for o in shown_of(case)} | {
            "log_loss",
            "expected_calibration_error",
        }
        for outcome in shown_of(case):
            area, positive = metrics[f"roc_auc{outcome.suffix}"], y_true == outcome.index
            if 0 < positive.sum() < len(positive):
                assert area.value == pytest.approx(sk.roc_auc_score(positive, scores[:, outcome.index]))
                assert 0 <= area.low <= area.value <= area.high <= 1
                assert area.n == len(y_true)
            else:
                assert area.value is None
                assert area.reason
        if len(y_true) == 0:
            assert {m.reason for m in metrics.values()} <= {"the group has no examples", "no examples"}
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn 1.9 renames an argument
            loss = sk.log_loss(y_true, scores, labels=range(k))
        assert metrics["log_loss"].value == pytest.approx(loss)
        bins = [cell for cell in reliability(y_true, scores) if cell.n]
        error = sum(cell.n * abs(cell.accuracy - cell.mean_confidence) for cell in bins) / len(y_true)
        assert metrics["expected_calibration_error"].value == pytest.approx(error)


def test_three_classes_have_an_area_each_and_one_loss():
    rng = np.random.default_rng(0)
    (grouping,) = columns_of({"g": np.repeat(["a", "b"], 30).astype(object)})
    case = Case(rng.integers(0, 3, 60), rng.dirichlet([1, 1, 1], 60), grouping)
    assert list(metrics_of(case)["a"]) == [
        "roc_auc[no]",
        "roc_auc[yes]",
        "roc_auc[maybe]",
        "log_loss",
        "expected_calibration_error",
    ]


def test_why_a_group_has_no_area_is_said():
    (grouping,) = columns_of({"g": np.array(["a", "a", "b", "b"], dtype=object)})
    found = metrics_of(Case(np.array([1, 1, 0, 0]), np.full((4, 2), 0.5), grouping))
    assert found["a"]["roc_auc"].reason == 'every example of the group is labelled "yes"'
    assert found["b"]["roc_auc"].reason == 'no example of the group is labelled "yes"'


def test_a_group_told_apart_perfectly_has_an_interval_that_narrows_with_its_size():
    y_true = np.tile([0, 1], 60)
    scores = np.where(y_true[:, None] == [0, 1], 0.9, 0.1)
    (grouping,) = columns_of({"g": np.repeat(["few", "many"], [20, 100]).astype(object)})
    found = metrics_of(Case(y_true, scores, grouping))
    for name, fewest in (("few", 10), ("many", 50)):
        area = found[name]["roc_auc"]
        assert (area.value, area.high) == (1, 1)
        assert area.low == pytest.approx(proportion_confint(fewest, fewest, method="wilson")[0])


def test_the_interval_of_the_log_loss_is_a_t_interval_of_its_logarithm():
    scores = np.array([[0.8, 0.2], [0.5, 0.5], [0.9, 0.1], [0.3, 0.7]])
    y_true = np.array([0, 1, 0, 0])
    (grouping,) = columns_of({"g": np.full(4, "a", dtype=object)})
    losses = -np.log([0.8, 0.5, 0.9, 0.3])
    half = t.ppf(0.95, 3) * losses.std(ddof=1) / 2 / losses.mean()
    loss = metrics_of(Case(y_true, scores, grouping), 0.9)["a"]["log_loss"]
    assert (loss.low, loss.value, loss.high) == pytest.approx(losses.mean() * np.exp([-half, 0, half]))


def test_one_loss_and_equal_losses_tell_no_spread():
    (grouping,) = columns_of({"g": np.array(["a", "b", "b"], dtype=object)})
    case = Case(np.array([0, 1, 1]), np.array([[0.8, 0.2], [0.4, 0.6], [0.4, 0.6]]), grouping)
    for name in "ab":
        loss = metrics_of(case)[name]["log_loss"]
        assert (loss.low, loss.high) == (None, None)
        assert loss.value > 0


# Families.


@settings(max_examples=50, deadline=None)
@given(cases())
def test_covariances_are_those_of_all_pairs(case):
    n, grouping = len(case.y_true), case.grouping
    found = score_families(*case, shown_of(case))
    masks = [grouping.mask(g) for g in range(len(grouping.values))]
    for outcome in shown_of(case):
        values, influences, certain = [], [], []
        for inside in masks:
            positives = np.flatnonzero(inside & (case.y_true == outcome.index))
            negatives = np.flatnonzero(inside & (case.y_true != outcome.index))
            score = case.scores[:, outcome.index]
            won = pairs(score[positives], score[negatives])
            values.append(won.mean() if won.size else np.nan)
            influences.append(
                influence_of_pairs(n, positives, negatives, won) if won.size else np.full(n, np.nan)
            )
            certain.append(min(won.shape) > 1 and 0 < values[-1] < 1 and np.abs(influences[-1]).max() > 1e-9)
        family = found[f"roc_auc{outcome.suffix}"]
        np.testing.assert_allclose(family.values, values)
        expected = np.array(influences) @ np.array(influences).T
        apart = ~np.eye(len(values), dtype=bool)
        np.testing.assert_allclose(family.covariance[apart], expected[apart], atol=1e-12)
        np.testing.assert_allclose(
            family.covariance.diagonal()[certain], expected.diagonal()[certain], rtol=1e-6
        )
        # Where no spread is seen the variance is neither 0 nor unknown.
        unsure = np.array([not c and v == v for c, v in zip(certain, values, strict=True)])
        assert (family.covariance.diagonal()[unsure] > 0).all()
    losses = -np.log(
        np.clip(case.scores[np.arange(n), case.y_true], np.finfo(float).eps, 1 - np.finfo(float).eps)
    )
    family = found["log_loss"]
    for g, inside in enumerate(masks):
        m = inside.sum()
        if m < 2:
            assert np.isnan(family.values[g])
            assert np.isnan(family.covariance[g]).all()
            continue
        assert family.values[g] == pytest.approx(losses[inside].mean())
        assert family.covariance[g, g] == pytest.approx(losses[inside].var(ddof=1) / m, abs=1e-12)


def test_groups_of_the_same_examples_vary_together_and_disjoint_ones_do_not():
    rng = np.random.default_rng(1)
    y_true = rng.integers(0, 2, 200)
    p = norm.cdf(rng.normal(y_true, 1))
    scores = np.stack([1 - p, p], axis=1)
    half = np.repeat([0, 1], 100)
    same = overlapping("g", {"a": half, "b": half, "c": 1 - half})
    for family in score_families(y_true, scores, same, outcomes(NAMES[:2], None)).values():
        variance = family.covariance[0, 0]
        assert family.covariance[0, 1] == pytest.approx(variance)
        assert family.covariance[0, 2] == 0
        assert family.values[0] == family.values[1] != family.values[2]


# Refused scores.

GOOD = np.array([[0.25, 0.75], [1.0, 0.0], [0.5004, 0.5]])
REFUSED = {
    "nan": (np.array([[0.5, 0.5], [0.5, np.nan]]), r"example 1 \(counted from 0\), class 1: .* got nan"),
    "infinite": (np.array([[np.inf, 0.5], [0.5, 0.5]]), "example 0 .* got inf"),
    "logits": (np.array([[0.5, 0.5], [-1.5, 2.5]]), "example 1 .* got -1.5 .*probabilities, not logits"),
    "percent": (np.array([[40.0, 60.0], [50, 50]]), r"from 0 to 1, got 40 \(2 such rows\)"),
    "sum": (np.array([[0.5, 0.5], [0.5, 0.498]]), r"example 1 .* got a sum of 0.998 \(1 such rows\)"),
    "one column": (np.array([0.5, 0.5]), r"2 probabilities for each of 2 examples, got .* shape \(2,\)"),
    "rows": (np.full((3, 2), 0.5), r"each of 2 examples, .* shape \(3, 2\)"),
    "text": (np.array([["0.5", "0.5"], ["1", "0"]]), "type <U3"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_scores_that_are_no_probabilities_are_refused_with_their_row(case):
    scores, message = REFUSED[case]
    with pytest.raises(AssayError, match=f'(?s)^the scores under "fgsm".*{message}'):
        check_scores(scores, 2, 2, 'the scores under "fgsm"')


def test_good_scores_come_back_as_they_are():
    checked = check_scores(GOOD, 3, 2)
    assert checked.tolist() == GOOD.tolist()
    assert check_scores(np.array([[1, 0]]), 1, 2).dtype == np.float64
    assert check_scores(GOOD.astype(np.float32), 3, 2).dtype == np.float64
