"""Saved Hugging Face datasets, and the hub without a network."""

from pathlib import Path
from typing import Any, NoReturn

import datasets
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from attacks.errors import AssayError
from robustness.data import load

FEATURES = Features({"text": Value("string"), "label": ClassLabel(names=["pos", "neg"])})


def part(*labels: int, word: str = "w") -> Dataset:
    texts = [f"{word}{row}" for row in range(len(labels))]
    return Dataset.from_dict({"text": texts, "label": list(labels)}, features=FEATURES)


def save(dataset: Any, folder: Path) -> Path:
    dataset.save_to_disk(str(folder))
    return folder


def test_class_labels_are_read_by_name(tmp_path: Path) -> None:
    dataset = load(save(part(0, 1, 1), tmp_path / "d"))
    assert dataset.label_counts == {"neg": 2, "pos": 1}
    assert dataset.ids == ("data:1", "data:2", "data:3")


def test_a_selection_of_a_dataset_is_saved_and_read_as_selected(tmp_path: Path) -> None:
    assert load(save(part(0, 1, 1, 0).select([3, 1]), tmp_path / "d")).texts == ("w3", "w1")


def test_the_splits_of_a_saved_dict_are_used(tmp_path: Path) -> None:
    parts = {"train": part(0, 1, 1, 0), "validation": part(0, 1, word="v"), "test": part(1, 0, word="t")}
    dataset = load(save(DatasetDict(parts), tmp_path / "d"))
    assert dataset.split("test").ids == ("test:1", "test:2")
    assert dataset.split("validation").texts == ("v0", "v1")
    assert len(dataset.split("train")) == 4


def test_the_validation_split_can_be_the_audited_one(tmp_path: Path) -> None:
    """As in GLUE, whose test split has no labels."""
    parts = {"train": part(*[0, 1] * 10), "validation": part(0, 1, word="v"), "test": part(-1, -1)}
    folder = save(DatasetDict(parts), tmp_path / "d")
    dataset = load(folder, split="validation")
    assert dataset.split("test").texts == ("v0", "v1")
    assert (len(dataset.split("train")), len(dataset.split("validation"))) == (18, 2)
    with pytest.raises(AssayError, match=r"\[test\], row 1, column \"label\": the label is missing"):
        load(folder)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({}, ['no split "test"', "train, dev", "`split`"]),
        ({"split": "devv"}, ['no split "devv"', 'Did you mean "dev"?']),
        ({"split": "dev", "train_split": "trian"}, ['"trian"', 'Did you mean "train"?', "`train_split`"]),
        ({"split": "dev", "train_split": "dev"}, ["`train_split`", '"dev" again']),
    ],
)
def test_splits_that_are_not_there_are_named(tmp_path: Path, names: dict[str, str], words: list[str]) -> None:
    folder = save(DatasetDict({"train": part(0, 1), "dev": part(0, 1)}), tmp_path / "d")
    with pytest.raises(AssayError) as caught:
        load(folder, **names)  # type: ignore[arg-type]
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def test_a_dict_beside_other_files_is_refused(tmp_path: Path) -> None:
    folder = save(DatasetDict({"train": part(0, 1), "test": part(0, 1)}), tmp_path / "d")
    with pytest.raises(AssayError, match="holds the splits train, test"):
        load(folder / "test", train_path=folder)
    both = load(folder / "test", train_path=folder / "train", validation_path=folder / "test")
    assert len(both) == 6


def test_a_damaged_folder_is_named(tmp_path: Path) -> None:
    folder = save(part(0, 1), tmp_path / "d")
    (folder / "state.json").write_text("{")
    with pytest.raises(AssayError, match="the saved dataset cannot be read"):
        load(folder)


def test_a_missing_column_of_a_saved_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r'no column "txt"\. Did you mean "text"\?'):
        load(save(part(0, 1), tmp_path / "d"), text="txt")


def refuse(*_: Any, **__: Any) -> NoReturn:
    raise AssertionError("the network was asked")


def test_a_hub_dataset_is_read_like_a_saved_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load_dataset(*arguments: Any, **options: Any) -> DatasetDict:
        asked.append((arguments, options))
        return DatasetDict({"train": part(0, 1, 1, 0), "test": part(1, 0)})

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    dataset = load(hub="org/reviews", hub_config="en", revision="abc")
    assert asked == [(("org/reviews", "en"), {"revision": "abc"})]
    assert (dataset.name, dataset.split("test").ids) == ("org/reviews", ("test:1", "test:2"))


def test_without_a_network_the_dataset_and_the_way_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any, **__: Any) -> NoReturn:
        raise ConnectionError("Couldn't reach 'org/reviews' on the Hub")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with pytest.raises(AssayError) as caught:
        load(hub="org/reviews")
    for word in ["'org/reviews'", "ConnectionError: Couldn't reach", "save_to_disk('FOLDER')", "`path`"]:
        assert word in str(caught.value)


@pytest.mark.parametrize("environment", [False, True])
def test_offline_asks_the_network_nothing(monkeypatch: pytest.MonkeyPatch, environment: bool) -> None:
    monkeypatch.setattr(datasets, "load_dataset", refuse)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1" if environment else "0")
    with pytest.raises(AssayError, match=r"org/reviews.*forbidden \(offline\).*save_to_disk"):
        load(hub="org/reviews", offline=not environment)


def test_a_local_path_never_asks_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    folder = save(part(0, 1), tmp_path / "d")
    (tmp_path / "d.csv").write_text("text,label\na,0\nb,1\n")
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(datasets, "load_dataset", refuse)
    assert len(load(folder)) == len(load(tmp_path / "d.csv")) == 2


def test_a_hub_name_that_is_a_local_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(part(0, 1), tmp_path / "org" / "reviews")
    with pytest.raises(AssayError, match="give it as `path`"):
        load(hub="org/reviews")
