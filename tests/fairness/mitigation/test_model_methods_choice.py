"""Choosing among models on validation data: what differs between groups, and what it may cost."""

import numpy as np
import pytest
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
from hypothesis import given, settings
from hypothesis import strategies as st

from fairness.mitigation.methods.grid_search import GridSearchMitigation
from fairness.mitigation.outcomes import expected_accuracy, violation


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), groups=st.integers(2, 4))
def test_a_violation_is_fairlearns_difference_where_all_groups_are_large(seed: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.array(list("abcd"))[:groups], 80)
    y = np.tile([True, False], 40 * groups)
    answers = rng.integers(2, size=len(y))
    assert violation(answers.astype(float), y, group, "equalized_odds") == pytest.approx(
        equalized_odds_difference(y, answers, sensitive_features=group)
    )
    assert violation(answers.astype(float), y, group, "demographic_parity") == pytest.approx(
        demographic_parity_difference(y, answers, sensitive_features=group)
    )


def test_a_rate_of_fewer_than_thirty_examples_is_not_compared() -> None:
    # 40 of group a, 29 positives of group b: only the false positive rates can be compared.
    y = np.array([True] * 40 + [False] * 40 + [True] * 29 + [False] * 30)
    group = np.array(["a"] * 80 + ["b"] * 59)
    answers = np.array([1.0] * 40 + [0.5] * 40 + [0.0] * 29 + [0.25] * 30)
    assert violation(answers, y, group, "true_positive_rate_parity") == 0
    assert violation(answers, y, group, "equalized_odds") == pytest.approx(0.25)
    assert violation(answers, y, group, "false_positive_rate_parity") == pytest.approx(0.25)


def test_the_accuracy_of_a_random_answer_is_its_mean() -> None:
    assert expected_accuracy(np.array([1.0, 0.25, 0.5]), np.array([True, False, True])) == pytest.approx(0.75)


def test_the_fairest_is_chosen_among_those_that_cost_little_enough() -> None:
    y = np.tile([True, False], 60)
    groups = np.repeat(["a", "b"], 60)
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
        assert method.choose(candidates, unequal, y, groups)[0] == expected
    # Where all cost too much, the one that costs least; of equally fair ones, the more accurate.
    method = GridSearchMitigation(group="g", max_loss=0.0)
    assert method.choose(candidates[1:], unequal, y, groups)[0] == 0
    assert GridSearchMitigation(group="g", max_loss=1.0).choose([constant, alike], right, y, groups)[0] == 1


def test_the_choice_is_told_with_its_numbers() -> None:
    y, groups = np.tile([True, False], 60), np.repeat(["a", "b"], 60)
    unequal = y.astype(float)
    unequal[:60] = 1.0
    _, told = GridSearchMitigation(group="g", max_loss=1.0).choose([np.ones(120)], unequal, y, groups)
    assert told == ("on validation data groups differ by 0.000 (1.000 before), accuracy 0.500 (0.750 before)")
