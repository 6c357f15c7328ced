import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from robustness.batching import by_token_budget, halving, shuffled

LENGTHS = st.lists(st.integers(1, 60), max_size=200)


def test_batches_are_filled_longest_first_up_to_the_budget() -> None:
    # Width 9 takes one example in 12 tokens, width 4 three, width 2 the rest.
    batches = by_token_budget([4, 2, 9, 4, 3, 2], budget=12)
    assert [[[4, 2, 9, 4, 3, 2][i] for i in batch] for batch in batches] == [[9], [4, 4, 3], [2, 2]]


@given(LENGTHS, st.integers(1, 200))
def test_every_example_is_in_one_batch_and_none_is_over_budget(lengths: list[int], budget: int) -> None:
    batches = by_token_budget(lengths, budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget


def test_a_budget_below_one_token_is_refused() -> None:
    with pytest.raises(ValueError, match="got 0"):
        by_token_budget([1], 0)


@given(LENGTHS, st.integers(1, 7), st.integers(0, 3))
def test_an_epoch_has_every_example_once_in_the_expected_number_of_batches(
    lengths: list[int], batch_size: int, seed: int
) -> None:
    batches = shuffled(lengths, batch_size, np.random.default_rng(seed))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // batch_size)
    assert all(0 < len(batch) <= batch_size for batch in batches)


def test_training_batches_hold_similar_lengths_in_an_order_of_their_own() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, size=400).tolist()
    batches = shuffled(lengths, 8, np.random.default_rng(1))
    padded = sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)
    assert padded < 1.1 * sum(lengths)
    widths = [max(lengths[i] for i in batch) for batch in batches]
    assert widths != sorted(widths)
    assert batches == shuffled(lengths, 8, np.random.default_rng(1))
    assert batches != shuffled(lengths, 8, np.random.default_rng(2))


def test_a_batch_that_does_not_fit_is_halved_until_it_does_and_keeps_its_order() -> None:
    sizes = []

    def run(items: object) -> list[int]:
        sizes.append(len(items))
        if len(items) > 2:
            raise torch.OutOfMemoryError("full")
        return [10 * item for item in items]

    assert halving(run, [1, 2, 3, 4, 5]) == [10, 20, 30, 40, 50]
    assert sizes == [5, 2, 3, 1, 2]


def test_a_single_example_that_does_not_fit_is_an_error() -> None:
    def run(items: object) -> list[int]:
        raise torch.OutOfMemoryError("full")

    with pytest.raises(torch.OutOfMemoryError):
        halving(run, [1, 2])
