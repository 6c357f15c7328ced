"""Columns of a large table as arrays: names as codes into their different values, and numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assay.prediction_formats import Coded, coded_list, read_raw
from attacks.errors import AssayError
from robustness.cells import groups_of
from robustness.readers import Table, check_not_empty, read_table


@dataclass(frozen=True)
class Words:
    """A column of names. values: the different ones, a blank cell as ``(missing)``; codes: (n,) int64."""

    values: tuple[str, ...]
    codes: np.ndarray

    def rows_of(self, value: str) -> np.ndarray:
        """The rows that hold ``value``, ascending."""
        if value not in self.values:
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(self.codes == self.values.index(value))

    def cells(self) -> np.ndarray:
        """The names (n,) themselves; cells of one name share one string."""
        return np.asarray(np.array(self.values, dtype=object)[self.codes])

    def counts(self) -> dict[str, int]:
        """{value: number of rows}, values sorted."""
        counts = np.bincount(self.codes, minlength=len(self.values)).tolist()
        return dict(sorted(zip(self.values, counts, strict=True)))


@dataclass(frozen=True)
class Columns:
    """sha256: of the file. n: rows. words: {column: names}. numbers: {column: (n,) float64}, NaN if blank."""

    source: str
    sha256: str
    n: int
    words: dict[str, Words]
    numbers: dict[str, np.ndarray]

    def place(self, column: str, row: int) -> str:
        """How messages name a cell: rows count from 1, without the header."""
        return f'{self.source}, row {row + 1}, column "{column}"'


def read_columns(path: Path, words: Sequence[str], numbers: Sequence[str]) -> Columns:
    """The columns ``words`` and ``numbers`` of a CSV, TSV, JSON Lines or Parquet file.

    Words are spelt as ``robustness.cells`` spells labels and groups: 1 and 1.0 in JSON and Parquet are both
    ``1``; in CSV and TSV every cell is the text that it is.
    Raises AssayError, naming file, column and row, for a file that cannot be read, no rows, and a cell of
    ``numbers`` that is none.
    """
    raw = read_raw(path, words, numbers)
    n = len(next(iter(raw.cells.values())))
    check_not_empty(Table(str(path), {"row": [None] * min(n, 1)}))
    return Columns(
        source=str(path),
        sha256=raw.sha256,
        n=n,
        words={column: _words(raw.cells[column], path, column) for column in words},
        numbers={column: _numbers(raw.cells[column], path, column) for column in numbers},
    )


def _words(cells: Any, path: Path, column: str) -> Words:
    """The names of a column: each different cell is spelt once, and what is spelt alike is one name."""
    import pyarrow as pa

    try:
        coded = _coded(cells)
        spelt = groups_of(Table(str(path), {column: coded.values}), column)
    except (AssayError, TypeError, pa.ArrowException):
        # Among the different cells the row is not known: the whole column is looked at to name it.
        groups_of(read_table(path, [column]), column)
        raise
    codes = np.asarray(coded.codes, dtype=np.int64)
    used = np.bincount(codes, minlength=len(spelt)) > 0
    values = tuple(dict.fromkeys(word for word, here in zip(spelt, used, strict=True) if here))
    place = {value: i for i, value in enumerate(values)}
    return Words(values, np.array([place.get(word, -1) for word in spelt], dtype=np.int64)[codes])


def _coded(cells: Any) -> Coded:
    if isinstance(cells, Coded):
        return cells
    if isinstance(cells, list):
        return coded_list(cells)
    import pyarrow as pa

    if not pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_encode()
    whole = pa.chunked_array(cells.unify_dictionaries().chunks, type=cells.type).combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # of no rows, or too large for one chunk
        chunks = whole.chunks
        dictionary = chunks[0].dictionary.to_pylist() if chunks else []
        indices = [chunk.indices.fill_null(len(dictionary)).to_numpy() for chunk in chunks]
        codes = np.concatenate(indices) if indices else np.empty(0, dtype=np.int64)
    else:
        dictionary = whole.dictionary.to_pylist()
        codes = whole.indices.fill_null(len(dictionary)).to_numpy()
    return Coded([*dictionary, None], codes)


def _numbers(cells: Any, path: Path, column: str) -> np.ndarray:
    if not isinstance(cells, list):
        import pyarrow as pa

        try:
            return np.asarray(_cast(cells).to_numpy(zero_copy_only=False), dtype=np.float64)
        except pa.ArrowException:
            cells = cells.to_pylist()
    numbers = np.empty(len(cells))
    for row, cell in enumerate(cells):
        blank = cell is None or (isinstance(cell, str) and not cell.strip())
        try:
            numbers[row] = math.nan if blank else float(cell)
        except (TypeError, ValueError):
            raise AssayError(
                f'{path}, row {row + 1}, column "{column}": expected a number, got {ascii(cell)[:40]}.'
            ) from None
    return numbers


def _cast(cells: Any) -> Any:
    """An Arrow array as float64; a blank text is null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(cells.type):
        trimmed = pc.utf8_trim_whitespace(cells)
        cells = pc.if_else(pc.equal(trimmed, ""), None, trimmed)
    return cells.cast(pa.float64()).combine_chunks()
