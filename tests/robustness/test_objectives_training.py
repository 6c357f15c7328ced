"""Every available objective in the training loop: it learns, and goes on to the same bits when killed."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from robustness.classifier import Classifier
from robustness.loading import load_classifier
from robustness.objectives import registry
from robustness.training import train
from tests.robustness.objective_cases import example, names
from tests.robustness.small_training import (
    FAST,
    Killed,
    assert_equal,
    killer,
    timeless,
    weights,
)
from tests.robustness.tiny import tiny_dataset, tiny_folder

TRAIN, VALIDATION = tiny_dataset(72, seed=1), tiny_dataset(40, seed=2)
FEW, FEWER = tiny_dataset(16, seed=1), tiny_dataset(8, seed=2)
SHORT = dataclasses.replace(FAST, epochs=2, batch_size=8)
LONG = dataclasses.replace(FAST, epochs=5, batch_size=8, learning_rate=7e-3)
KILL_AFTER = len(FEW) + 8

SMALL: dict[str, dict[str, Any]] = {
    "fgm": {"epsilon": 0.1},
    "fgsm": {"epsilon": 0.1},
    "fgsm-cyclic": {"epsilon": 0.1},
    "freelb++": {"steps": 3},
    "group-dro": {"by_label": False},
    "pgd": {"epsilon": 0.1, "steps": 2},
}
"""Parameters with which so small a model learns, in little time."""


OBJECTIVES = [example(name, **SMALL.get(name, {})) for name in registry.available()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def fresh(folder: Path) -> Callable[[], Classifier]:
    """Makes the same untrained classifier at each call."""
    return lambda: load_classifier(str(folder), device=torch.device("cpu"))


@pytest.mark.parametrize("objective", OBJECTIVES, ids=names(OBJECTIVES))
def test_every_objective_learns_what_can_be_learnt(objective: Any, fresh: Any, tmp_path: Path) -> None:
    classifier = fresh()
    outcome = train(classifier, TRAIN, VALIDATION, objective, LONG, tmp_path / "state")
    first, *_, last = outcome.history
    assert last.loss < first.loss
    assert last.validation_loss < 0.7 * first.validation_loss
    assert max(record.validation_accuracy for record in outcome.history) > 0.9
    assert not outcome.collapsed
    attacked = [record.validation_accuracy_under_attack for record in outcome.history]
    assert (None in attacked) == (objective.attack() is None)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=names(OBJECTIVES))
def test_a_killed_training_goes_on_to_the_same_bits(objective: Any, fresh: Any, tmp_path: Path) -> None:
    undisturbed, resumed = fresh(), fresh()
    expected = train(undisturbed, FEW, FEWER, objective, SHORT, tmp_path / "whole")
    with pytest.raises(Killed):
        train(fresh(), FEW, FEWER, objective, SHORT, tmp_path / "killed", killer(KILL_AFTER))
    found = train(resumed, FEW, FEWER, objective, SHORT, tmp_path / "killed")
    assert timeless(found.history) == timeless(expected.history)
    assert_equal(weights(resumed), weights(undisturbed))


@pytest.mark.parametrize("objective", OBJECTIVES, ids=names(OBJECTIVES))
def test_frozen_embeddings_stay_and_the_loss_is_finite(objective: Any, fresh: Any, tmp_path: Path) -> None:
    classifier = fresh()
    before = classifier.model.get_input_embeddings().weight.detach().clone()
    settings = dataclasses.replace(SHORT, epochs=1, freeze_embeddings=True)
    train(classifier, FEW, FEWER, objective, settings, tmp_path / "state")
    assert torch.equal(classifier.model.get_input_embeddings().weight, before)


@pytest.mark.parametrize("name", ["adversarial-head", "group-dro", "smart", "token-vat"])
def test_what_an_objective_remembers_is_needed_to_go_on(
    name: str, fresh: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it not restored, the resumed training would end elsewhere: the test above can fail."""
    objective = example(name)
    expected = train(fresh(), FEW, FEWER, objective, SHORT, tmp_path / "whole")
    with pytest.raises(Killed):
        train(fresh(), FEW, FEWER, objective, SHORT, tmp_path / "killed", killer(KILL_AFTER))
    kind = type(objective.memory(fresh(), objective.strata(FEW)))
    monkeypatch.setattr(kind, "load_state_dict", lambda self, state: None)
    found = train(fresh(), FEW, FEWER, objective, SHORT, tmp_path / "killed")
    assert timeless(found.history)[0] == timeless(expected.history)[0]
    assert found.history[1].loss != expected.history[1].loss


@pytest.mark.parametrize("name", ["adversarial-head", "group-dro", "smart", "token-vat"])
def test_a_mixed_precision_training_with_memory_resumes(name: str, fresh: Any, tmp_path: Path) -> None:
    settings = dataclasses.replace(SHORT, precision="fp16")
    expected = train(fresh(), FEW, FEWER, example(name), settings, tmp_path / "whole")
    with pytest.raises(Killed):
        train(fresh(), FEW, FEWER, example(name), settings, tmp_path / "killed", killer(KILL_AFTER))
    found = train(fresh(), FEW, FEWER, example(name), settings, tmp_path / "killed")
    assert timeless(found.history) == timeless(expected.history)
