"""Records and answers in the ledger: kept exactly, apart from one another, and all of a batch or none."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.ledger import Ledger
from assay.stores import AT_ONCE, AnswerStore, RecordStore
from attacks.victims import TextInput

RECORD = {"worst": ["a", "b"], "after": None, "change": 0.1 + 0.2, "variants": 3, "text": "naïve \U0001f600"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger(path) as opened:
        yield opened


def records(ledger: Ledger, **changes: object) -> RecordStore:
    key = {"model": "m", "data": "d", "test": "behaviour:typos", "params": {"seed": 0}}
    return ledger.record_store(**(key | changes))  # type: ignore[arg-type]


def test_records_come_back_as_they_were_in_another_process(ledger: Ledger, path: Path) -> None:
    records(ledger).add({"x": RECORD, "y": {}})
    with Ledger(path) as other:
        assert records(other).load() == {"x": RECORD, "y": {}}


@pytest.mark.parametrize(
    "other", [{"model": "n"}, {"data": "e"}, {"test": "behaviour:ocr"}, {"params": {"seed": 1}}]
)
def test_records_of_another_model_data_test_or_seed_are_not_taken(
    ledger: Ledger, other: dict[str, object]
) -> None:
    records(ledger).add({"x": RECORD})
    assert records(ledger, **other).load() == {}


def test_records_that_are_added_later_join_the_others(ledger: Ledger) -> None:
    store = records(ledger)
    store.add({"x": RECORD})
    store.add({})
    store.add({"y": {"n": 1}, "x": {"n": 2}})
    assert store.load() == {"x": {"n": 2}, "y": {"n": 1}}


def test_a_record_that_is_no_json_leaves_nothing_behind(ledger: Ledger) -> None:
    with pytest.raises(TypeError):
        records(ledger).add({"x": RECORD, "y": object()})
    assert records(ledger).load() == {}


def test_answers_come_back_to_the_bit_in_another_process(ledger: Ledger, path: Path) -> None:
    answers: dict[TextInput, tuple[float, ...]] = {
        "a film": (0.1 + 0.2, 0.7),
        "": (0.5, 0.5),
        ("a", "film"): (1 / 3, 2 / 3),
        "né\u0301e 'quoted' \x08": (5e-324, 1.0),
    }
    ledger.answer_store("m").put(answers)
    with Ledger(path) as other:
        assert other.answer_store("m").get([*answers, "never asked"]) == answers


def test_a_pair_has_not_the_answer_of_another_split_of_the_same_words(ledger: Ledger) -> None:
    store = ledger.answer_store("m")
    texts: list[TextInput] = [("a b", "c"), ("a", "b c"), "a b c", ("a b c", "")]
    store.put({text: (float(i), 0.0) for i, text in enumerate(texts)})
    assert store.get(texts) == {text: (float(i), 0.0) for i, text in enumerate(texts)}


def test_answers_of_another_model_are_not_taken(ledger: Ledger) -> None:
    ledger.answer_store("m").put({"a film": (0.25, 0.75)})
    assert ledger.answer_store("n").get(["a film"]) == {}


def test_more_answers_than_one_query_can_ask_for_are_all_found(ledger: Ledger) -> None:
    store = ledger.answer_store("m")
    n = 2 * AT_ONCE + 1
    store.put({f"text {i}": (i / n, 1 - i / n) for i in range(n)})
    found = store.get([f"text {i}" for i in range(0, 2 * n, 2)])
    assert found == {f"text {i}": (i / n, 1 - i / n) for i in range(0, n, 2)}
    assert store.get([]) == {}


def test_an_answer_that_cannot_be_kept_leaves_none_of_its_batch(ledger: Ledger) -> None:
    store: AnswerStore = ledger.answer_store("m")
    with pytest.raises(TypeError):
        store.put({"a": (0.5, 0.5), "b": (object(), 0.5)})  # type: ignore[dict-item]
    assert store.get(["a", "b"]) == {}


def test_the_texts_that_were_asked_are_not_in_the_file(ledger: Ledger, path: Path) -> None:
    ledger.answer_store("m").put({"a private sentence": (0.5, 0.5)})
    written = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"private" not in written
    with sqlite3.connect(path) as connection:
        (count,) = connection.execute("SELECT count(*) FROM answers").fetchone()
    connection.close()
    assert count == 1
