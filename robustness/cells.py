"""Turns the cells of a table into texts, labels, groups, ids and splits, or says which cell is wrong."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from attacks.errors import AssayError, nearest
from robustness.readers import Table

MISSING_GROUP = "(missing)"
MAX_CLASSES = 1000
SPLIT_NAMES = {
    "train": "train",
    "validation": "validation",
    "dev": "validation",
    "val": "validation",
    "test": "test",
}


def texts_of(table: Table, column: str) -> list[str]:
    """The cells as they are; raises AssayError for one that is missing, empty or not a string.

    The word "null" or "NA" is text.
    """
    cells = table.columns[column]
    bad = [row for row, cell in enumerate(cells) if not _is_text(cell)]
    if bad:
        cell = cells[bad[0]]
        if _is_missing(cell):
            problem = "the text is missing"
        elif isinstance(cell, str):
            problem = "the text is empty" if not cell.strip() else "the text holds half a surrogate pair"
        else:
            problem = f"expected text, got {_shown(cell)}"
        _refuse(table, column, bad, problem, "Fill in or remove the row: assay drops none by itself.")
    return list(cells)


def labels_of(table: Table, column: str, label_map: Mapping[str, str] | None) -> list[str]:
    """The label names, after ``label_map``; raises AssayError for a missing or an unmapped label."""
    words = _words(table, column)
    bad = [row for row, word in enumerate(words) if word is None]
    if bad:
        _refuse(table, column, bad, "the label is missing", "Fill in or remove the row.")
    values = [word for word in words if word is not None]
    distinct = len(set(values))
    if distinct > MAX_CLASSES:
        raise AssayError(
            f'{table.source}, column "{column}": {distinct:,} different values in {len(values):,} rows:'
            f" probably not a label (at most {MAX_CLASSES:,} classes). Correct `label`."
        )
    if label_map is None:
        return values
    unmapped = [row for row, value in enumerate(values) if value not in label_map]
    if unmapped:
        value = values[unmapped[0]]
        _refuse(
            table,
            column,
            unmapped,
            f'the label "{value}" is not in `label_map` ({", ".join(label_map)})',
            f"Add it.{nearest(value, list(label_map))}",
        )
    return [label_map[value] for value in values]


def groups_of(table: Table, column: str) -> list[str]:
    """The group of each row; an empty cell is the group ``(missing)``."""
    return [MISSING_GROUP if word is None else word for word in _words(table, column)]


def ids_of(table: Table, column: str) -> list[str]:
    """The given ids; raises AssayError for a missing one."""
    words = _words(table, column)
    bad = [row for row, word in enumerate(words) if word is None]
    if bad:
        _refuse(table, column, bad, "the id is missing", "Fill it in, or leave `id` out: rows are numbered.")
    return [word for word in words if word is not None]


def splits_of(table: Table, column: str) -> list[str]:
    """train, validation or test for each row (dev and val are validation); else AssayError."""
    words = _words(table, column)
    bad = [row for row, word in enumerate(words) if word not in SPLIT_NAMES]
    if bad:
        word = words[bad[0]] or ""
        _refuse(
            table,
            column,
            bad,
            f'expected train, validation (dev, val) or test, got "{word}"',
            f"Correct the row.{nearest(word, list(SPLIT_NAMES))}",
        )
    return [SPLIT_NAMES[word] for word in words if word is not None]


def check_unique_ids(ids: Sequence[str], tables: Sequence[Table], column: str) -> None:
    """Raise AssayError, naming both rows, if an id occurs twice in the tables taken together."""
    if len(set(ids)) == len(ids):
        return
    places = [(table, row) for table in tables for row in range(len(table))]
    seen: dict[str, int] = {}
    for position, identifier in enumerate(ids):
        if identifier in seen:
            first, second = (table.place(row) for table, row in (places[seen[identifier]], places[position]))
            raise AssayError(
                f'{second}, column "{column}": the id "{identifier}" is also that of {first}. Make the ids'
                " unique over all splits, or leave `id` out: rows are then numbered."
            )
        seen[identifier] = position


def ordered_labels(names: set[str]) -> tuple[str, ...]:
    """Sorted label names, those that look like numbers first and in numeric order."""

    def key(name: str) -> tuple[int, float, str]:
        try:
            number = float(name)
        except ValueError:
            return 1, 0.0, name
        return (0, number, name) if math.isfinite(number) else (1, 0.0, name)

    return tuple(sorted(names, key=key))


def _words(table: Table, column: str) -> list[str | None]:
    cells = table.columns[column]
    bad = [row for row, cell in enumerate(cells) if isinstance(cell, list | tuple | dict | bytes)]
    bad = bad or [row for row, cell in enumerate(cells) if isinstance(cell, str) and not _encodable(cell)]
    if bad:
        problem = f"expected one value, got {_shown(cells[bad[0]])}"
        _refuse(table, column, bad, problem, "Give every row one string or number.")
    return [_word(cell) for cell in cells]


def _word(cell: Any) -> str | None:
    """The cell as a string; 1 and 1.0 are the same (pandas turns integers beside a gap into floats)."""
    if _is_missing(cell) or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _is_missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _is_text(cell: Any) -> bool:
    return isinstance(cell, str) and bool(cell.strip()) and _encodable(cell)


def _encodable(cell: str) -> bool:
    """False for a lone surrogate, which JSON can spell but neither UTF-8 nor a tokenizer can hold."""
    return cell.isascii() or not any("\ud800" <= character <= "\udfff" for character in cell)


def _shown(cell: Any) -> str:
    return f"{type(cell).__name__} {ascii(cell)[:40]}"


def _refuse(table: Table, column: str, rows: Sequence[int], problem: str, remedy: str) -> NoReturn:
    others = len(rows) - 1
    more = f" (and {others:,} more row{'s' if others > 1 else ''})" if others else ""
    raise AssayError(f'{table.place(rows[0])}, column "{column}": {problem}{more}. {remedy}')
