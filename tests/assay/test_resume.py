"""One configuration, one audit.json: run twice, killed at random points, interrupted, or changed in part."""

import json
import os
import random
import shutil
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.assay.audits import loaded, trained, untimed, write_config, write_csv
from tests.assay.processes import Done, run, start
from tests.robustness.tiny import tiny_dataset

TRAIN = 'objective = "fgsm", epsilon = 0.2, epochs = 4, batch_size = 12, learning_rate = 5e-3'
ATTACKS = """
[[attacks]]
name = "fgsm"
epsilon = 0.5
[[attacks]]
name = "pgd"
epsilon = 0.5
steps = 3
random_start = true
[fairness]
n_boot = 50
"""


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory, learnt_model: Path, random_model: Path) -> Path:
    """A folder with data.csv and assay.toml; its texts are long enough for several batches."""
    folder = tmp_path_factory.mktemp("audit")
    write_csv(folder / "data.csv", tiny_dataset(160, seed=5), words_before=40)
    candidates = loaded(learnt_model) + trained(random_model, TRAIN)
    write_config(folder, candidates, data='id = "id"\ngroups = ["gender"]\n', rest=ATTACKS)
    return folder


@pytest.fixture(scope="module")
def undisturbed(audit: Path) -> tuple[Path, Done]:
    """(run folder, process) of one run from start to end."""
    done = run(["audit", "--set", "runs=undisturbed"], audit, count=True)
    assert done.code == 0, done.stderr
    return audit / "undisturbed" / "assay", done


@pytest.fixture
def finished(undisturbed: tuple[Path, Done], tmp_path: Path, audit: Path) -> Path:
    """A folder with the configuration and a finished run of it, to go on with."""
    shutil.copy(audit / "assay.toml", tmp_path)
    shutil.copy(audit / "data.csv", tmp_path)
    shutil.copytree(undisturbed[0], tmp_path / "runs" / "assay")
    return tmp_path


def ledger_rows(run_folder: Path) -> set[tuple[Any, ...]]:
    """Every outcome with its wall time: one that is computed again takes another time."""
    if not (run_folder / "ledger.sqlite").exists():
        return set()
    with sqlite3.connect(run_folder / "ledger.sqlite") as connection:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        query = "SELECT model, attack, params, outcomes.* FROM outcomes JOIN scopes ON scopes.id = scope"
        rows = set(connection.execute(query)) if tables else set()
    connection.close()
    return rows


def epochs(run_folder: Path) -> list[dict[str, Any]]:
    """The epochs of the training that is not finished, with their times."""
    for state in run_folder.glob("models/.training-*/*/state.pt"):
        return list(json.loads(torch.load(state, weights_only=True)["history"]))
    return []


# With these draws kills fall into the training and into the attacks, as the assertions below see to.
@pytest.mark.parametrize("seed", [0, 3])
def test_a_run_killed_again_and_again_ends_as_an_undisturbed_one_and_repeats_nothing(
    audit: Path, undisturbed: tuple[Path, Done], tmp_path: Path, seed: int
) -> None:
    expected, whole = undisturbed
    runs = tmp_path / "runs"
    arguments = ["audit", "--set", f"runs={runs}"]
    folder = runs / "assay"
    draw = random.Random(seed)
    rows: set[tuple[Any, ...]] = set()
    history: list[dict[str, Any]] = []
    for _ in range(3):
        killed = run(arguments, audit, die_after=int(whole.calls * draw.uniform(0.15, 0.4)))
        assert killed.code == -signal.SIGKILL, killed.stderr
        assert rows <= ledger_rows(folder)
        rows = ledger_rows(folder)
        now = epochs(folder)
        assert not now or now[: len(history)] == history
        history = now or history
    assert rows
    assert history
    done = run(arguments, audit)
    assert done.code == 0, done.stderr
    assert untimed(folder) == untimed(expected)
    assert rows <= ledger_rows(folder)
    report = json.loads((folder / "audit.json").read_text())
    assert report["candidates"][1]["training"]["history"][: len(history)] == history
    assert [path.name for path in (folder / "models").iterdir()] == ["hardened"]


