"""Choosing among models on validation data: what differs between groups, and what it may cost."""

from typing import Any

import numpy as np
import pytest
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
from hypothesis import given, settings
from hypothesis import strategies as st

from fairness.mitigation.comparison import Denominator, denominators, listed, violation
from fairness.mitigation.methods.grid_search import GridSearchMitigation
from fairness.mitigation.outcomes import expected_accuracy


def of(y: np.ndarray, groups: Any, constraint: Any, values: str = "") -> list[Denominator]:
    """Of the labels "no" and "yes"; values: groups beside those that there are."""
    groups = np.asarray(groups)
    known = {*groups.tolist(), *values}
    return denominators(y, groups, constraint, values=known, outcome="yes", other="no")


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), groups=st.integers(2, 4), size=st.sampled_from([6, 80]))
def test_a_violation_is_fairlearns_difference_where_all_groups_are_alike_in_size(
    seed: int, groups: int, size: int
) -> None:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.array(list("abcd"))[:groups], size)
    y = np.tile([True, False], size // 2 * groups)
    answers = rng.integers(2, size=len(y))
    assert violation(answers.astype(float), of(y, group, "equalized_odds")) == pytest.approx(
        equalized_odds_difference(y, answers, sensitive_features=group)
    )
    assert violation(answers.astype(float), of(y, group, "demographic_parity")) == pytest.approx(
        demographic_parity_difference(y, answers, sensitive_features=group)
    )


# 40 and 29 positives, 40 and 30 negatives of a and b; of c 2 and 35.
Y = np.array([True] * 40 + [False] * 40 + [True] * 29 + [False] * 30 + [True] * 2 + [False] * 35)
GROUPS = ["a"] * 80 + ["b"] * 59 + ["c"] * 37
ANSWERS = np.array([1.0] * 40 + [0.5] * 40 + [0.75] * 29 + [0.25] * 30 + [0.0] * 2 + [0.3] * 35)


def test_groups_with_fewer_than_thirty_examples_are_left_out_where_two_have_as_many() -> None:
    (negatives,) = of(Y, GROUPS, "false_positive_rate_parity")
    assert negatives.compared == ["a", "b", "c"]
    assert violation(ANSWERS, [negatives]) == pytest.approx(0.25)
    assert negatives.notes() == []
    y = Y.copy()
    y[80] = False  # now one of b has 28 positives and 31 negatives
    y[40] = True
    (positives,) = of(np.where(np.array(GROUPS) == "c", ~Y, y), GROUPS, "true_positive_rate_parity")
    assert positives.counts == {"a": 41, "b": 28, "c": 35}
    assert positives.compared == ["a", "c"]
    assert positives.notes() == [
        'Validation data has too few examples of the label "yes" to measure some groups, which were not '
        'compared: "b" 28.'
    ]


def test_where_one_group_alone_has_thirty_examples_all_that_have_any_are_compared_with_a_note() -> None:
    positives, negatives = of(Y, GROUPS, "equalized_odds", "d")
    assert positives.counts == {"a": 40, "b": 29, "c": 2, "d": 0}
    assert positives.compared == ["a", "b", "c"]
    assert violation(ANSWERS, [positives, negatives]) == pytest.approx(1.0)
    assert positives.notes() == [
        'The difference rests on few examples of the label "yes" in the validation data: "c" 2, "b" 29, '
        '"a" 40. Expect another one on other data.',
        'Validation data has too few examples of the label "yes" to measure some groups, which were not '
        'compared: "d" none.',
    ]
    assert negatives.notes() == [
        'Validation data has too few examples of the label "no" to measure some groups, which were not '
        'compared: "d" none.'
    ]


def test_a_difference_that_cannot_be_measured_is_none_and_never_zero() -> None:
    y, groups = np.array([True, True, False, False]), list("aaab")
    positives, negatives = of(y, groups, "equalized_odds")
    assert (positives.measurable, negatives.measurable) == (False, True)
    assert violation(np.ones(4), [positives, negatives]) is None
    assert violation(np.ones(4), [negatives]) == 0
    assert positives.notes() == [
        'Validation data has too few examples of the label "yes" to measure how far groups differ: "b" none, '
        '"a" 2.'
    ]
    (everybody,) = of(y, list("aaaa"), "demographic_parity", "b")
    assert not everybody.measurable
    assert 'too few examples to measure how far groups differ: "b" none, "a" 4.' in everybody.notes()[0]


def test_of_many_groups_those_with_fewest_are_named() -> None:
    counts = {f"g{i}": 1000 * i for i in range(8)}
    assert listed(counts) == '"g0" none, "g1" 1,000, "g2" 2,000, "g3" 3,000, "g4" 4,000 and 3 more'


def test_the_accuracy_of_a_random_answer_is_its_mean() -> None:
    assert expected_accuracy(np.array([1.0, 0.25, 0.5]), np.array([True, False, True])) == pytest.approx(0.75)


def test_the_fairest_is_chosen_among_those_that_cost_little_enough() -> None:
    y = np.tile([True, False], 60)
    compared = of(y, np.repeat(["a", "b"], 60), "equalized_odds")
    right = y.astype(float)
    # Right but for a tenth of group a's positives; alike for both at a tenth each; a constant.
    unequal = right.copy()
    unequal[[0, 2, 4]] = 0.0
    alike = unequal.copy()
    alike[[60, 62, 64]] = 0.0
    constant = np.ones(120)
    candidates = [unequal, alike, constant]
    for max_loss, expected in ((0.0, 0), (0.024, 0), (0.026, 1), (1.0, 1)):
        method = GridSearchMitigation(group="g", max_loss=max_loss)
        assert method.choose(candidates, unequal, y, compared).index == expected
    # Where all cost too much, the one that costs least; of equally fair ones, the more accurate.
    method = GridSearchMitigation(group="g", max_loss=0.0)
    assert method.choose(candidates[1:], unequal, y, compared).index == 0
    method = GridSearchMitigation(group="g", max_loss=1.0)
    assert method.choose([constant, alike], right, y, compared).index == 1


def test_the_choice_is_told_with_its_numbers() -> None:
    y, groups = np.tile([True, False], 60), np.repeat(["a", "b"], 60)
    unequal = y.astype(float)
    unequal[:60] = 1.0
    compared = of(y, groups, "equalized_odds")
    choice = GridSearchMitigation(group="g", max_loss=1.0).choose([np.ones(120)], unequal, y, compared)
    assert choice.notes == (
        "On the 120 validation examples groups differ by 0.000 (1.000 before), accuracy is 0.500 "
        "(0.750 before).",
    )
