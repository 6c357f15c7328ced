"""``assay train``: where models go, what is said, and that `assay audit` takes them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from assay import candidates, train_command
from assay.config import load_config
from robustness.loading import load_classifier
from tests.assay.audits import loaded, trained, write_config, write_csv
from tests.assay.processes import Done
from tests.robustness.tiny import tiny_dataset

Assay = Callable[..., Done]
QUICK = 'objective = "fgsm", epsilon = 0.2, epochs = 2, batch_size = 8, learning_rate = 5e-3'
EPOCH = re.compile(
    r"hardened: epoch (\d) of 2: loss \d\.\d{4}, validation accuracy \d+\.\d %, \d+\.\d % under its "
    r"attack, \d.*s"
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with data.csv."""
    write_csv(tmp_path / "data.csv", tiny_dataset(160, seed=5))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def flags(encoder: Path, output: str, *more: str, objective: str = "fgsm") -> list[str]:
    given = ["train", "--data", "data.csv", "--encoder", str(encoder), "--objective", objective]
    given += ["--device", "cpu", "--output", output, "--param", "batch_size=8"]
    return [*given, *(["--param", "epsilon=0.2"] if objective == "fgsm" else []), *more]


def test_the_audit_takes_what_was_trained_and_trains_nothing(
    assay: Assay, here: Path, random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(here, loaded(random_model) + trained(random_model, QUICK))
    done = assay("train")
    assert done.code == 0, done.stderr
    folder = here / "runs" / "assay" / "models" / "hardened"
    assert sorted(path.name for path in folder.parent.iterdir()) == ["hardened"]
    assert sorted(path.name for path in (here / "runs" / "assay").iterdir()) == [".lock", "models"]

    lines = done.stderr.splitlines()
    assert [found[1] for line in lines if (found := EPOCH.fullmatch(line))] == ["1", "2"]
    headings, row, *remarks = done.stdout.splitlines()
    assert re.split(r"  +", headings) == list(train_command.COLUMNS)
    record = json.loads((folder / "assay-training.json").read_text())["summary"]
    best = record["history"][record["best_epoch"] - 1]
    cells = re.split(r"  +", row)
    assert cells[:4] == ["hardened", "fgsm", "2", str(record["best_epoch"])]
    assert cells[4] == f"{100 * best['validation_accuracy']:.1f} % of 12"
    assert cells[5] == f"{100 * best['validation_accuracy_under_attack']:.1f} %"
    assert cells[7] == str(folder)
    assert remarks[0] == ""
    assert remarks[-1] == "`assay audit` with the same configuration takes these models and measures them."

    monkeypatch.setattr(candidates, "train", lambda *arguments, **options: 1 / 0)
    audited = assay("audit")
    assert audited.code == 0, audited.stderr
    assert f"hardened: trained before, taken from {folder}" in audited.stderr
    again = assay("train")
    assert again.stdout == done.stdout
    assert "hardened: trained before" in again.stderr
    assert "epoch" not in again.stderr


def test_named_candidates_alone_are_trained(assay: Assay, here: Path, random_model: Path) -> None:
    quick = "epochs = 1"
    names = ("one", "two", "three")
    write_config(here, "".join(trained(random_model, quick, name) for name in names))
    done = assay("train", "--candidate", "three", "--candidate", "one", "--set", "seed=3")
    assert done.code == 0, done.stderr
    rows = done.stdout.splitlines()[1:3]
    assert [row.split()[0] for row in rows] == ["one", "three"]
    models = here / "runs" / "assay" / "models"
    assert sorted(path.name for path in models.iterdir()) == ["one", "three"]
    summary = json.loads((models / "one" / "assay-training.json").read_text())["summary"]
    assert summary["params"]["seed"] == 3


def test_adapters_and_trackers_of_a_configuration_reach_the_training(
    assay: Assay, here: Path, random_model: Path
) -> None:
    options = 'epochs = 1, accumulate = 4, lora = { r = 4 }, log_to = ["tensorboard"]'
    write_config(here, trained(random_model, options))
    done = assay("train")
    assert done.code == 0, done.stderr
    assert "hardened: training 1,090 of 24,932 weights (4.4 %)" in done.stderr
    run = here / "runs" / "assay"
    assert list((run / "tensorboard" / "hardened").glob("events.out.tfevents.*"))
    params = json.loads((run / "models/hardened/assay-training.json").read_text())["summary"]["params"]
    assert params["lora"] == {"r": 4, "alpha": 16.0, "dropout": 0.0, "target_modules": None}
    assert (params["accumulate"], params["trained_parameters"]) == (4, 1090)
    load_classifier(str(run / "models" / "hardened"), device=torch.device("cpu"))
    # Who is told of a training does not make it another one.
    assert "trained before" in assay("train", "--set", "candidates.0.train.log_to=[]").stderr
    for change in ("candidates.0.train.lora.r=2", "candidates.0.train.accumulate=2"):
        assert "trained before" not in assay("train", "--set", change).stderr


def test_an_interrupted_training_goes_on(
    assay: Assay, here: Path, random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(here, trained(random_model, QUICK))
    shown = train_command.EpochLines.validated

    def interrupted(self: Any, step: int, record: Any) -> None:
        shown(self, step, record)
        raise KeyboardInterrupt

    monkeypatch.setattr(train_command.EpochLines, "validated", interrupted)
    stopped = assay("train")
    assert stopped.code == 2
    assert stopped.stderr.endswith("run the same command again to go on from there.\n")
    monkeypatch.setattr(train_command.EpochLines, "validated", shown)
    done = assay("train")
    assert "hardened: going on after epoch 1" in done.stderr
    assert [found[1] for line in done.stderr.splitlines() if (found := EPOCH.fullmatch(line))] == ["2"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gone.toml"], ["gone.toml: no such configuration file"]),
        (
            ["--candidate", "hardend"],
            ['no candidate "hardend"', 'mean "hardened"?', "trained: hardened, other"],
        ),
        (["--candidate", "plain"], ['the candidate "plain" has no train', "trained: hardened, other"]),
        (["--candidate", "hardened", "--epochs", "3"], ["--epochs: these go without --candidate"]),
        (
            ["assay.toml", "--data", "data.csv"],
            ["--data: these go without a configuration", "--set KEY=VALUE"],
        ),
        (["--set", "epochs"], ['--set: expected KEY=VALUE, got "epochs"']),
        (
            ["--set", "candidates.1.train.epsilom=1"],
            ['candidates.1.train (candidate "hardened")', 'mean "epsilon"?', "accumulate, learning_rate"],
        ),
        (
            ["--set", "candidates.2.train.objective=fgms"],
            ['candidates.2.train (candidate "other")', 'mean "fgm"?', "Known objectives"],
        ),
        (["--set", "candidates.1.train.epsilon=-1"], ['(candidate "hardened")', "epsilon"]),
        (
            ["--set", 'candidates.2.train.lora={ target_modules = ["quary", "value"] }'],
            ['candidate "other": train.lora.target_modules', 'mean "query"?', "query, key, value, dense."],
        ),
        (
            ["--set", 'candidates.2.train.log_to=["wandb"]'],
            ['(candidate "other")', 'pip install "assay[wandb]"'],
        ),
        (["--device", "cuda:7"], ['device: "cuda:7" is not available here']),
    ],
)
def test_a_mistake_is_named_before_anything_is_trained(
    arguments: list[str],
    words: list[str],
    assay: Assay,
    here: Path,
    random_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(*positional: Any, **options: Any) -> None:
        raise AssertionError("this is expensive")

    monkeypatch.setattr(candidates, "train", forbidden)
    other = trained(random_model, "epochs = 1", "other")
    write_config(here, loaded(random_model) + trained(random_model, QUICK) + other)
    done = assay("train", *arguments)
    assert (done.code, done.stdout) == (2, "")
    assert [word for word in words if word not in done.stderr] == [], done.stderr
    assert "Traceback" not in done.stderr
    assert not (here / "runs" / "assay" / "models" / "hardened").exists()


def test_a_configuration_without_trainings_is_refused(assay: Assay, here: Path, random_model: Path) -> None:
    write_config(here, loaded(random_model))
    done = assay("train")
    assert done.code == 2
    assert "no candidate of the configuration has train, so there is nothing to train" in done.stderr
    assert "train = {" in done.stderr


def test_without_a_configuration_or_flags_both_ways_are_shown(assay: Assay, here: Path) -> None:
    done = assay("train")
    assert done.code == 2
    assert "there is no assay.toml here" in done.stderr
    assert "--data, --encoder and --output" in done.stderr


def test_a_folder_that_another_run_holds_is_refused(assay: Assay, here: Path, random_model: Path) -> None:
    from assay.run_folder import RunFolder

    config = load_config(write_config(here, trained(random_model, QUICK)))
    with RunFolder.create(config.runs / config.name).lock():
        done = assay("train")
    assert done.code == 2
    assert "another audit is running in this folder" in done.stderr


def test_a_model_of_one_class_is_warned_of(assay: Assay, here: Path, random_model: Path) -> None:
    write_config(here, trained(random_model, "epochs = 1, learning_rate = 3.0, warmup = 0"))
    done = assay("train")
    assert 'Warning: "hardened" gives every validation example the same class.' in done.stdout
