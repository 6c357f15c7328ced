"""The ledger keeps every outcome that was added, exactly, whatever happens to the process."""

import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.ledger import Ledger, LedgerStore
from attacks.errors import AssayError
from robustness.outcomes import Outcome

ROOT = Path(__file__).parents[2]
KEY = {"model": "m", "data": "d", "attack": "fgsm", "params": {"epsilon": 0.1}}


def store_of(ledger: Ledger, **changes: object) -> LedgerStore:
    return ledger.store(**(KEY | changes))  # type: ignore[arg-type]


def outcome(number: int, prediction: int = 1) -> Outcome:
    return Outcome(f"id{number}", 1, prediction, (0.25, 0.75))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


floats = st.floats(0, 1) | st.floats(0, allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
outcomes = st.builds(
    Outcome,
    example_id=texts,
    label=st.integers(0, 100),
    prediction=st.integers(0, 100),
    probabilities=st.lists(floats, min_size=2, max_size=5).map(tuple),
    skipped=st.booleans(),
    success=st.booleans(),
    queries=floats,
    distance=st.none() | floats,
    seconds=floats,
    truncated=st.booleans(),
    text=st.none() | texts | st.tuples(texts, texts),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(outcomes, unique_by=lambda each: each.example_id, max_size=5))
def test_outcomes_come_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, added: list[Outcome]
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    with Ledger(path) as ledger:
        store_of(ledger).add(added)
    with Ledger(path) as ledger:
        loaded = store_of(ledger).load()
    assert list(loaded.values()) == sorted(added, key=lambda each: each.example_id.encode())
    flags = [(each.skipped, each.success, each.truncated) for each in loaded.values()]
    assert all(type(flag) is bool for three in flags for flag in three)
    assert all(isinstance(each.text, str | tuple | None) for each in loaded.values())


def test_floats_that_decimal_rounding_would_lose(path: Path) -> None:
    exact = Outcome("x", 0, 0, (0.1 + 0.2, math.nextafter(1, 0)), distance=5e-324, seconds=1 / 3)
    with Ledger(path) as ledger:
        store_of(ledger).add([exact])
        assert store_of(ledger).load() == {"x": exact}


@pytest.mark.parametrize(
    "other",
    [
        {"model": "n"},
        {"data": "e"},
        {"attack": "fgm"},
        {"attack": ""},
        {"params": {"epsilon": 0.2}},
        {"params": {}},
    ],
)
def test_outcomes_of_another_model_data_attack_or_parameter_are_kept_apart(
    path: Path, other: dict[str, object]
) -> None:
    with Ledger(path) as ledger:
        store_of(ledger).add([outcome(1)])
        store_of(ledger, **other).add([outcome(1, prediction=0), outcome(2)])
        assert store_of(ledger).load() == {"id1": outcome(1)}
        assert len(store_of(ledger, **other).load()) == 2


def test_the_order_of_parameters_does_not_matter(path: Path) -> None:
    with Ledger(path) as ledger:
        store_of(ledger, params={"a": 1, "b": 2}).add([outcome(1)])
        assert store_of(ledger, params={"b": 2, "a": 1}).load() == {"id1": outcome(1)}


def test_adding_again_replaces(path: Path) -> None:
    with Ledger(path) as ledger:
        store = store_of(ledger)
        store.add([outcome(1), outcome(2)])
        store.add([outcome(1, prediction=0)])
        assert store.load() == {"id1": outcome(1, prediction=0), "id2": outcome(2)}


def test_a_batch_is_kept_whole_or_not_at_all(path: Path) -> None:
    broken = Outcome("id3", 1, None, (0.5, 0.5))  # type: ignore[arg-type]
    with Ledger(path) as ledger:
        store = store_of(ledger)
        store.add([outcome(1)])
        with pytest.raises(AssayError):
            store.add([outcome(2), broken])
        assert store.load() == {"id1": outcome(1)}
        store.add([outcome(2)])
        assert len(store.load()) == 2


WRITER = """
import sys
from pathlib import Path
from assay.ledger import Ledger
from robustness.outcomes import Outcome

with Ledger(Path(sys.argv[1])) as ledger:
    store = ledger.store(model="m", data="d", attack="fgsm", params={"epsilon": 0.1})
    batch = 0
    while True:
        store.add([Outcome(f"{batch}:{i}", 1, 1, (0.25, 0.75)) for i in range(10)])
        batch += 1
        print(batch, flush=True)
"""


@pytest.mark.parametrize("batches", [1, 7, 20])
def test_kill_9_in_the_middle_of_writing_loses_no_batch_that_was_added(path: Path, batches: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    reported = 0
    while reported < batches:
        reported = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    rest = process.stdout.read().split()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    reported = int(rest[-1]) if rest else reported

    with Ledger(path) as ledger:
        store = store_of(ledger)
        loaded = store.load()
        whole, part = divmod(len(loaded), 10)
        assert part == 0, "a batch was torn"
        # One batch may have been kept and not yet reported.
        assert reported <= whole <= reported + 1
        assert set(loaded) == {f"{batch}:{i}" for batch in range(whole) for i in range(10)}
        store.add([outcome(1)])
        assert len(store.load()) == len(loaded) + 1


HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("holding", flush=True)
sys.stdin.readline()
"""


def test_a_second_writer_is_told_to_wait(path: Path) -> None:
    with Ledger(path) as ledger:
        store = store_of(ledger)
        store.add([outcome(1)])
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        started = time.monotonic()
        with pytest.raises(AssayError, match=r"ledger\.sqlite: .*locked.*Another process is writing.*wait"):
            store.add([outcome(2)])
        assert time.monotonic() - started < 20
        assert store.load() == {"id1": outcome(1)}, "reading goes on"
        process.communicate("\n", timeout=10)
        store.add([outcome(2)])
        assert len(store.load()) == 2


def test_a_full_disk_is_said_and_what_was_written_is_kept(path: Path) -> None:
    with Ledger(path) as ledger:
        store = store_of(ledger)
        store.add([outcome(1)])
        # SQLite itself then says that the disk is full.
        pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
        ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(AssayError, match=r"ledger\.sqlite: .*full.*Free some space.*goes on from there"):
            store.add([outcome(i) for i in range(2, 2000)])
        assert store.load() == {"id1": outcome(1)}
    with Ledger(path) as ledger:
        store_of(ledger).add([outcome(2)])
        assert len(store_of(ledger).load()) == 2


def test_a_file_that_cannot_be_written_is_said(path: Path) -> None:
    with Ledger(path) as ledger:
        store = store_of(ledger)
        ledger._connection.execute("PRAGMA query_only = ON")
        with pytest.raises(AssayError, match=r"ledger\.sqlite: .*readonly.*its folder writable"):
            store.add([outcome(1)])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said(path: Path) -> None:
    path.parent.chmod(0o500)
    with pytest.raises(AssayError, match="writable"):
        Ledger(path)
    path.parent.chmod(0o700)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="its folder exists and is writable"):
        Ledger(tmp_path / "no" / "ledger.sqlite")


def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    text = "id,text\n" * 1000
    path.write_text(text)
    with pytest.raises(AssayError, match=r"ledger\.sqlite: .*not a database.*move it away"):
        Ledger(path)
    assert path.read_text() == text


def test_a_database_of_something_else_is_refused_and_left_alone(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE outcomes (football TEXT)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(AssayError, match="expected a ledger of version 2, got a database of version 0"):
        Ledger(path)
    assert path.read_bytes() == before


def test_a_damaged_ledger_is_said(path: Path) -> None:
    with Ledger(path) as ledger:
        store_of(ledger).add([outcome(i) for i in range(3000)])
    whole = bytearray(path.read_bytes())
    whole[8192:] = bytes(len(whole) - 8192)
    path.write_bytes(whole)
    with Ledger(path) as ledger, pytest.raises(AssayError, match=r"malformed.*It is damaged: move it away"):
        store_of(ledger).load()
