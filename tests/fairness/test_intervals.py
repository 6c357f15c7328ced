"""The intervals hold at their level: against closed forms, other libraries and simulated truth."""

import math

import numpy as np
import pytest
from scipy.stats import norm, studentized_range

from fairness.metrics import Rate, f1_interval
from fairness.simultaneous import critical_value, difference_bounds, ratio_bounds

REPETITIONS = 300
TRUTHS = {
    "two equal groups": ([200, 200], [0.3, 0.3]),
    "six equal groups of 100": ([100] * 6, [0.3] * 6),
    "four unequal groups": ([300, 150, 100, 60], [0.5, 0.4, 0.45, 0.3]),
    "two groups with rare outcomes": ([300, 300], [0.02, 0.06]),
}


def test_the_critical_value_of_one_pair_is_the_normal_quantile():
    assert critical_value([np.array([1.0, 4.0])], 0.95, seed=0) == pytest.approx(1.959964, abs=1e-6)


@pytest.mark.parametrize("groups", [3, 6, 12])
def test_the_critical_value_of_equal_groups_is_that_of_tukeys_range_test(groups):
    tukey = studentized_range.ppf(0.95, groups, 1e6) / math.sqrt(2)
    assert critical_value([np.full(groups, 0.7)], 0.95, seed=0) == pytest.approx(tukey, abs=0.03)


def test_the_critical_value_of_two_independent_pairs_is_that_of_sidak():
    sidak = norm.ppf((1 + math.sqrt(0.95)) / 2)
    families = [np.array([1.0, 2.0]), np.array([0.1, 0.4])]
    assert critical_value(families, 0.95, seed=0) == pytest.approx(sidak, abs=0.03)


def test_one_pair_of_groups_gets_the_agresti_caffo_interval():
    # 7 of 34 and 1 of 16: 8/36 - 2/18 = 1/9, variances (2/9)(7/9)/36 and (1/9)(8/9)/18.
    half = 1.959964 * math.sqrt((2 / 9) * (7 / 9) / 36 + (1 / 9) * (8 / 9) / 18)
    low, high = difference_bounds([Rate(np.array([7, 1]), np.array([34, 16]))], 0.95, seed=0)
    assert half > 1 / 9  # the pair's interval spans 0, so no difference is excluded
    assert low == 0
    assert high == pytest.approx(1 / 9 + half)


def test_one_pair_of_groups_gets_the_log_ratio_interval():
    # 59 of 99 and 9 of 49: rates 59.5/100 and 9.5/50.
    a, b = 0.595, 0.19
    half = 1.959964 * math.sqrt((1 - a) / (a * 100) + (1 - b) / (b * 50))
    low, high = ratio_bounds([Rate(np.array([59, 9]), np.array([99, 49]))], 0.95, seed=0)
    assert (low, high) == pytest.approx((b / a * math.exp(-half), b / a * math.exp(half)))


@pytest.mark.parametrize("case", TRUTHS)
def test_disparity_intervals_cover_the_truth(case):
    n, p = (np.array(values) for values in TRUTHS[case])
    difference, ratio = p.max() - p.min(), p.min() / p.max()
    rng = np.random.default_rng(11)
    covered = {"difference": 0, "ratio": 0}
    alarms = 0
    for _ in range(REPETITIONS):
        rate = [Rate(rng.binomial(n, p), n)]
        low, high = difference_bounds(rate, 0.95, seed=0)
        covered["difference"] += low <= difference <= high
        alarms += low > 0
        low, high = ratio_bounds(rate, 0.95, seed=0)
        covered["ratio"] += low <= ratio <= high
    assert covered["difference"] / REPETITIONS >= 0.92
    assert covered["ratio"] / REPETITIONS >= 0.92
    if difference == 0:
        assert alarms / REPETITIONS <= 0.08
    if case == "four unequal groups":
        assert alarms / REPETITIONS >= 0.3  # an interval that is always [0, 1] would cover too


def test_the_worst_of_two_rates_is_covered():
    positives, negatives = np.array([80, 60, 100]), np.array([120, 140, 100])
    tpr, fpr = np.array([0.8, 0.8, 0.75]), np.array([0.2, 0.3, 0.2])
    rng = np.random.default_rng(5)
    covered = {"difference": 0, "ratio": 0}
    for _ in range(REPETITIONS):
        rates = [
            Rate(rng.binomial(positives, tpr), positives),
            Rate(rng.binomial(negatives, fpr), negatives),
        ]
        low, high = difference_bounds(rates, 0.95, seed=0)
        covered["difference"] += low <= 0.1 <= high
        low, high = ratio_bounds(rates, 0.95, seed=0)
        covered["ratio"] += low <= 2 / 3 <= high
    assert min(covered.values()) / REPETITIONS >= 0.92


def test_a_column_with_very_many_values_stays_affordable_and_sound():
    # 120 groups have 7,140 pairs; fewer draws are made, and the value is still Tukey's within 3 %.
    tukey = studentized_range.ppf(0.95, 120, 1e6) / math.sqrt(2)
    assert critical_value([np.full(120, 0.2)], 0.95, seed=0) == pytest.approx(tukey, rel=0.03)


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
