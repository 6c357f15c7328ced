"""A server that fails: the questions are answered in the end, or it is said what failed how often."""

import random
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import numpy as np
import pytest

from attacks.errors import AssayError
from robustness.black_box.endpoint import Endpoint
from robustness.black_box.transport import Delivery, retry_after
from tests.robustness.black_box.server import (
    LABELS,
    Server,
    answer,
    cut,
    drip,
    drop,
    late,
    predictions,
    rows_of,
    serving,
    status,
)

TEXTS = [f"text number {i}" for i in range(40)]


def endpoint(server: Server, /, **settings: Any) -> Endpoint:
    usual = {"label_names": LABELS, "server": "mlflow", "backoff": 0.002, "timeout": 5.0}
    return Endpoint(server.url, **usual | settings)


TROUBLES = {
    "HTTP 500": status(500),
    "HTTP 502": status(502),
    "HTTP 503": status(503),
    "HTTP 504": status(504),
    "HTTP 408": status(408),
    "HTTP 429": status(429),
    "connection dropped": drop,
    "timed out": late(1.5),
    "not JSON": answer(b"<html>soon</html>"),
    "wrong number of answers": predictions(lambda rows: rows[1:]),
    "NaN or infinity": predictions(lambda rows: [[float("nan")] * 2] * len(rows)),
    "scores do not sum to 1": predictions(lambda rows: [[0.5, 0.4]] * len(rows)),
}


@pytest.mark.parametrize("kind", TROUBLES)
def test_a_passing_trouble_costs_a_retry_and_no_answer(server: Server, kind: str) -> None:
    server.script = [TROUBLES[kind]]
    model = endpoint(server, timeout=0.5)
    np.testing.assert_allclose(model.predict_proba(["a", "b"]), rows_of(["a", "b"]))
    told = model.statistics
    assert (told.requests, told.retries, told.texts_asked, told.texts_answered) == (2, 1, 2, 2)
    assert told.failures == {kind: 1}


@pytest.mark.parametrize("kind", [kind for kind in TROUBLES if kind.startswith(("HTTP", "connection"))])
def test_a_lasting_trouble_ends_with_what_failed_how_often(server: Server, kind: str) -> None:
    server.usual = TROUBLES[kind]
    with pytest.raises(AssayError, match=rf"{kind} \(4 times\)"):
        endpoint(server, retries=3).predict_proba(["a"])
    assert len(server.seen) == 4


def test_an_answer_that_breaks_off_is_asked_for_again(server: Server) -> None:
    server.script = [cut]
    model = endpoint(server)
    np.testing.assert_allclose(model.predict_proba(["a"]), rows_of(["a"]))
    assert model.statistics.failures == {"connection dropped": 1}


def test_an_answer_that_drips_is_timed_out(server: Server) -> None:
    server.script = [drip]
    model = endpoint(server, timeout=0.15)
    start = time.monotonic()
    np.testing.assert_allclose(model.predict_proba(["a"]), rows_of(["a"]))
    assert model.statistics.failures == {"timed out": 1}
    assert time.monotonic() - start < 2


def test_different_troubles_are_counted_apart_the_most_frequent_first(server: Server) -> None:
    server.usual = status(500)
    server.script = [status(500), status(429), answer(b"?"), status(500), drop]
    message = r"HTTP 500 \(3 times\), HTTP 429 \(once\), not JSON \(once\), connection dropped \(once\)"
    with pytest.raises(AssayError, match=message):
        endpoint(server, retries=5).predict_proba(["a"])


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        (400, "request"),
        (401, "credentials"),
        (403, "credentials"),
        (404, "url"),
        (413, "batch_size"),
        (422, ""),
    ],
)
def test_a_refusal_is_not_repeated(server: Server, code: int, hint: str) -> None:
    server.usual = status(code, {"detail": "this is why"})
    with pytest.raises(AssayError, match=rf"HTTP {code} \(once\).*this is why.*{hint}"):
        endpoint(server).predict_proba(["a"])
    assert len(server.seen) == 1


def test_a_server_that_is_not_there_is_said_to_be(server: Server) -> None:
    with serving(Server()) as gone:
        model = endpoint(gone, retries=2)
    with pytest.raises(AssayError, match=r"could not connect \(3 times\)"):
        model.predict_proba(["a"])


def test_many_troubles_at_once_lose_no_answer_and_count_none_twice(server: Server) -> None:
    troubles = [*TROUBLES.values(), cut] * 3
    random.Random(3).shuffle(troubles)
    server.script = list(troubles)
    model = endpoint(server, batch_size=2, concurrency=6, retries=40, malformed_retries=40, timeout=0.5)
    told: list[int] = []
    np.testing.assert_allclose(model.predict_proba(TEXTS, told.append), rows_of(TEXTS))
    statistics = model.statistics
    assert statistics.failures.total() == len(troubles) == statistics.retries
    assert statistics.requests == len(troubles) + 20 == len(server.seen)
    assert statistics.texts_asked == statistics.texts_answered == sum(told) == 40


