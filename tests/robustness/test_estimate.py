"""Wilson intervals against statsmodels, and what an Estimate may hold."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from robustness.estimate import Estimate, wilson


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.sampled_from([0.5, 0.9, 0.95, 0.999]),
)
def test_wilson_is_that_of_statsmodels(counts: tuple[int, int], confidence: float) -> None:
    estimate = wilson(*counts, confidence)
    low, high = proportion_confint(*counts, alpha=1 - confidence, method="wilson")
    assert estimate.value == counts[0] / counts[1]
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=1e-12)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.n == counts[1]


def test_no_examples_are_undefined_with_a_reason() -> None:
    assert wilson(0, 0) == Estimate(None, None, None, 0, "no examples")


@pytest.mark.parametrize("counts", [(-1, 5), (6, 5), (1, 0), (0, -1)])
def test_impossible_counts_are_refused(counts: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="0 <= successes <= n"):
        wilson(*counts)


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.1])
def test_impossible_confidence_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        wilson(1, 2, confidence)


def test_an_estimate_has_either_a_value_or_a_reason() -> None:
    with pytest.raises(ValueError, match="either a value or a reason"):
        Estimate(None, None, None, 0)
    with pytest.raises(ValueError, match="either a value or a reason"):
        Estimate(0.5, None, None, 2, reason="but it has one")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_estimate_is_finite(value: float) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        Estimate.exact(value, 3)
