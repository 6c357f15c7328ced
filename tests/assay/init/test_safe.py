"""``assay init`` loses nothing: no file, no name, no half of a project."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.config import load_config
from assay.init import files
from assay.init.ci_text import GATE
from assay.init.run import run_init
from assay.init.toml import key, quoted, table
from attacks.errors import AssayError
from robustness.data import load
from tests.assay.init.projects import ROOT, Assay, project
from tests.robustness.tiny import tiny_dataset


def test_nothing_is_overwritten_unless_forced(tmp_path: Path, assay: Assay) -> None:
    folder = project(tmp_path)
    (folder / "tests").mkdir()
    mine = folder / "tests" / "test_assay_gate.py"
    mine.write_text("mine", encoding="utf-8")
    before = sorted(folder.rglob("*"))
    words = ("init", str(folder / "data.csv"), "--model", "answers:words", "--folder", str(folder))
    done = assay(*words, "--ci")
    assert (done.code, sorted(folder.rglob("*")), mine.read_text(encoding="utf-8")) == (2, before, "mine")
    assert "test_assay_gate.py exists already, and nothing was written" in done.stderr
    forced = assay(*words, "--force")
    assert forced.code == 0
    assert mine.read_text(encoding="utf-8") == GATE
    spare = mine.with_name("test_assay_gate.py.bak")
    assert spare.read_text(encoding="utf-8") == "mine"
    assert f"Wrote {mine}; what was there is now {spare}" in forced.stdout
    mine.unlink()
    mine.mkdir()
    assert "found a folder" in assay(*words, "--force").stderr


def test_what_an_earlier_force_kept_is_kept_still(tmp_path: Path) -> None:
    file = tmp_path / "assay.toml"
    for text in ("first", "second", "second", "third"):
        files.write_files({file: text}, force=True)
    kept = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert kept == {"assay.toml": "third", "assay.toml.bak": "first", "assay.toml.bak1": "second"}


def test_where_one_file_cannot_be_written_none_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = tmp_path / "old", tmp_path / "a" / "b" / "new"
    old.write_text("before", encoding="utf-8")
    move = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name == "new":
            raise OSError(28, "No space left on device", str(target))
        return move(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(AssayError, match=r"No space left on device.*so nothing was"):
        files.write_files({old: "after", new: "x"}, force=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["old"]
    assert old.read_text(encoding="utf-8") == "before"


@pytest.mark.parametrize(
    "error", [UnicodeEncodeError("utf-8", "\udce9", 0, 1, "surrogates"), KeyboardInterrupt()]
)
def test_whatever_stops_it_none_is_written_and_nothing_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    same, old, new = tmp_path / "same", tmp_path / "old", tmp_path / "a" / "b" / "new"
    same.write_text("as it was", encoding="utf-8")
    old.write_text("before", encoding="utf-8")
    move = Path.replace

    def stopped(self: Path, target: Path) -> Path:
        if target.name == "new":
            raise error
        return move(self, target)

    monkeypatch.setattr(Path, "replace", stopped)
    with pytest.raises(type(error)):
        files.write_files({same: "as it was", old: "after", tmp_path / "first": "x", new: "y"}, force=True)
    kept = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*")}
    assert kept == {"same": "as it was", "old": "before"}


def test_folders_are_taken_back_where_one_of_them_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="so nothing was"):
        files.write_files({tmp_path / "a" / "b" / ("x" * 300) / "file": "text"})
    assert list(tmp_path.iterdir()) == []


ROWS = [f"text {i} of a few words,{i % 2},{'fm'[i % 2]}" for i in range(80)]
TABLE = "\n".join(["text,label,gender", *ROWS])
OBJECTS = "\n".join(
    f'{{"text": "text {i} of a few words", "label": {i % 2}, "gender\\ud800": "{"fm"[i % 2]}"}}'
    for i in range(80)
)
BROKEN = os.fsdecode(b"caf\xe9")
"""A name that is not UTF-8."""


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        (f"{BROKEN}.csv", TABLE, ()),
        ("data.jsonl", OBJECTS, ()),
        (f"{BROKEN}.csv", TABLE, ("--ci",)),
        ("data.csv", TABLE, ("--model", f"{BROKEN}:words")),
        ("data.csv", TABLE, ("--folder", BROKEN)),
    ],
)
def test_names_that_utf_8_does_not_have_are_refused_and_leave_nothing(
    tmp_path: Path, assay: Assay, file: str, text: str, words: tuple[str, ...]
) -> None:
    try:
        (tmp_path / file).write_text(text, encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes only names that are UTF-8")
    folder = tmp_path / "new"
    given = [str(tmp_path / word) if word == BROKEN else word for word in words]
    done = assay(
        "init", str(tmp_path / file), *(("--folder", str(folder)) if BROKEN not in words else ()), *given
    )
    assert done.code == 2
    assert "expected a" in done.stderr
    assert "UTF-8" in done.stderr
    assert [path.name for path in tmp_path.rglob("*")] == [file]


def test_a_neighbour_with_such_a_name_and_a_poor_terminal_stop_nothing(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(TABLE.replace("gender", "geschlächt gender"), encoding="utf-8")
    try:
        (tmp_path / f"{BROKEN}.train.csv").touch()
    except OSError:
        pytest.skip("this file system takes only names that are UTF-8")
    done = subprocess.run(
        [sys.executable, "-m", "assay", "init"],
        cwd=tmp_path,
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert b'groups: "geschl\\xe4cht gender", by their names' in done.stdout
    assert load_toml(tmp_path)["data"]["groups"] == ["geschlächt gender"]


def load_toml(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "assay.toml").read_text(encoding="utf-8"))


def test_a_folder_that_cannot_be_looked_at_is_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(folder: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("assay.init.run.found_data", closed)
    with pytest.raises(AssayError, match=f"{tmp_path}: cannot be reached .Permission denied.*readable"):
        run_init(folder=tmp_path)
    with pytest.raises(AssayError, match=r"cannot be reached .File name too long"):
        run_init(folder=tmp_path / ("x" * 300))


def test_data_that_cannot_be_audited_leaves_nothing_behind(tmp_path: Path, assay: Assay) -> None:
    (tmp_path / "x.csv").write_text("text,label\na b c,pos\nd e f,pos\n", encoding="utf-8")
    done = assay("init", str(tmp_path / "x.csv"), "--folder", str(tmp_path / "new"), "--ci")
    assert (done.code, done.stdout) == (2, "")
    assert 'every row has the label "pos"' in done.stderr
    assert not (tmp_path / "new").exists()


HOSTILE = ['a "b"', "line\nbreak", "tab\there", "ключ", "#", "[gate]", "'''", "\\", "= 1", "\u202etxt", "a.b"]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_column_name_is_written_so_that_it_is_read_again(tmp_path: Path, name: str) -> None:
    import csv

    data = tiny_dataset(160)
    with (tmp_path / "data.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [[name, f"{name} label", f"{name} gender", f"{name} kind", f"{name} text"]]
            + [
                [text, data.label_names[label], gender, domain, f"{text} {text}"]
                for text, label, gender, domain in zip(
                    data.texts, data.labels, data.groups["gender"], data.groups["domain"], strict=True
                )
            ]
        )
    run_init(tmp_path / "data.csv", text=name, label=f"{name} label", model="answers:words", folder=tmp_path)
    config = load_config(tmp_path / "assay.toml")
    assert config.data.groups == [f"{name} gender"]
    assert len(load(**config.data.load_arguments)) == 160
    assert {check.group for check in config.gate} == {None, f"{name} gender"}


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_every_string_survives_toml(text: str) -> None:
    line = f"{key(text)} = {quoted(text)}\nt = {table([(text, text)])}  # {quoted(text)}\n"
    assert "\n" not in quoted(text)
    if text != "t":
        assert tomllib.loads(line) == {text: text, "t": {text: text}}
