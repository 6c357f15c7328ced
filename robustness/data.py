"""Loads the dataset of an audit from a file, a folder or the hub, and checks it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from attacks.errors import AssayError, nearest
from robustness import cells, splits
from robustness.dataset import SPLITS, TextDataset, leaked
from robustness.readers import Table
from robustness.sources import Parts, read_files, read_hub

__all__ = ["SPLITS", "TextDataset", "leaked", "load"]


def load(
    path: Path | str | None = None,
    *,
    hub: str | None = None,
    hub_config: str | None = None,
    revision: str | None = None,
    split: str | None = None,
    train_split: str | None = None,
    validation_split: str | None = None,
    train_path: Path | str | None = None,
    validation_path: Path | str | None = None,
    split_column: str | None = None,
    text: str = "text",
    text_pair: str | None = None,
    label: str = "label",
    id: str | None = None,
    groups: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    delimiter: str | None = None,
    label_map: Mapping[str, str] | None = None,
    labels: Sequence[str] | None = None,
    test_fraction: float = 0.25,
    validation_fraction: float = 0.1,
    max_examples: int | None = None,
    max_train_examples: int | None = None,
    name: str | None = None,
    seed: int = 0,
    offline: bool = False,
    need_train: bool = False,
) -> TextDataset:
    """Read and check a dataset.

    path: CSV, TSV, JSON Lines, Parquet or a ``save_to_disk`` folder: the audited (test) examples. A local
        path never touches the network. ``hub`` names a dataset on the Hugging Face hub instead.
    split, train_split, validation_split: names of the splits of the hub dataset or saved DatasetDict.
    split_column: a column that says train, validation (dev, val) or test, where one table holds all.
    text, text_pair, label, id, groups: columns. Labels and groups are read as strings.
    columns: the names of all columns of a CSV or TSV without a header row.
    label_map: {value: label}; where given, every value met must be in it.
    labels: the order of the label names; without it they are sorted, numbers in numeric order.
    need_train: cut train examples from the table where the source has none: all but ``test_fraction``.
        Validation, where there is none, is ``validation_fraction`` of train. Both cuts are stratified.
    max_examples, max_train_examples: stratified samples of test and of train (before validation is cut).

    Raises AssayError, naming source, row, column and remedy, for anything that cannot be used as it is.
    """
    if (path is None) == (hub is None):
        raise AssayError(
            "Expected exactly one of `path` (a file or folder) and `hub` (a dataset on the hub)."
        )
    for key, fraction in (("test_fraction", test_fraction), ("validation_fraction", validation_fraction)):
        if not 0 < fraction < 1:
            raise AssayError(f"`{key}`: expected a share between 0 and 1, got {fraction}")
    needed = _roles(text, text_pair, label, id, groups, split_column)
    names = {"test": split, "train": train_split, "validation": validation_split}
    if hub is not None:
        parts = read_hub(hub, needed, names, hub_config, revision, offline)
    else:
        paths = {"test": path, "train": train_path, "validation": validation_path}
        files = {part: None if file is None else Path(file) for part, file in paths.items()}
        parts = read_files(files, needed, columns, delimiter, names)

    tables = list(parts.values())
    ids = [f"{part}:{row + 1}" for part, table in parts.items() for row in range(len(table))]
    if id is not None:
        ids = _column(tables, id, cells.ids_of)
        cells.check_unique_ids(ids, tables, id)
    words = _column(tables, label, lambda table, column: cells.labels_of(table, column, label_map))
    label_names = _label_names(words, labels, tables[0].source)
    index = {word: position for position, word in enumerate(label_names)}
    pairs = None if text_pair is None else tuple(_column(tables, text_pair, cells.texts_of))
    dataset = TextDataset(
        name=name or hub or Path(str(path)).stem,
        ids=tuple(ids),
        texts=tuple(_column(tables, text, cells.texts_of)),
        text_pairs=pairs,
        labels=np.array([index[word] for word in words], dtype=np.int64),
        label_names=label_names,
        groups={column: np.array(_column(tables, column, cells.groups_of)) for column in groups},
        splits=_given_splits(parts, split_column),
    )
    dataset = _divide(
        dataset, need_train, test_fraction, validation_fraction, max_examples, max_train_examples, seed
    )
    _check_classes(dataset)
    return dataset


def _roles(
    text: str,
    text_pair: str | None,
    label: str,
    id: str | None,
    groups: Sequence[str],
    split_column: str | None,
) -> list[str]:
    """The columns in use; AssayError where one column is given two roles."""
    given = [("text", text), ("text_pair", text_pair), ("label", label), ("id", id)]
    given += [("split_column", split_column), *(("groups", column) for column in groups)]
    roles: dict[str, str] = {}
    for role, column in given:
        if column is None:
            continue
        if column in roles:
            raise AssayError(
                f'The column "{column}" is given as `{roles[column]}` and as `{role}`.'
                " Give each role a column of its own."
            )
        roles[column] = role
    return list(roles)


def _column(tables: list[Table], column: str, read: Callable[[Table, str], list[str]]) -> list[str]:
    return [value for table in tables for value in read(table, column)]


def _label_names(words: list[str], labels: Sequence[str] | None, source: str) -> tuple[str, ...]:
    met = set(words)
    if labels is None:
        return cells.ordered_labels(met)
    if len(set(labels)) != len(labels):
        raise AssayError(f"`labels`: a label is given twice: {', '.join(labels)}. Give each once.")
    for word in sorted(met - set(labels)):
        raise AssayError(
            f'{source}: the label "{word}" ({words.count(word):,} rows) is not in `labels`'
            f" ({', '.join(labels)}).{nearest(word, list(labels))} Add it, or map it with `label_map`."
        )
    return tuple(labels)


def _given_splits(parts: Parts, split_column: str | None) -> npt.NDArray[np.str_]:
    """(n,) test, train or validation as the source has it; a table that says nothing is all test."""
    if split_column is None:
        return np.array([_split_of(part) for part, table in parts.items() for _ in range(len(table))])
    if parts.keys() != {"data"}:
        raise AssayError(
            "`split_column` divides one table, but several splits were found. Leave out `split_column`,"
            " or `train_path` and `validation_path`."
        )
    table = parts["data"]
    given = np.array(cells.splits_of(table, split_column))
    if "test" not in given:
        raise AssayError(
            f'{table.source}, column "{split_column}": no row says test, and the audit needs some.'
            " Mark the rows to be audited with test."
        )
    return given


def _split_of(part: str) -> str:
    return "test" if part == "data" else part


def _divide(
    dataset: TextDataset,
    need_train: bool,
    test_fraction: float,
    validation_fraction: float,
    max_examples: int | None,
    max_train_examples: int | None,
    seed: int,
) -> TextDataset:
    """Cut the missing splits and draw the samples; each draw has its own generator of ``seed``."""

    def moved(source: str, target: str, fraction: float, draw: int) -> TextDataset:
        rng = np.random.default_rng([seed, draw])
        return replace(
            dataset, splits=splits.cut(dataset.splits, dataset.labels, source, target, fraction, rng)
        )

    if need_train and "train" not in dataset.splits:
        dataset = moved("test", "train", 1 - test_fraction, draw=0)
    dataset = _sampled(dataset, {"test": max_examples, "train": max_train_examples}, seed)
    if "train" in dataset.splits and "validation" not in dataset.splits:
        dataset = moved("train", "validation", validation_fraction, draw=1)
    return dataset


def _sampled(dataset: TextDataset, sizes: Mapping[str, int | None], seed: int) -> TextDataset:
    kept = set(dataset.ids)
    for part, size in sizes.items():
        whole = dataset.split(part)
        if size is not None and size < len(whole):
            kept -= set(whole.ids) - set(whole.sample(size, seed).ids)
    if len(kept) == len(dataset):
        return dataset
    return dataset.take([row for row, identifier in enumerate(dataset.ids) if identifier in kept])


def _check_classes(dataset: TextDataset) -> None:
    """Nothing can be learnt or audited from one class: AssayError for a test or train split that has one."""
    for part in ("test", "train"):
        examples = dataset.split(part)
        present = [label for label, count in examples.label_counts.items() if count]
        if len(examples) and len(present) < 2:
            raise AssayError(
                f'{dataset.name}: all {len(examples):,} {part} examples have the label "{present[0]}":'
                " expected at least two classes. Add examples of another class, or correct the column given"
                " as `label`."
            )
