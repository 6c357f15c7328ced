"""The difference between two models on the same examples, by hand and by exact coverage."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binom, multinomial
from statsmodels.stats.contingency_tables import mcnemar as exact_mcnemar

from robustness.estimate import Estimate
from robustness.outcomes import Outcome
from robustness.paired import Discordant, McNemar, difference_of, mcnemar, paired_difference


def outcomes(right: list[bool]) -> list[Outcome]:
    return [Outcome(f"id{i}", 1, int(each), (0.5, 0.5)) for i, each in enumerate(right)]


def difference(both: int, gained: int, lost: int, neither: int, confidence: float = 0.95) -> Estimate:
    first = [True] * (both + gained) + [False] * (lost + neither)
    second = [True] * both + [False] * gained + [True] * lost + [False] * neither
    return paired_difference(outcomes(first), outcomes(second), confidence)


def test_a_difference_worked_by_hand() -> None:
    # 12 gained and 3 lost of 98: 13/100 and 4/100 after one is added to each; centre 0.09,
    # half-width 1.959964 * sqrt((0.17 - 0.0081) / 100) = 0.078864.
    found = difference(both=60, gained=12, lost=3, neither=23)
    assert found.value == pytest.approx(9 / 98)
    assert (found.low, found.high) == (pytest.approx(0.011137, abs=2e-6), pytest.approx(0.168863, abs=2e-6))
    assert found.n == 98


def test_a_higher_confidence_widens_the_interval() -> None:
    narrow, wide = difference(60, 12, 3, 23, 0.9), difference(60, 12, 3, 23, 0.99)
    assert narrow.low is not None
    assert wide.low is not None
    assert wide.low < 0 < narrow.low


def test_swapping_the_models_turns_the_sign() -> None:
    forward, back = difference(60, 12, 3, 23), difference(60, 3, 12, 23)
    assert (back.value, back.low, back.high) == pytest.approx(
        tuple(-end for end in (forward.value, forward.high, forward.low) if end is not None)
    )


def test_equal_answers_differ_by_nothing_but_not_for_certain() -> None:
    found = difference(both=30, gained=0, lost=0, neither=10)
    assert found.value == 0
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high


@pytest.mark.parametrize(("gained", "lost"), [(5, 0), (0, 5), (1, 0)])
def test_the_extremes_stay_within_bounds_and_hold_the_value(gained: int, lost: int) -> None:
    found = difference(0, gained, lost, 0)
    assert None not in (found.value, found.low, found.high)
    assert -1 <= found.low <= found.value <= found.high <= 1  # type: ignore[operator]


def test_no_examples_have_no_difference() -> None:
    assert paired_difference([], [], 0.95) == Estimate.undefined("no examples")


def test_other_examples_are_refused() -> None:
    first = outcomes([True, False])
    with pytest.raises(ValueError, match="same examples"):
        paired_difference(first, first[::-1], 0.95)


@pytest.mark.parametrize(
    ("p_gained", "p_lost"), [(0.1, 0.1), (0.3, 0.3), (0.2, 0.05), (0.4, 0.1), (0.1, 0.02)]
)
def test_the_interval_covers_the_truth_at_its_level(p_gained: float, p_lost: float) -> None:
    """Exact: every pair of counts of 40 examples, weighted by its probability."""
    n, coverage = 40, 0.0
    for gained, lost in product(range(n + 1), repeat=2):
        rest = n - gained - lost
        if rest < 0:
            continue
        weight = multinomial.pmf([gained, lost, rest], n, [p_gained, p_lost, 1 - p_gained - p_lost])
        if weight < 1e-7:
            continue
        found = difference(rest, gained, lost, 0)
        assert found.low is not None
        assert found.high is not None
        coverage += weight * (found.low <= p_gained - p_lost <= found.high)
    assert 0.935 <= coverage <= 0.995


@pytest.mark.parametrize(("gained", "lost"), [(1, 0), (0, 3), (4, 9), (12, 3), (50, 50), (200, 160)])
def test_the_exact_test_is_that_of_statsmodels(gained: int, lost: int) -> None:
    found = mcnemar(Discordant(gained, lost, 1000))
    oracle = exact_mcnemar([[300, gained], [lost, 20]], exact=True)
    # With p = 1/2 the two-sided test is twice the smaller tail.
    assert min(1.0, 2 * min(found.p_drop, found.p_rise)) == pytest.approx(min(1.0, oracle.pvalue))
    # Given the sum the counts are binomial: the tails share the observed outcome.
    assert found.p_drop + found.p_rise == pytest.approx(1 + binom.pmf(gained, gained + lost, 0.5))
    assert (found.p_drop < found.p_rise) == (gained < lost)


def test_models_that_never_part_give_no_evidence() -> None:
    assert mcnemar(Discordant(0, 0, 100)) == McNemar(1.0, 1.0)
    assert mcnemar(Discordant(0, 0, 0)) == McNemar(1.0, 1.0)


def test_discordant_answers_are_counted_either_way() -> None:
    first, second = np.array([True, True, False, False, True]), np.array([True, False, True, False, False])
    assert Discordant.of(first, second) == Discordant(gained=2, lost=1, n=5)
    assert difference_of(Discordant.of(first, second), 0.95).value == pytest.approx(0.2)
