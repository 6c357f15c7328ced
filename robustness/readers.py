"""Reads one data file into a table of cells: no type guessing, no NA conversion, no network.

CSV is read with the usual quoting (RFC 4180); a TSV as it occurs in practice: no quoting at all, so a
quotation mark is a character like any other and a cell holds neither tab nor line break. Text files are
UTF-8, with or without a byte-order mark. Lines with nothing in them are not rows.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attacks.errors import AssayError, nearest

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


@dataclass(frozen=True)
class Table:
    """The wanted columns of one source.

    source: how messages name it.
    columns: {column: cells}, all of one length; a missing cell is None (or "" in CSV and TSV).
    lines: the line of the file that each row starts at, where there are lines.
    """

    source: str
    columns: dict[str, list[Any]]
    lines: Sequence[int] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def place(self, row: int) -> str:
        """How messages name the row with index ``row``: rows count from 1, without the header."""
        line = f" (line {self.lines[row]})" if self.lines is not None else ""
        return f"{self.source}, row {row + 1}{line}"


def read_table(
    path: Path, needed: Collection[str], columns: Sequence[str] | None = None, delimiter: str | None = None
) -> Table:
    """Read the columns ``needed`` of a file whose format its suffix tells.

    columns: the names of all columns of a CSV or TSV file that has no header row.
    delimiter: one character, in place of the comma or the tab.
    Raises AssayError for a missing or unreadable file, an unknown suffix, a column that is missing,
    nameless or double, a row of the wrong length, broken JSON, and no rows at all.
    """
    check_exists(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise AssayError(
            f'{path}: expected a file that ends in {", ".join(SUFFIXES)}, got "{path.suffix}"'
            " (or a folder written by save_to_disk). Convert the file, or correct its name."
        )
    delimited = suffix in (".csv", ".tsv")
    if not delimited and (columns is not None or delimiter is not None):
        key = "columns" if columns is not None else "delimiter"
        raise AssayError(f"{path}: `{key}` is for CSV and TSV files. Leave it out for a {suffix} file.")
    try:
        if delimited:
            table = _read_delimited(path, needed, columns, delimiter)
        elif suffix == ".parquet":
            table = _read_parquet(path, needed)
        else:
            table = _read_json_lines(path, needed)
    except OSError as error:
        raise AssayError(f"{path}: cannot be read: {error.strerror or error}") from error
    check_not_empty(table)
    return table


def check_exists(path: Path) -> None:
    """Raise AssayError, naming the nearest file of the folder, where ``path`` does not exist."""
    if path.exists():
        return
    folder = path.parent
    if not folder.is_dir():
        raise AssayError(f"{path}: no such file, and the folder {folder} does not exist. Correct the path.")
    hint = nearest(path.name, sorted(entry.name for entry in folder.iterdir()))
    raise AssayError(f"{path}: no such file in {folder.resolve()}.{hint} Correct the path.")


def check_columns(present: Sequence[str], needed: Collection[str], source: str, hint: str = "") -> None:
    """Raise AssayError for nameless or double columns and for a needed column that is not there.

    The first column may be nameless: pandas writes its index so, and no key can ask for it.
    """
    for position, column in enumerate(present, start=1):
        if not column.strip() and position > 1:
            raise AssayError(f"{source}: column {position} has no name. Name it, or leave it out.")
    double = [column for column, count in Counter(present).items() if count > 1]
    if double:
        raise AssayError(f'{source}: two columns are called "{double[0]}". Rename or drop one of them.')
    for column in needed:
        if column not in present:
            raise AssayError(
                f'{source}: there is no column "{column}".{nearest(column, list(present))}'
                f" Columns there: {', '.join(present)}.{hint}"
            )


def check_not_empty(table: Table) -> None:
    if len(table) == 0:
        raise AssayError(f"{table.source}: the dataset is empty: expected at least one row, got none.")


def _read_delimited(
    path: Path, needed: Collection[str], columns: Sequence[str] | None, delimiter: str | None
) -> Table:
    tsv = path.suffix.lower() == ".tsv"
    separator = delimiter if delimiter is not None else "\t" if tsv else ","
    if len(separator) != 1 or separator in '\r\n"':
        raise AssayError(f"`delimiter`: expected one character, for example ;, got {separator!r}")
    reader = csv.reader(
        io.StringIO(_decoded(path), newline=""),
        delimiter=separator,
        quoting=csv.QUOTE_NONE if tsv else csv.QUOTE_MINIMAL,
        strict=True,  # an unclosed quotation mark is an error, not a text that swallows the file
    )
    with _any_field_size():
        rows = _numbered_rows(reader, path)
        header = list(columns) if columns is not None else next(rows, (1, []))[1]
        if not header:
            raise AssayError(f"{path}: the dataset is empty: expected a header row and rows, got nothing.")
        check_columns(header, needed, str(path), _header_hint(header, columns, separator))
        where = {column: header.index(column) for column in needed}
        cells: dict[str, list[Any]] = {column: [] for column in needed}
        lines: list[int] = []
        for line, fields in rows:
            if len(fields) != len(header):
                raise AssayError(
                    f"{path}, row {len(lines) + 1} (line {line}): expected {len(header)} fields"
                    f" ({', '.join(header)}), got {len(fields)}."
                    + (
                        " A TSV is read without quoting: a text holds no tab."
                        if tsv
                        else " Put texts that hold a delimiter or a line break in double quotes."
                    )
                )
            lines.append(line)
            for column, position in where.items():
                cells[column].append(fields[position])
    return Table(str(path), cells, lines)


def _numbered_rows(reader: Any, path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line that the row starts at, fields), without empty lines."""
    start = 1
    try:
        for fields in reader:
            if fields:
                yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        raise AssayError(
            f"{path}: the row that starts at line {start} cannot be read: {error}."
            ' Inside a quoted text a quotation mark is doubled ("").'
        ) from error


