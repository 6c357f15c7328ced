"""What ``assay init`` sees in data: roles of columns, and what it says it is unsure of."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assay.init import look as looking
from assay.init.guess import Guess, guess
from assay.init.look import ROWS, look_at
from attacks.errors import AssayError
from robustness.data import load

Cell = Callable[[int], Any]
WORDS = ("the film was", "a dull plot and", "music that I liked", "never again such", "an actor who was")


def sentence(row: int) -> str:
    return f"{WORDS[row % 5]} number {row} of many"


def write(
    file: Path, columns: dict[str, Cell], n: int = 60, *, header: bool = True, comma: str = ","
) -> Path:
    """A CSV of ``n`` rows with the cells that each column's function gives for the row's number."""
    rows: list[Iterable[Any]] = [list(columns)] if header else []
    rows += [[cell(row) for cell in columns.values()] for row in range(n)]
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=comma).writerows(rows)
    return file


def guessed(tmp_path: Path, columns: dict[str, Cell], n: int = 60, **given: Any) -> Guess:
    return guess(look_at(write(tmp_path / "data.csv", columns, n)), **given)


def roles(found: Guess) -> tuple[str, str | None, str, tuple[str, ...]]:
    return found.text, found.text_pair, found.label, found.groups.columns


def one_of(*values: Any) -> Cell:
    return lambda row: values[row % len(values)]


BINARY = one_of("neg", "pos")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"text": sentence, "label": BINARY}, ("text", None, "label", ())),
        ({"label": BINARY, "Review Body": sentence}, ("Review Body", None, "label", ())),
        ({"a": sentence, "b": BINARY}, ("a", None, "b", ())),
        (
            {"premise": sentence, "hypothesis": lambda row: sentence(row + 1), "y": one_of("0", "1", "2")},
            ("premise", "hypothesis", "y", ()),
        ),
        (
            {"userGender": one_of("f", "m", "x"), "comment": sentence, "is_toxic": one_of(0, 1)},
            ("comment", None, "is_toxic", ("userGender",)),
        ),
        # The title is a text too, but a shorter one.
        (
            {"title": lambda row: f"title {row}", "body": lambda row: 5 * sentence(row), "category": BINARY},
            ("body", None, "category", ()),
        ),
        # Japanese has no spaces between words.
        ({"x": lambda row: f"この映画はとても良かった{row}番", "y": BINARY}, ("x", None, "y", ())),
    ],
)
def test_roles_are_found_by_name_and_by_what_the_cells_hold(
    tmp_path: Path, columns: dict[str, Cell], expected: tuple[Any, ...]
) -> None:
    assert roles(guessed(tmp_path, columns)) == expected


def test_what_is_given_is_taken_as_it_is(tmp_path: Path) -> None:
    columns = {
        "text": sentence,
        "note": sentence,
        "label": BINARY,
        "kind": one_of("a", "b"),
        "gender": BINARY,
    }
    found = guessed(tmp_path, columns, text="note", label="kind", groups=["label"])
    assert roles(found) == ("note", None, "kind", ("label",))
    with pytest.raises(AssayError, match='"text" is given twice'):
        guessed(tmp_path, columns, text="text", label="text")
    with pytest.raises(AssayError, match='there is no column "gendre"\\. Did you mean "gender"'):
        guessed(tmp_path, columns, groups=["gendre"])


def test_labels_are_counted_in_the_order_of_an_audit(tmp_path: Path) -> None:
    found = guessed(tmp_path, {"text": sentence, "label": lambda row: (10, 9, 10)[row % 3]}, 9)
    assert list(found.labels.items()) == [("9", 3), ("10", 6)]
    assert load(tmp_path / "data.csv").label_names == tuple(found.labels)


def test_ties_are_told_and_the_others_are_kept(tmp_path: Path) -> None:
    found = guessed(tmp_path, {"text": sentence, "label_a": BINARY, "label_b": BINARY, "summary": sentence})
    assert (found.label, found.other_labels) == ("label_a", ("label_b",))
    assert 'The label may also be "label_b".' in found.unsure
    clear = guessed(tmp_path, {"text": sentence, "label": BINARY, "label_b": BINARY})
    assert (clear.label, clear.other_labels) == ("label", ())


def test_a_rating_is_a_label_with_a_warning(tmp_path: Path) -> None:
    found = guessed(tmp_path, {"text": sentence, "rating": lambda row: f"{row % 10 / 2 + 0.5:.1f}"})
    assert found.label == "rating"
    assert list(found.labels)[:2] == ["0.5", "1.0"]
    assert any("10 values that are numbers" in each and "label_map" in each for each in found.unsure)


def test_a_share_is_no_label(tmp_path: Path) -> None:
    share = lambda row: f"{row / 61:.4f}"  # noqa: E731
    found = guessed(tmp_path, {"text": sentence, "score": share, "kind": BINARY})
    assert found.label == "kind"
    only = guessed(tmp_path, {"text": sentence, "toxicity": lambda row: f"{row % 40 / 41:.4f}"})
    assert any("numbers between 0 and 1 and not labels" in each for each in only.unsure)


def test_a_label_column_of_one_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match='every row has the label "pos" in "label": expected two labels'):
        guessed(tmp_path, {"text": sentence, "label": one_of("pos")})


def test_a_sorted_file_whose_first_rows_have_one_label_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "ROWS", 20)
    found = guessed(tmp_path, {"text": sentence, "label": lambda row: "neg" if row < 30 else "pos"})
    assert found.labels == {"neg": 20}
    assert any("the file seems to be sorted" in each for each in found.unsure)


def test_labels_that_differ_in_spelling_only_are_told(tmp_path: Path) -> None:
    found = guessed(tmp_path, {"text": sentence, "label": one_of("Pos", "pos", "neg")})
    assert any('"Pos" and "pos" differ only in how they are spelt' in each for each in found.unsure)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"text": sentence}, "expected a column of texts and one of labels, got 1 column"),
        ({"n": int, "label": BINARY}, "no column looks like texts.*--text COLUMN"),
        (
            {"text": sentence, "when": lambda row: f"2024-01-{row % 28 + 1:02d}"},
            "no column looks like labels",
        ),
        ({"text": sentence, "token": lambda row: f"k{row}x"}, "no column looks like labels.*--label"),
    ],
)
def test_data_without_text_or_label_is_refused(tmp_path: Path, columns: dict[str, Cell], words: str) -> None:
    with pytest.raises(AssayError, match=words):
        guessed(tmp_path, columns)


def test_an_id_is_no_group_and_one_that_repeats_no_id(tmp_path: Path) -> None:
    base = {"text": sentence, "label": BINARY}
    assert guessed(tmp_path, {"row_id": int, "id": lambda row: f"a{row}", **base}).id == "id"
    repeated = guessed(tmp_path, {"user_id": lambda row: row % 7, **base})
    assert (repeated.id, repeated.groups.columns, repeated.groups.possible) == (None, (), ())


def test_dates_and_columns_of_many_values_are_no_groups(tmp_path: Path) -> None:
    columns = {"text": sentence, "label": BINARY, "date": lambda row: f"0{row % 9 + 1}.11.2024"}
    found = guessed(tmp_path, columns | {"age": lambda row: row % 40, "product": lambda row: f"p{row}"})
    assert (found.groups.columns, found.groups.possible) == ((), ())
    assert any('"age" has 40 different values' in each and "bands" in each for each in found.unsure)


def test_other_columns_of_few_values_are_only_mentioned(tmp_path: Path) -> None:
    found = guessed(tmp_path, {"text": sentence, "label": BINARY, "colour": one_of("red", "blue", "green")})
    assert (found.groups.columns, found.groups.possible) == ((), ("colour",))
    assert any('could be groups too: "colour"' in each for each in found.unsure)


def test_columns_of_yes_and_no_about_people_overlap(tmp_path: Path) -> None:
    columns = {"text": sentence, "label": BINARY, "muslim": one_of(0, 1, 0), "jewish": one_of(1, 0)}
    found = guessed(tmp_path, columns)
    assert found.groups.columns == found.groups.overlapping == ("muslim", "jewish")
    alone = guessed(tmp_path, {"text": sentence, "label": BINARY, "female": one_of("True", "False", "True")})
    assert (alone.groups.columns, alone.groups.overlapping) == (("female",), ())
    gaps = guessed(tmp_path, columns | {"black": one_of("1", "", "0")})
    assert "black" not in gaps.groups.columns
    assert any('"black" is empty in 20 rows' in each for each in gaps.unsure)
    shares = guessed(tmp_path, columns | {"white": lambda row: row / 60})
    assert any('"white" holds numbers between 0 and 1' in each for each in shares.unsure)


def test_predictions_in_the_file_are_recognised_and_are_neither_label_nor_group(tmp_path: Path) -> None:
    columns = {"text": sentence, "pred": BINARY, "prob_pos": lambda row: f"{row / 61:.3f}", "label": BINARY}
    found = guessed(tmp_path, columns)
    assert (found.label, found.prediction, found.scores) == ("label", "pred", ("prob_pos",))
    # Without a label the predictions are no substitute.
    with pytest.raises(AssayError, match="no column looks like labels"):
        guessed(tmp_path, {"text": sentence, "predicted_label": BINARY})


def test_a_column_of_splits_is_used_where_some_rows_say_test(tmp_path: Path) -> None:
    columns = {"text": sentence, "label": BINARY, "split": one_of("train", "dev", "test")}
    assert guessed(tmp_path, columns).split_column == "split"
    found = guessed(tmp_path, columns | {"split": one_of("train", "dev")})
    assert found.split_column is None
    assert any("no row that was read says test" in each for each in found.unsure)


def test_missing_texts_and_labels_are_told_as_the_audit_refuses_them(tmp_path: Path) -> None:
    columns = {"text": lambda row: sentence(row) if row > 1 else "", "label": one_of("a", "b", "")}
    found = guessed(tmp_path, columns)
    assert any('2 of the rows that were read have no text in "text"' in each for each in found.unsure)
    assert any('20 of the rows that were read have no label in "label"' in each for each in found.unsure)


@pytest.mark.parametrize(
    ("separator", "suffix"), [(";", ".csv"), ("|", ".csv"), ("\t", ".csv"), (";", ".tsv")]
)
def test_another_delimiter_is_found(tmp_path: Path, separator: str, suffix: str) -> None:
    file = write(tmp_path / f"data{suffix}", {"text": sentence, "label": BINARY}, comma=separator)
    found = look_at(file)
    assert (found.delimiter, list(found.words)) == (separator, ["text", "label"])
    assert len(load(file, delimiter=found.delimiter)) == 60


@pytest.mark.parametrize("first", [sentence, lambda row: f"short {row}"])
def test_a_file_without_a_header_row_gets_names(tmp_path: Path, first: Cell) -> None:
    file = write(tmp_path / "data.csv", {"x": first, "y": BINARY}, header=False)
    found = look_at(file)
    assert (found.header, list(found.words), found.rows) == (False, ["column_1", "column_2"], 60)
    chosen = guess(found)
    data = load(file, columns=list(found.words), text=chosen.text, label=chosen.label)
    assert (len(data), data.label_names) == (60, ("neg", "pos"))


def test_a_long_text_and_one_of_several_lines_are_read(tmp_path: Path) -> None:
    columns: dict[str, Cell] = {"text": lambda row: 40_000 * "long " if row == 1 else "two\nlines here"}
    found = look_at(write(tmp_path / "data.csv", {**columns, "label": BINARY}, 6))
    assert found.rows == 6
    assert len(found.words["text"][1]) == 200_000


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b"text,label\n", "the dataset is empty"),
        ("a.jsonl", b"\n", "the file is empty: expected one JSON object a line"),
        ("a.jsonl", b'{"text": "x"}\n[1]\n', "line 2: expected a JSON object"),
        ("a.jsonl", b'{"text": \n', "line 1: broken JSON"),
        ("a.csv", "text,label\nä b c,x\n".encode("utf-16"), "expected UTF-8, got UTF-16.*iconv -f UTF-16"),
        ("a.csv", b"text,label\n\xe4 b,x\n", "expected UTF-8, got byte 0xe4"),
        ("a.csv", b'text,label\n"never closed,x\n', "cannot be read"),
        ("a.csv", b"text,label\na b,x\na b,x,y\n", "row 2 .line 3.: expected 2 fields"),
        ("a.csv", b"text,text\na b,x\n", 'two columns are called "text"'),
        ("a.parquet", b"none", "not a readable Parquet file"),
        ("a.xlsx", b"PK", "expected a file that ends in .csv"),
    ],
)
def test_a_file_that_no_audit_could_read_is_refused(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AssayError, match=words):
        look_at(tmp_path / name)


def test_a_missing_file_names_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").touch()
    with pytest.raises(AssayError, match=r'Did you mean "reviews\.csv"'):
        look_at(tmp_path / "review.csv")


def test_of_a_large_file_only_the_first_rows_are_read(tmp_path: Path) -> None:
    file = write(tmp_path / "data.csv", {"text": sentence, "label": BINARY}, 2 * ROWS)
    with file.open("ab") as stream:
        stream.write(b"\xff" * (8 << 20))  # never reached: it is not UTF-8
    found = look_at(file)
    assert (found.rows, found.whole) == (ROWS, False)
    exact = look_at(write(tmp_path / "exact.csv", {"text": sentence, "label": BINARY}, ROWS))
    assert (exact.rows, exact.whole) == (ROWS, True)


def rows_of(n: int) -> list[dict[str, Any]]:
    return [{"text": sentence(row), "label": row % 2, "gender": "fm"[row % 2]} for row in range(n)]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_json_lines_and_parquet_are_looked_at_too(tmp_path: Path, suffix: str) -> None:
    file, rows = tmp_path / f"data{suffix}", [row | {"vector": [0.1, 0.2]} for row in rows_of(ROWS + 1)]
    if suffix == ".parquet":
        pd.DataFrame(rows).to_parquet(file)
    else:
        file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = look_at(file)
    assert (found.rows, found.whole, found.nested) == (ROWS, False, ("vector",))
    assert roles(guess(found)) == ("text", None, "label", ("gender",))


def test_the_index_that_pandas_writes_is_no_column(tmp_path: Path) -> None:
    pd.DataFrame(rows_of(20)).to_csv(tmp_path / "data.csv")
    assert list(look_at(tmp_path / "data.csv").words) == ["text", "label", "gender"]


def test_of_an_unsure_id_it_is_said_that_not_all_rows_were_read(tmp_path: Path) -> None:
    found = guessed(tmp_path, {"id": int, "text": sentence, "label": BINARY}, ROWS + 1)
    assert (found.id, found.id_unsure) == ("id", True)


def test_the_guess_does_not_depend_on_the_order_of_columns(tmp_path: Path) -> None:
    columns: dict[str, Cell] = {
        "id": int,
        "text": sentence,
        "label": BINARY,
        "gender": one_of("f", "m", "x"),
        "pred": BINARY,
    }
    rng = np.random.default_rng(0)

    def shuffled() -> dict[str, Cell]:
        names: Sequence[str] = rng.permutation(list(columns)).tolist()
        return {name: columns[name] for name in names}

    found = {
        (*roles(each), each.id, each.prediction) for each in (guessed(tmp_path, shuffled()) for _ in range(8))
    }
    assert found == {("text", None, "label", ("gender",), "id", "pred")}
