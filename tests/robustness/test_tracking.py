"""What trackers are told of a training, also of one that was interrupted."""

import dataclasses
import importlib
import importlib.util
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from attacks.errors import AssayError
from robustness import tracking
from robustness.classifier import Classifier
from robustness.loading import load_classifier
from robustness.results import EpochRecord
from robustness.tracking import Observer, Run, trackers
from robustness.training import TrainSettings, train
from robustness.updates import Update
from tests.robustness.small_training import FGSM, TRAIN, VALIDATION, Killed, assert_equal, killer, weights
from tests.robustness.tiny import tiny_folder

SETTINGS = TrainSettings(epochs=3, batch_size=8, learning_rate=3e-3, precision="fp32")
"""Twelve updates an epoch: updates 1, 11, 21 and 31 are told."""

TOLD = [1, 11, 21, 31]
NAMES = ["tensorboard", "mlflow", "wandb"]
STAND_IN = """
import json, pathlib
RUNS = []

class Run:
    def __init__(self, given):
        self.given, self.logged, self.exit_code, self.step = given, [], None, 0
    def log(self, values, step):
        self.logged.append((step, values))
        self.step = step
    def finish(self, exit_code):
        self.exit_code = exit_code

def init(**given):
    RUNS.append(Run(given))
    return RUNS[-1]
"""


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Classifier]:
    """Makes the same untrained classifier at each call."""
    source = str(tiny_folder(tmp_path))
    return lambda: load_classifier(source, device=torch.device("cpu"))


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that a tracker may set are as they were afterwards."""
    for name in ("MLFLOW_DISABLE_TELEMETRY", "MLFLOW_ALLOW_FILE_STORE", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture
def wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module that stands in for wandb and keeps what it is told in ``RUNS``."""
    folder = tmp_path / "stand-in"
    folder.mkdir()
    (folder / "wandb.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(str(folder))
    sys.modules.pop("wandb", None)
    yield importlib.import_module("wandb")
    sys.modules.pop("wandb", None)


def a_run(folder: Path, **changes: Any) -> Run:
    return dataclasses.replace(Run("hardened", "0123456789abcdef" * 4, folder, {"r": 1}, False), **changes)


def tracked(
    name: str, fresh: Any, folder: Path, advance: Callable[[int], None] = lambda count: None
) -> tuple[list[EpochRecord], Classifier]:
    """A training that tells the tracker ``name``."""
    classifier = fresh()
    with trackers([name], a_run(folder)) as told:
        state = folder / "state"
        outcome = train(classifier, TRAIN, VALIDATION, FGSM, SETTINGS, state, advance, observers=told)
    return list(outcome.history), classifier


def curves(name: str, folder: Path) -> dict[str, list[tuple[int, float]]]:
    """{curve: [(step, value)]} as the tracker's own reader gives it."""
    if name == "tensorboard":
        module: Any = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
        events = module.EventAccumulator(str(folder / "tensorboard" / "hardened"))
        events.Reload()
        return {
            tag: [(each.step, each.value) for each in events.Scalars(tag)] for tag in events.Tags()["scalars"]
        }
    if name == "mlflow":
        client, run = mlflow_run(folder)
        return {
            key: sorted((each.step, each.value) for each in client.get_metric_history(run.info.run_id, key))
            for key in run.data.metrics
        }
    found: dict[str, list[tuple[int, float]]] = {}
    for run in importlib.import_module("wandb").RUNS:
        for step, values in run.logged:
            for key, value in values.items():
                found.setdefault(key, []).append((step, value))
    return found


def mlflow_run(folder: Path) -> tuple[Any, Any]:
    mlflow: Any = importlib.import_module("mlflow")
    client = mlflow.MlflowClient(tracking_uri=(folder / "mlflow").as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("assay").experiment_id])
    return client, run


