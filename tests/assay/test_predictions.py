"""Reading predictions: every format, and every cell or option that is refused."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.prediction_columns import read_columns
from assay.prediction_roles import roles_of
from assay.predictions import read_predictions
from attacks.errors import AssayError
from tests.assay.prediction_files import HEADER, read, rows, write


@pytest.mark.parametrize("suffix", ["tsv", "jsonl", "parquet"])
def test_every_format_gives_the_same_assessment(tmp_path: Path, suffix: str) -> None:
    # The label is a number in those formats that have numbers: 1, 1.0 and "1" are one label there.
    table = [[str(i % 2), str((i + i // 7) % 2), f"{(i % 10) / 10}", "a\tb"[i % 3]] for i in range(120)]
    table = [[a, b, c, "x" if d == "\t" else d] for a, b, c, d in table]
    expected = read(write(tmp_path / "p.csv", table), "score")
    path = tmp_path / f"p.{suffix}"
    if suffix == "tsv":
        path.write_text("\n".join("\t".join(row) for row in [HEADER, *table]) + "\n", encoding="utf-8")
    elif suffix == "jsonl":
        records = [
            {"text": "…", "label": int(a), "predicted": float(b), "score": float(c), "gender": d}
            for a, b, c, d in table
        ]
        path.write_text("\n".join(map(json.dumps, records)) + "\n", encoding="utf-8")
    else:
        labels, predicted, scores, groups = zip(*table, strict=True)
        columns = {
            "label": pa.array(map(int, labels)),
            "predicted": pa.array(map(float, predicted)),
            "score": pa.array(map(float, scores), type=pa.float32()),
            "gender": pa.array(groups).dictionary_encode(),
        }
        pq.write_table(pa.table(columns), path)
    found = read(path, "score")
    assert found.label_names == expected.label_names == ("0", "1")
    assert (found.y_true == expected.y_true).all()
    assert (found.y_pred == expected.y_pred).all()
    assert found.scores is not None
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-7)
    assert (found.groups["gender"].cells() == expected.groups["gender"].cells()).all()


def test_texts_with_quotes_delimiters_and_line_breaks_move_no_row(tmp_path: Path) -> None:
    table = [
        [*row, text]
        for row, text in zip(rows(40), ['he said "no"', "a, b", "two\nlines", "\ufeff", ""] * 8, strict=True)
    ]
    wide = read(write(tmp_path / "wide.csv", table, [*HEADER, "text"]), "score")
    narrow = read(write(tmp_path / "narrow.csv", rows(40)), "score")
    assert (wide.y_true == narrow.y_true).all()
    assert (wide.groups["gender"].codes == narrow.groups["gender"].codes).all()


def test_one_column_of_scores_is_that_of_the_positive_label(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", rows(40))
    plain, named = read(path, "score"), read(path, "normal=score")
    turned = read(path, "score", positive_label="normal")
    assert plain.scores is not None
    assert named.scores is not None
    assert turned.scores is not None
    assert plain.scores[0, 1] == float(rows(40)[0][2])
    assert (named.scores == plain.scores[:, ::-1]).all()
    assert (turned.scores == named.scores).all()


@pytest.mark.parametrize(
    ("row", "options", "message"),
    [
        (None, {"groups": ["gendre"]}, 'there is no column "gendre". Did you mean "gender"?'),
        (["", "toxic", "0.9", "m"], {}, 'p.csv, row 3, column "label": the label is missing'),
        (["toxic", " ", "0.9", "m"], {}, 'p.csv, row 3, column "predicted": the prediction is missing'),
        (
            ["toxic", "toxic", "", "m"],
            {},
            'row 3, column "score": expected a probability between 0 and 1, got none',
        ),
        (
            ["toxic", "toxic", "nan", "m"],
            {},
            'row 3, column "score": expected a probability between 0 and 1, got none',
        ),
        (
            ["toxic", "toxic", "1.5", "m"],
            {},
            'row 3, column "score": expected a probability between 0 and 1, got 1.5',
        ),
        (["toxic", "toxic", "-0.1", "m"], {}, "got -0.1"),
        (["toxic", "toxic", "inf", "m"], {}, "got inf"),
        (["toxic", "toxic", "high", "m"], {}, "row 3, column \"score\": expected a number, got 'high'"),
        (
            ["toxic", "Toxic", "0.9", "m"],
            {},
            'the prediction "Toxic" (1 row) is none of the labels (normal, '
            'toxic). It differs from the label "toxic" only in how it is spelt.',
        ),
        (
            ["toxic", "toxik", "0.9", "m"],
            {},
            'Did you mean "toxic"? Correct the column; if the model has labels',
        ),
        (
            ["rude", "toxic", "0.9", "m"],
            {"labels": ["normal", "toxic"]},
            'row 3, column "label": the label "rude" is not in --labels',
        ),
        (None, {"positive_label": "toxi"}, 'Did you mean "toxic"?'),
        (["toxic", "toxic", "0.9", "m", "more"], {}, "row 3 (line 4): expected 4 fields"),
        (['to"xic', "toxic", "0.9"], {}, "row 3 (line 4): expected 4 fields"),
    ],
)
def test_bad_cells_are_refused_with_column_and_row(
    tmp_path: Path, row: list[str] | None, options: dict[str, Any], message: str
) -> None:
    table = rows(2) + ([row] if row else []) + rows(60)
    path = write(tmp_path / "p.csv", table)
    with pytest.raises(AssayError, match=re.escape(message)):
        read(path, "score", **options)


@pytest.mark.parametrize(
    ("labels", "predictions"),
    [(["0", "1"], ["0.0", "1.0"]), (["true", "false"], ["1", "0"]), (["False", "True"], ["false", "true"])],
)
def test_two_spellings_of_the_same_labels_are_named_as_such(
    tmp_path: Path, labels: list[str], predictions: list[str]
) -> None:
    table = [[labels[i % 2], predictions[i % 2], "0.5", "g"] for i in range(10)]
    with pytest.raises(AssayError, match=r"only in how it is spelt\. Write both columns alike"):
        read(write(tmp_path / "p.csv", table))


def test_a_label_that_only_the_model_knows_is_allowed_where_all_are_named(tmp_path: Path) -> None:
    table = [["a", "c", "", "g"], ["b", "b", "", "h"]] * 5
    path = write(tmp_path / "p.csv", table)
    with pytest.raises(AssayError, match="name all labels with --labels A,B,C"):
        read(path)
    assert read(path, labels=["a", "b", "c"]).y_pred.tolist() == [2, 1] * 5


def test_a_column_of_groups_that_is_blank_everywhere_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", [[*row[:3], " "] for row in rows(10)])
    with pytest.raises(AssayError, match=r'p\.csv, column "gender": all 10 cells are blank'):
        read(path)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1", "0", "maybe", "no"], 'row 3, column "black": expected 0 or 1 .* got "maybe"\\. Fill'),
        (["1", "", "maybe", ""], r'row 2, column "black": .* got a blank cell \(and 2 more rows\)\.'),
        (["", "", "", ""], r'row 1, column "black": .* got a blank cell \(and 3 more rows\)'),
        (["1", "0", "2", "3"], r'row 3, .* got "2" \(and 1 more row\)\.'),
    ],
)
def test_a_cell_of_overlapping_groups_is_refused_with_file_and_row(
    tmp_path: Path, cells: list[str], message: str
) -> None:
    table = [["ab"[i % 2], "a", cell, "1"] for i, cell in enumerate(cells)]
    path = write(tmp_path / "p.csv", table, ["label", "predicted", "black", "muslim"])
    roles = roles_of(["label"], ["predicted"], [], [], ["identity=muslim,black"])
    with pytest.raises(AssayError, match=r"p\.csv, " + message):
        read_predictions(path, roles)


def test_overlapping_groups_may_be_spelt_in_any_way_that_says_yes_or_no(tmp_path: Path) -> None:
    cells = ["1", "0", " Yes ", "no", "TRUE", "False", "1.0", "0.0"]
    table = [["ab"[i % 2], "a", cell] for i, cell in enumerate(cells)]
    path = write(tmp_path / "p.csv", table, ["label", "predicted", "black"])
    found = read_predictions(path, roles_of(["label"], ["predicted"], [], [], ["identity=black"]))
    assert set(found.groups) == {"black"}


def test_one_label_only_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", [["a", "a", "", "g"]] * 5)
    with pytest.raises(AssayError, match='all 5 rows have the label "a": expected at least two'):
        read(path)
    path = write(tmp_path / "p.csv", [["a", "a", "", "g"]])
    with pytest.raises(AssayError, match='the one row has the label "a": expected at least two'):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.csv", "", "the dataset is empty"),
        ("p.csv", "label,predicted,score,gender\n", "the dataset is empty: expected at least one row"),
        ("p.jsonl", "\n\n", "the dataset is empty"),
        ("p.jsonl", '{"label": "a", "predicted": "a", "gender": "g"}\n{"label"\n', "line 2: broken JSON"),
        ("p.jsonl", '["a"]\n', "line 1: expected a JSON object"),
        ("p.jsonl", '{"label": "a", "label": "b"}\n', 'the key "label" is given twice'),
        ("p.jsonl", '{"label": ["a"], "predicted": "a", "gender": "g"}\n', "row 1 (line 1)"),
        ("p.jsonl", '{"label": "\\ud800", "predicted": "a", "gender": "g"}\n', "row 1 (line 1)"),
        ("p.jsonl", '{"label": "a", "predicted": "a"}\n', 'there is no column "gender"'),
        ("p.csv", 'label,predicted,gender\na,"a,g\nb,b,g\n', "line"),
        ("p.csv", "label,predicted,gender,gender\na,a,g,g\n", 'two columns are called "gender"'),
        ("p.parquet", "nothing", "not a readable Parquet file"),
        ("p.xlsx", "nothing", "expected a file that ends in .csv"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(AssayError, match=re.escape(message)):
        read(tmp_path / name)


def test_a_file_that_is_not_utf8_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes(b"label,predicted,gender\nd\xe9j\xe0,a,g\n")
    with pytest.raises(AssayError, match="expected UTF-8, got byte 0xe9"):
        read(tmp_path / "p.csv")
    with pytest.raises(AssayError, match=r'Did you mean "p\.csv"'):
        read(tmp_path / "pp.csv")


def test_lists_in_a_parquet_column_are_refused_with_their_row(tmp_path: Path) -> None:
    table = {"label": ["a", "b"], "predicted": ["a", "b"], "gender": [["x"], ["y", "z"]]}
    pq.write_table(pa.table(table), tmp_path / "p.parquet")
    with pytest.raises(AssayError, match='row 1, column "gender": expected one value'):
        read(tmp_path / "p.parquet")


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (["score"], "say whose probability it holds, for all of them: --score LABEL=COLUMN"),
        (["a=score"], "with 3 labels each needs the column of its probability; missing: b, c"),
        (["a=score", "d=other"], 'there is no label "d"'),
    ],
)
def test_scores_of_three_labels_need_a_column_each(tmp_path: Path, scores: list[str], message: str) -> None:
    table = [["abc"[i % 3], "abc"[i % 3], "0.5", "0.2", "g"] for i in range(9)]
    path = write(tmp_path / "p.csv", table, ["label", "predicted", "score", "other", "gender"])
    with pytest.raises(AssayError, match=re.escape(message)):
        read(path, *scores)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"groups": []}, "expected whom to compare: give --group COLUMN"),
        ({"label": ["a", "b"]}, "--label: expected the name of one column, got a, b."),
        ({"prediction": ["y"]}, 'the column "y" is given as --label and as --prediction'),
        ({"groups": ["g", "g"]}, 'the column "g" is given twice as --group. Give it once.'),
        ({"ids": ["a", "b"]}, "--id: expected the name of one column, got a, b."),
        ({"ids": ["y"]}, 'the column "y" is given as --label and as --id'),
        ({"groups": ["p"]}, 'the column "p" is given as --prediction and as --group'),
        ({"scores": ["s", "t"]}, "of several columns each must say whose probability it holds"),
        ({"scores": ["a=s", "a=t"]}, 'the label "a" is given twice'),
        ({"scores": ["a=s", "b=s"]}, 'the column "s" is given twice as --score'),
        ({"scores": ["a="]}, "expected COLUMN or LABEL=COLUMN"),
        ({"overlapping": ["id"]}, 'expected NAME=COLUMN,COLUMN, got "id"'),
        ({"overlapping": ["id=a,,b"]}, "with commas between them"),
        ({"overlapping": ["id=a,a"]}, "expected different names"),
        ({"overlapping": ["id=a", "id=b"]}, 'the name "id" is given twice'),
        ({"overlapping": ["g=a,b"]}, '"g" is given as --group and as the name of --overlapping'),
        ({"overlapping": ["id=y,b"]}, 'the column "y" is given as --label and in --overlapping'),
    ],
)
def test_options_that_contradict_each_other_are_refused(given: dict[str, list[str]], message: str) -> None:
    usual: dict[str, list[str]] = {"label": ["y"], "prediction": ["p"], "scores": [], "groups": ["g"]}
    with pytest.raises(AssayError, match=re.escape(message)):
        roles_of(**(usual | {"overlapping": []} | given))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_ids_are_read_as_they_are_and_must_be_there_and_different(tmp_path: Path, suffix: str) -> None:
    def ids(*given: object) -> tuple[str, ...] | None:
        table = {"id": list(given), "y": ["a", "b", "a"], "p": ["a", "b", "b"], "g": ["m", "w", "m"]}
        file = tmp_path / f"answers{suffix}"
        if suffix == ".parquet":
            pq.write_table(pa.table(table), file)
        elif suffix == ".csv":
            write(file, list(zip(*table.values(), strict=True)), list(table))
        else:
            lines = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
            file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return read_predictions(file, roles_of(["y"], ["p"], [], ["g"], [], ["id"])).ids

    assert ids("e7", "e1", "é") == ("e7", "e1", "é")
    assert ids(12, 7, 3) == ("12", "7", "3")
    with pytest.raises(AssayError, match=r'row 3, column "id": the id "x" is also that of row 1[.] Make'):
        ids("x", "y", "x")
    with pytest.raises(AssayError, match=r'row 2, column "id": the id is missing[.] Fill it in'):
        ids("x", None, "y")


def test_many_rows_are_kept_as_codes_not_as_cells(tmp_path: Path) -> None:
    n = 200_000
    path = write(tmp_path / "p.csv", [["a", "b", "0.25", "g"], ["b", "b", "0.5", "h"]] * (n // 2))
    columns = read_columns(path, ["label", "predicted", "gender"], ["score"])
    assert columns.n == n
    assert columns.words["label"].counts() == {"a": n // 2, "b": n // 2}
    assert columns.words["predicted"].values == ("b",)
    assert columns.numbers["score"].sum() == 0.375 * n
    cells = columns.words["gender"].cells()
    assert len({id(cell) for cell in cells}) == 2