def test_a_second_run_in_another_folder_gives_the_same_audit(
    audit: Path, undisturbed: tuple[Path, Done]
) -> None:
    done = run(["audit", "--set", "runs=again"], audit)
    assert done.code == 0, done.stderr
    assert untimed(audit / "again" / "assay") == untimed(undisturbed[0])


def test_a_finished_audit_run_again_trains_and_queries_nothing(finished: Path) -> None:
    folder = finished / "runs" / "assay"
    weights = folder / "models" / "hardened" / "model.safetensors"
    rows, results, written = ledger_rows(folder), untimed(folder)["candidates"], weights.stat().st_mtime_ns
    done = run(["audit"], finished)
    assert done.code == 0
    assert "hardened: trained before" in done.stderr
    assert "training (fgsm)" not in done.stderr
    assert ledger_rows(folder) == rows
    assert untimed(folder)["candidates"] == results
    assert weights.stat().st_mtime_ns == written


def test_a_changed_attack_runs_alone(finished: Path) -> None:
    folder = finished / "runs" / "assay"
    before = ledger_rows(folder)
    done = run(["audit", "--set", "attacks.0.epsilon=0.3"], finished)
    assert done.code == 0
    assert "hardened: trained before" in done.stderr
    added = {row for row in ledger_rows(folder) - before if not row[1].startswith("validity:")}
    assert before <= ledger_rows(folder)
    assert {(row[1], json.loads(row[2])["epsilon"]) for row in added} == {("fgsm", 0.3)}


@pytest.mark.parametrize("change", ["candidates.1.train.epochs=2", "candidates.1.train.epsilon=0.3"])
def test_a_changed_training_trains_again(finished: Path, change: str) -> None:
    done = run(["audit", "--set", change, "--set", "attacks=[]"], finished)
    assert done.code == 0
    assert "hardened: training (fgsm)" in done.stderr
    assert "trained before" not in done.stderr


@pytest.mark.parametrize("when", ["models/.training-hardened/*/state.pt", "ledger.sqlite"])
def test_an_interrupted_audit_says_how_to_go_on_and_goes_on(
    audit: Path, undisturbed: tuple[Path, Done], tmp_path: Path, when: str
) -> None:
    folder = tmp_path / "assay"
    arguments = ["audit", "--set", f"runs={tmp_path}"]
    running = start(arguments, audit)
    limit = time.monotonic() + 60
    while not list(folder.glob(when)) and time.monotonic() < limit:
        time.sleep(0.005)
    assert running.process.pid is not None
    os.kill(running.process.pid, signal.SIGINT)
    stopped = running.wait()
    assert stopped.code == 2
    assert stopped.stderr.endswith(
        "assay: interrupted: what was done is kept; run the same command again to go on from there.\n"
    )
    assert "Traceback" not in stopped.stderr
    rows, history = ledger_rows(folder), epochs(folder)
    done = run(arguments, audit)
    assert done.code == 0, done.stderr
    assert rows <= ledger_rows(folder)
    assert untimed(folder) == untimed(undisturbed[0])
    report = json.loads((folder / "audit.json").read_text())
    assert report["candidates"][1]["training"]["history"][: len(history)] == history


def test_two_audits_in_one_folder_are_refused(audit: Path, tmp_path: Path) -> None:
    arguments = ["audit", "--set", f"runs={tmp_path}"]
    first = start(arguments, audit)
    limit = time.monotonic() + 60
    while not (tmp_path / "assay" / "ledger.sqlite").exists() and time.monotonic() < limit:
        time.sleep(0.005)
    second = tmp_path / "second"
    second.mkdir()
    shutil.copy(audit / "assay.toml", second)
    refused = run(arguments, second)
    assert first.process.pid is not None
    os.kill(first.process.pid, signal.SIGKILL)
    assert first.wait().code == -signal.SIGKILL
    assert refused.code == 2
    assert "another audit is running in this folder" in refused.stderr
