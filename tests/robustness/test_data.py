"""What is read, from every format."""

import csv
import json
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attacks.errors import AssayError
from robustness.data import TextDataset, leaked, load

TEXTS = ["null", "NA", 'a "quoted", text', "two\u2028parts", "  kept as it is ", "café \U0001f600"]
LABELS = [1, 0, 1, 0, 10, 2]
GENDERS = ["f", None, "m", "f", "m", None]


def write(folder: Path, suffix: str) -> Path:
    """The same six rows in any format."""
    file = folder / f"d{suffix}"
    columns = {"text": TEXTS, "label": LABELS, "gender": GENDERS}
    rows = list(zip(TEXTS, LABELS, GENDERS, strict=True))
    if suffix == ".csv":
        with file.open("w", newline="", encoding="utf-8-sig") as out:
            csv.writer(out).writerows([list(columns), *rows])
    elif suffix == ".tsv":
        lines = ["\t".join(columns), *(f"{text}\t{label}\t{group or ''}" for text, label, group in rows)]
        file.write_text("\r\n".join(lines), encoding="utf-8", newline="")
    elif suffix in (".jsonl", ".ndjson"):
        records = (dict(zip(columns, row, strict=True)) for row in rows)
        file.write_text(
            "".join(json.dumps(r, ensure_ascii=False) + "\n\n" for r in records), encoding="utf-8"
        )
    elif suffix == ".parquet":
        pq.write_table(pa.table(columns), file)
    else:
        datasets.Dataset.from_dict(columns).save_to_disk(str(file))
    return file


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", "-saved"])
def test_every_format_gives_the_same_dataset(tmp_path: Path, suffix: str) -> None:
    dataset = load(write(tmp_path, suffix), groups=["gender"])
    assert dataset.texts == tuple(TEXTS)
    assert dataset.label_names == ("0", "1", "2", "10")
    assert dataset.labels.tolist() == [1, 0, 1, 0, 3, 2]
    assert dataset.groups["gender"].tolist() == ["f", "(missing)", "m", "f", "m", "(missing)"]
    assert dataset.ids == tuple(f"data:{row}" for row in range(1, 7))
    assert set(dataset.splits.tolist()) == {"test"}
    assert dataset.label_counts == {"0": 2, "1": 2, "2": 1, "10": 1}
    assert dataset.group_counts == {"gender": {"(missing)": 2, "f": 2, "m": 2}}
    assert dataset.fingerprint == load(write(tmp_path, ".csv"), groups=["gender"]).fingerprint


def tiny(**changes: object) -> TextDataset:
    fields: dict[str, object] = {
        "name": "tiny",
        "ids": ("a", "b", "c"),
        "texts": ("x", "y", "z"),
        "text_pairs": None,
        "labels": np.array([0, 1, 1]),
        "label_names": ("neg", "pos"),
        "groups": {"g": np.array(["1", "1", "2"])},
        "splits": np.array(["test", "test", "train"]),
    }
    return TextDataset(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"ids": ("a", "b", "d")},
        {"texts": ("x", "y", "Z")},
        {"text_pairs": ("x", "y", "z")},
        {"labels": np.array([0, 1, 0])},
        {"label_names": ("neg", "positive")},
        {"groups": {"g": np.array(["1", "2", "2"])}},
        {"groups": {"h": np.array(["1", "1", "2"])}},
        {"splits": np.array(["test", "train", "train"])},
    ],
)
def test_the_fingerprint_changes_with_the_contents(changes: dict[str, object]) -> None:
    assert tiny(**changes).fingerprint != tiny().fingerprint


def test_the_fingerprint_ignores_the_name_and_the_order_of_the_labels() -> None:
    same = tiny(name="other", labels=np.array([1, 0, 0]), label_names=("pos", "neg"))
    assert same.fingerprint == tiny().fingerprint
    assert tiny().with_label_names(["pos", "other", "neg"]).fingerprint == tiny().fingerprint


def test_labels_are_reindexed_to_those_of_a_model() -> None:
    dataset = tiny().with_label_names(("pos", "other", "neg"))
    assert (dataset.labels.tolist(), dataset.label_names) == ([2, 0, 0], ("pos", "other", "neg"))


def test_a_label_that_the_model_does_not_know_is_named_with_the_remedy() -> None:
    with pytest.raises(AssayError) as caught:
        tiny().with_label_names(["neg", "posi"])
    for word in ['"pos" (2 examples)', "does not know", "neg, posi", 'Did you mean "posi"?', "`label_map`"]:
        assert word in str(caught.value)


