"""Weights of training examples: what they mean to every objective, and to the training loop."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from attacks.victims import Encoding
from robustness.classifier import Classifier
from robustness.loading import load_classifier
from robustness.objectives.fgsm import FGSMTraining
from robustness.objectives.standard import Standard
from robustness.training import identity, train
from tests.robustness.objective_cases import (
    GROUPED,
    OBJECTIVES,
    Batch,
    assert_same,
    example,
    names,
    taught,
    tiny_batch,
)
from tests.robustness.small_training import FAST, TRAIN, VALIDATION, assert_equal, timeless, weights
from tests.robustness.tiny import tiny_folder

UNGROUPED = [objective for objective in OBJECTIVES if objective not in GROUPED]
DRAWING = ("fgsm-cyclic", "freelb", "freelb++", "r3f", "smart", "token-vat")
"""They draw noise for each row of a batch, so that a repeated example is not the same example twice."""


@pytest.fixture
def steady(tmp_path: Path) -> Callable[[], Classifier]:
    """Makes the same untrained classifier at each call, one without dropout."""
    folder = tiny_folder(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return lambda: load_classifier(str(folder), device=torch.device("cpu"))


def rows_of(batch: Batch, rows: list[int]) -> Batch:
    encoding, y = batch
    taken: Encoding = encoding.take(torch.tensor(rows))
    return taken, y[rows]


@pytest.mark.parametrize("objective", UNGROUPED, ids=names(UNGROUPED))
def test_a_weight_of_two_is_the_example_twice(objective: Any, steady: Any) -> None:
    classifier = steady()
    batch = tiny_batch(classifier)
    radius = 0.0 if objective.name in DRAWING else objective.radius(classifier)
    once, twice = rows_of(batch, [0, 1, 2]), rows_of(batch, [0, 0, 1, 2])
    expected_loss, expected = taught(objective, classifier, twice, radius)
    weighed = 3 * torch.tensor([2.0, 1.0, 1.0]) / 4
    loss, found = taught(objective, classifier, once, radius, weights=weighed)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert_same(found, expected)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=names(OBJECTIVES))
def test_weights_of_one_change_nothing_and_others_do(objective: Any, steady: Any) -> None:
    classifier = steady()
    batch, radius = tiny_batch(classifier), objective.radius(classifier)
    expected_loss, expected = taught(objective, classifier, batch, radius)
    loss, found = taught(objective, classifier, batch, radius, weights=torch.ones(6))
    assert loss == pytest.approx(expected_loss, rel=1e-6)
    assert_same(found, expected)
    uneven = torch.tensor([3.0, 0, 0, 1, 1, 1])
    other_loss, other = taught(objective, classifier, batch, radius, weights=uneven)
    assert abs(other_loss - expected_loss) > 1e-4
    name = "classifier.weight"
    assert float((other[name] - expected[name]).abs().max()) > 1e-4


@pytest.mark.parametrize("name", ["r3f", "smart"])
def test_the_divergence_of_an_example_without_weight_does_not_count(name: str, steady: Any) -> None:
    """The loss of one example times b is what it has with all the weight: also the divergence in it."""
    classifier = steady()
    objective, batch = example(name), tiny_batch(classifier)
    radius = objective.radius(classifier)
    weighed = [
        taught(objective, classifier, batch, radius, weights=6 * torch.eye(6)[row])[0] for row in range(6)
    ]
    whole, _ = taught(objective, classifier, batch, radius)
    assert np.mean(weighed) == pytest.approx(whole, rel=1e-5)


def test_all_ones_train_to_the_same_bits_as_no_weights(steady: Any, tmp_path: Path) -> None:
    none, ones = steady(), steady()
    expected = train(none, TRAIN, VALIDATION, FGSMTraining(epsilon=0.1), FAST, tmp_path / "none")
    even = np.ones(len(TRAIN))
    found = train(ones, TRAIN, VALIDATION, FGSMTraining(epsilon=0.1), FAST, tmp_path / "ones", weights=even)
    assert timeless(found.history) == timeless(expected.history)
    assert_equal(weights(ones), weights(none))


@pytest.mark.parametrize("accumulate", [1, 3])
def test_each_example_gets_its_own_weight_whatever_the_order_of_the_batches(
    accumulate: int, steady: Any, tmp_path: Path
) -> None:
    """Weight 0 for half of the examples, 2 for the rest: mislabelled ones with weight 0 do no harm."""
    wrong = np.arange(len(TRAIN)) % 2 == 0
    spoilt = dataclasses.replace(TRAIN, labels=np.where(wrong, 1 - TRAIN.labels, TRAIN.labels))
    settings = dataclasses.replace(FAST, epochs=5, batch_size=8, learning_rate=5e-3, accumulate=accumulate)
    reached = {}
    for name, weighed in {"all": None, "right": np.where(wrong, 0.0, 2.0)}.items():
        outcome = train(steady(), spoilt, VALIDATION, Standard(), settings, tmp_path / name, weights=weighed)
        reached[name] = max(record.validation_accuracy for record in outcome.history)
    assert reached["right"] > 0.9
    assert reached["all"] < 0.8


def test_weights_are_part_of_what_a_training_is(steady: Any, tmp_path: Path) -> None:
    classifier = steady()
    given = (classifier, TRAIN, VALIDATION, Standard(), FAST)
    plain = identity(*given)
    assert "weights" not in plain
    one = identity(*given, np.linspace(0.5, 1.5, len(TRAIN)))
    assert {**one, "weights": None} == {**plain, "weights": None}
    assert one["weights"] != identity(*given, np.linspace(1.5, 0.5, len(TRAIN)))["weights"]
    assert one == identity(*given, np.linspace(0.5, 1.5, len(TRAIN)))


@pytest.mark.parametrize(
    "weighed",
    [
        np.ones(3),
        np.full(len(TRAIN), 2.0),
        np.where(np.arange(len(TRAIN)) < 2, [-1.0] + [1.0] * (len(TRAIN) - 1), 1.0),
        np.full(len(TRAIN), np.nan),
    ],
    ids=["another number", "another mean", "negative", "not a number"],
)
def test_weights_that_are_none_are_refused(weighed: np.ndarray, steady: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"expected ({len(TRAIN)} finite weights|weights with a mean of 1)"):
        train(steady(), TRAIN, VALIDATION, Standard(), FAST, tmp_path / "s", weights=weighed)
