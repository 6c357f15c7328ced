"""What the ledger keeps for one model: outcomes of attacks, records of behavioural tests, and answers."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from attacks.victims import TextInput
from robustness.outcomes import Outcome

COLUMNS = (
    "example_id, label, prediction, probabilities, skipped, success, queries, distance, seconds, "
    "truncated, text"
)
AT_ONCE = 500
"""Texts in one query: SQLite limits the number of parameters."""


class Database(Protocol):
    """The part of a ledger that its stores use."""

    def select(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]: ...

    def write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write all of ``rows`` in one transaction, or none."""
        ...


class LedgerStore:
    """An ``OutcomeStore`` in the ledger."""

    def __init__(self, ledger: Database, scope: int) -> None:
        self._ledger = ledger
        self._scope = scope

    def load(self) -> dict[str, Outcome]:
        rows = self._ledger.select(f"SELECT {COLUMNS} FROM outcomes WHERE scope = ?", (self._scope,))
        return {row[0]: _outcome(row) for row in rows}

    def add(self, outcomes: Sequence[Outcome]) -> None:
        self._ledger.write(
            f"INSERT OR REPLACE INTO outcomes (scope, {COLUMNS}) VALUES (?{', ?' * 11})",
            [(self._scope, *_row(outcome)) for outcome in outcomes],
        )


class RecordStore:
    """JSON-able records by example id in the ledger."""

    def __init__(self, ledger: Database, scope: int) -> None:
        self._ledger = ledger
        self._scope = scope

    def load(self) -> dict[str, Any]:
        rows = self._ledger.select("SELECT example_id, record FROM records WHERE scope = ?", (self._scope,))
        return {id_: json.loads(record) for id_, record in rows}

    def add(self, records: Mapping[str, Any]) -> None:
        """Keep all of ``records``, or none."""
        self._ledger.write(
            "INSERT OR REPLACE INTO records (scope, example_id, record) VALUES (?, ?, ?)",
            [(self._scope, id_, json.dumps(record)) for id_, record in records.items()],
        )


class AnswerStore:
    """Probabilities that were paid for, by text; the texts themselves are not kept, only their SHA-256."""

    def __init__(self, ledger: Database, model: str) -> None:
        self._ledger = ledger
        self._model = model

    def get(self, texts: Sequence[TextInput]) -> dict[TextInput, tuple[float, ...]]:
        """The answers that are there."""
        keys = {_text_key(text): text for text in texts}
        found: dict[TextInput, tuple[float, ...]] = {}
        for first in range(0, len(keys), AT_ONCE):
            part = list(keys)[first : first + AT_ONCE]
            rows = self._ledger.select(
                "SELECT text_sha256, probabilities FROM answers WHERE model = ? AND text_sha256 IN "
                f"({', '.join('?' * len(part))})",
                (self._model, *part),
            )
            found |= {keys[key]: tuple(json.loads(probabilities)) for key, probabilities in rows}
        return found

    def put(self, answers: Mapping[TextInput, Sequence[float]]) -> None:
        """Keep all of ``answers``, or none."""
        self._ledger.write(
            "INSERT OR REPLACE INTO answers (model, text_sha256, probabilities) VALUES (?, ?, ?)",
            [(self._model, _text_key(text), json.dumps(list(row))) for text, row in answers.items()],
        )


def _text_key(text: TextInput) -> str:
    return hashlib.sha256(json.dumps(text).encode()).hexdigest()


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
