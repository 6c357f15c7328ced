"""Guesses that people's own files have shown to be needed, and what is told of them."""

import csv
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from assay.config import load_config
from assay.init.guess import Guess, guess
from assay.init.look import look_at
from assay.init.run import run_init
from attacks.errors import AssayError

Cell = Callable[[int], str]


def text(i: int) -> str:
    return f"text {i} of a few words" + ", or more" * (i % 2)


def label(i: int) -> str:
    return ("neg", "pos")[i % 2]


def write(file: Path, columns: dict[str, Cell], n: int = 120, **style: Any) -> Path:
    with file.open("w", newline="", encoding="utf-8") as stream:
        rows = [[cell(i) for cell in columns.values()] for i in range(n)]
        csv.writer(stream, **style).writerows([list(columns), *rows])
    return file


def guessed(folder: Path, columns: dict[str, Cell], n: int = 120, **given: Any) -> Guess:
    return guess(look_at(write(folder / "data.csv", columns, n)), **given)


def told(sentences: Sequence[str], words: str) -> bool:
    return any(words in sentence for sentence in sentences)


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize(
    ("name", "delimiter", "expected"),
    [("text, english", ";", ";"), ("text; english", ",", None), ("text", "|", "|"), ("text", "\t", "\t")],
)
def test_a_delimiter_is_the_one_that_divides_all_rows_alike(
    tmp_path: Path, quoting: int, name: str, delimiter: str, expected: str | None
) -> None:
    file = write(tmp_path / "data.csv", {name: text, "label": label}, delimiter=delimiter, quoting=quoting)
    look = look_at(file)
    assert (look.delimiter, list(look.words), look.rows) == (expected, [name, "label"], 120)


def test_labels_of_several_words_are_labels_where_they_come_again(tmp_path: Path) -> None:
    """As the intents of banking77 do."""
    found = guessed(tmp_path, {"body": text, "intent": lambda i: f"card not {i % 30}"})
    assert (found.text, found.label, len(found.labels)) == ("body", "intent", 30)
    assert found.other_texts == ()
    with pytest.raises(AssayError, match="no column looks like labels"):
        guessed(tmp_path, {"body": text, "intent": lambda i: f"another text {i}"})


def test_a_column_that_is_given_as_the_label_is_not_the_text(tmp_path: Path) -> None:
    columns: dict[str, Cell] = {"body": text, "text": lambda i: f"one of {i % 4} words"}
    assert guessed(tmp_path, columns, label="text").text == "body"
    with pytest.raises(AssayError, match="no column looks like texts"):
        guessed(tmp_path, {"body": text, "x": label}, label="body")


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (lambda i: ("train", "test", "holdout")[i % 3], '(dev, val) and test: "holdout"'),
        (lambda i: ("Train", "Test")[i % 2], '(dev, val) and test: "Test", "Train"'),
        (lambda i: ("train", "dev")[i % 2], "no row that was read says test"),
        (lambda i: ("train", "test", "")[i % 3], "40 rows name none"),
    ],
)
def test_splits_that_cannot_be_followed_are_told(tmp_path: Path, cell: Cell, why: str) -> None:
    found = guessed(tmp_path, {"text": text, "label": label, "split": cell})
    assert found.split_column is None
    assert told(found.unsure, '"split" names splits, but')
    assert told(found.unsure, why)


def test_an_id_that_comes_again_is_told(tmp_path: Path) -> None:
    found = guessed(tmp_path, {"id": lambda i: str(max(i, 3)), "text": text, "label": label})
    assert found.id is None
    assert told(found.unsure, '"id" cannot be the id, as some of its values come again')


def test_where_only_one_label_is_met_the_empty_rows_are_told(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match='every row that is not empty has the label "pos" in "label"'):
        guessed(tmp_path, {"text": text, "label": lambda i: ("", "pos")[i % 2]})


def test_of_a_sorted_file_one_label_is_not_written_as_all_labels(tmp_path: Path) -> None:
    columns: dict[str, Cell] = {"text": text, "label": lambda i: "neg" if i < 5_100 else "pos"}
    write(tmp_path / "data.csv", columns, 5_200)
    for model in ("answers:words", "https://example.com/m"):
        run_init(tmp_path / "data.csv", model=model, folder=tmp_path, force=True)
        written = (tmp_path / "assay.toml").read_text(encoding="utf-8")
        assert "labels" not in tomllib.loads(written)["candidates"][0]
        assert written.count("# labels = [...]") == 1
    run_init(tmp_path / "data.csv", model="answers:words", folder=tmp_path, force=True)
    assert load_config(tmp_path / "assay.toml").candidates[0].labels is None