def _header_hint(header: Sequence[str], columns: Sequence[str] | None, separator: str) -> str:
    if columns is not None:
        return " These are the names given in `columns`."
    for other in (";", "\t", "|", ","):
        if len(header) == 1 and other != separator and other in header[0]:
            return f" The header holds {other!r}: give it as `delimiter`."
    return " If the file has no header row, name its columns with `columns`."


@contextmanager
def _any_field_size() -> Iterator[None]:
    """Lift the csv module's limit of 131,072 characters per field: a document may be longer."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _decoded(path: Path) -> str:
    raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise AssayError(
            f"{path}: expected UTF-8, got byte 0x{raw[error.start]:02x} at position {error.start}"
            f" (line {line})."
            " Save the file as UTF-8, for example: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW"
        ) from error


def _read_json_lines(path: Path, needed: Collection[str]) -> Table:
    records, lines = [], []
    # Not splitlines(): a JSON string may hold U+2028 and the like as they are.
    for line, content in enumerate(_decoded(path).split("\n"), start=1):
        if not content.strip():
            continue
        try:
            record = json.loads(content, object_pairs_hook=_unique_keys)
        except ValueError as error:
            raise AssayError(
                f"{path}, line {line}: broken JSON: {error}. Expected one object a line."
            ) from error
        if not isinstance(record, dict):
            raise AssayError(
                f"{path}, line {line}: expected a JSON object with the columns as keys,"
                f" got {type(record).__name__}. Write one object a line, not one list."
            )
        records.append(record)
        lines.append(line)
    if not records:
        raise AssayError(f"{path}: the dataset is empty: expected one JSON object a line, got none.")
    present = list(dict.fromkeys(key for record in records for key in record))
    check_columns(present, needed, str(path))
    return Table(str(path), {column: [record.get(column) for record in records] for column in needed}, lines)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    double = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    if double:
        raise ValueError(f'the key "{double[0]}" is given twice')
    return dict(pairs)


def _read_parquet(path: Path, needed: Collection[str]) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            check_columns(file.schema_arrow.names, needed, str(path))
            table = file.read(columns=list(needed))
    except pa.ArrowException as error:
        raise AssayError(f"{path}: not a readable Parquet file: {error}") from error
    return Table(str(path), {column: table.column(column).to_pylist() for column in needed})