def close(values: list[float | None]) -> Any:
    return pytest.approx(values, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_tracker_is_told_of_updates_and_epochs(name: str, fresh: Any, wandb: Any, tmp_path: Path) -> None:
    history, _ = tracked(name, fresh, tmp_path)
    found = curves(name, tmp_path)
    assert [step for step, _ in found["train/loss"]] == TOLD
    # 36 updates in all: the rate rises over 3.6 of them and falls to 0; epsilon rises over 18.
    rates = [3e-3 / 3.6, 3e-3 * 26 / 32.4, 3e-3 * 16 / 32.4, 3e-3 * 6 / 32.4]
    assert [value for _, value in found["train/learning_rate"]] == close(rates)
    assert [value for _, value in found["train/epsilon"]] == close([0.1 / 18, 0.1 * 11 / 18, 0.1, 0.1])
    for curve, attribute in (
        ("validation/accuracy", "validation_accuracy"),
        ("validation/loss", "validation_loss"),
        ("validation/accuracy_under_attack", "validation_accuracy_under_attack"),
    ):
        assert [step for step, _ in found[curve]] == [12, 24, 36]
        assert [value for _, value in found[curve]] == close([getattr(each, attribute) for each in history])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kill_after", [10, 96 + 90])
def test_a_resumed_training_goes_on_with_its_step_numbers(
    name: str, kill_after: int, fresh: Any, wandb: Any, tmp_path: Path
) -> None:
    (tmp_path / "whole").mkdir()
    tracked(name, fresh, tmp_path / "whole")
    expected = curves(name, tmp_path / "whole")
    if name == "wandb":
        wandb.RUNS.clear()

    (tmp_path / "killed").mkdir()
    with pytest.raises(Killed):
        tracked(name, fresh, tmp_path / "killed", killer(kill_after))
    if name == "wandb":
        # The service gives a run that goes on the first step that it has not seen.
        reached = wandb.RUNS[0].step + 1
        init = wandb.init
        wandb.init = lambda **given: continued(init(**given), reached)
        assert wandb.RUNS[0].exit_code == 1
    tracked(name, fresh, tmp_path / "killed")
    found = curves(name, tmp_path / "killed")
    assert found.keys() == expected.keys()
    for curve in expected:
        assert sorted(found[curve]) == [(step, close(value)) for step, value in expected[curve]], curve


def continued(run: Any, step: int) -> Any:
    run.step = step
    return run


def test_another_training_of_the_same_candidate_starts_its_curves_anew(fresh: Any, tmp_path: Path) -> None:
    for key in ("a" * 64, "b" * 64):
        with trackers(["tensorboard"], a_run(tmp_path, key=key)) as (told,):
            told.started(0, 0, 1, 1)
            for step in range(1, 12):
                told.updated(Update(step, 2.0 if key[0] == "a" else 1.0, 0.1, None))
    assert curves("tensorboard", tmp_path)["train/loss"] == [(1, 1.0), (11, 1.0)]


def test_being_told_changes_nothing(fresh: Any, wandb: Any, tmp_path: Path) -> None:
    alone, watched = fresh(), fresh()
    train(alone, TRAIN, VALIDATION, FGSM, SETTINGS, tmp_path / "alone")
    with trackers(NAMES, a_run(tmp_path)) as told:
        train(watched, TRAIN, VALIDATION, FGSM, SETTINGS, tmp_path / "watched", observers=told)
    assert_equal(weights(watched), weights(alone))


def test_mlflow_writes_beside_the_models_and_sends_no_telemetry(fresh: Any, tmp_path: Path) -> None:
    tracked("mlflow", fresh, tmp_path)
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    _, run = mlflow_run(tmp_path)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "hardened"
    assert run.data.params == {"r": "1"}


def test_mlflow_writes_where_its_variable_says(
    fresh: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "elsewhere" / "mlflow").as_uri())
    tracked("mlflow", fresh, tmp_path)
    assert not (tmp_path / "mlflow").exists()
    assert mlflow_run(tmp_path / "elsewhere")[1].info.status == "FINISHED"


