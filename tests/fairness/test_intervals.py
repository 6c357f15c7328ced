"""The intervals hold at their level: against closed forms, other libraries and simulated truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, studentized_range
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.proportion import test_proportions_2indep as score_test

from fairness.inference.families import Family, Shares, covariance
from fairness.inference.folded import acceptance, folded_interval
from fairness.inference.score_pairs import Level, Pairs, added_bounds, bounds, difference_fit, ratio_fit
from fairness.inference.simultaneous import RangeMaxT, SimulatedMaxT, family_bounds, max_t, rate_bounds
from fairness.metrics import Rate, balanced_accuracy_interval, f1_interval

Z = norm.ppf(0.975)


def pair(x1, n1, x2, n2):
    return Pairs(*(np.array([float(each)]) for each in (x1, n1, x2, n2)))


def interval(kind, rate):
    null = max_t([np.eye(len(rate.trials))], seed=0)
    return rate_bounds(kind, [rate], null, 0.95)


def test_the_critical_value_of_one_pair_is_the_normal_quantile():
    null = max_t([np.diag([1.0, 4.0])], seed=0)
    assert null.quantile(0.95) == pytest.approx(Z, abs=1e-6)
    assert null.p_value(2.5) == pytest.approx(2 * norm.sf(2.5), rel=1e-6)
    assert null.p_value(9.0) == pytest.approx(2 * norm.sf(9.0), rel=1e-6)


@pytest.mark.parametrize("groups", [3, 12, 120])
def test_the_critical_value_of_many_groups_is_that_of_tukeys_range_test(groups):
    null = max_t([np.eye(groups)], seed=0)
    assert null.quantile(0.95) == pytest.approx(studentized_range.ppf(0.95, groups, 1e6) / 2**0.5, abs=1e-4)
    assert null.p_value(3.0) == pytest.approx(studentized_range.sf(3 * 2**0.5, groups, 1e6), rel=1e-3)


def test_the_critical_value_of_two_independent_pairs_is_that_of_sidak():
    null = max_t([np.diag([1.0, 2.0]), np.diag([0.1, 0.4])], seed=0)
    assert null.quantile(0.95) == pytest.approx(norm.ppf((1 + 0.95**0.5) / 2), abs=1e-4)


def test_groups_that_overlap_have_a_smaller_critical_value_than_disjoint_ones():
    # The third group is the first two together: of its three contrasts two say the same.
    covariance_of = np.array([[1.0, 0, 0.5], [0, 1.0, 0.5], [0.5, 0.5, 0.5]])
    null = max_t([covariance_of], seed=0)
    assert isinstance(null, SimulatedMaxT)
    assert null.quantile(0.95) == pytest.approx(Z, abs=0.03)
    assert null.quantile(0.95) < RangeMaxT((3,)).quantile(0.95)


def test_the_covariance_of_groups_that_overlap_is_that_of_their_shared_cells():
    # 100 examples in a alone, 300 in both, 100 in b alone, all at a rate of 1/2: p(1-p) 300 / (400 400).
    members = np.array([[1, 0], [1, 1], [0, 1]], dtype=bool)
    cells = Rate(np.array([50, 150, 50]), np.array([100, 300, 100]))
    groups = Rate(np.array([200, 200]), np.array([400, 400]))
    found = covariance(Shares(groups, cells, members), added=1e-9)
    assert found == pytest.approx(np.array([[400, 300], [300, 400]]) * 0.25 / 400**2)


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_the_folded_interval_covers_at_its_level_at_every_distance(confidence):
    table = acceptance(confidence)
    covered = norm.cdf(table.upper - table.distance) - norm.cdf(table.lower - table.distance)
    covered += norm.cdf(-table.lower - table.distance) - norm.cdf(-table.upper - table.distance)
    assert covered == pytest.approx(confidence, abs=0.002)


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 12))
def test_the_folded_interval_holds_zero_where_the_two_sided_test_does_not_reject(size):
    low, high = folded_interval(size, 0.95)
    assert (low == 0) == (size <= Z)
    assert low <= size <= high
    if size > 8:
        assert (low, high) == pytest.approx((size - Z, size + Z))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1), st.floats(0, 1), st.floats(0.05, 0.9))
def test_the_constrained_fits_are_the_most_likely_rates(n1, n2, share1, share2, value):
    x1, x2 = round(n1 * share1), round(n2 * share2)

    def likelihood(p1, p2):
        with np.errstate(divide="ignore", invalid="ignore"):
            counted = ((x1, p1), (n1 - x1, 1 - p1), (x2, p2), (n2 - x2, 1 - p2))
            parts = [x * np.log(p) for x, p in counted if x]
        return np.sum(parts, axis=0)

    grid = np.linspace(0, 1, 2001)
    given_value = np.array([value])
    for fit, first, second in (
        (difference_fit, np.minimum(grid * (1 - value) + value, 1), grid * (1 - value)),
        (ratio_fit, grid * value, grid),
    ):
        p1, p2 = (float(each[0]) for each in fit(pair(x1, n1, x2, n2), given_value))
        assert float(np.nan_to_num(likelihood(p1, p2), nan=0)) >= np.nanmax(likelihood(first, second)) - 1e-6


def test_two_large_groups_apart_get_the_score_interval_of_statsmodels():
    low, high = interval("difference", Rate(np.array([5200, 4000]), np.array([10000, 10000])))
    expected = confint_proportions_2indep(5200, 10000, 4000, 10000, method="score", compare="diff")
    assert (low, high) == pytest.approx(expected, abs=2e-4)
    low, high = interval("ratio", Rate(np.array([5200, 4000]), np.array([10000, 10000])))
    expected = confint_proportions_2indep(4000, 10000, 5200, 10000, method="score", compare="ratio")
    assert (low, high) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize(("x1", "x2"), [(40, 55), (40, 53), (8, 17), (8, 19), (90, 97)])
def test_no_difference_is_in_the_interval_of_two_groups_where_the_score_test_does_not_reject(x1, x2):
    rate = Rate(np.array([x1, x2]), np.array([120, 120]))
    p_value = score_test(x1, 120, x2, 120, method="score", correction=False).pvalue
    assert (interval("difference", rate).low == 0) == (p_value > 0.05)
    assert (interval("ratio", rate).high == 1) == (p_value > 0.05)


def test_small_groups_get_the_wider_of_the_score_and_the_added_count_intervals():
    level = Level(Z)
    near, far = added_bounds("difference", pair(1, 16, 7, 34), level)
    # 7 of 34 and 1 of 16: 8/36 - 2/18 = 1/9, variances (2/9)(7/9)/36 and (1/9)(8/9)/18.
    half = Z * ((2 / 9) * (7 / 9) / 36 + (1 / 9) * (8 / 9) / 18) ** 0.5
    assert (near[0], far[0]) == pytest.approx((0, 1 / 9 + half))
    joined_near, joined_far = bounds("difference", pair(1, 16, 7, 34), level)
    assert joined_near[0] <= near[0]
    assert joined_far[0] >= far[0]
    # 9 of 49 and 59 of 99: rates 9.5/50 and 59.5/100.
    near, far = added_bounds("ratio", pair(9, 49, 59, 99), level)
    half = Z * ((1 - 0.595) / (0.595 * 100) + (1 - 0.19) / (0.19 * 50)) ** 0.5
    assert (far[0], near[0]) == pytest.approx((0.19 / 0.595 * np.exp(-half), 0.19 / 0.595 * np.exp(half)))


def test_a_rate_of_zero_has_a_ratio_of_zero_with_room_for_doubt():
    low, high = interval("ratio", Rate(np.array([0, 60]), np.array([200, 200])))
    assert low == 0
    assert 0 < high < 0.1


def test_the_upper_end_of_many_groups_is_that_of_the_furthest_pair_alone():
    family = Family(np.array([0.5, 0.6, 0.9]), np.diag([1e-4] * 3))
    null = max_t([family.covariance], seed=0)
    low, high = family_bounds("difference", [family], null, 0.95)
    error = (2e-4) ** 0.5
    assert low == pytest.approx(0.4 - null.quantile(0.95) * error)
    assert high == pytest.approx(0.4 + Z * error)


REPETITIONS = 150
TRUTHS = {
    "six equal groups of 100": ([100] * 6, [0.3] * 6),
    "four unequal groups": ([300, 150, 100, 60], [0.5, 0.4, 0.45, 0.3]),
    "two groups with rare outcomes": ([300, 300], [0.02, 0.06]),
}


@pytest.mark.parametrize("case", TRUTHS)
def test_disparity_intervals_cover_the_truth(case):
    n, p = (np.array(values) for values in TRUTHS[case])
    difference, ratio = p.max() - p.min(), p.min() / p.max()
    rng = np.random.default_rng(11)
    covered = {"difference": 0, "ratio": 0}
    claims = 0
    for _ in range(REPETITIONS):
        rate = Rate(rng.binomial(n, p), n)
        low, high = interval("difference", rate)
        covered["difference"] += low <= difference <= high
        claims += low > 0
        low, high = interval("ratio", rate)
        covered["ratio"] += low <= ratio <= high
    # 0.95 less two standard errors.
    assert min(covered.values()) / REPETITIONS >= 0.914
    if difference == 0:
        assert claims / REPETITIONS <= 0.086
    if case == "four unequal groups":
        assert claims / REPETITIONS >= 0.3  # an interval that is always [0, 1] would cover too


def test_the_worst_of_two_rates_is_covered():
    positives, negatives = np.array([80, 60, 100]), np.array([120, 140, 100])
    tpr, fpr = np.array([0.8, 0.8, 0.75]), np.array([0.2, 0.3, 0.2])
    null = max_t([np.eye(3), np.eye(3)], seed=0)
    rng = np.random.default_rng(5)
    covered = {"difference": 0, "ratio": 0}
    for _ in range(REPETITIONS):
        rates = [
            Rate(rng.binomial(positives, tpr), positives),
            Rate(rng.binomial(negatives, fpr), negatives),
        ]
        low, high = rate_bounds("difference", rates, null, 0.95)
        covered["difference"] += low <= 0.1 <= high
        low, high = rate_bounds("ratio", rates, null, 0.95)
        covered["ratio"] += low <= 2 / 3 <= high
    assert min(covered.values()) / REPETITIONS >= 0.914


@pytest.mark.parametrize(
    ("n", "p"), [((10, 290), (0.95, 0.9)), ((50, 50), (0.9, 0.8)), ((500, 500), (0.99, 0.99))]
)
def test_the_balanced_accuracy_interval_covers_the_truth(n, p):
    rng = np.random.default_rng(1)
    trials = np.array(n)
    estimates = [balanced_accuracy_interval(Rate(rng.binomial(trials, p), trials)) for _ in range(600)]
    assert np.mean([each.low <= np.mean(p) <= each.high for each in estimates]) >= 0.925


def test_the_balanced_accuracy_interval_joins_those_of_the_recalls():
    # Recalls 8/10 and 9/10, whose Wilson intervals are (0.4902, 0.9433) and (0.5958, 0.9821).
    estimate = balanced_accuracy_interval(Rate(np.array([8, 9]), np.array([10, 10])))
    assert estimate.value == pytest.approx(0.85)
    assert estimate.low == pytest.approx(
        0.85 - ((0.8 - 0.4902) ** 2 + (0.9 - 0.5958) ** 2) ** 0.5 / 2, abs=1e-4
    )
    assert estimate.high == pytest.approx(
        0.85 + ((0.9433 - 0.8) ** 2 + (0.9821 - 0.9) ** 2) ** 0.5 / 2, abs=1e-4
    )
    assert estimate.n == 20


@pytest.mark.parametrize(
    ("n", "cells"),
    [(30, (0.45, 0.03, 0.02, 0.50)), (30, (0.12, 0.05, 0.05, 0.78)), (300, (0.30, 0.10, 0.10, 0.50))],
)
def test_the_f1_interval_covers_the_truth(n, cells):
    true_f1 = 2 * cells[0] / (2 * cells[0] + cells[1] + cells[2])
    drawn = np.random.default_rng(2).multinomial(n, cells, size=600)
    estimates = [f1_interval(int(tp), int(fp), int(fn)) for tp, fp, fn, _ in drawn]
    covered = [e.low <= true_f1 <= e.high for e in estimates if e.value is not None]
    assert len(covered) > 590
    assert np.mean(covered) >= 0.93


def test_the_f1_interval_maps_the_wilson_interval_of_the_jaccard_index():
    # TP 8, FP 1, FN 1: J = 8/10, whose Wilson interval is (0.4902, 0.9433); F1 = 16/18.
    estimate = f1_interval(8, 1, 1)
    assert estimate.value == pytest.approx(16 / 18)
    assert estimate.low == pytest.approx(2 * 0.4902 / 1.4902, abs=1e-4)
    assert estimate.high == pytest.approx(2 * 0.9433 / 1.9433, abs=1e-4)
    assert estimate.n == 10


def test_f1_without_any_positive_is_undefined():
    assert f1_interval(0, 0, 0).value is None