def test_what_was_answered_before_a_failure_is_kept_and_not_asked_again(server: Server) -> None:
    def fails_on_poison(handler: Any, texts: list[str]) -> None:
        if "poison" in texts:
            handler.reply("no", 500)
        else:
            handler.reply({"predictions": rows_of(texts)})

    server.usual = fails_on_poison
    model = endpoint(server, batch_size=1, concurrency=2, retries=2)
    texts = [*TEXTS[:10], "poison", *TEXTS[10:]]
    with pytest.raises(AssayError, match=r"HTTP 500 \(3 times\).*Answers that came before are kept"):
        model.predict_proba(texts)
    answered = model.cache.get(texts)
    assert set(TEXTS[:10]) <= set(answered)
    assert set(server.asked) == {*answered, "poison"}
    assert model.statistics.texts_asked == len(answered) + 1
    server.usual = predictions(lambda rows: rows)
    np.testing.assert_allclose(model.predict_proba(texts), rows_of(texts))
    assert {server.asked[text] for text in TEXTS} == {1}


def test_after_a_failure_nothing_more_is_started(server: Server) -> None:
    server.usual = status(400)
    model = endpoint(server, batch_size=1, concurrency=2)
    with pytest.raises(AssayError, match="HTTP 400"):
        model.predict_proba(TEXTS)
    assert len(server.seen) == model.statistics.texts_asked <= 2


def test_a_request_that_waits_is_given_up_when_another_fails(server: Server) -> None:
    both = threading.Barrier(2, timeout=5)

    def to_wait(handler: Any, texts: list[str]) -> None:
        both.wait()
        handler.reply("later", 503, Retry_After="30")

    def to_fail(handler: Any, texts: list[str]) -> None:
        both.wait()
        time.sleep(0.2)
        handler.reply("no", 400)

    server.script = [to_wait, to_fail]
    start = time.monotonic()
    with pytest.raises(AssayError, match="HTTP 400"):
        endpoint(server, batch_size=1, concurrency=2).predict_proba(["a", "b"])
    assert time.monotonic() - start < 5


def test_a_failure_of_the_cache_ends_the_questions(server: Server) -> None:
    class Full:
        def get(self, texts: Any) -> dict[Any, Any]:
            return {}

        def put(self, answers: Any) -> None:
            raise AssayError("the disk is full")

    with pytest.raises(AssayError, match="the disk is full"):
        endpoint(server, cache=Full(), batch_size=1, concurrency=2).predict_proba(TEXTS)
    assert len(server.seen) < len(TEXTS)


def test_a_server_is_given_the_time_it_asks_for(server: Server) -> None:
    server.script = [status(429, Retry_After="30")]
    model = endpoint(server, max_wait=0.2)
    model.predict_proba(["a"])
    # Longer than max_wait is not waited.
    assert 0.19 < server.started[1] - server.started[0] < 5


def test_a_pause_asked_for_holds_for_all_requests(server: Server) -> None:
    # While the one waits, the thread of the other would be free for the next text.
    server.script = [status(429, Retry_After="30"), late(0.1)]
    endpoint(server, max_wait=0.6, batch_size=1, concurrency=2).predict_proba(["a", "b", "c"])
    assert len(server.seen) == 4
    assert sorted(server.started)[2] - min(server.started) > 0.59


def test_no_more_than_the_budget_of_retries_is_spent_on_malformed_answers(server: Server) -> None:
    server.usual = answer(b"{")
    with pytest.raises(AssayError, match=r"not JSON \(2 times\)"):
        endpoint(server, malformed_retries=1, retries=9).predict_proba(["a"])


def test_a_long_answer_is_shown_shortened(server: Server) -> None:
    server.usual = status(400, "word " * 10_000)
    with pytest.raises(AssayError) as refused:
        endpoint(server).predict_proba(["a"])
    assert len(str(refused.value)) < 600
    assert re.search(r"50,00\d characters", str(refused.value))


def test_deeply_nested_answers_are_refused(server: Server) -> None:
    server.usual = answer(b"[" * 100_000)
    with pytest.raises(AssayError, match="not JSON"):
        endpoint(server).predict_proba(["a"])


@pytest.mark.parametrize(
    "usual",
    [answer({"error": "loading"}), answer([]), answer(b""), answer("text"), answer(None)],
)
def test_an_answer_of_another_form_is_refused(server: Server, usual: Any) -> None:
    server.usual = usual
    with pytest.raises(AssayError, match=r"nothing where the answers should be \(3|not JSON \(3"):
        endpoint(server).predict_proba(["a"])


def test_waits_double_with_jitter_up_to_the_longest() -> None:
    delivery = Delivery(backoff=1.0, max_wait=5.0)
    for attempt, most in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (2000, 5.0)]:
        waits = [delivery.wait(attempt, None) for _ in range(50)]
        assert most / 2 <= min(waits) <= max(waits) <= most
    assert len({delivery.wait(1, None) for _ in range(10)}) > 1
    assert delivery.wait(1, 4.5) == 4.5
    assert delivery.wait(1, 3600) == 5.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("soon", None),
        ("-3", None),
        ("", None),
        ("9" * 400, float("inf")),
    ],
)
def test_retry_after_is_a_number_of_seconds(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}) == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(100, 100.0), (-86400, 0.0)])
@pytest.mark.parametrize("zone", ["GMT", "+0000", "-0000"])
def test_retry_after_is_a_date(ahead: int, seconds: float, zone: str) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True).replace("GMT", zone)
    assert retry_after({"retry-after": date}) == pytest.approx(seconds, abs=2)


def test_without_retry_after_nothing_is_asked_for() -> None:
    assert retry_after({}) is None
