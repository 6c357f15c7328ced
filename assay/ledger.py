"""Outcomes and answers in SQLite, written as they come: a killed audit loses nothing that was done."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assay.stores import AnswerStore, LedgerStore, RecordStore
from attacks.errors import AssayError

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
CREATE TABLE IF NOT EXISTS records (
    scope INTEGER NOT NULL REFERENCES scopes (id),
    example_id TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (scope, example_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    model TEXT NOT NULL, text_sha256 TEXT NOT NULL, probabilities TEXT NOT NULL,
    PRIMARY KEY (model, text_sha256)
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""
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

    def store(self, *, model: str, data: str, attack: str, params: Mapping[str, Any]) -> LedgerStore:
        """The outcomes of one model (SHA-256) on one data set (SHA-256) under one attack ("" for none).

        params: everything else that decides an outcome, the seed of a random start included.
        """
        return LedgerStore(self, self._scope(model, data, attack, params))

    def record_store(self, *, model: str, data: str, test: str, params: Mapping[str, Any]) -> RecordStore:
        """What one behavioural test found on each example; the arguments are as for ``store``."""
        return RecordStore(self, self._scope(model, data, test, params))

    def answer_store(self, model: str) -> AnswerStore:
        """What a model (by its fingerprint) answered, by text."""
        return AnswerStore(self, model)

    def _scope(self, model: str, data: str, attack: str, params: Mapping[str, Any]) -> int:
        key = (model, data, attack, json.dumps(params, sort_keys=True))
        with self._explained(), self._connection:
            self._connection.execute(
                "INSERT OR IGNORE INTO scopes (model, data, attack, params) VALUES (?, ?, ?, ?)", key
            )
            row = self._connection.execute(
                "SELECT id FROM scopes WHERE model = ? AND data = ? AND attack = ? AND params = ?", key
            ).fetchone()
        return int(row[0])

    def select(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._explained():
            return self._connection.execute(query, values).fetchall()

    def write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write all of ``rows`` in one transaction, or none."""
        with self._explained(), self._connection:
            self._connection.executemany(statement, rows)

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
