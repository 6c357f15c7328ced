"""``assay train``: where models go, what is said, and that `assay audit` takes them."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from assay import candidates, cli, train_command
from assay.config import load_config
from assay.progress import Reporter
from assay.quick_config import folder_name, in_flags, parameters, quick_config
from assay.train_command import run_trainings
from attacks.errors import AssayError
from robustness.loading import load_classifier
from tests.assay.audits import loaded, trained, write_config, write_csv
from tests.assay.processes import Done
from tests.robustness.tiny import tiny_dataset, tiny_folder

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


# With a configuration.


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


# With flags alone.


def test_flags_train_one_model_into_a_folder(assay: Assay, here: Path, random_model: Path) -> None:
    arguments = flags(random_model, "models/hardened", "--epochs", "2", "--seed", "4", "--offline")
    done = assay(*arguments)
    assert done.code == 0, done.stderr
    assert sorted(path.name for path in here.iterdir()) == ["data.csv", "models"]
    assert sorted(path.name for path in (here / "models").iterdir()) == ["hardened"]
    assert len([line for line in done.stderr.splitlines() if EPOCH.fullmatch(line)]) == 2
    assert "data that it has not seen: of data it was trained on 108 examples." in done.stdout
    assert 'write model = "models/hardened" in an assay.toml' in done.stdout
    classifier = load_classifier(str(here / "models" / "hardened"), device=torch.device("cpu"))
    assert classifier.label_names == ("negative", "positive")

    again = assay(*arguments)
    assert again.code == 0
    assert "hardened: trained before, taken from models/hardened" in again.stderr
    assert again.stdout == done.stdout
    assert sorted(path.name for path in (here / "models").iterdir()) == ["hardened"]

    other = assay(*flags(random_model, "models/hardened", "--epochs", "1"))
    assert other.code == 2
    assert "models/hardened: there is a model already, which other data, settings" in other.stderr
    assert "Choose another folder" in other.stderr
    assert sorted(path.name for path in (here / "models").iterdir()) == ["hardened"]


def test_flags_give_the_model_that_a_configuration_gives(
    assay: Assay, here: Path, random_model: Path
) -> None:
    write_config(here, trained(random_model, QUICK), data="")
    assert assay("train").code == 0
    assert assay(*flags(random_model, "m", "--epochs", "2", "--param", "learning_rate=5e-3")).code == 0
    one, other = (
        load_file(folder / "model.safetensors")
        for folder in (here / "runs/assay/models/hardened", here / "m")
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_classifier_is_trained_further_and_columns_are_named(
    assay: Assay, here: Path, learnt_model: Path
) -> None:
    (here / "data.csv").write_text((here / "data.csv").read_text().replace("text,label", "review,mood", 1))
    done = assay(
        *["train", "--data", "data.csv", "--text", "review", "--label", "mood", "--model", str(learnt_model)],
        *["--epochs", "1", "--output", "m", "--device", "cpu", "--set", "data.test_fraction=0.5"],
    )
    assert done.code == 0, done.stderr
    assert "it was trained on 72 examples." in done.stdout
    assert "  standard  " in done.stdout


def test_an_interrupted_training_with_flags_goes_on(
    assay: Assay, here: Path, random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = flags(random_model, "m", "--epochs", "2")

    def interrupted(self: Any, step: int, record: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(train_command.EpochLines, "validated", interrupted)
        assert assay(*arguments).code == 2
    assert not (here / "m").exists()
    assert list((here / ".training-m").glob("*/state.pt"))
    done = assay(*arguments)
    assert done.code == 0
    assert "m: going on after epoch 1" in done.stderr
    assert not (here / ".training-m").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "data.csv"], ["expected --data (the examples) and --output (the folder"]),
        (["--data", "data.csv", "--output", "m"], ["--model and --encoder: expected exactly one"]),
        (["--data", "data.csv", "--output", "m", "--encoder", "./e"], ["/e: no such folder"]),
        (["--data", "dat.csv", "--output", "m", "--encoder", "MODEL"], ["no such file", 'mean "data.csv"?']),
        (
            ["--data", "data.csv", "--output", "m", "--encoder", "MODEL", "--text", "txt"],
            ['there is no column "txt"', 'mean "text"?'],
        ),
        (
            ["--data", "data.csv", "--output", "m", "--encoder", "MODEL", "--param", "batch_size=0"],
            ["command line: --param batch_size: expected greater than or equal to 1, got 0"],
        ),
        (
            ["--data", "data.csv", "--output", "m", "--encoder", "MODEL", "--param", "epsilon=0.1"],
            ['(candidate "m")', 'Objective "standard" has no parameter "epsilon"'],
        ),
        (
            [
                "--data",
                "data.csv",
                "--output",
                "m",
                "--encoder",
                "MODEL",
                "--param",
                "epochs=2",
                "--epochs",
                "1",
            ],
            ["--param: epochs is given already, with --epochs"],
        ),
        (
            ["--data", "data.csv", "--output", "m", "--encoder", "MODEL", "--param", "epsilon"],
            ['--param: expected KEY=VALUE, got "epsilon"'],
        ),
        (
            ["--data", "data.csv", "--output", "full", "--encoder", "MODEL"],
            ["--output: the folder full is not empty, and nothing in it is overwritten"],
        ),
        (
            ["--data", "data.csv", "--output", "data.csv", "--encoder", "MODEL"],
            ["--output: data.csv is a file"],
        ),
        (
            ["--data", "data.csv", "--output", "data.csv/m", "--encoder", "MODEL"],
            ["data.csv/.training-m: the run folder cannot be written"],
        ),
    ],
)
def test_a_mistake_in_the_flags_is_named(
    arguments: list[str], words: list[str], assay: Assay, here: Path, random_model: Path
) -> None:
    (here / "full").mkdir()
    (here / "full" / "thesis.txt").write_text("years of work")
    done = assay("train", *[str(random_model) if each == "MODEL" else each for each in arguments])
    assert (done.code, done.stdout) == (2, "")
    assert [word for word in words if word not in done.stderr] == [], done.stderr
    assert "Traceback" not in done.stderr
    assert (here / "full" / "thesis.txt").read_text() == "years of work"
    assert not (here / "m").exists()
    assert not (here / ".training-m").exists()


def test_a_quick_configuration_is_that_of_a_file(here: Path) -> None:
    (here / "models").mkdir()
    found = quick_config(
        data=Path("data.csv"),
        name="m",
        text="review",
        encoder="models",
        train={"objective": "fgsm", "epsilon": 0.1, "lora": {"r": 4}},
        attacks=[{"name": "fgsm", "epsilon": [0.1, 0.2]}],
        seed=3,
        device="cpu",
        offline=True,
        overrides={"data.label": "mood", "data.id": "id"},
    )
    (here / "quick.toml").write_text(
        'seed = 3\ndevice = "cpu"\noffline = true\n[data]\npath = "data.csv"\ntext = "review"\n'
        'label = "mood"\nid = "id"\n[[candidates]]\nname = "m"\nencoder = "models"\n'
        'train = { objective = "fgsm", epsilon = 0.1, lora = { r = 4 } }\n'
        '[[attacks]]\nname = "fgsm"\nepsilon = [0.1, 0.2]\n'
    )
    assert found == load_config(here / "quick.toml")
    assert found.data.path == here / "data.csv"
    assert found.candidates[0].encoder == str(here / "models")


def test_parameters_are_toml_values_or_else_strings() -> None:
    assert parameters(["epsilon=0.05", "norm=l2", "lora.r=8", "lora.dropout=0.1", "random_start=true"]) == {
        "epsilon": 0.05,
        "norm": "l2",
        "lora": {"r": 8, "dropout": 0.1},
        "random_start": True,
    }
    with pytest.raises(AssayError, match="lora is given as a value"):
        parameters(["lora=3", "lora.r=8"])


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("command line: candidates.0.train.epochs: expected x", "command line: --epochs: expected x"),
        ("command line: candidates.0.train.ramp: got 2", "command line: --param ramp: got 2"),
        ("command line: data.path: missing", "command line: --data: missing"),
        ("a.toml: data.path: missing", "a.toml: data.path: missing"),
    ],
)
def test_messages_speak_of_flags(message: str, said: str) -> None:
    assert in_flags(message) == said


@pytest.mark.parametrize(
    ("output", "name"),
    [("models/hardened", "hardened"), ("my model/v 1.0", "v-1.0"), (".hidden", "hidden"), ("/", "model")],
)
def test_the_candidate_is_called_as_its_folder(output: str, name: str) -> None:
    assert folder_name(Path(output)) == name


# In several processes.


def launch(launcher: list[str], arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    root = str(Path(cli.__file__).parents[1])
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("ACCELERATE", "MASTER"))
    }
    environment |= {"PYTHONPATH": root, "OMP_NUM_THREADS": "1", "HF_HOME": str(folder / "home")}
    return subprocess.run(
        [sys.executable, "-m", *launcher, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=240,
    )


def test_two_processes_train_the_model_that_one_trains_and_write_it_once(here: Path, tmp_path: Path) -> None:
    model = tiny_folder(tmp_path)
    config = json.loads((model / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (model / "config.json").write_text(json.dumps(config))
    # Ten batches of 11 examples, which two processes cannot share evenly.
    options = 'epochs = 2, batch_size = 11, learning_rate = 1e-3, precision = "fp32"'
    write_config(here, trained(model, options))
    one = load_config(here / "assay.toml", {"runs": str(here / "one")})
    run_trainings(one, [], None, Reporter())

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    # --multi_gpu starts torch's launcher; with device = "cpu" the processes use no GPU.
    launcher = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    launcher += [
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        "--main_process_port",
        port,
        "-m",
        "assay",
    ]
    done = launch(launcher, ["train", "assay.toml", "--set", "runs=two"], here)
    assert done.returncode == 0, done.stderr
    # Only the main process speaks.
    assert len(re.findall(r"hardened: epoch \d of 2", done.stderr)) == 2
    assert done.stdout.count("validation accuracy") == 1
    (folder,) = (here / "two" / "assay" / "models").iterdir()
    found = load_file(folder / "model.safetensors")
    expected = load_file(here / "one" / "assay" / "models" / "hardened" / "model.safetensors")
    # The gradient of a bias that all keys share is 0 but for rounding, which Adam blows up.
    for name in expected:
        if not name.endswith("key.bias"):
            torch.testing.assert_close(found[name], expected[name], atol=1e-5, rtol=0)

    # One process takes the model that two have trained.
    alone = load_config(here / "assay.toml", {"runs": str(here / "two")})
    written = (folder / "model.safetensors").stat().st_mtime_ns
    run_trainings(alone, [], None, Reporter())
    assert (folder / "model.safetensors").stat().st_mtime_ns == written


def test_an_audit_in_several_processes_is_refused(
    assay: Assay, here: Path, random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(here, loaded(random_model))
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    done = assay("audit")
    assert done.code == 2
    assert done.stderr.startswith("assay (process 1): an audit runs in one process, got 2.")
    assert "`assay train`" in done.stderr


def test_the_module_runs_as_a_command(here: Path) -> None:
    done = launch(["assay"], ["train", "gone.toml"], here)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "assay: gone.toml: no such configuration file. Correct the path.\n"
