"""Calibration error by hand, and its interval where noise alone makes an error."""

import numpy as np
import pytest

from robustness.calibration_error import CALIBRATION_BINS, expected_calibration_error, reliability


def error_of(y_true, y_prob, confidence=0.95, n_boot=300, seed=0):
    return expected_calibration_error(y_true, y_prob, confidence=confidence, n_boot=n_boot, seed=seed)


def answers(top: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) labels and (n, 2) probabilities that predict class 0 with the confidence ``top``."""
    return (~right).astype(int), np.stack([top, 1 - top], axis=1)


def test_calibration_error_by_hand():
    # Bins of width 1/15: 0.9 and 0.92 lie in (13/15, 14/15], 0.6 at the upper edge of (8/15, 9/15].
    y_prob = np.array([[0.9, 0.1], [0.92, 0.08], [0.4, 0.6], [0.0, 1.0]])
    y_true = np.array([0, 1, 1, 1])
    assert error_of(y_true, y_prob).value == pytest.approx(2 / 4 * abs(0.5 - 0.91) + 1 / 4 * 0.4 + 0)
    bins = reliability(y_true, y_prob)
    assert len(bins) == CALIBRATION_BINS
    filled = {i: (cell.n, cell.mean_confidence, cell.accuracy) for i, cell in enumerate(bins) if cell.n}
    assert filled == {8: (1, 0.6, 1.0), 13: (2, pytest.approx(0.91), 0.5), 14: (1, 1.0, 1.0)}
    assert (bins[8].low, bins[8].high) == pytest.approx((8 / 15, 9 / 15))


def test_a_few_certain_and_right_answers_leave_the_error_open_above():
    estimate = error_of(np.array([0, 1, 1, 0]), np.eye(2)[[0, 1, 1, 0]])
    assert (estimate.value, estimate.low) == (0, 0)
    # Add one right and one wrong answer to the four: 5/6 are right, and of four resampled up to two wrong.
    assert estimate.high == pytest.approx(2 / 4 - 1 / 6, abs=0.01)


def test_no_examples_have_no_calibration_error():
    assert error_of(np.array([], dtype=int), np.empty((0, 2))).reason == "no examples"


def test_one_example_has_an_interval_within_zero_and_one():
    estimate = error_of(np.array([1]), np.array([[0.75, 0.25]]))
    assert estimate.value == 0.75
    assert 0 <= estimate.low <= 0.75 <= estimate.high <= 1


def test_an_error_far_above_its_noise_has_the_interval_of_resampled_examples():
    rng = np.random.default_rng(4)
    top = rng.uniform(0.5, 1, 2000)
    y_true, y_prob = answers(top, rng.random(2000) < top - 0.25)
    estimate = error_of(y_true, y_prob, confidence=0.9, n_boot=4000)
    resampled = []
    for _ in range(600):
        rows = rng.integers(0, 2000, 2000)
        cells = [cell for cell in reliability(y_true[rows], y_prob[rows]) if cell.n]
        resampled.append(sum(cell.n * abs(cell.accuracy - cell.mean_confidence) for cell in cells) / 2000)
    assert (estimate.low, estimate.high) == pytest.approx(np.quantile(resampled, [0.05, 0.95]), abs=0.004)


@pytest.mark.parametrize("n", [30, 100, 1000])
def test_an_exactly_calibrated_model_is_not_accused(n):
    rng = np.random.default_rng(n)
    accused, values = 0, []
    for seed in range(200):
        top = rng.uniform(0.5, 1, n)
        estimate = error_of(*answers(top, rng.random(n) < top), n_boot=200, seed=seed)
        accused += estimate.low > 0
        values.append(estimate.value)
    assert np.mean(values) > 0.02, "noise alone shows an error"
    assert accused / 200 <= 0.06


@pytest.mark.parametrize("n", [50, 200])
def test_the_interval_covers_the_error_of_an_overconfident_model(n):
    """Right in 70 % of the cases while it says 0.95: the true error is 0.25."""
    rng = np.random.default_rng(3)
    hits = []
    for seed in range(200):
        estimate = error_of(*answers(np.full(n, 0.95), rng.random(n) < 0.7), n_boot=200, seed=seed)
        hits.append(estimate.low <= 0.25 <= estimate.high)
    assert 0.9 <= np.mean(hits) <= 0.99


def test_the_same_seed_gives_the_same_interval():
    rng = np.random.default_rng(0)
    case = answers(rng.uniform(0.5, 1, 50), rng.random(50) < 0.6)
    assert error_of(*case, seed=1) == error_of(*case, seed=1)
    assert error_of(*case, seed=1) != error_of(*case, seed=2)
