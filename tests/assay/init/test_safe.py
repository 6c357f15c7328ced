"""``assay init`` loses nothing: no file, no name, no half of a project."""

import tomllib
from pathlib import Path

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
from tests.assay.init.projects import Assay, project
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
