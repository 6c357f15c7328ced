"""Bootstrap means and signed-rank tests: against scipy, by hand, and by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wilcoxon

from fairness.counterfactual.intervals import (
    FEWEST_TESTED,
    adjusted_p_values,
    mean_over_examples,
    signed_rank_p_value,
)
from robustness.estimate import Estimate


def test_means_without_spread_have_no_interval() -> None:
    assert mean_over_examples(np.zeros(0), none="nothing") == Estimate.undefined("nothing")
    assert mean_over_examples(np.array([0.25])) == Estimate.exact(0.25, 1)
    assert mean_over_examples(np.full(9, 0.5)) == Estimate.exact(0.5, 9)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=30), st.integers(0, 5))
def test_an_interval_holds_its_mean_and_stays_within_the_values(values: list[float], seed: int) -> None:
    array = np.array(values)
    found = mean_over_examples(array, n_boot=50, seed=seed)
    assert found.value == pytest.approx(array.mean())
    assert found == mean_over_examples(array, n_boot=50, seed=seed)
    if found.low is not None and found.high is not None and found.value is not None:
        assert array.min() - 1e-12 <= found.low <= found.value <= found.high <= array.max() + 1e-12


@pytest.mark.parametrize(("n", "at_least"), [(10, 0.885), (40, 0.92)])
def test_skewed_changes_of_few_examples_are_covered_about_as_often_as_stated(n: int, at_least: float) -> None:
    """Of exponential values; in 2,000 repetitions 0.899 and 0.928, plain percentiles 0.856 and 0.915."""
    rng = np.random.default_rng(7)
    repetitions = 400
    covered = 0
    for seed in range(repetitions):
        found = mean_over_examples(rng.exponential(size=n), n_boot=400, seed=seed)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 1 <= found.high
    assert covered / repetitions >= at_least


def test_many_examples_are_resampled_in_parts() -> None:
    values = np.random.default_rng(0).normal(size=30_000)
    found = mean_over_examples(values, n_boot=300)
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 / np.sqrt(30_000), rel=0.2)


def test_signed_ranks_are_those_of_scipy() -> None:
    rng = np.random.default_rng(1)
    for n in (FEWEST_TESTED, 20, 50, 80):
        changes = rng.normal(0.2, 1, size=n)
        assert signed_rank_p_value(changes) == pytest.approx(wilcoxon(changes).pvalue)


def test_six_changes_in_one_direction_by_hand() -> None:
    # Both directions, of 2**6 equally likely signs.
    assert signed_rank_p_value(np.arange(1.0, 7.0)) == pytest.approx(2 / 64)
    assert signed_rank_p_value(np.append(np.arange(1.0, 7.0), [0.0, 0.0])) == pytest.approx(2 / 64)


def test_what_cannot_be_tested_has_no_p_value_and_no_change_has_one() -> None:
    assert signed_rank_p_value(np.ones(FEWEST_TESTED - 1)) is None
    assert signed_rank_p_value(np.zeros(FEWEST_TESTED)) == 1.0


def test_untested_terms_do_not_count_in_the_adjustment() -> None:
    p_values = [0.01, None, 0.04, 0.03]
    assert adjusted_p_values(p_values) == [
        # 0.01 * 3 / 1, and for both others 0.04 * 3 / 3.
        pytest.approx(0.03),
        None,
        pytest.approx(0.04),
        pytest.approx(0.04),
    ]
    assert adjusted_p_values([None]) == [None]
    assert adjusted_p_values([]) == []
