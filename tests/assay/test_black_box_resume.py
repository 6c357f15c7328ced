"""Black-box audits that are killed again and again end as undisturbed ones, and attack no example twice."""

import signal
import sqlite3
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.assay.answering import NLTK_DATA
from tests.assay.audits import loaded, untimed, write_config, write_csv
from tests.assay.processes import Done, run
from tests.robustness.tiny import tiny_dataset

N = 40
RECIPE = '[[attacks]]\nname = "textattack:deepwordbug"\n'
CHARACTERS = '[[attacks]]\nname = "homoglyphs"\nmax_injections = 2\npopulation = 8\ngenerations = 5\n'
REST = '[[behaviours]]\nname = "typos"\n[validity]\nexamples = 5\n[fairness]\nn_boot = 10\n'
MOMENTS = (0.3, 0.5, 0.7)
"""Shares of the calls of a whole run after which each one is killed."""


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory, learnt_model: Path) -> Path:
    """A folder with data.csv and assay.toml; the recipe is replaced where TextAttack cannot run."""
    folder = tmp_path_factory.mktemp("audit")
    write_csv(folder / "data.csv", tiny_dataset(N, seed=5), words_before=2)
    (folder / "resources").mkdir()
    recipe = find_spec("textattack") is not None and NLTK_DATA.is_dir()
    if recipe:
        (folder / "resources" / "nltk").symlink_to(NLTK_DATA)
    attacks = RECIPE if recipe else CHARACTERS
    config = write_config(folder, loaded(learnt_model), data='id = "id"\n', rest=attacks + REST)
    config.write_text(f'resources = "resources"\n{config.read_text()}')
    return folder


@pytest.fixture(scope="module")
def undisturbed(audit: Path) -> tuple[Path, Done]:
    """(run folder, process) of one run from start to end."""
    done = run(["audit", "--set", "runs=undisturbed"], audit, count=True)
    assert done.code == 0, done.stderr
    return audit / "undisturbed" / "assay", done


def kept(run_folder: Path) -> set[tuple[Any, ...]]:
    """Every outcome and record with its scope; an outcome that is made again has another wall time."""
    if not (run_folder / "ledger.sqlite").exists():
        return set()
    rows: set[tuple[Any, ...]] = set()
    with sqlite3.connect(run_folder / "ledger.sqlite") as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        for table in {"outcomes", "records"} & tables:
            query = f"SELECT attack, params, {table}.* FROM {table} JOIN scopes ON scopes.id = scope"
            rows |= {(table, *row) for row in connection.execute(query)}
    connection.close()
    return rows


def attacked(rows: set[tuple[Any, ...]]) -> int:
    return sum(row[0] == "outcomes" and row[1] in ("textattack:deepwordbug", "homoglyphs") for row in rows)


def test_a_run_killed_again_and_again_ends_as_an_undisturbed_one_and_attacks_nothing_twice(
    audit: Path, undisturbed: tuple[Path, Done], tmp_path: Path
) -> None:
    expected, whole = undisturbed
    arguments = ["audit", "--set", f"runs={tmp_path}"]
    folder = tmp_path / "assay"
    rows: set[tuple[Any, ...]] = set()
    found = []
    for share in MOMENTS:
        killed = run(arguments, audit, die_after=int(whole.calls * share))
        assert killed.code == -signal.SIGKILL, killed.stderr
        now = kept(folder)
        assert rows <= now
        found.append(attacked(now))
        rows = now
    # It was killed in the middle of the attacks, with some of their outcomes there and others not.
    assert any(0 < n < attacked(kept(expected)) for n in found)
    done = run(arguments, audit)
    assert done.code == 0, done.stderr
    assert rows <= kept(folder)
    assert len(kept(folder)) == len(kept(expected))
    assert untimed(folder) == untimed(expected)


def test_a_finished_audit_run_again_attacks_nothing(audit: Path, undisturbed: tuple[Path, Done]) -> None:
    folder = undisturbed[0]
    rows, results = kept(folder), untimed(folder)
    done = run(["audit", "--set", "runs=undisturbed"], audit)
    assert done.code == 0, done.stderr
    assert kept(folder) == rows
    assert untimed(folder) == results
