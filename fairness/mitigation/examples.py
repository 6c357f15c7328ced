"""Examples that are repeated or rewritten, as a dataset whose ids stay unique."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from robustness.dataset import TextDataset

if TYPE_CHECKING:
    from attacks.victims import TextInput


def repeated(dataset: TextDataset, rows: Sequence[int] | np.ndarray) -> TextDataset:
    """The examples at ``rows``, of which some may be there several times: the second gets the id ``ID~2``."""
    rows = np.asarray(rows, dtype=np.int64)
    return replace(
        dataset,
        ids=_ids([dataset.ids[row] for row in rows], dataset.ids),
        texts=tuple(dataset.texts[row] for row in rows),
        text_pairs=None if dataset.text_pairs is None else tuple(dataset.text_pairs[row] for row in rows),
        labels=dataset.labels[rows],
        groups={column: values[rows] for column, values in dataset.groups.items()},
        splits=dataset.splits[rows],
    )


def rewritten(dataset: TextDataset, texts: Sequence["TextInput"]) -> TextDataset:
    """The same examples with other texts (n), or pairs of texts where they are pairs."""
    if dataset.text_pairs is None:
        return replace(dataset, texts=tuple(map(str, texts)))
    return replace(
        dataset, texts=tuple(text[0] for text in texts), text_pairs=tuple(text[1] for text in texts)
    )


def with_copies(dataset: TextDataset, copies: Iterable[tuple[int, "TextInput"]]) -> TextDataset:
    """``dataset`` and after it a copy of a row's example for each (row, text), with that text."""
    made = list(copies)
    rows = [*range(len(dataset)), *(row for row, _ in made)]
    return rewritten(repeated(dataset, rows), [*dataset.inputs, *(text for _, text in made)])


def _ids(wanted: Sequence[str], taken: Sequence[str]) -> tuple[str, ...]:
    """``wanted`` (n), each occurrence but the first of an id with a number that makes it unique."""
    used, times = set(taken), dict.fromkeys(wanted, 0)
    ids = []
    for plain in wanted:
        times[plain] += 1
        found = plain
        while times[plain] > 1 and (found := f"{plain}~{times[plain]}") in used:
            times[plain] += 1
        used.add(found)
        ids.append(found)
    return tuple(ids)
