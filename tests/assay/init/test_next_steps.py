"""The commands that ``assay init`` proposes run as they stand, in a shell."""

import csv
import os
import random
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.init.run import run_init
from tests.assay.init.projects import Assay, project

Cell = Callable[[int], str]
BASE: dict[str, Cell] = {
    "text": lambda i: f"text {i} of a few words",
    "label": lambda i: "01"[i % 2],
    "pred": lambda i: str(int(i % 3 == 0)),
}
GENDER: dict[str, Cell] = {"gender": lambda i: "fm"[i // 2 % 2]}
TWO: dict[str, Cell] = {"muslim": lambda i: str(int(i % 3 == 1)), "jewish": lambda i: str(int(i % 5 == 0))}
SCORE = [f"{random.Random(i).random():.3f}" for i in range(90)]


def write(file: Path, columns: dict[str, Cell], *, comma: str = ",", header: bool = True) -> Path:
    with file.open("w", newline="", encoding="utf-8") as stream:
        rows = [[cell(i) for cell in columns.values()] for i in range(90)]
        csv.writer(stream, delimiter=comma).writerows([list(columns), *rows] if header else rows)
    return file


def proposed(lines: list[str], start: str) -> list[str]:
    """The words of the only command that begins so, or nothing."""
    found = [line.removeprefix("Next:").strip() for line in lines]
    commands = [line.partition("   ")[0] for line in found if line.startswith(start)]
    assert len(commands) < 2
    return shlex.split(commands[0]) if commands else []


@pytest.mark.parametrize(
    ("columns", "more"),
    [
        (BASE | GENDER, ["--group", "gender"]),
        (BASE | TWO, ["--overlapping", "identity=muslim,jewish"]),
        (
            BASE | TWO | {"identity": GENDER["gender"]},
            ["--group", "identity", "--overlapping", "identity_mentioned=muslim,jewish"],
        ),
        (
            BASE | {"muslim, all": TWO["muslim"], "jewish": TWO["jewish"]},
            ["--group", "muslim, all", "--group", "jewish"],
        ),
        (BASE | GENDER | {"score": lambda i: SCORE[i]}, ["--score", "score", "--group", "gender"]),
        (BASE | GENDER | {"score": lambda i: SCORE[i] if i else ""}, ["--group", "gender"]),
        (BASE | GENDER | {"score = p": lambda i: SCORE[i]}, ["--group", "gender"]),
        (BASE | {"$(gender) `'": GENDER["gender"]}, ["--group", "$(gender) `'"]),
    ],
)
def test_predictions_in_the_file_are_assessed_by_the_proposed_command(
    tmp_path: Path, assay: Assay, columns: dict[str, Cell], more: list[str]
) -> None:
    data = write(tmp_path / "my data.csv", columns)
    lines = run_init(data, folder=tmp_path)
    words = proposed(lines, "assay fairness")
    assert words == ["assay", "fairness", str(data), "--label", "label", "--prediction", "pred", *more]
    done = assay(*words[1:], "--output", str(tmp_path / "out"))
    assert done.code == 0, done.stderr
    told = '      "score" is taken for the probability of "1": check it.' in lines
    assert told == ("--score" in more)


@pytest.mark.parametrize(
    ("columns", "comma", "header"),
    [
        (BASE | GENDER, ";", True),
        (BASE | GENDER, ",", False),
        (BASE, ",", True),
        (BASE | {"pred": lambda i: BASE["pred"](i) if i else ""} | GENDER, ",", True),
        (BASE | {"gender\x1b[31m": GENDER["gender"]}, ",", True),
    ],
)
def test_no_command_is_proposed_that_would_be_refused(
    tmp_path: Path, columns: dict[str, Cell], comma: str, header: bool
) -> None:
    data = write(tmp_path / "data.csv", columns, comma=comma, header=header)
    lines = run_init(data, folder=tmp_path)
    assert proposed(lines, "assay init")
    assert not proposed(lines, "assay fairness")
    assert "\x1b" not in "".join(lines)


def test_the_next_commands_run_in_a_folder_with_any_name(
    tmp_path: Path, assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_unrelated.py").write_text("def test_x(): pass", encoding="utf-8")
    project(tmp_path / "-my 'ünï $x")
    folder = Path("-my 'ünï $x")
    lines = run_init(folder / "data.csv", model="answers:words", folder=folder)
    previewing = next(line.removeprefix("Next:").strip() for line in lines if "--preview" in line)
    words = shlex.split(previewing.partition("   ")[0])
    done = assay(*words[1:])
    assert (done.code, done.stderr) == (0, "")
    words = proposed(lines, "pytest")
    collected = subprocess.run(
        [sys.executable, "-m", *words, "--collect-only", "-q", "-p", "assay.pytest_plugin"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    assert "test_the_figures_can_be_trusted" in collected.stdout, collected.stdout + collected.stderr
    assert "unrelated" not in collected.stdout
    done = assay(*proposed(lines, "assay init")[1:])
    assert (done.code, done.stderr) == (0, "")


def test_a_name_that_is_not_one_line_is_shown_as_one(tmp_path: Path) -> None:
    data = write(tmp_path / "a\nb\x1b[31m.csv", BASE | GENDER)
    lines = run_init(data, folder=tmp_path)
    assert not [line for line in lines if "\n" in line or "\x1b" in line]
    assert lines[0].endswith('a\\nb\\u001b[31m.csv": guessed from all 90 rows.')
