"""Bias AUCs against a case worked by hand, against scikit-learn on subsets of rows, and against all pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.special import expit, logit
from scipy.stats import mannwhitneyu, norm, t
from sklearn.metrics import roc_auc_score

from fairness.bias.auc import AREAS, POWER, bias_auc
from fairness.bias.background import Ranked, Steps, compare
from fairness.bias.generalised_mean import average, mean_area, overall_area, power_mean
from fairness.counts import outcomes
from fairness.groups import columns_of, overlapping
from robustness.delong import Area
from tests.fairness.score_cases import Case, cases, influence_of_pairs, pairs

NAMES = ("no", "yes", "maybe")
BINARY = outcomes(NAMES[:2], None)


def bias_of(case: Case, min_group_size: int = 1, confidence: float = 0.95):
    return bias_auc(*case, outcomes(NAMES[: case.scores.shape[1]], None), min_group_size, confidence)


def two_columns(score) -> np.ndarray:
    return np.stack([1 - np.asarray(score), score], axis=1)


# Group a: positives 0.9 0.55, negatives 0.6 0.3. Group b: positives 0.8 0.5, negatives 0.3 0.5.
BY_HAND = Case(
    np.array([1, 1, 0, 0, 1, 1, 0, 0]),
    two_columns([0.9, 0.55, 0.6, 0.3, 0.8, 0.5, 0.3, 0.5]),
    columns_of({"g": np.repeat(["a", "b"], 4).astype(object)})[0],
)


def test_a_case_worked_by_hand():
    found = bias_of(BY_HAND)["yes"]
    a, b = found.by_group["a"], found.by_group["b"]
    # a: 0.9 beats 0.6 and 0.3, 0.55 beats 0.3. b: 0.8 beats both, 0.5 beats 0.3 and ties with 0.5.
    assert (a.subgroup_auc.value, b.subgroup_auc.value) == (3 / 4, 3.5 / 4)
    # Positives of b against negatives of a: 0.8 beats 0.6 and 0.3, 0.5 beats 0.3; of a against b: all.
    assert (a.bpsn_auc.value, b.bpsn_auc.value) == (3 / 4, 1)
    assert (a.bnsp_auc.value, b.bnsp_auc.value) == (1, 3 / 4)
    # Positives of a over those of b: 0.9 beats both, 0.55 one: 3 of 4, a quarter above one half.
    assert (a.positive_aeg.value, b.positive_aeg.value) == (1 / 4, -1 / 4)
    # Negatives of a over those of b: 0.6 beats both, 0.3 ties with one: 2.5 of 4.
    assert (a.negative_aeg.value, b.negative_aeg.value) == (1 / 8, -1 / 8)
    # All: 0.9 beats four, 0.55 beats 0.3, 0.3 and 0.5, 0.8 beats four, 0.5 beats two and ties with one.
    assert found.overall_auc.value == 13.5 / 16
    means = [((x**-5 + y**-5) / 2) ** (-1 / 5) for x, y in ((3 / 4, 3.5 / 4), (3 / 4, 1), (1, 3 / 4))]
    shown = [found.mean_subgroup_auc, found.mean_bpsn_auc, found.mean_bnsp_auc]
    assert [mean.value for mean in shown] == pytest.approx(means)
    assert found.bias_score.value == pytest.approx((13.5 / 16 + sum(means)) / 4)
    assert found.power == -5
    assert (a.n, a.subgroup_auc.n, a.positive_aeg.n, found.bias_score.n) == (4, 4, 4, 8)
    assert not a.small


@settings(max_examples=60, deadline=None)
@given(cases())
def test_every_value_is_that_of_its_definition(case):
    min_size = 3
    for outcome in outcomes(NAMES[: case.scores.shape[1]], None):
        found = bias_of(case, min_size)[outcome.name]
        score, positive = case.scores[:, outcome.index], case.y_true == outcome.index
        areas = {name: [] for name in AREAS}
        for g, (value, group) in enumerate(found.by_group.items()):
            assert value == case.grouping.values[g]
            inside = case.grouping.mask(g)
            assert (group.n, group.small) == (inside.sum(), inside.sum() < min_size)
            subsets = {
                "subgroup_auc": inside,
                "bpsn_auc": np.where(positive, ~inside, inside),
                "bnsp_auc": np.where(positive, inside, ~inside),
            }
            for name, rows in subsets.items():
                estimate = getattr(group, name)
                if len(set(positive[rows])) < 2:
                    assert estimate.value is None
                    assert estimate.reason
                    continue
                assert estimate.value == pytest.approx(roc_auc_score(positive[rows], score[rows]))
                assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
                assert estimate.n == rows.sum()
                if not group.small:
                    areas[name].append(estimate.value)
            for name, side in (("positive_aeg", positive), ("negative_aeg", ~positive)):
                estimate, own, rest = getattr(group, name), score[side & inside], score[side & ~inside]
                if len(own) == 0 or len(rest) == 0:
                    assert estimate.value is None
                    continue
                gap = 0.5 - mannwhitneyu(rest, own).statistic / (len(own) * len(rest))
                assert estimate.value == pytest.approx(gap)
                assert -0.5 <= estimate.low <= estimate.value <= estimate.high <= 0.5
        means = [getattr(found, f"mean_{name}") for name in AREAS]
        for mean, values in zip(means, areas.values(), strict=True):
            if not values:
                assert mean.value is None
                continue
            expected = 0 if min(values) == 0 else np.mean(np.array(values) ** POWER) ** (1 / POWER)
            assert mean.value == pytest.approx(expected)
            assert 0 <= mean.low <= mean.value <= mean.high <= 1
        parts = [found.overall_auc.value, *(mean.value for mean in means)]
        if None in parts:
            assert found.bias_score.value is None
            assert found.bias_score.reason
        else:
            assert found.bias_score.value == pytest.approx(np.mean(parts))
            assert 0 <= found.bias_score.low <= found.bias_score.value <= found.bias_score.high <= 1


@settings(max_examples=60, deadline=None)
@given(cases())
def test_influences_are_those_of_all_pairs(case):
    n, score, positive = len(case.y_true), case.scores[:, 1], case.y_true == 1
    ranked = Ranked.of(score, positive)
    compared = [compare(ranked, rows) for rows in case.grouping.rows()]
    summaries = [summary for name in AREAS if (summary := mean_area(name, ranked, compared, POWER))]
    for name in AREAS:
        summary = mean_area(name, ranked, compared, POWER)
        values, influences, variances, used = [], [], [], np.zeros(n, dtype=bool)
        for g in range(len(compared)):
            inside = case.grouping.mask(g)
            ours = inside if name != "bpsn_auc" else ~inside
            theirs = ~inside if name == "bnsp_auc" else inside
            positives, negatives = np.flatnonzero(positive & ours), np.flatnonzero(~positive & theirs)
            won = pairs(score[positives], score[negatives])
            if won.size:
                values.append(won.mean())
                influences.append(influence_of_pairs(n, positives, negatives, won))
                parts = [np.square(influences[-1][rows]).sum() for rows in (positives, negatives)]
                variances.append(parts)
                used[positives] = used[negatives] = True
        assert (summary is None) == (not values)
        if summary is None:
            continue
        np.testing.assert_allclose([area.value for area in summary.areas], values)
        found = [(area.positive_variance, area.negative_variance) for area in summary.areas]
        np.testing.assert_allclose(found, variances, atol=1e-12)
        np.testing.assert_allclose(summary.influence, np.array(summary.weights) @ influences, atol=1e-9)
        assert summary.examples.tolist() == used.tolist()
    overall = overall_area(ranked)
    if overall is not None:
        summaries.append(overall)
        both = average(summaries)
        share = sum(summary.influence for summary in summaries) / len(summaries)
        np.testing.assert_allclose(both.influence, share, atol=1e-12)
        assert both.value == pytest.approx(np.mean([summary.value for summary in summaries]))


def test_derivatives_of_the_power_mean_are_its_slopes():
    values = np.array([0.6, 0.75, 0.9])
    mean, slopes = power_mean(values, -5)
    step = 1e-6 * np.eye(3)
    numeric = [(power_mean(values + s, -5)[0] - power_mean(values - s, -5)[0]) / 2e-6 for s in step]
    assert slopes == pytest.approx(numeric, rel=1e-5)
    assert mean == pytest.approx((np.mean(values**-5.0)) ** -0.2)


def test_a_power_mean_with_a_zero_is_zero_and_rises_with_it_alone():
    mean, slopes = power_mean(np.array([0.0, 0.5, 0.0]), -5)
    assert mean == 0
    assert slopes[1] == 0
    assert slopes @ [1e-9, 1e-9, 1e-9] == pytest.approx(power_mean(np.array([1e-9, 0.5, 1e-9]), -5)[0])


def test_a_share_below_a_rank_counts_ties_half():
    steps = Steps.of(np.array([2, 2, 5, 7]))
    assert steps(np.array([0, 2, 3, 5, 6, 7, 9])).tolist() == [0, 0.25, 0.5, 0.625, 0.75, 0.875, 1]


def test_intervals_of_areas_are_delong_s():
    rng = np.random.default_rng(0)
    y_true, group = rng.integers(0, 2, 300), rng.integers(0, 3, 300)
    score = expit(rng.normal(y_true, 1))
    (grouping,) = columns_of({"g": group.astype(str)})
    found = bias_of(Case(y_true, two_columns(score), grouping), confidence=0.9)["yes"].by_group["1"]
    won = pairs(score[(y_true == 1) & (group != 1)], score[(y_true == 0) & (group == 1)])
    m, r = won.shape
    parts = np.array([won.mean(axis=1).var(ddof=1) / m, won.mean(axis=0).var(ddof=1) / r])
    freedom = parts.sum() ** 2 / (parts**2 / [m - 1, r - 1]).sum()
    half = t.ppf(0.95, freedom) * np.sqrt(parts.sum()) / (won.mean() * (1 - won.mean()))
    ends = expit(logit(won.mean()) + np.array([-half, half]))
    assert (found.bpsn_auc.low, found.bpsn_auc.high) == pytest.approx(tuple(ends))


def test_the_background_of_an_overlapping_group_is_everyone_outside_it():
    rng = np.random.default_rng(2)
    y_true, score = rng.integers(0, 2, 120), rng.random(120)
    columns = {"a": rng.integers(0, 2, 120), "b": rng.integers(0, 2, 120)}
    found = bias_of(Case(y_true, two_columns(score), overlapping("g", columns)))["yes"]
    for name, column in columns.items():
        words = np.where(column == 1, "in", "out").astype(object)
        alone = bias_of(Case(y_true, two_columns(score), columns_of({"g": words})[0]))["yes"]
        assert found.by_group[name] == alone.by_group["in"]


def test_a_column_of_two_values_has_two_groups_each_the_other_s_background():
    found = bias_of(BY_HAND)["yes"].by_group
    assert list(found) == ["a", "b"]
    assert found["a"].bpsn_auc == found["b"].bnsp_auc
    assert found["a"].positive_aeg.value == -found["b"].positive_aeg.value


def test_each_of_three_classes_takes_its_turn():
    rng = np.random.default_rng(3)
    (grouping,) = columns_of({"g": rng.choice(["a", "b"], 90).astype(object)})
    case = Case(rng.integers(0, 3, 90), rng.dirichlet([1, 1, 1], 90), grouping)
    found = bias_of(case)
    assert list(found) == list(NAMES)
    assert found["maybe"].overall_auc.value == pytest.approx(
        roc_auc_score(case.y_true == 2, case.scores[:, 2])
    )


def test_small_groups_are_shown_and_left_out_of_the_means():
    y_true = np.concatenate([BY_HAND.y_true, [1, 0]])
    scores = np.concatenate([BY_HAND.scores, two_columns([0.1, 0.9])])
    column = np.array([*"aaaabbbb", "c", "c"], dtype=object)
    found = bias_of(Case(y_true, scores, columns_of({"g": column})[0]), min_group_size=3)["yes"]
    assert found.by_group["c"].small
    assert found.by_group["c"].subgroup_auc.value == 0
    of_large = power_mean(np.array([3 / 4, 3.5 / 4]), -5)[0]
    assert found.mean_subgroup_auc.value == pytest.approx(of_large)
    assert found.mean_subgroup_auc.n == 8


def test_what_is_undefined_says_why():
    y_true = np.array([1, 1, 1, 0, 0])
    case = Case(y_true, two_columns([0.5] * 5), columns_of({"g": np.array([*"aaabb"], dtype=object)})[0])
    found = bias_of(case)["yes"]
    a, b = found.by_group["a"], found.by_group["b"]
    assert a.subgroup_auc.reason == 'every example of the group is labelled "yes"'
    assert a.bpsn_auc.reason == 'every example of the group is labelled "yes"'
    assert a.bnsp_auc.value == 0.5
    assert a.positive_aeg.reason == 'no example outside the group is labelled "yes"'
    assert b.bnsp_auc.reason == 'no example of the group is labelled "yes"'
    assert b.negative_aeg.reason == 'every example outside the group is labelled "yes"'
    assert found.mean_subgroup_auc.reason == "no group of at least 1 examples has a subgroup_auc"
    assert found.bias_score.reason == found.mean_subgroup_auc.reason


def test_a_group_of_everyone_has_no_background_and_one_class_has_no_area():
    (everyone,) = columns_of({"g": np.full(4, "a", dtype=object)})
    found = bias_of(Case(np.array([0, 1, 1, 0]), two_columns([0.1, 0.2, 0.3, 0.4]), everyone))["yes"]
    assert found.by_group["a"].bpsn_auc.reason == "every example belongs to the group"
    assert found.by_group["a"].subgroup_auc.value == 0.5
    one = bias_of(Case(np.ones(4, dtype=int), two_columns([0.1, 0.2, 0.3, 0.4]), everyone))["yes"]
    assert one.overall_auc.reason == 'every example is labelled "yes"'
    assert one.bias_score.reason == one.overall_auc.reason
    nobody = overlapping("g", {"a": np.zeros(4, dtype=int)})
    empty = bias_of(Case(np.array([0, 1, 1, 0]), two_columns([0.1, 0.2, 0.3, 0.4]), nobody))["yes"]
    assert empty.by_group["a"].n == 0
    assert empty.by_group["a"].subgroup_auc.reason == "the group has no examples"


def test_perfect_groups_leave_the_means_open_below():
    y_true = np.tile([0, 1], 40)
    (grouping,) = columns_of({"g": np.repeat(["a", "b"], 40).astype(object)})
    found = bias_of(Case(y_true, two_columns(np.where(y_true, 0.9, 0.1)), grouping))["yes"]
    for mean in (found.mean_subgroup_auc, found.mean_bpsn_auc, found.bias_score):
        assert (mean.value, mean.high) == (1, 1)
        assert 0.8 < mean.low < 0.95


@pytest.mark.parametrize("shared", [False, True])
def test_intervals_of_means_and_score_cover(shared):
    """Equal groups and normal scores: every area, and so every mean, is known."""
    rng = np.random.default_rng(4)
    truth = norm.cdf(1.2 / np.sqrt(2))
    hits = {"mean_subgroup_auc": 0, "mean_bpsn_auc": 0, "mean_bnsp_auc": 0, "bias_score": 0}
    rounds, n = 250, 400
    for _ in range(rounds):
        y_true = (rng.random(n) < 0.4).astype(int)
        score = expit(rng.normal(1.2 * y_true, 1))
        if shared:
            grouping = overlapping("g", {str(g): (rng.random(n) < 0.3).astype(int) for g in range(4)})
        else:
            (grouping,) = columns_of({"g": rng.integers(0, 4, n).astype(str)})
        found = bias_of(Case(y_true, two_columns(score), grouping))["yes"]
        for name in hits:
            estimate = getattr(found, name)
            hits[name] += estimate.low <= truth <= estimate.high
    # Two standard errors of the simulation are 0.03.
    assert all(0.92 <= hit / rounds <= 0.995 for hit in hits.values()), hits


def test_a_shifted_group_is_found_and_the_others_are_not():
    rng = np.random.default_rng(5)
    n = 1500
    y_true, group = (rng.random(n) < 0.4).astype(int), rng.integers(0, 3, n)
    score = expit(rng.normal(1.5 * y_true, 1) + 0.8 * (group == 1))
    (grouping,) = columns_of({"g": group.astype(str)})
    found = bias_of(Case(y_true, two_columns(score), grouping))["yes"]
    shifted = found.by_group["1"]
    assert shifted.negative_aeg.low > 0.05
    assert shifted.positive_aeg.low > 0.05
    assert shifted.bpsn_auc.high < shifted.subgroup_auc.low
    assert found.by_group["0"].negative_aeg.high < 0
    assert found.mean_bpsn_auc.high < found.overall_auc.value


def test_an_area_of_unknown_spread_has_the_variance_of_its_interval():
    z = norm.ppf(0.975)
    low = 20 / (20 + z**2)  # Wilson's, of 20 successes in 20 trials
    assert Area(1.0, 20, 30, 0.0, 0.0).variance == pytest.approx(((1 - low) / z) ** 2)
    assert Area(0.8, 20, 30, 0.002, 0.003).variance == pytest.approx(0.005)
