"""The group table and the disparities of a table small enough to work by hand, and its edge cases."""

import json
from dataclasses import asdict

import numpy as np
import pytest

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
        "selection_rate": (4 / 8, 8, 1 / 6, 6),
        "tpr": (3 / 4, 4, 1 / 2, 2),
        "fpr": (1 / 4, 4, 0, 4),
        "fnr": (1 / 4, 4, 1 / 2, 2),
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
        "demographic_parity_difference": 1 / 2 - 1 / 6,
        "demographic_parity_ratio": (1 / 6) / (1 / 2),
        "equalized_odds_difference": 1 / 4,  # TPR and FPR both differ by 1/4
        "equalized_odds_ratio": 0,  # FPR 0 against 1/4
        "equal_opportunity_difference": 1 / 4,
        "equal_opportunity_ratio": (1 / 2) / (3 / 4),
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
    assert found.disparities == assess_column(Y_TRUE, Y_PRED, GROUP).disparities


def test_disparities_are_undefined_when_fewer_than_two_groups_are_large_enough():
    disparities = assess_column(Y_TRUE, Y_PRED, GROUP, min_group_size=7).disparities
    assert len(disparities) == 7
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
            assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
            assert estimate.low < estimate.high


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
            for estimate in found.disparities.values():
                if estimate.value is not None:
                    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_three_classes_are_assessed_one_versus_rest():
    labels = ("normal", "offensive", "hate")
    y_true = [0, 0, 1, 1, 2, 2, 0, 1, 1, 2]
    y_pred = [0, 1, 1, 1, 2, 0, 0, 1, 2, 2]
    column = ["a"] * 6 + ["b"] * 4
    result = assess(np.array(y_true), np.array(y_pred), {"g": np.array(column)}, labels, min_group_size=1)
    assert result.positive_label is None
    a = result.groups["g"].by_group["a"].metrics
    assert len(a) == 1 + 5 * 3
    assert a["accuracy"].value == pytest.approx(4 / 6)
    assert a["tpr[offensive]"].value == 1
    assert a["fpr[offensive]"].value == pytest.approx(1 / 4)
    assert a["f1[offensive]"].value == pytest.approx(4 / 5)
    assert a["selection_rate[hate]"].value == pytest.approx(1 / 6)
    disparities = result.groups["g"].disparities
    assert len(disparities) == 1 + 6 * 3
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


def test_overlapping_groups_are_separate_columns():
    women, men = np.array(["1", "0"] * 7), np.array(["1", "1", "0", "1", "1", "0", "1"] * 2)
    together = assess(Y_TRUE, Y_PRED, {"women": women, "men": men}, LABELS, min_group_size=1).groups
    assert together["women"] == assess_column(Y_TRUE, Y_PRED, women)
    assert together["men"] == assess_column(Y_TRUE, Y_PRED, men)
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
