"""The first rows of a data file, however large it is, as strings by column."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from attacks.errors import AssayError
from robustness.cells import groups_of
from robustness.readers import SUFFIXES, Table, check_columns, check_exists, read_table

ROWS = 5_000
"""How many rows a guess is made from."""

_DELIMITERS = (";", "\t", "|", ",")
_TRIED = 20
"""Rows by which a delimiter is recognised."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Look:
    """words: {column: cells as strings}, ``cells.MISSING_GROUP`` for an empty one. rows: how many were read.

    whole: whether these are all rows. delimiter: of a CSV or TSV, None for the usual one. header: False where
    the file has no header row and the names are ours. nested: columns that hold lists or tables.
    """

    path: Path
    words: dict[str, list[str]]
    rows: int
    whole: bool
    delimiter: str | None = None
    header: bool = True
    nested: tuple[str, ...] = ()


def look_at(path: Path) -> Look:
    """The first ``ROWS`` rows of a CSV, TSV, JSON Lines or Parquet file.

    Raises AssayError for a file that the audit could not read either, in the words of its reader, and for
    one without rows.
    """
    check_exists(path)
    suffix = path.suffix.lower()
    if path.is_dir() or suffix not in SUFFIXES:
        raise AssayError(
            f"{path}: expected a file that ends in {', '.join(SUFFIXES)}. Name such a file, or write an "
            "assay.toml by hand: `assay init` without data writes a template."
        )
    try:
        if suffix == ".parquet":
            return _parquet(path)
        with path.open("rb") as file:
            start = file.read(2)
        if start in _UTF16:
            raise AssayError(
                f"{path}: expected UTF-8, got UTF-16. Save the file as UTF-8, for example: "
                "iconv -f UTF-16 -t UTF-8 OLD > NEW"
            )
        return _delimited(path, tsv=suffix == ".tsv") if suffix in (".csv", ".tsv") else _json_lines(path)
    except OSError as error:
        raise AssayError(f"{path}: cannot be read: {error.strerror or error}") from error


def _delimited(path: Path, *, tsv: bool) -> Look:
    usual = "\t" if tsv else ","
    separator = _separator(path, usual, tsv=tsv)
    delimiter = None if separator == usual else separator
    first, rows = _first_rows(path, separator, tsv)
    if not first:
        raise AssayError(f"{path}: the file is empty: expected a header row and rows, got nothing.")
    header = _is_header(first, rows)
    names = first if header else [f"column_{i}" for i in range(1, len(first) + 1)]
    rows = rows if header else [first, *rows]
    if any(len(row) != len(names) for row in rows) or not rows:
        # The strict reader says which row is wrong.
        table = read_table(path, names[:1], None if header else names, delimiter)
        raise AssayError(f"{path}: its {len(table):,} rows cannot be looked at.")
    check_columns(names, (), str(path))
    cells: dict[str, list[Any]] = {name: [row[i] for row in rows[:ROWS]] for i, name in enumerate(names)}
    return _look(path, cells, whole=len(rows) <= ROWS, delimiter=delimiter, header=header)


def _first_rows(path: Path, separator: str, tsv: bool) -> tuple[list[str], list[list[str]]]:
    """The first line and the rows after it, one more than a look needs; a long text sends the csv module to
    the strict reader, which also says what is wrong with a file that cannot be read."""
    style: dict[str, Any] = {
        "delimiter": separator,
        "quoting": csv.QUOTE_NONE if tsv else csv.QUOTE_MINIMAL,
        "strict": True,
    }
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = filter(None, csv.reader(file, **style))
            return next(lines, []), list(islice(lines, ROWS + 1))
    except (csv.Error, UnicodeDecodeError):
        with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
            names = next(csv.reader([file.readline()], **style | {"strict": False}), [])
        table = read_table(path, names, None, separator)
        columns = [cells[: ROWS + 1] for cells in table.columns.values()]
        return names, [list(row) for row in zip(*columns, strict=True)]


def _separator(path: Path, usual: str, *, tsv: bool) -> str:
    """The first, beginning with the usual one, that divides the first rows alike; where none does, the usual
    one, unless the first line has none of it and another one."""
    for each in (usual, *_DELIMITERS):
        style: dict[str, Any] = {"quoting": csv.QUOTE_NONE if tsv else csv.QUOTE_MINIMAL, "strict": True}
        with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
            try:
                rows = islice(filter(None, csv.reader(file, delimiter=each, **style)), _TRIED)
                fields = {len(row) for row in rows}
            except csv.Error:
                continue
        if len(fields) == 1 and fields != {1}:
            return each
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        line = file.readline(1 << 16)
    others = [each for each in _DELIMITERS if each in line]
    return usual if usual in line or not others else max(others, key=line.count)


def _is_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """False where the first row looks like the others: it holds a number, a sentence, or a word that comes
    again in its column, while the column has few different ones."""
    if any(_is_number(cell) or len(cell.split()) > 6 or len(cell) > 80 for cell in first):
        return False
    for i, cell in enumerate(first):
        below = [row[i] for row in rows if len(row) > i]
        if cell.strip() and cell in below and len(set(below)) <= len(below) / 2:
            return False
    return True


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.strip().lower() not in ("nan", "inf", "infinity")


def _json_lines(path: Path) -> Look:
    records: list[dict[str, Any]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for line in file:
                if line.strip():
                    records.append(dict(json.loads(line).items()))
                if len(records) > ROWS:
                    break
    except (ValueError, AttributeError):
        read_table(path, ())  # says in which line, and what
        raise
    if not records:
        raise AssayError(f"{path}: the file is empty: expected one JSON object a line, got none.")
    names = list(dict.fromkeys(key for record in records for key in record))
    check_columns(names, (), str(path))
    cells = {name: [record.get(name) for record in records[:ROWS]] for name in names}
    return _look(path, cells, whole=len(records) <= ROWS)


def _parquet(path: Path) -> Look:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            check_columns(names, (), str(path))
            batch = next(file.iter_batches(batch_size=ROWS), None)
            total = file.metadata.num_rows
    except pa.ArrowException as error:
        raise AssayError(f"{path}: not a readable Parquet file: {error}") from error
    if batch is None or not total:
        raise AssayError(f"{path}: the file is empty: expected rows, got none.")
    cells = {name: batch.column(i).to_pylist() for i, name in enumerate(names)}
    return _look(path, cells, whole=total <= batch.num_rows)


def _look(path: Path, cells: dict[str, list[Any]], *, whole: bool, **about: Any) -> Look:
    nested = tuple(
        name
        for name, column in cells.items()
        if not name.strip() or any(isinstance(cell, list | tuple | dict | bytes) for cell in column)
    )
    table = Table(str(path), {name: column for name, column in cells.items() if name not in nested})
    words = {name: groups_of(table, name) for name in table.columns}
    rows = len(next(iter(cells.values()), []))
    return Look(path, words, rows, whole, nested=tuple(filter(str.strip, nested)), **about)