def test_a_label_without_examples_need_not_be_known() -> None:
    dataset = tiny(label_names=("neg", "pos", "unused")).with_label_names(("pos", "neg"))
    assert dataset.labels.tolist() == [1, 0, 0]


def test_unequal_columns_and_double_ids_are_programming_errors() -> None:
    with pytest.raises(ValueError, match="expected 3 labels"):
        tiny(labels=np.array([0, 1]))
    with pytest.raises(ValueError, match="unique"):
        tiny(ids=("a", "a", "b"))
    with pytest.raises(ValueError, match="expected one of train, validation, test"):
        tiny().split("dev")


def test_one_table_may_say_its_splits_and_dev_is_validation(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text("text,label,part\na,0,train\nb,1,train\nc,0,dev\nd,1,val\ne,0,test\nf,1,test\n")
    dataset = load(file, split_column="part")
    assert dataset.splits.tolist() == ["train", "train", "validation", "validation", "test", "test"]
    assert dataset.split("test").texts == ("e", "f")


def test_separate_files_are_the_splits_and_the_rows_keep_their_numbers(tmp_path: Path) -> None:
    for name, text in (("test", "a"), ("train", "b"), ("dev", "c")):
        (tmp_path / f"{name}.tsv").write_text(f'{text} good\t1\n"{text} bad\t0\n')
    dataset = load(
        tmp_path / "test.tsv",
        train_path=tmp_path / "train.tsv",
        validation_path=tmp_path / "dev.tsv",
        columns=["text", "label"],
    )
    assert dataset.ids == ("test:1", "test:2", "train:1", "train:2", "validation:1", "validation:2")
    assert dataset.split("train").texts == ("b good", '"b bad')
    assert dataset.split("validation").ids == ("validation:1", "validation:2")


def test_pairs_are_given_to_the_model_as_pairs(tmp_path: Path) -> None:
    file = tmp_path / "d.jsonl"
    file.write_text('{"p": "a", "h": "b", "y": true}\n{"p": "c", "h": "d", "y": false}\n')
    dataset = load(file, text="p", text_pair="h", label="y")
    assert dataset.inputs == [("a", "b"), ("c", "d")]
    assert dataset.label_names == ("false", "true")
    assert dataset.take([1]).inputs == [("c", "d")]


def test_a_pair_needs_both_texts(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text("text,other,label\na,b,0\nc,,1\n")
    with pytest.raises(AssayError, match=r'row 2 \(line 3\), column "other": the text is empty'):
        load(file, text_pair="other")


def test_label_map_merges_classes_and_labels_give_their_order(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text("text,label\na,0\nb,1\nc,2\n")
    mapping = {"0": "normal", "1": "toxic", "2": "toxic"}
    assert load(file, label_map=mapping).label_counts == {"normal": 1, "toxic": 2}
    ordered = load(file, label_map=mapping, labels=["toxic", "unsure", "normal"])
    assert ordered.label_counts == {"toxic": 2, "unsure": 0, "normal": 1}
    assert ordered.labels.tolist() == [2, 0, 0]


def test_labels_beside_a_gap_that_pandas_made_floats_are_whole_numbers(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a", "b"], "label": [0.0, 1.0]}), tmp_path / "d.parquet")
    assert load(tmp_path / "d.parquet").label_names == ("0", "1")


def test_given_ids_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text("key,text,label\n17,a,0\nx,b,1\n")
    assert load(file, id="key").ids == ("17", "x")


def test_a_text_longer_than_the_limit_of_the_csv_module_is_read(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text(f"text,label\n{'a' * 200_000},0\nb,1\n")
    before = csv.field_size_limit()
    assert len(load(file).texts[0]) == 200_000
    assert csv.field_size_limit() == before


def test_the_nameless_index_that_pandas_writes_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(",text,label\n0,a,x\n1,b,y\n")
    assert load(tmp_path / "d.csv").texts == ("a", "b")


def test_another_delimiter_can_be_given(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text('text;label\n"a;b";0\nc,d;1\n')
    assert load(file, delimiter=";").texts == ("a;b", "c,d")


def test_test_texts_that_also_stand_in_train_are_counted() -> None:
    dataset = tiny(texts=("x", "z", "z"))
    assert leaked(dataset) == 1
    assert leaked(tiny()) == 0
    assert leaked(tiny(texts=("x", "z", "z"), text_pairs=("1", "2", "3"))) == 0
