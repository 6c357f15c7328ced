"""Samples and cuts: seeded, stratified, in order."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from attacks.errors import AssayError
from robustness.data import TextDataset, load
from robustness.splits import stratified_choice


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """400 rows: 100 of class a, 300 of class b."""
    path = tmp_path / "d.csv"
    rows = "".join(f"text {row},{'a' if row % 4 == 0 else 'b'}\n" for row in range(400))
    path.write_text("text,label\n" + rows)
    return path


def counts(dataset: TextDataset) -> dict[str, dict[str, int]]:
    return {part: dataset.split(part).label_counts for part in ("train", "validation", "test")}


def test_without_training_every_row_is_audited(file: Path) -> None:
    assert len(load(file).split("test")) == 400


def test_one_file_is_cut_into_stratified_splits_when_training_needs_them(file: Path) -> None:
    dataset = load(file, need_train=True)
    assert counts(dataset) == {
        "train": {"a": 67, "b": 203},
        "validation": {"a": 8, "b": 22},
        "test": {"a": 25, "b": 75},
    }
    assert dataset.texts == load(file).texts, "the order of the file is kept"


def test_the_fractions_are_kept(file: Path) -> None:
    dataset = load(file, need_train=True, test_fraction=0.5, validation_fraction=0.2)
    assert counts(dataset)["test"] == {"a": 50, "b": 150}
    assert counts(dataset)["validation"] == {"a": 10, "b": 30}


def test_the_same_seed_cuts_the_same_and_another_cuts_otherwise(file: Path) -> None:
    first, again, other = (load(file, need_train=True, seed=seed) for seed in (1, 1, 2))
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != other.fingerprint
    assert first.ids == other.ids, "an example keeps its id whatever split it falls in"


def test_validation_is_cut_from_a_given_train_file(file: Path) -> None:
    dataset = load(file, train_path=file, max_train_examples=40)
    assert counts(dataset)["train"] == {"a": 9, "b": 27}
    assert counts(dataset)["validation"] == {"a": 1, "b": 3}
    assert len(dataset.split("test")) == 400


def test_a_sample_keeps_the_shares_and_the_order(file: Path) -> None:
    dataset = load(file, max_examples=100)
    assert dataset.label_counts == {"a": 25, "b": 75}
    rows = [int(identifier.removeprefix("data:")) for identifier in dataset.ids]
    assert rows == sorted(rows)
    assert all(text == f"text {row - 1}" for text, row in zip(dataset.texts, rows, strict=True))


def test_a_sample_as_large_as_the_data_is_the_data(file: Path) -> None:
    dataset = load(file)
    assert dataset.sample(400, seed=3) is dataset
    assert dataset.sample(40, seed=3).ids == dataset.sample(40, seed=3).ids != dataset.sample(40, seed=4).ids


def test_shares_are_rounded_by_largest_remainder() -> None:
    labels = np.array([0] * 5 + [1] * 3 + [2] * 2)
    chosen = stratified_choice(labels, 3, np.random.default_rng(0))
    # 3 of 10: exact shares 1.5, 0.9, 0.6; floors 1, 0, 0; the largest remainders are 0.9 and 0.6.
    assert Counter(labels[chosen].tolist()) == {0: 1, 1: 1, 2: 1}
    assert stratified_choice(labels, 10, np.random.default_rng(0)).tolist() == list(range(10))
    assert stratified_choice(labels, 0, np.random.default_rng(0)).tolist() == []


def test_every_row_can_be_drawn() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    drawn = {
        int(row) for seed in range(50) for row in stratified_choice(labels, 2, np.random.default_rng(seed))
    }
    assert drawn == set(range(6))


def test_a_cut_that_leaves_one_class_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("text,label\n" + "a,0\n" * 30 + "b,1\n")
    with pytest.raises(AssayError, match=r'all 8 test examples have the label "0"'):
        load(path, need_train=True)
