"""Per-example outcomes in SQLite, written as they come: a killed audit loses nothing that was done."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attacks.errors import AssayError
from robustness.outcomes import Outcome

VERSION = 2
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS scopes (
    id INTEGER PRIMARY KEY,
    model TEXT NOT NULL, data TEXT NOT NULL, attack TEXT NOT NULL, params TEXT NOT NULL,
    UNIQUE (model, data, attack, params)
);
CREATE TABLE IF NOT EXISTS outcomes (
    scope INTEGER NOT NULL REFERENCES scopes (id),
    example_id TEXT NOT NULL,
    label INTEGER NOT NULL, prediction INTEGER NOT NULL, probabilities TEXT NOT NULL,
    skipped INTEGER NOT NULL, success INTEGER NOT NULL, queries REAL NOT NULL, distance REAL,
    seconds REAL NOT NULL, truncated INTEGER NOT NULL, text TEXT,
    PRIMARY KEY (scope, example_id)
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""
COLUMNS = (
    "example_id, label, prediction, probabilities, skipped, success, queries, distance, seconds, "
    "truncated, text"
)
KEPT = "What was written before is kept, and the same command goes on from there."
REMEDIES = {
    "SQLITE_BUSY": "Another process is writing to it: wait until that audit has ended, and run again.",
    "SQLITE_FULL": f"Free some space. {KEPT}",
    "SQLITE_IOERR": f"Free some space, or use a disk that is whole. {KEPT}",
    "SQLITE_READONLY": f"Make the file and its folder writable. {KEPT}",
    "SQLITE_CANTOPEN": "Make sure that its folder exists and is writable.",
    "SQLITE_CORRUPT": "It is damaged: move it away and run again.",
    "SQLITE_NOTADB": "It is no ledger: move it away and run again.",
}


class Ledger:
    """``ledger.sqlite`` of a run folder. Use as a context manager; one process writes at a time.

    Raises AssayError, with the way out, when the file is no ledger, when another process is writing to it,
    and when it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._explained():
            self._connection = sqlite3.connect(path, timeout=2)
        try:
            with self._explained():
                self._check_version()
                # WAL survives kill -9 at any moment: a transaction is there whole or not at all.
                self._connection.execute("PRAGMA journal_mode=WAL")
                self._connection.executescript(SCHEMA)
        except AssayError:
            self._connection.close()
            raise

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()

    def store(self, *, model: str, data: str, attack: str, params: Mapping[str, Any]) -> "LedgerStore":
        """The outcomes of one model (SHA-256) on one data set (SHA-256) under one attack ("" for none).

        params: everything else that decides an outcome, the seed of a random start included.
        """
        key = (model, data, attack, json.dumps(params, sort_keys=True))
        with self._explained(), self._connection:
            self._connection.execute(
                "INSERT OR IGNORE INTO scopes (model, data, attack, params) VALUES (?, ?, ?, ?)", key
            )
            row = self._connection.execute(
                "SELECT id FROM scopes WHERE model = ? AND data = ? AND attack = ? AND params = ?", key
            ).fetchone()
        return LedgerStore(self, row[0])

    def rows(self, scope: int) -> list[tuple[Any, ...]]:
        with self._explained():
            return self._connection.execute(
                f"SELECT {COLUMNS} FROM outcomes WHERE scope = ?", (scope,)
            ).fetchall()

    def insert(self, scope: int, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write all of ``rows`` in one transaction, or none."""
        with self._explained(), self._connection:
            self._connection.executemany(
                f"INSERT OR REPLACE INTO outcomes (scope, {COLUMNS}) VALUES (?{', ?' * 11})",
                [(scope, *row) for row in rows],
            )

    def _check_version(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and version != VERSION:
            raise AssayError(
                f"{self._path}: expected a ledger of version {VERSION}, got a database of version {version}. "
                "Move it away and run again."
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """What SQLite raises becomes a sentence that names the file and the way out."""
        try:
            yield
        except sqlite3.Error as error:
            # Extended codes such as SQLITE_IOERR_WRITE start with the name of the primary one.
            code = getattr(error, "sqlite_errorname", "")
            remedies = [remedy for name, remedy in REMEDIES.items() if code.startswith(name)]
            remedy = remedies[0] if remedies else "Move it away and run again."
            raise AssayError(f"{self._path}: the ledger cannot be used ({error}). {remedy}") from error


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
        outcome.success,
        outcome.queries,
        outcome.distance,
        outcome.seconds,
        outcome.truncated,
        None if outcome.text is None else json.dumps(outcome.text),
    )


def _outcome(row: tuple[Any, ...]) -> Outcome:
    values = dict(zip(COLUMNS.split(", "), row, strict=True))
    for name in ("skipped", "success", "truncated"):
        values[name] = bool(values[name])
    values["probabilities"] = tuple(json.loads(values["probabilities"]))
    if values["text"] is not None:
        text = json.loads(values["text"])
        values["text"] = tuple(text) if isinstance(text, list) else text
    return Outcome(**values)
