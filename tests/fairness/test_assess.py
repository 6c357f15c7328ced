"""The group table and the disparities of a table small enough to work by hand, and its edge cases."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import log_loss, roc_auc_score
from statsmodels.stats.multitest import multipletests

from fairness.assess import AttackedPredictions, assess
from robustness.estimate import wilson

LABELS = ("no", "yes")

# Group a: 8 examples. 4 are "yes", 3 of them found (TP 3, FN 1); 4 are "no", 1 of them called "yes"
# (FP 1, TN 3). Group b: 6 examples. 2 are "yes", 1 found (TP 1, FN 1); 4 are "no", all kept (FP 0, TN 4).
GROUP = np.array(["a"] * 8 + ["b"] * 6)
Y_TRUE = np.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0])
Y_PRED = np.array([1, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0])


def assess_column(y_true, y_pred, column, labels=LABELS, **settings):
    settings.setdefault("min_group_size", 1)
    result = assess(
        np.asarray(y_true), np.asarray(y_pred), {"column": np.asarray(column)}, labels, **settings
    )
    return result.groups["column"]


def test_the_table_of_two_groups_matches_the_hand_worked_counts():
    found = assess_column(Y_TRUE, Y_PRED, GROUP)
    a, b = found.by_group["a"], found.by_group["b"]
    assert (a.n, a.n_by_label, a.small) == (8, {"no": 4, "yes": 4}, False)
    assert (b.n, b.n_by_label, b.small) == (6, {"no": 4, "yes": 2}, False)
    by_hand = {
        "accuracy": (6 / 8, 8, 5 / 6, 6),
        "balanced_accuracy": ((3 / 4 + 3 / 4) / 2, 8, (1 / 2 + 1) / 2, 6),
        "selection_rate": (4 / 8, 8, 1 / 6, 6),
        "tpr": (3 / 4, 4, 1 / 2, 2),
        "tnr": (3 / 4, 4, 1, 4),
        "fpr": (1 / 4, 4, 0, 4),
        "fnr": (1 / 4, 4, 1 / 2, 2),
        "precision": (3 / 4, 4, 1, 1),
        "f1": (2 * 3 / (2 * 3 + 1 + 1), 5, 2 * 1 / (2 * 1 + 0 + 1), 2),
    }
    assert set(a.metrics) == set(b.metrics) == set(by_hand)
    for name, (value_a, n_a, value_b, n_b) in by_hand.items():
        assert a.metrics[name].value == pytest.approx(value_a), name
        assert b.metrics[name].value == pytest.approx(value_b), name
        assert (a.metrics[name].n, b.metrics[name].n) == (n_a, n_b), name


def test_the_disparities_of_two_groups_match_the_hand_worked_rates():
    found = assess_column(Y_TRUE, Y_PRED, GROUP).disparities
    by_hand = {
        "accuracy_difference": 5 / 6 - 6 / 8,
        "accuracy_ratio": (6 / 8) / (5 / 6),
        "balanced_accuracy_difference": 0,
        "balanced_accuracy_ratio": 1,
        "demographic_parity_difference": 1 / 2 - 1 / 6,
        "demographic_parity_ratio": (1 / 6) / (1 / 2),
        "equalized_odds_difference": 1 / 4,  # TPR and FPR both differ by 1/4
        "equalized_odds_ratio": 0,  # FPR 0 against 1/4
        "equal_opportunity_difference": 1 / 4,
        "equal_opportunity_ratio": (1 / 2) / (3 / 4),
        "predictive_parity_difference": 1 / 4,
        "predictive_parity_ratio": 3 / 4,
        "f1_difference": 3 / 4 - 2 / 3,
        "f1_ratio": (2 / 3) / (3 / 4),
        # FPR 1/8 in all, 1/4 and 0 in the groups; FNR 2/6 in all, 1/4 and 1/2.
        "false_positive_equality_difference": 1 / 8 + 1 / 8,
        "false_negative_equality_difference": (1 / 3 - 1 / 4) + (1 / 2 - 1 / 3),
    }
    assert {name: estimate.value for name, estimate in found.items()} == pytest.approx(by_hand)
    assert {estimate.n for estimate in found.values()} == {14}


def test_rates_carry_wilson_intervals_of_their_own_denominators():
    metrics = assess_column(Y_TRUE, Y_PRED, GROUP, confidence=0.9).by_group["a"].metrics
    for name, (successes, trials) in {"accuracy": (6, 8), "tpr": (3, 4), "fpr": (1, 4)}.items():
        expected = wilson(successes, trials, 0.9)
        assert (metrics[name].low, metrics[name].high) == pytest.approx((expected.low, expected.high))


def test_the_first_label_can_be_the_positive_one():
    result = assess(Y_TRUE, Y_PRED, {"g": GROUP}, LABELS, positive_label="no", min_group_size=1)
    assert result.positive_label == "no"
    metrics = result.groups["g"].by_group["a"].metrics
    assert metrics["tpr"].value == pytest.approx(3 / 4)  # TN 3 of 4
    assert metrics["selection_rate"].value == pytest.approx(4 / 8)
    assert assess(Y_TRUE, Y_PRED, {"g": GROUP}, LABELS).positive_label == "yes"


def test_a_group_below_the_minimum_is_shown_but_not_compared():
    column = np.append(GROUP, ["tiny"])
    found = assess_column(np.append(Y_TRUE, 1), np.append(Y_PRED, 0), column, min_group_size=2)
    tiny = found.by_group["tiny"]
    assert tiny.small
    assert tiny.n == 1
    assert tiny.metrics["tpr"].value == 0
    alone = assess_column(Y_TRUE, Y_PRED, GROUP)
    # The small group counts in the rates of all examples, which equality differences use.
    of_all = {"false_positive_equality_difference", "false_negative_equality_difference"}
    assert {name: each for name, each in found.disparities.items() if name not in of_all} == {
        name: each for name, each in alone.disparities.items() if name not in of_all
    }
    # FNR 3/7 in all, with the tiny group's one miss.
    missed = found.disparities["false_negative_equality_difference"].value
    assert missed == pytest.approx((3 / 7 - 1 / 4) + (1 / 2 - 3 / 7))
    assert "tiny" not in {worst.group for worst in found.worst.values()}


def test_disparities_are_undefined_when_fewer_than_two_groups_are_large_enough():
    disparities = assess_column(Y_TRUE, Y_PRED, GROUP, min_group_size=7).disparities
    assert len(disparities) == 16
    for estimate in disparities.values():
        assert estimate.value is None
        assert estimate.reason == "1 of 2 groups have at least 7 examples; two are needed"


def test_a_column_with_one_value_has_metrics_but_no_disparity():
    found = assess_column(Y_TRUE, Y_PRED, ["all"] * 14)
    assert found.by_group["all"].metrics["accuracy"].value == pytest.approx(11 / 14)
    assert {estimate.reason for estimate in found.disparities.values()} == {'only one group ("all")'}


def test_a_single_example_is_a_small_group():
    found = assess_column([1], [1], ["only"], min_group_size=2).by_group["only"]
    assert (found.n, found.small, found.metrics["tpr"].value) == (1, True, 1)


def test_a_group_without_positives_has_no_tpr_instead_of_zero():
    # Group c has only "no": Fairlearn alone would give TPR 0 and a difference of 3/4.
    y_true, y_pred = np.append(Y_TRUE, [0, 0]), np.append(Y_PRED, [1, 0])
    found = assess_column(y_true, y_pred, np.append(GROUP, ["c", "c"]))
    metrics = found.by_group["c"].metrics
    for name in ("tpr", "fnr", "f1"):
        assert metrics[name].value is None
        assert metrics[name].reason == 'no example of the group is labelled "yes"'
    assert metrics["fpr"].value == pytest.approx(1 / 2)
    # a and b are compared on TPR (14 examples); c joins for the FPR, 1/2 against 0 in b.
    assert found.disparities["equal_opportunity_difference"].value == pytest.approx(1 / 4)
    assert found.disparities["equal_opportunity_difference"].n == 14
    assert found.disparities["equalized_odds_difference"].value == pytest.approx(1 / 2)
    assert found.disparities["equalized_odds_difference"].n == 16


def test_a_group_of_positives_alone_has_no_fpr():
    found = assess_column([1, 1, 0, 1], [1, 0, 0, 1], ["p", "p", "q", "q"])
    fpr = found.by_group["p"].metrics["fpr"]
    assert (fpr.value, fpr.reason) == (None, 'every example of the group is labelled "yes"')
    assert found.disparities["equal_opportunity_difference"].value == pytest.approx(1 / 2)
    assert "equalized_odds_difference" not in found.tests
    for name in ("equalized_odds_difference", "equalized_odds_ratio"):
        assert found.disparities[name].value is None
        assert found.disparities[name].reason == (
            "1 of 2 groups large enough to judge have a false positive rate; two are needed"
        )


def test_a_rate_of_zero_in_every_group_has_a_difference_but_no_ratio():
    disparities = assess_column([1, 0, 1, 0], [0, 0, 0, 0], ["p", "p", "q", "q"]).disparities
    assert disparities["demographic_parity_difference"].value == 0
    ratio = disparities["demographic_parity_ratio"]
    assert (ratio.value, ratio.reason) == (None, "the selection rate is 0 in every group, so it has no ratio")


@pytest.mark.parametrize("constant", [0, 1])
def test_a_constant_classifier_shows_no_difference_and_bounded_intervals(constant):
    y_true = np.tile([0, 1], 100)
    found = assess_column(y_true, np.full(200, constant), np.repeat(["p", "q"], 100))
    for name, estimate in found.disparities.items():
        if estimate.value is not None:
            assert estimate.value == (0 if name.endswith("difference") else 1)
            assert 0 <= estimate.low <= estimate.value <= estimate.high
            assert estimate.low < estimate.high
    assert {test.status for test in found.tests.values()} == {"undecided"}


def test_a_perfect_classifier_has_full_marks_with_room_for_doubt():
    y_true = np.tile([0, 1], 40)
    found = assess_column(y_true, y_true, np.repeat(["p", "q"], 40))
    for name in ("accuracy", "tpr", "f1"):
        estimate = found.by_group["p"].metrics[name]
        assert estimate.value == estimate.high == 1
        assert estimate.low < 0.96


def test_every_interval_holds_its_value_even_at_the_extremes():
    for a in range(5):
        for b in range(5):
            y_pred = [1] * a + [0] * (4 - a) + [1] * b + [0] * (4 - b)
            found = assess_column([1] * 4 + [1] * 4, y_pred, ["a"] * 4 + ["b"] * 4)
            for name, estimate in found.disparities.items():
                if estimate.value is not None:
                    most = 2 if "equality" in name else 1
                    assert 0 <= estimate.low <= estimate.value <= estimate.high <= most


def test_three_classes_are_assessed_one_versus_rest():
    labels = ("normal", "offensive", "hate")
    y_true = [0, 0, 1, 1, 2, 2, 0, 1, 1, 2]
    y_pred = [0, 1, 1, 1, 2, 0, 0, 1, 2, 2]
    column = ["a"] * 6 + ["b"] * 4
    result = assess(np.array(y_true), np.array(y_pred), {"g": np.array(column)}, labels, min_group_size=1)
    assert result.positive_label is None
    a = result.groups["g"].by_group["a"].metrics
    assert len(a) == 2 + 7 * 3
    assert a["balanced_accuracy"].value == pytest.approx((1 / 2 + 1 + 1 / 2) / 3)
    assert a["accuracy"].value == pytest.approx(4 / 6)
    assert a["tpr[offensive]"].value == 1
    assert a["fpr[offensive]"].value == pytest.approx(1 / 4)
    assert a["f1[offensive]"].value == pytest.approx(4 / 5)
    assert a["selection_rate[hate]"].value == pytest.approx(1 / 6)
    disparities = result.groups["g"].disparities
    assert len(disparities) == 4 + 12 * 3
    assert disparities["accuracy_difference"].value == pytest.approx(3 / 4 - 4 / 6)
    assert disparities["equal_opportunity_difference[offensive]"].value == pytest.approx(1 / 2)
    assert disparities["demographic_parity_ratio[hate]"].value == pytest.approx((1 / 6) / (1 / 2))


def test_each_attack_gets_the_table_of_its_own_predictions():
    flipped = 1 - Y_PRED
    attacks = [
        AttackedPredictions("fgsm", {"epsilon": 0.1}, flipped),
        AttackedPredictions("pgd", {"steps": 3}, Y_PRED),
    ]
    result = assess(Y_TRUE, Y_PRED, {"g": GROUP}, LABELS, attacked=attacks, min_group_size=1)
    fgsm, pgd = result.under_attack
    assert (fgsm.attack, fgsm.params, pgd.attack) == ("fgsm", {"epsilon": 0.1}, "pgd")
    assert fgsm.groups["g"].by_group["a"].metrics["accuracy"].value == pytest.approx(2 / 8)
    assert pgd.groups == result.groups


def test_columns_are_assessed_each_by_itself():
    women, men = np.array(["1", "0"] * 7), np.array(["1", "1", "0", "1", "1", "0", "1"] * 2)
    together = assess(Y_TRUE, Y_PRED, {"women": women, "men": men}, LABELS, min_group_size=1).groups
    for name, column in (("women", women), ("men", men)):
        alone = assess_column(Y_TRUE, Y_PRED, column)
        assert together[name].by_group == alone.by_group
        assert together[name].disparities == alone.disparities
    assert list(together["women"].by_group) == ["0", "1"]


def test_odd_group_names_are_kept_as_they_are():
    column = ["nan", "None", "nan", "<b>", "None", "<b>", " ", " "]
    found = assess_column([0, 1] * 4, [0, 1] * 4, column)
    assert list(found.by_group) == [" ", "<b>", "None", "nan"]
    assert [group.n for group in found.by_group.values()] == [2, 2, 2, 2]


def test_the_order_of_the_rows_does_not_matter_and_the_seed_makes_it_repeatable():
    rng = np.random.default_rng(1)
    y_true, y_pred = rng.integers(0, 2, (2, 300))
    column = np.array(["a", "b", "c"])[rng.integers(0, 3, 300)]
    shuffled = rng.permutation(300)
    first = assess_column(y_true, y_pred, column, seed=4)
    assert first == assess_column(y_true[shuffled], y_pred[shuffled], column[shuffled], seed=4)


def test_the_result_is_plain_data():
    result = assess(Y_TRUE, Y_PRED, {"g": GROUP}, LABELS, min_group_size=1)
    text = json.dumps(asdict(result), allow_nan=False)
    assert json.loads(text)["groups"]["g"]["by_group"]["a"]["n_by_label"] == {"no": 4, "yes": 4}


def test_the_worst_group_of_each_metric_is_named_with_its_denominator():
    worst = assess_column(Y_TRUE, Y_PRED, GROUP).worst
    assert "selection_rate" not in worst
    by_hand = {"accuracy": "a", "tpr": "b", "fpr": "a", "fnr": "b", "precision": "a", "f1": "b", "tnr": "a"}
    assert {metric: each.group for metric, each in worst.items() if metric in by_hand} == by_hand
    assert (worst["tpr"].n, worst["tpr"].estimate.n, worst["tpr"].estimate.value) == (6, 2, 0.5)


def test_the_four_fifths_rule_needs_the_whole_interval_on_one_side():
    def verdict(a, b, n):
        y_pred = np.repeat([1, 0, 1, 0], [a, n - a, b, n - b])
        found = assess_column(y_pred, y_pred, np.repeat(["p", "q"], n))
        return found.four_fifths["demographic_parity_ratio"]

    assert verdict(500, 490, 1000) == "held"
    assert verdict(500, 300, 1000) == "violated"
    assert verdict(50, 42, 100) == "undecided"


def test_a_ratio_and_a_difference_are_one_test_and_adjusted_once():
    rng = np.random.default_rng(3)
    y_true = rng.integers(0, 2, 400)
    y_pred = np.where(rng.random(400) < 0.8, y_true, 1 - y_true)
    groups = {"g": np.repeat(["a", "b"], 200), "h": np.tile(["x", "y", "z", "w"], 100)}
    result = assess(y_true, y_pred, groups, LABELS).groups
    tests = {(column, name): test for column, found in result.items() for name, test in found.tests.items()}
    once = {key: test.p_value for key, test in tests.items() if key[1].endswith("_difference")}
    after = multipletests(list(once.values()), method="fdr_bh")[1]
    for (key, p_value), value in zip(once.items(), after, strict=True):
        assert tests[key].adjusted == pytest.approx(value)
        ratio = tests.get((key[0], key[1].replace("_difference", "_ratio")))
        assert ratio is None or (ratio.p_value, ratio.adjusted) == (p_value, tests[key].adjusted)


def test_equalized_odds_name_the_rate_and_the_groups_that_differ_most():
    # TPR 0.9 and 0.8; FPR 0.1 and 0.4: the FPR differs more.
    y_true = np.tile(np.repeat([1, 0], 100), 2)
    y_pred = np.concatenate(
        [np.repeat([1, 0, 1, 0], [90, 10, 10, 90]), np.repeat([1, 0, 1, 0], [80, 20, 40, 60])]
    )
    test = assess_column(y_true, y_pred, np.repeat(["p", "q"], 200)).tests["equalized_odds_difference"]
    assert (test.metric, test.lowest, test.highest) == ("fpr", "p", "q")
    assert (test.status, test.examples_needed) == ("established", None)


def test_the_examples_needed_are_those_of_the_usual_sample_size_formula():
    # One disparity that can be tested: all are positive, so TPR is accuracy and is selection rate.
    y_pred = np.repeat([1, 0, 1, 0], [70, 30, 60, 40])
    found = assess_column(np.ones(200, dtype=int), y_pred, np.repeat(["p", "q"], 100))
    test = found.tests["accuracy_difference"]
    assert test.status == "undecided"
    p, q = 71 / 102, 61 / 102
    variance = p * (1 - p) / 102 + q * (1 - q) / 102
    level = 0.05 * test.p_value / test.adjusted
    reach = norm.isf(level / 2) + norm.ppf(0.8)
    assert test.examples_needed == pytest.approx(200 * reach**2 * variance / (p - q) ** 2, rel=0.01)


def test_intersections_and_overlapping_groups_are_assessed_like_columns():
    rng = np.random.default_rng(8)
    n = 600
    y_true = rng.integers(0, 2, n)
    y_pred = np.where(rng.random(n) < 0.85, y_true, 1 - y_true)
    groups = {
        "gender": np.array(["f", "m"])[rng.integers(0, 2, n)],
        "women": np.array(["0", "1"])[rng.integers(0, 2, n)],
        "muslims": np.array(["0", "1"])[rng.integers(0, 2, n)],
    }
    result = assess(
        y_true, y_pred, groups, LABELS, intersections=2, overlapping={"named": ["women", "muslims"]}
    ).groups
    assert {name: found.kind for name, found in result.items()} == {
        "gender": "column",
        "women": "column",
        "muslims": "column",
        "gender & women": "intersection",
        "gender & muslims": "intersection",
        "women & muslims": "intersection",
        "named": "overlapping",
    }
    crossed = (groups["gender"] == "f") & (groups["women"] == "1")
    assert result["gender & women"].by_group["f & 1"].metrics["accuracy"].value == pytest.approx(
        (y_true == y_pred)[crossed].mean()
    )
    named = result["named"]
    rates = {}
    for name in ("women", "muslims"):
        mask = groups[name] == "1"
        assert named.by_group[name].n == mask.sum()
        rates[name] = (y_true == y_pred)[mask].mean()
    gap = named.disparities["accuracy_difference"]
    assert gap.value == pytest.approx(abs(rates["women"] - rates["muslims"]))
    either = (groups["women"] == "1") | (groups["muslims"] == "1")
    assert gap.n == either.sum()
    assert named.tests["accuracy_difference"].p_value > 0


def test_columns_that_do_not_stand_alone_are_assessed_as_overlapping_groups_only():
    groups = {"g": GROUP, "w": np.where(np.arange(len(GROUP)) % 2, "1", "0")}
    arguments = {"intersections": 2, "overlapping": {"named": ["w"]}, "min_group_size": 1}
    every = assess(Y_TRUE, Y_PRED, groups, LABELS, **arguments).groups
    assert list(every) == ["g", "w", "g & w", "named"]
    some = assess(Y_TRUE, Y_PRED, groups, LABELS, alone=["g"], **arguments).groups
    assert list(some) == ["g", "named"]
    assert some["named"].by_group == every["named"].by_group


def test_overlapping_groups_of_the_same_examples_do_not_differ():
    both = np.array(["1", "0"] * 7)
    found = assess(
        Y_TRUE, Y_PRED, {"p": both, "q": both}, LABELS, overlapping={"same": ["p", "q"]}, min_group_size=1
    ).groups["same"]
    gap = found.disparities["accuracy_difference"]
    assert (gap.value, gap.low, gap.high) == (0, 0, 0)
    assert found.tests["accuracy_difference"].p_value == 1


def test_scores_add_their_metrics_disparities_and_bias_clean_and_under_attack():
    rng = np.random.default_rng(5)
    n = 400
    y_true = rng.integers(0, 2, n)
    column = np.repeat(["a", "b"], n // 2)
    # In group b the score says nothing: AUC about 0.5 against about 0.9.
    signal = np.where(column == "a", (2 * y_true - 1) * 1.3, 0) + rng.normal(size=n)
    positive = 1 / (1 + np.exp(-signal))
    scores = np.stack([1 - positive, positive], axis=1)
    y_pred = (positive > 0.5).astype(int)
    result = assess(
        y_true,
        y_pred,
        {"g": column},
        LABELS,
        scores=scores,
        attacked=[
            AttackedPredictions("same", {}, y_pred, scores),
            AttackedPredictions("labels only", {}, y_pred),
        ],
    )
    found = result.groups["g"]
    for value in ("a", "b"):
        mask = column == value
        metrics = found.by_group[value].metrics
        assert metrics["roc_auc"].value == pytest.approx(roc_auc_score(y_true[mask], positive[mask]))
        assert metrics["log_loss"].value == pytest.approx(log_loss(y_true[mask], scores[mask]))
    gap = found.disparities["roc_auc_difference"]
    expected = found.by_group["a"].metrics["roc_auc"].value - found.by_group["b"].metrics["roc_auc"].value
    assert gap.value == pytest.approx(expected)
    assert gap.low > 0
    assert found.tests["roc_auc_difference"].status == "established"
    assert found.worst["roc_auc"].group == found.worst["log_loss"].group == "b"
    assert set(found.bias) == {"yes"}
    same, labels_only = result.under_attack
    assert same.groups == result.groups
    assert "roc_auc_difference" not in labels_only.groups["g"].disparities


def test_what_is_established_has_an_interval_without_zero_and_needs_no_more_examples():
    rng = np.random.default_rng(5)
    seen = set()
    for _ in range(60):
        n = int(rng.integers(100, 600))
        column = np.array(list("abcd"))[rng.integers(0, 4, n)]
        y_true = rng.integers(0, 2, n)
        wrong = rng.random(n) < np.where(column == "d", 0.35, 0.2)
        found = assess_column(y_true, np.where(wrong, 1 - y_true, y_true), column)
        for name, test in found.tests.items():
            seen.add(test.status)
            if test.status == "established":
                assert test.examples_needed is None
                assert test.adjusted <= 0.05
                assert "_ratio" in name or found.disparities[name].low > 0
            elif found.disparities[name].value not in (0, 1):
                assert test.examples_needed >= n
                assert test.status == ("suggestive" if test.p_value <= 0.05 else "undecided")
    assert seen == {"established", "suggestive", "undecided"}


def test_a_sum_of_distances_from_the_rate_of_all_rests_on_all_examples():
    column = np.append(np.array(["small"]), GROUP[1:])
    disparities = assess_column(Y_TRUE, Y_PRED, column, min_group_size=2).disparities
    assert disparities["accuracy_difference"].n == len(Y_TRUE) - 1
    assert disparities["false_positive_equality_difference"].n == len(Y_TRUE)
