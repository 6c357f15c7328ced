"""The temperature against a grid, closed forms and scipy's own optimum; the tempered classifier by hand."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp, softmax

from robustness.calibration import LIMIT, Tempered, fit_temperature
from tests.robustness.judging import by_hand, undecided
from tests.robustness.tiny import tiny_dataset


def drawn(temperature: float, n: int = 4000, k: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits of a model that is over-confident by ``temperature``, and labels as its honest logits say."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(scale=1.5, size=(n, k))
    labels = np.array([rng.choice(k, p=row) for row in softmax(honest, axis=1)])
    return honest * temperature, labels


def smoothed_loss(logits: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    """Written out: each example counts as n + 1 of its class and 1 shared by the others, of n + 2."""
    n, k = logits.shape
    scaled = logits / temperature
    loss = 0.0
    for row, label in zip(scaled, labels, strict=True):
        for column in range(k):
            weight = (n + 1) / (n + 2) if column == label else 1 / (n + 2) / (k - 1)
            loss -= weight * (row[column] - logsumexp(row))
    return loss / n


@pytest.mark.parametrize("temperature", [0.2, 1.0, 3.0, 1e4])
def test_the_temperature_that_was_put_in_is_found(temperature: float) -> None:
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.05)


@pytest.mark.parametrize("k", [2, 3, 7])
def test_no_temperature_of_a_grid_is_likelier(k: int) -> None:
    logits, labels = drawn(2.0, n=60, k=k)
    found = fit_temperature(logits, labels)
    best = smoothed_loss(logits, labels, found)
    assert all(best <= smoothed_loss(logits, labels, t) + 1e-9 for t in np.geomspace(0.05, 50, 60))


def test_another_optimizer_finds_the_same() -> None:
    logits, labels = drawn(2.0, n=100)
    other = minimize(lambda x: smoothed_loss(logits, labels, math.exp(x[0])), x0=[0.0], tol=1e-10)
    assert fit_temperature(logits, labels) == pytest.approx(math.exp(other.x[0]), rel=1e-4)


def test_with_two_classes_and_equal_margins_it_has_a_closed_form() -> None:
    # 8 of 10 are right, each by 6: the likeliest margin is the logarithm of the smoothed odds, which are
    # 8 * 11 + 2 * 1 to 2 * 11 + 8 * 1, that is 90 to 30.
    logits = np.array([[6.0, 0.0]] * 10)
    labels = np.array([0] * 8 + [1] * 2)
    assert fit_temperature(logits, labels) == pytest.approx(6 / math.log(90 / 30), rel=1e-4)


def test_a_model_that_is_always_right_has_a_finite_temperature() -> None:
    # Odds of n + 1 to 1.
    logits = np.array([[5.0, 0.0], [0.0, 5.0]] * 10)
    labels = np.array([0, 1] * 10)
    assert fit_temperature(logits, labels) == pytest.approx(5 / math.log(21), rel=1e-4)


def test_a_model_that_is_worse_than_chance_is_best_when_it_says_nothing() -> None:
    logits = np.array([[2.0, 0.0]] * 10)
    assert fit_temperature(logits, np.ones(10, dtype=np.int64)) > LIMIT / 2


def test_where_it_makes_no_difference_the_temperature_is_one() -> None:
    assert fit_temperature(np.full((5, 3), 0.7), np.zeros(5, dtype=np.int64)) == 1.0


@given(st.floats(0.01, 100), st.floats(-50, 50))
def test_it_follows_the_scale_of_the_logits_and_not_their_shift(scale: float, shift: float) -> None:
    logits, labels = drawn(1.0, n=50)
    expected = scale * fit_temperature(logits, labels)
    assert fit_temperature(scale * logits + shift, labels) == pytest.approx(expected, rel=1e-3)


def test_log_probabilities_serve_as_logits() -> None:
    logits, labels = drawn(2.0, n=200)
    expected = fit_temperature(logits, labels)
    assert fit_temperature(log_softmax(logits, axis=1), labels) == pytest.approx(expected, rel=1e-5)


def test_a_tempered_classifier_answers_with_its_logits_divided(tmp_path: Path) -> None:
    classifier, data = undecided(tmp_path), tiny_dataset(20)
    tempered = Tempered.of(classifier, 4.0)
    log_odds, softer = (
        np.diff(np.log(each.predict_proba(data.inputs)), axis=1) for each in (classifier, tempered)
    )
    np.testing.assert_allclose(softer, log_odds / 4, rtol=1e-4, atol=1e-6)
    assert tempered.model is classifier.model


def test_its_logits_from_embeddings_are_divided_too() -> None:
    classifier, _ = by_hand(["pp", "n"], [1, 0])
    tempered = Tempered.of(classifier, 2.0)
    encoding = tempered.tokenize(["pp", "n"])
    assert tempered.logits(encoding, tempered.embed(encoding)).tolist() == [[0.0, 1.0], [0.0, -0.5]]
    assert tempered.temperature == 2.0
