"""``assay train`` in several processes, and as a module."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from assay import cli
from assay.config import load_config
from assay.progress import Reporter
from assay.train_command import run_trainings
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
