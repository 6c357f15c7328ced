import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from attacks.errors import AssayError
from robustness.classifier import Classifier
from robustness.loading import load_classifier
from robustness.objectives.fgsm import FGSMTraining
from robustness.objectives.standard import Standard
from robustness.training import train
from tests.robustness.small_training import (
    FAST,
    FGSM,
    TRAIN,
    VALIDATION,
    Killed,
    assert_equal,
    killer,
    timeless,
    weights,
)
from tests.robustness.tiny import tiny_dataset, tiny_folder


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Classifier]:
    """Makes the same untrained classifier at each call."""
    source = str(tiny_folder(tmp_path))
    return lambda: load_classifier(source, device=torch.device("cpu"))


@pytest.mark.parametrize("kill_after", [10, 96 + 40, 2 * 96 + 90])
def test_a_killed_training_goes_on_to_the_same_bits(kill_after: int, fresh: Any, tmp_path: Path) -> None:
    undisturbed = fresh()
    expected = train(undisturbed, TRAIN, VALIDATION, FGSM, FAST, tmp_path / "whole")

    with pytest.raises(Killed):
        train(fresh(), TRAIN, VALIDATION, FGSM, FAST, tmp_path / "killed", killer(kill_after))
    resumed, advanced = fresh(), []
    found = train(resumed, TRAIN, VALIDATION, FGSM, FAST, tmp_path / "killed", advanced.append)

    assert timeless(found.history) == timeless(expected.history)
    assert (found.best_epoch, found.collapsed) == (expected.best_epoch, expected.collapsed)
    assert_equal(weights(resumed), weights(undisturbed))
    assert sum(advanced) == 3 * len(TRAIN)
    # What was done is told at once; only the epochs after it are trained.
    kept = kill_after // len(TRAIN)
    assert advanced[0] == kept * len(TRAIN)
    assert len(advanced) == 1 + (3 - kept) * math.ceil(len(TRAIN) / FAST.batch_size)


def test_a_training_killed_while_it_saves_goes_on_to_the_same_bits(
    fresh: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = fresh()
    expected = train(undisturbed, TRAIN, VALIDATION, Standard(), FAST, tmp_path / "whole")

    saves, save = [], torch.save

    def second_fails(state: Any, path: Path) -> None:
        saves.append(path)
        if len(saves) == 2:
            path.write_bytes(b"half a file")
            raise Killed
        save(state, path)

    monkeypatch.setattr(torch, "save", second_fails)
    with pytest.raises(Killed):
        train(fresh(), TRAIN, VALIDATION, Standard(), FAST, tmp_path / "killed")
    monkeypatch.undo()
    resumed = fresh()
    found = train(resumed, TRAIN, VALIDATION, Standard(), FAST, tmp_path / "killed")
    assert timeless(found.history) == timeless(expected.history)
    assert_equal(weights(resumed), weights(undisturbed))


def test_a_mixed_precision_training_resumes_with_its_loss_scale(fresh: Any, tmp_path: Path) -> None:
    settings = dataclasses.replace(FAST, precision="fp16")
    undisturbed, resumed = fresh(), fresh()
    expected = train(undisturbed, TRAIN, VALIDATION, FGSM, settings, tmp_path / "whole")
    with pytest.raises(Killed):
        train(fresh(), TRAIN, VALIDATION, FGSM, settings, tmp_path / "killed", killer(96 + 40))
    found = train(resumed, TRAIN, VALIDATION, FGSM, settings, tmp_path / "killed")
    assert timeless(found.history) == timeless(expected.history)
    assert_equal(weights(resumed), weights(undisturbed))


def stopped_after_one_epoch(fresh: Any, folder: Path) -> None:
    with pytest.raises(Killed):
        train(fresh(), TRAIN, VALIDATION, FGSM, FAST, folder, killer(96 + 20))


@pytest.mark.parametrize("damaged", [b"", b"no such format", None], ids=["empty", "foreign", "cut off"])
def test_a_damaged_state_is_refused_by_name(damaged: bytes | None, fresh: Any, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    stopped_after_one_epoch(fresh, folder)
    path = folder / "state.pt"
    path.write_bytes(path.read_bytes()[:5000] if damaged is None else damaged)
    with pytest.raises(AssayError) as error:
        train(fresh(), TRAIN, VALIDATION, FGSM, FAST, folder)
    message = str(error.value)
    assert message.startswith(f"{path}: expected the state of an interrupted training, but it cannot be read")
    assert message.endswith(f"Delete the folder {folder} to train from the start.")


@pytest.mark.parametrize("missing", [True, False])
def test_damaged_best_weights_are_refused_by_name(missing: bool, fresh: Any, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    train(fresh(), TRAIN, VALIDATION, Standard(), FAST, folder)
    path = folder / "best.safetensors"
    if missing:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(AssayError, match=r"best\.safetensors: expected the state .* Delete the folder"):
        train(fresh(), TRAIN, VALIDATION, Standard(), FAST, folder)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            {"settings": dataclasses.replace(FAST, learning_rate=1e-3)},
            "learning_rate was 0.003 and is now 0.001",
        ),
        ({"settings": dataclasses.replace(FAST, epochs=5)}, "epochs was 3 and is now 5"),
        ({"objective": FGSMTraining(epsilon=0.2)}, "objective was {'epsilon': 0.1"),
        ({"training": tiny_dataset(96, seed=5)}, "train data was "),
        ({"validation": tiny_dataset(40, seed=5)}, "validation data was "),
    ],
)
def test_the_state_of_another_training_is_refused(
    change: dict[str, Any], named: str, fresh: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "state"
    stopped_after_one_epoch(fresh, folder)
    usual = {"training": TRAIN, "validation": VALIDATION, "objective": FGSM, "settings": FAST}
    with pytest.raises(AssayError) as error:
        train(fresh(), **(usual | change), folder=folder)
    assert str(error.value).startswith(
        f"{folder}: expected the state of this training, got that of another one: {named}"
    )


def test_a_folder_that_cannot_be_made_is_an_error_before_training(fresh: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    advanced: list[int] = []
    with pytest.raises(AssayError, match="file/state: the state of the training could not be written"):
        train(fresh(), TRAIN, VALIDATION, FGSM, FAST, tmp_path / "file" / "state", advanced.append)
    assert advanced == []


def test_a_full_disk_keeps_the_last_state(
    fresh: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "state"
    stopped_after_one_epoch(fresh, folder)
    before = (folder / "state.pt").read_bytes()

    def full(state: Any, path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(AssayError, match=r"could not be written .*No space left on device"):
        train(fresh(), TRAIN, VALIDATION, FGSM, FAST, folder)
    assert (folder / "state.pt").read_bytes() == before
