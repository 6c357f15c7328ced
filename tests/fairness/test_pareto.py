import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairness.pareto import pareto_front


def test_what_is_best_in_anything_stays_and_what_is_worse_all_round_goes() -> None:
    # accuracy, negated disparity: the fourth is worse than the second in both, the fifth a twin of the first.
    rows = np.array([[0.9, -0.3], [0.8, -0.1], [0.7, -0.05], [0.75, -0.2], [0.9, -0.3]])
    assert pareto_front(rows).tolist() == [True, True, True, False, True]


def test_equal_in_one_and_worse_in_the_other_is_dominated() -> None:
    assert pareto_front(np.array([[0.9, -0.1], [0.9, -0.2]])).tolist() == [True, False]


def test_what_was_not_measured_is_off_the_front_and_keeps_nothing_from_it() -> None:
    rows = np.array([[0.5, 0.5], [np.nan, 0.9], [0.9, np.nan]])
    assert pareto_front(rows).tolist() == [True, False, False]


def test_no_candidates_have_an_empty_front() -> None:
    assert pareto_front(np.empty((0, 2))).tolist() == []


@pytest.mark.parametrize("shape", [(3,), (3, 0), (2, 2, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="objectives"):
        pareto_front(np.zeros(shape))


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=12))
def test_the_front_is_what_the_definition_says(rows: list[tuple[int, int, int]]) -> None:
    def beats(other: tuple[int, ...], row: tuple[int, ...]) -> bool:
        return other != row and all(a >= b for a, b in zip(other, row, strict=True))

    expected = [not any(beats(other, row) for other in rows) for row in rows]
    assert pareto_front(np.array(rows, dtype=float)).tolist() == expected
