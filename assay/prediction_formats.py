"""The cells of some columns of a large file, in the compact form that each format allows.

``robustness.readers`` keeps a Python object for every cell, which a million rows with texts have no room for.
What cannot be read here is handed to it: it knows what is wrong, and in which row.
"""

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attacks.errors import AssayError
from robustness.readers import SUFFIXES, check_columns, check_exists, read_table

BLOCK = 1 << 20


@dataclass(frozen=True)
class Coded:
    """n cells as their different values and codes (n,) into these."""

    values: list[Any]
    codes: Sequence[int] | np.ndarray

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True)
class RawColumns:
    """sha256: of the file. cells: {column: an Arrow chunked array, a list or ``Coded``}."""

    sha256: str
    cells: dict[str, Any]


def read_raw(path: Path, words: Sequence[str], numbers: Sequence[str]) -> RawColumns:
    """The columns ``words`` (few different values) and ``numbers`` of a file whose suffix tells its format.

    Raises AssayError for what ``robustness.readers.read_table`` refuses.
    """
    check_exists(path)
    suffix, needed = path.suffix.lower(), [*words, *numbers]
    if suffix not in SUFFIXES or path.is_dir():
        raise AssayError(
            f'{path}: expected a file that ends in {", ".join(SUFFIXES)}, got "{path.name}". Convert it, or '
            "correct its name."
        )
    try:
        sha256, quotes = _scan(path)
        if suffix == ".parquet":
            return RawColumns(sha256, _read_parquet(path, needed))
        if suffix in (".csv", ".tsv"):
            cells = _read_delimited(path, words, numbers, quotes)
        else:
            cells = _read_json_lines(path, words, numbers)
        return RawColumns(sha256, read_table(path, needed).columns if cells is None else cells)
    except OSError as error:
        raise AssayError(f"{path}: cannot be read: {error.strerror or error}") from error


def _scan(path: Path) -> tuple[str, int]:
    """The SHA-256 of a file, and how many quotation marks it holds."""
    digest, quotes = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            quotes += block.count(b'"')
    return digest.hexdigest(), quotes


def _read_delimited(
    path: Path, words: Sequence[str], numbers: Sequence[str], quotes: int
) -> dict[str, Any] | None:
    """Arrow arrays of text; None where only the strict reader can tell whether something is wrong.

    In Arrow a quotation mark that is never closed swallows the rest of the file: their number is then odd.
    """
    import pyarrow as pa
    from pyarrow.csv import ConvertOptions, ParseOptions, read_csv

    tsv = path.suffix.lower() == ".tsv"
    if quotes % 2 and not tsv:
        return None
    named = pa.dictionary(pa.int32(), pa.string())
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if tsv else csv.reader(file)
            header = next((line for line in lines if line), [])
        if not header:
            return None
        check_columns(header, [*words, *numbers], str(path))
        table = read_csv(
            path,
            parse_options=ParseOptions(
                delimiter="\t" if tsv else ",", quote_char=False if tsv else '"', newlines_in_values=not tsv
            ),
            convert_options=ConvertOptions(
                include_columns=[*words, *numbers],
                column_types={**dict.fromkeys(words, named), **dict.fromkeys(numbers, pa.string())},
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowException, UnicodeDecodeError, csv.Error):
        return None
    return {column: table.column(column) for column in (*words, *numbers)}


def _read_json_lines(path: Path, words: Sequence[str], numbers: Sequence[str]) -> dict[str, Any] | None:
    """Coded words and lists of numbers; None where the strict reader must say what is wrong."""
    pools: dict[str, dict[tuple[type, Any], int]] = {column: {} for column in words}
    codes: dict[str, list[int]] = {column: [] for column in words}
    plain: dict[str, list[Any]] = {column: [] for column in numbers}
    present: dict[str, None] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for content in file:
                if not content.strip():
                    continue
                record = json.loads(content, object_pairs_hook=_record)
                present.update(dict.fromkeys(record))
                for column, pool in pools.items():
                    codes[column].append(_code(pool, record.get(column)))
                for column, cells in plain.items():
                    cells.append(record.get(column))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    if not present.keys() >= {*words, *numbers}:
        return None
    return {column: Coded([cell for _, cell in pools[column]], codes[column]) for column in words} | plain


def coded_list(cells: Sequence[Any]) -> Coded:
    """The cells of a list by their different values; raises TypeError for a cell that is a list itself."""
    pool: dict[tuple[type, Any], int] = {}
    codes = [_code(pool, cell) for cell in cells]
    return Coded([cell for _, cell in pool], codes)


def _code(pool: dict[tuple[type, Any], int], cell: Any) -> int:
    # With its type: 1, 1.0 and true are equal in Python, but not the same word.
    return pool.setdefault((type(cell), cell), len(pool))


def _record(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a key is given twice")
    return record


def _read_parquet(path: Path, needed: Sequence[str]) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            check_columns(file.schema_arrow.names, needed, str(path))
            table = file.read(columns=list(needed))
    except pa.ArrowException as error:
        raise AssayError(f"{path}: not a readable Parquet file: {error}") from error
    return {column: table.column(column) for column in needed}
