"""Per-example outcomes in SQLite, written as they come: a killed audit loses nothing that was done."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attacks.errors import AssayError
from robustness.outcomes import Outcome

SCHEMA = """
CREATE TABLE IF NOT EXISTS scopes (
    id INTEGER PRIMARY KEY,
    model TEXT NOT NULL, data TEXT NOT NULL, attack TEXT NOT NULL, params TEXT NOT NULL,
    UNIQUE (model, data, attack, params)
);
CREATE TABLE IF NOT EXISTS outcomes (
    scope INTEGER NOT NULL REFERENCES scopes (id),
    example_id TEXT NOT NULL,
    label INTEGER NOT NULL, prediction INTEGER NOT NULL, probabilities TEXT NOT NULL,
    skipped INTEGER NOT NULL, queries INTEGER NOT NULL, distance REAL, seconds REAL NOT NULL,
    truncated INTEGER NOT NULL,
    PRIMARY KEY (scope, example_id)
) WITHOUT ROWID;
"""
COLUMNS = "example_id, label, prediction, probabilities, skipped, queries, distance, seconds, truncated"


class Ledger:
    """``ledger.sqlite`` of a run folder. Use as a context manager; one process writes at a time.

    Raises AssayError when the file is no ledger, or another process is writing to it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._connection = sqlite3.connect(path, timeout=2)
            # WAL survives kill -9 at any moment: a transaction is there whole or not at all.
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            raise AssayError(
                f"{path}: could not be opened as a ledger ({error}). If another audit is writing to this run "
                "folder, wait for it; otherwise move the file away and run again."
            ) from error

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()

    def store(self, *, model: str, data: str, attack: str, params: Mapping[str, Any]) -> "LedgerStore":
        """The outcomes of one model (SHA-256) on one data set (SHA-256) under one attack ("" for none)."""
        key = (model, data, attack, json.dumps(params, sort_keys=True))
        with self._writing():
            self._connection.execute(
                "INSERT OR IGNORE INTO scopes (model, data, attack, params) VALUES (?, ?, ?, ?)", key
            )
        row = self._connection.execute(
            "SELECT id FROM scopes WHERE model = ? AND data = ? AND attack = ? AND params = ?", key
        ).fetchone()
        return LedgerStore(self, row[0])

    def rows(self, scope: int) -> list[tuple[Any, ...]]:
        return self._connection.execute(
            f"SELECT {COLUMNS} FROM outcomes WHERE scope = ?",  # noqa: S608
            (scope,),
        ).fetchall()

    def insert(self, scope: int, rows: Sequence[tuple[Any, ...]]) -> None:
        with self._writing():
            self._connection.executemany(
                f"INSERT OR REPLACE INTO outcomes (scope, {COLUMNS}) VALUES (?{', ?' * 9})",  # noqa: S608
                [(scope, *row) for row in rows],
            )

    def _writing(self) -> "_Transaction":
        return _Transaction(self._connection, self._path)


class _Transaction:
    """One transaction; what SQLite raises becomes a sentence that names the file."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def __enter__(self) -> None:
        self._connection.__enter__()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            self._connection.__exit__(kind, error, trace)
        except sqlite3.Error as failure:
            error = failure
        if isinstance(error, sqlite3.Error):
            raise AssayError(
                f"{self._path}: could not be written ({error}). Free some space or make the folder writable; "
                "what was written before is kept, and the same command goes on from there."
            ) from error


class LedgerStore:
    """An ``OutcomeStore`` in the ledger."""

    def __init__(self, ledger: Ledger, scope: int) -> None:
        self._ledger = ledger
        self._scope = scope

    def load(self) -> dict[str, Outcome]:
        return {row[0]: _outcome(row) for row in self._ledger.rows(self._scope)}

    def add(self, outcomes: Sequence[Outcome]) -> None:
        self._ledger.insert(self._scope, [_row(outcome) for outcome in outcomes])


def _row(outcome: Outcome) -> tuple[Any, ...]:
    return (
        outcome.example_id,
        outcome.label,
        outcome.prediction,
        json.dumps(outcome.probabilities),
        outcome.skipped,
        outcome.queries,
        outcome.distance,
        outcome.seconds,
        outcome.truncated,
    )


def _outcome(row: tuple[Any, ...]) -> Outcome:
    example_id, label, prediction, probabilities, skipped, queries, distance, seconds, truncated = row
    return Outcome(
        example_id=example_id,
        label=label,
        prediction=prediction,
        probabilities=tuple(json.loads(probabilities)),
        skipped=bool(skipped),
        queries=queries,
        distance=distance,
        seconds=seconds,
        truncated=bool(truncated),
    )