def test_wandb_is_offline_where_the_audit_is(wandb: Any, tmp_path: Path) -> None:
    for offline in (False, True):
        with trackers(["wandb"], a_run(tmp_path / "runs", offline=offline)) as (told,):
            told.started(0, 0, 1, 1)
    online, off = (run.given for run in wandb.RUNS)
    assert "mode" not in online
    assert online["resume"] == "allow"
    assert off["mode"] == "offline"
    for given in (online, off):
        assert (given["project"], given["name"], given["id"]) == ("assay", "hardened", "0123456789abcdef")
        assert given["dir"] == str(tmp_path / "runs")
        assert given["config"] == {"r": 1}
    assert [run.exit_code for run in wandb.RUNS] == [0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_a_tracker_that_is_not_installed_is_named_with_the_way_to_get_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda wanted: None)
    with pytest.raises(AssayError) as error:
        tracking.require_usable([name], offline=False)
    assert str(error.value) == (
        f'log_to: "{name}" is not installed. Run: pip install "assay[{name}]", or leave it out.'
    )
    tracking.require_usable([], offline=True)


@pytest.mark.parametrize(
    ("uri", "refused"),
    [
        ("https://mlflow.example", True),
        ("databricks://profile", True),
        ("file:///tmp/x", False),
        ("x", False),
    ],
)
def test_offline_forbids_an_mlflow_server(uri: str, refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    tracking.require_usable(["mlflow"], offline=False)
    if refused:
        with pytest.raises(AssayError, match=f"MLFLOW_TRACKING_URI is {uri}, and offline mode forbids"):
            tracking.require_usable(["mlflow"], offline=True)
    else:
        tracking.require_usable(["mlflow"], offline=True)


def test_a_tracker_that_cannot_start_is_an_error_before_training(fresh: Any, tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("in the way")
    advanced: list[int] = []
    with pytest.raises(AssayError, match=r"log_to: tensorboard cannot be used \(.*\)\. Repair that, or"):
        tracked("tensorboard", fresh, tmp_path, advanced.append)
    assert sum(advanced) == 0


def test_a_tracker_that_fails_later_is_left_out_with_one_warning(
    fresh: Any, wandb: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def full(self: Any, values: Any, step: int) -> None:
        if step > 1:
            raise OSError("the server is full")
        self.logged.append(step)

    wandb.Run.log = full
    with caplog.at_level(logging.WARNING, logger="robustness.tracking"):
        history, _ = tracked("wandb", fresh, tmp_path)
    assert len(history) == 3
    assert [record.getMessage() for record in caplog.records] == [
        "wandb is told no more of this training: the server is full"
    ]
    assert wandb.RUNS[0].logged == [1]


def test_what_is_not_asked_for_is_not_imported(tmp_path: Path) -> None:
    source = tiny_folder(tmp_path)
    check = f"""
import sys, json
from pathlib import Path
import torch
from robustness.loading import load_classifier
from robustness.training import TrainSettings, train
from tests.robustness.small_training import FGSM, TRAIN, VALIDATION
classifier = load_classifier({str(source)!r}, device=torch.device("cpu"))
settings = TrainSettings(epochs=1, precision="fp32")
train(classifier, TRAIN, VALIDATION, FGSM, settings, Path({str(tmp_path / "state")!r}))
optional = ("tensorboard", "mlflow", "wandb", "peft", "torch.utils.tensorboard")
print(json.dumps([name for name in optional if name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_observers_are_told_where_a_training_starts(fresh: Any, tmp_path: Path) -> None:
    told: list[tuple[int, int, int, int]] = []

    class Watching(Observer):
        def started(self, step: int, epoch: int, trained: int, total: int) -> None:
            told.append((step, epoch, trained, total))

    frozen = dataclasses.replace(SETTINGS, freeze_embeddings=True)
    classifier = fresh()
    total, words = classifier.num_parameters, classifier.model.get_input_embeddings().weight.numel()
    with pytest.raises(Killed):
        train(
            classifier,
            TRAIN,
            VALIDATION,
            FGSM,
            frozen,
            tmp_path / "state",
            killer(96 + 90),
            observers=[Watching()],
        )
    train(fresh(), TRAIN, VALIDATION, FGSM, frozen, tmp_path / "state", observers=[Watching()])
    assert told == [(0, 0, total - words, total), (12, 1, total - words, total)]
