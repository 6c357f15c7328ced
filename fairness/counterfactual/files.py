"""Reads the small tables that a user writes: terms and templates. Every bad row is refused with its place."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attacks.errors import AssayError

Row = tuple[int, dict[str, str]]
"""(line of the file, from 1, {column: text})."""


def read_rows(file: Path, required: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """The rows of a CSV file with a header, or of a JSONL file (by its name) with one object a line.

    Runs of white space count as one space. A CSV file that has an optional column has a value in each row of
    it; an object may leave optional keys out. Raises AssayError, with file and row, for a missing or unknown
    column, an empty cell, a row with too few or too many cells, JSON that is none, and a file without rows.
    """
    text = _text(file)
    read = _json_rows if file.suffix in (".jsonl", ".ndjson") else _csv_rows
    rows = []
    for row, cells in read(file, text, required, optional):
        values = {name: " ".join(value.split()) for name, value in cells.items()}
        for name, value in values.items():
            if not value:
                raise AssayError(f"{file}, row {row}: expected text for {name}, got nothing. Fill it in.")
        rows.append((row, values))
    if not rows:
        raise AssayError(f"{file}: expected rows with {', '.join(required)}, got a file without any.")
    return rows


def _csv_rows(file: Path, text: str, required: Sequence[str], optional: Sequence[str]) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_columns(f"{file}, row 1", header, required, optional)
        for cells in reader:
            if cells and len(cells) != len(header):
                raise AssayError(
                    f"{file}, row {reader.line_num}: expected {len(header)} cells, as the first row has, got "
                    f"{len(cells)}. Put a text with a comma into quotation marks."
                )
            if cells:
                yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise AssayError(f"{file}, row {reader.line_num}: not valid CSV: {error}.") from error


def _json_rows(file: Path, text: str, required: Sequence[str], optional: Sequence[str]) -> Iterator[Row]:
    for row, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            cells: Any = json.loads(line)
        except ValueError as error:
            raise AssayError(f"{file}, row {row}: not valid JSON: {error}.") from error
        if not isinstance(cells, Mapping) or not all(isinstance(value, str) for value in cells.values()):
            raise AssayError(
                f"{file}, row {row}: expected an object whose values are texts, got {line[:80]}."
            )
        _check_columns(f"{file}, row {row}", list(cells), required, optional)
        yield row, dict(cells)


def _check_columns(place: str, got: Sequence[str], required: Sequence[str], optional: Sequence[str]) -> None:
    missing = [name for name in required if name not in got]
    unknown = [name for name in got if name not in (*required, *optional)]
    if missing or unknown or len(set(got)) < len(got):
        wanted = f" and, where wanted, {', '.join(optional)}" if optional else ""
        raise AssayError(
            f"{place}: expected the columns {', '.join(required)}{wanted}, got {', '.join(got) or 'nothing'}."
        )


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise AssayError(f"{file}: cannot be read: {error.strerror or error}. Correct the path.") from error
    except UnicodeDecodeError as error:
        raise AssayError(f"{file}: expected UTF-8: {error}. Save the file as UTF-8.") from error
