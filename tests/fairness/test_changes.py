"""A gap that grows is found; one that only moves, narrows or changes sides is not."""

import numpy as np
import pytest

from fairness.changes import widening

SETTINGS = {"min_group_size": 30, "confidence": 0.95, "seed": 0}


def answers(shares, n):
    """n answers for each group, the given share of them right, and the column of groups."""
    right = np.concatenate([np.arange(n) < round(share * n) for share in shares])
    return right, np.repeat([f"g{i}" for i in range(len(shares))], n)


def test_the_group_that_lost_more_is_named_with_both_gaps():
    before, column = answers([0.9, 0.85], 400)
    after, _ = answers([0.8, 0.5], 400)
    found = widening(before, after, column, **SETTINGS)
    assert (found.lower, found.higher) == ("g1", "g0")
    assert found.before == pytest.approx(0.05)
    assert found.after == pytest.approx(0.3)
    assert found.growth.value == pytest.approx(0.25)
    assert 0 < found.growth.low < 0.25 < found.growth.high
    assert found.growth.n == 800


def test_equal_losses_are_no_wider_gap():
    before, column = answers([0.9, 0.7], 400)
    after, _ = answers([0.6, 0.4], 400)
    assert widening(before, after, column, **SETTINGS) is None


def test_a_gap_that_narrows_is_none_that_widens():
    before, column = answers([0.9, 0.6], 400)
    after, _ = answers([0.7, 0.6], 400)
    assert widening(before, after, column, **SETTINGS) is None


def test_a_gap_of_the_same_size_the_other_way_round_did_not_grow():
    before, column = answers([0.9, 0.6], 400)
    after, _ = answers([0.6, 0.9], 400)
    assert widening(before, after, column, **SETTINGS) is None


def test_a_gap_that_changes_sides_and_grows_counts_what_it_grew():
    before, column = answers([0.9, 0.8], 500)
    after, _ = answers([0.4, 0.9], 500)
    found = widening(before, after, column, **SETTINGS)
    assert (found.lower, found.higher) == ("g0", "g1")
    assert found.before == pytest.approx(-0.1)
    assert found.growth.value == pytest.approx(0.4)


def test_small_groups_are_left_out_and_one_group_has_no_gap():
    before, column = answers([0.9, 0.9], 400)
    after = before.copy()
    after[400:420] = False
    column = column.copy()
    column[420:] = "g0"
    assert widening(before, after, column, **SETTINGS) is None


def test_growth_is_seldom_invented_and_a_large_one_nearly_always_found():
    rng = np.random.default_rng(11)
    column = np.repeat(["a", "b", "c"], 200)
    chance = np.repeat([0.9, 0.8, 0.85], 200)
    invented = found = 0
    for _ in range(200):
        before = rng.random(600) < chance
        lost = rng.random(600) < 0.2
        invented += widening(before, before & ~lost, column, **SETTINGS) is not None
        # Group b loses half of its right answers instead of a fifth: its gap to a grows by 22 points.
        more = rng.random(600) < np.where(column == "b", 0.5, 0.2)
        found += widening(before, before & ~more, column, **SETTINGS) is not None
    assert invented <= 10
    assert found >= 180
