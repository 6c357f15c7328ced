"""Runs that cannot be compared end with code 2 and a sentence, and nothing is written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.assay.compare.runs import (
    Assay,
    audited_run,
    contents,
)


def _truncated(folder: Path) -> None:
    text = (folder / "audit.json").read_text(encoding="utf-8")
    (folder / "audit.json").write_text(text[: len(text) // 2], encoding="utf-8")


def _newer(folder: Path) -> None:
    document = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    (folder / "audit.json").write_text(json.dumps({**document, "schema_version": 99}), encoding="utf-8")


def _damaged(folder: Path) -> None:
    (folder / "outcomes.parquet").write_bytes(b"PAR1 and nothing more")


def _gone(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_truncated, "expected JSON, got something else at line"),
        (_newer, "A newer assay wrote it"),
        (_damaged, "expected the outcomes of an audit, got something else"),
        (_gone, "expected the folder of a run, with an audit.json in it"),
    ],
)
def test_a_run_that_cannot_be_read_ends_with_code_2_and_writes_nothing(
    assay: Assay, kept: dict[str, Path], tmp_path: Path, damage: Callable[[Path], None], told: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(kept["same"], copy)
    damage(copy)
    done = assay("compare", str(kept["old"]), str(copy), "--output", str(tmp_path / "out"))
    assert done.code == 2
    assert told in done.stderr
    assert str(copy) in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_one_run_alone_and_one_run_twice_are_refused(
    assay: Assay, kept: dict[str, Path], tmp_path: Path
) -> None:
    old = kept["old"]
    alone = assay("compare", str(old))
    assert (alone.code, "expected two runs or more to compare" in alone.stderr) == (2, True)
    (tmp_path / "link").symlink_to(old)
    for again in (old, old / "audit.json", old / ".." / old.name, tmp_path / "link"):
        twice = assay("compare", str(old), str(kept["same"]), str(again))
        assert (twice.code, "the same run as" in twice.stderr) == (2, True), again
    assert assay("compare").code == 2


def test_runs_of_another_task_are_refused_with_both_sets_of_labels(
    assay: Assay, kept: dict[str, Path], tmp_path: Path
) -> None:
    done = assay("compare", str(kept["old"]), str(audited_run(tmp_path / "other")))
    assert done.code == 2
    assert "(normal, toxic), got negative, positive" in done.stderr


@pytest.mark.parametrize("name", ["report.html", "summary.md"])
def test_no_file_of_a_run_is_replaced(assay: Assay, kept: dict[str, Path], tmp_path: Path, name: str) -> None:
    run = Path(shutil.copytree(kept["same"], tmp_path / "run"))
    (tmp_path / f"link{Path(name).suffix}").symlink_to(run / name)
    before = contents(run)
    for target in (run / name, tmp_path / f"link{Path(name).suffix}"):
        done = assay("compare", str(kept["old"]), str(run), "--output", str(target))
        assert (done.code, done.stdout) == (2, "")
        assert f"{target}: this file is read here or belongs to a run" in done.stderr
    assert contents(run) == before
    beside = assay("compare", str(kept["old"]), str(run), "--output", str(run))
    assert beside.code == 0
    assert {**contents(run), **before} == contents(run)


def test_a_folder_that_cannot_be_made_is_refused(assay: Assay, kept: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    runs = [str(kept["old"]), str(kept["same"])]
    done = assay("compare", *runs, "--output", str(tmp_path / "file" / "out"))
    assert done.code == 2
    assert "Choose another one with --output" in done.stderr
