"""Checks the columns that name groups, and numbers their values; never row by row."""

from typing import NamedTuple, NoReturn

import numpy as np
import pandas as pd

from attacks.errors import AssayError
from robustness.cells import MISSING_GROUP

MAX_GROUPS = 1000
YES = frozenset({"1", "1.0", "true", "yes"})
NO = frozenset({"0", "0.0", "false", "no"})


class Coded(NamedTuple):
    codes: np.ndarray
    values: tuple[str, ...]


def coded(name: str, column: np.ndarray, n: int, most: int = MAX_GROUPS) -> Coded:
    """The codes (n,) int64 of a checked text column, and its sorted values."""
    cells = np.asarray(column, dtype=object)
    if cells.shape != (n,):
        raise AssayError(
            f'group column "{name}": expected one value for each of {n} examples, '
            f"got an array of shape {cells.shape}"
        )
    if n == 0:
        raise AssayError(f'group column "{name}": expected at least one example, got none')
    if pd.api.types.infer_dtype(cells, skipna=False) != "string":
        row = next(row for row, cell in enumerate(cells) if not isinstance(cell, str))
        raise AssayError(
            f'group column "{name}", example {row} (counted from 0): expected text, got {cells[row]!r}; '
            'write numbers as text and give missing values a name, for example "unknown"'
        )
    codes, values = pd.factorize(cells, sort=True)
    if len(values) > most:
        refuse_ids(name, len(values), n)
    if all(is_missing(value) for value in values):
        raise AssayError(
            f'group column "{name}": {"the one value is" if n == 1 else f"all {n:,} values are"} missing, so '
            "there is nothing to compare; "
            "fill the column in or leave it out"
        )
    return Coded(codes.astype(np.int64), tuple(str(value) for value in values))


def is_missing(value: str) -> bool:
    return value == MISSING_GROUP or not value.strip()


def refuse_ids(name: str, values: int, n: int) -> NoReturn:
    raise AssayError(
        f'group column "{name}": {values:,} different values in {n:,} examples: probably an id (at most '
        f"{MAX_GROUPS:,} groups). Name a column that sorts the examples into groups."
    )


def indicator(name: str, group: str, column: np.ndarray, n: int) -> np.ndarray:
    """(n,) bool of an indicator column."""
    cells = np.asarray(column, dtype=object)
    if cells.shape != (n,):
        raise AssayError(
            f'overlapping groups "{name}", column "{group}": expected one value for each of {n} examples, '
            f"got an array of shape {cells.shape}"
        )
    codes, values = pd.factorize(cells, use_na_sentinel=False)
    words = [str(value).strip().lower() for value in values]
    wrong = next((i for i, word in enumerate(words) if word not in YES | NO), None)
    if wrong is not None:
        row = int(np.flatnonzero(codes == wrong)[0])
        raise AssayError(
            f'overlapping groups "{name}", column "{group}", example {row} (counted from 0): expected 0 or 1 '
            f"(or true or false, yes or no), got {values[wrong]!r}; assess a column of other values by "
            "itself, and give a missing value one of the two"
        )
    return np.array([word in YES for word in words], dtype=bool)[codes]
