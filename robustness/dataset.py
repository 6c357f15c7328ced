"""The dataset of an audit as frozen data: texts, labels, groups and splits."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from attacks.errors import AssayError, nearest
from robustness.splits import stratified_choice

if TYPE_CHECKING:  # attacks.victims imports torch, which reading data does not need
    from attacks.victims import TextInput

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class TextDataset:
    """``n`` labelled texts.

    ids: n unique strings: the id column, or part and row, for example ``train:17`` (from 1).
    texts: n texts; text_pairs: n second texts, or None.
    labels: (n,) int64, indices into label_names.
    groups: {column: (n,) str}; a missing value is the group ``(missing)``.
    splits: (n,) str: train, validation or test (the audited examples).
    """

    name: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    text_pairs: tuple[str, ...] | None
    labels: npt.NDArray[np.int64]
    label_names: tuple[str, ...]
    groups: dict[str, npt.NDArray[np.str_]]
    splits: npt.NDArray[np.str_]

    def __post_init__(self) -> None:
        columns = {"ids": self.ids, "labels": self.labels, "splits": self.splits, **self.groups}
        if self.text_pairs is not None:
            columns["text_pairs"] = self.text_pairs
        for name, column in columns.items():
            if len(column) != len(self.texts):
                raise ValueError(f"expected {len(self.texts)} {name}, one for each text, got {len(column)}")
        if len(set(self.ids)) != len(self.ids):
            raise ValueError("the ids of a TextDataset must be unique")

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def inputs(self) -> "list[TextInput]":
        """What a classifier is asked: n texts, or n pairs (text, text_pair)."""
        if self.text_pairs is None:
            return list(self.texts)
        return list(zip(self.texts, self.text_pairs, strict=True))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the contents, the same from whatever format they were read.

        Ids, texts, labels by name, groups and splits count, in order; name and label order do not.
        """
        digest = hashlib.sha256()
        columns = sorted(self.groups)
        digest.update(json.dumps(columns).encode())
        for row, (identifier, text) in enumerate(zip(self.ids, self.texts, strict=True)):
            record = [
                identifier,
                text,
                None if self.text_pairs is None else self.text_pairs[row],
                self.label_names[self.labels[row]],
                str(self.splits[row]),
                [str(self.groups[column][row]) for column in columns],
            ]
            digest.update(json.dumps(record).encode())
        return digest.hexdigest()

    @property
    def label_counts(self) -> dict[str, int]:
        """{label: number of examples}, in the order of label_names, zeros included."""
        counts = np.bincount(self.labels, minlength=len(self.label_names))
        return {name: int(count) for name, count in zip(self.label_names, counts, strict=True)}

    @property
    def group_counts(self) -> dict[str, dict[str, int]]:
        """{group column: {value: number of examples}}, values sorted."""
        return {
            column: dict(sorted(Counter(values.tolist()).items())) for column, values in self.groups.items()
        }

    def take(self, indices: Sequence[int] | npt.NDArray[np.int64]) -> "TextDataset":
        """The examples at ``indices``, in that order."""
        rows = np.asarray(indices, dtype=np.int64)
        pairs = self.text_pairs
        return replace(
            self,
            ids=tuple(self.ids[row] for row in rows),
            texts=tuple(self.texts[row] for row in rows),
            text_pairs=None if pairs is None else tuple(pairs[row] for row in rows),
            labels=self.labels[rows],
            groups={column: values[rows] for column, values in self.groups.items()},
            splits=self.splits[rows],
        )

    def split(self, name: str) -> "TextDataset":
        """The examples of one split, possibly none; ValueError unless train, validation or test."""
        if name not in SPLITS:
            raise ValueError(f"expected one of {', '.join(SPLITS)}, got {name!r}")
        return self.take(np.flatnonzero(self.splits == name))

    def sample(self, n: int, seed: int) -> "TextDataset":
        """``n`` examples that keep the shares of the labels and their order; all where n >= len."""
        if n < 1:
            raise AssayError(f"A sample needs at least 1 example, got {n}.")
        if n >= len(self):
            return self
        return self.take(stratified_choice(self.labels, n, np.random.default_rng(seed)))

    def with_label_names(self, names: Sequence[str]) -> "TextDataset":
        """The same data with labels as indices into ``names``, for example those of a model.

        Raises AssayError for a label that occurs in the data and is not in ``names``.
        """
        for label, count in self.label_counts.items():
            if count and label not in names:
                example = json.dumps(label) + " = " + json.dumps(names[0] if names else "")
                raise AssayError(
                    f'{self.name}: the label "{label}" ({count:,} examples) is one that the model does not'
                    f" know. Labels of the model: {', '.join(names)}.{nearest(label, list(names))}"
                    f" Map it with the key `label_map` of [data], for example label_map = {{ {example} }}."
                )
        # A name without examples may have no place in `names`; its code is then never looked up.
        codes = np.array([names.index(n) if n in names else -1 for n in self.label_names], dtype=np.int64)
        return replace(self, labels=codes[self.labels], label_names=tuple(names))


def leaked(dataset: TextDataset) -> int:
    """Number of test examples whose text (and pair) also stands, letter for letter, in the train split."""
    train = set(dataset.split("train").inputs)
    return sum(example in train for example in dataset.split("test").inputs)
