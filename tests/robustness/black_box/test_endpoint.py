"""An endpoint answers each text once, rightly and in order, whatever the batches and the concurrency."""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from attacks.errors import AssayError
from robustness.black_box.base import with_labels
from robustness.black_box.cache import MemoryCache
from robustness.black_box.endpoint import Endpoint
from tests.robustness.black_box.server import LABELS, Server, answer, late, predictions, rows_of, status

TEXTS = [f"text number {i}" for i in range(50)]


def endpoint(server: Server, /, **settings: Any) -> Endpoint:
    return Endpoint(server.url, **{"label_names": LABELS, "server": "mlflow", "backoff": 0.001} | settings)


def test_each_text_gets_its_own_answer_in_the_order_of_the_texts(server: Server) -> None:
    # The first batches come last.
    server.script = [late(0.05), late(0.03)]
    model = endpoint(server, batch_size=7, concurrency=5)
    answers = model.predict_proba(TEXTS)
    assert answers.dtype == np.float64
    np.testing.assert_allclose(answers, rows_of(TEXTS), atol=1e-15)
    assert set(server.asked.values()) == {1}
    assert [len(texts) for texts in server.seen].count(7) == 7


def test_no_more_requests_than_allowed_are_under_way_at_once(server: Server) -> None:
    server.script = [late(0.05) for _ in range(12)]
    endpoint(server, batch_size=1, concurrency=3).predict_proba(TEXTS[:12])
    assert server.most_under_way == 3


def test_a_text_is_asked_once_however_often_it_comes(server: Server) -> None:
    model = endpoint(server, batch_size=2)
    texts = ["b", "a", "b", "b", "c", "a"]
    np.testing.assert_allclose(model.predict_proba(texts), rows_of(texts))
    model.predict_proba(["c", "d"])
    assert server.asked == {"a": 1, "b": 1, "c": 1, "d": 1}
    told = model.statistics
    assert (told.requests, told.retries, told.texts_asked, told.texts_answered) == (3, 0, 4, 4)
    assert told.texts_known == 4


def test_a_cache_outlives_the_endpoint(server: Server) -> None:
    cache = MemoryCache()
    endpoint(server, cache=cache).predict_proba(["a", "b"])
    second = endpoint(server)
    second.cache = cache
    np.testing.assert_allclose(second.predict_proba(["b", "c"]), rows_of(["b", "c"]))
    assert server.asked == {"a": 1, "b": 1, "c": 1}


def test_the_cache_is_told_of_each_request_as_it_is_answered_and_in_the_thread_that_asks(
    server: Server,
) -> None:
    calls = []

    class Cache(MemoryCache):
        def put(self, answers: Any) -> None:
            calls.append((len(answers), threading.current_thread() is threading.main_thread()))
            super().put(answers)

    endpoint(server, cache=Cache(), batch_size=4, concurrency=3).predict_proba(TEXTS[:10])
    assert sorted(calls) == [(2, True), (4, True), (4, True)]


def test_kept_answers_of_another_model_are_refused(server: Server) -> None:
    cache = MemoryCache()
    cache.put({"a": (0.2, 0.3, 0.5)})
    with pytest.raises(AssayError, match="the kept answers are not of this model"):
        endpoint(server, cache=cache).predict_proba(["a"])


def test_progress_counts_every_text(server: Server) -> None:
    told: list[int] = []
    endpoint(server, batch_size=2).predict_proba(["a", "b", "a", "c"], told.append)
    assert sum(told) == 4


def test_nothing_is_asked_for_no_texts(server: Server) -> None:
    assert endpoint(server).predict_proba([]).shape == (0, 2)
    assert server.seen == []


@pytest.mark.parametrize(
    "text",
    ["", " ", "ä 中 \u202e \x00 \ufeff", "{texts}", '"}]', "🙂" * 3, "x" * 1_000_000],
    ids=["empty", "space", "unicode", "placeholder", "json", "emoji", "one megabyte"],
)
def test_a_text_arrives_as_it_is(server: Server, text: str) -> None:
    np.testing.assert_allclose(endpoint(server).predict_proba([text, "other"]), rows_of([text, "other"]))
    assert server.seen == [[text, "other"]]


def test_half_of_a_surrogate_pair_is_refused_before_anything_is_sent(server: Server) -> None:
    with pytest.raises(AssayError, match="text 2 has half of a surrogate pair"):
        endpoint(server).predict_proba(["fine", "bad \ud800"])
    assert server.seen == []


@pytest.mark.parametrize("texts", ["one text", [3], [None], [("a", "b", "c")], [("a", 1)], [["a", "b"]]])
def test_what_is_no_list_of_texts_is_refused(server: Server, texts: Any) -> None:
    with pytest.raises(AssayError, match="expected"):
        endpoint(server).predict_proba(texts)


def test_pairs_go_into_their_places(server: Server) -> None:
    server.script = [answer({"predictions": [[0.1, 0.9], [0.8, 0.2]]})]
    request, item = {"inputs": "{items}", "k": 1}, {"text": "{text_a}", "text_pair": "{text_b}"}
    model = endpoint(server, server=None, request=request, item=item, scores_path="predictions")
    answers = model.predict_proba([("a", "b"), ("c", "d")])
    assert answers.tolist() == [[0.1, 0.9], [0.8, 0.2]]
    pairs = [{"text": "a", "text_pair": "b"}, {"text": "c", "text_pair": "d"}]
    assert server.bodies == [{"inputs": pairs, "k": 1}]


def test_pairs_and_texts_are_not_mixed_up(server: Server) -> None:
    with pytest.raises(AssayError, match="made for one text, but text 1 is a pair"):
        endpoint(server).predict_proba([("a", "b")])
    request = {"a": "{texts_a}", "b": "{texts_b}"}
    model = endpoint(server, server=None, request=request, scores_path="predictions")
    with pytest.raises(AssayError, match="made for a pair of texts, but text 1 is one text"):
        model.predict_proba(["a"])


def test_one_text_a_request(server: Server) -> None:
    server.usual = lambda handler, texts: handler.reply({"scores": rows_of(texts)[0]})
    model = endpoint(server, server=None, request={"text": "{text}"}, scores_path="scores", concurrency=8)
    np.testing.assert_allclose(model.predict_proba(TEXTS), rows_of(TEXTS))
    assert all(len(texts) == 1 for texts in server.seen)


def test_labels_alone_become_one_hot_rows(server: Server) -> None:
    server.script = [answer({"out": [{"y": "POS"}, {"y": "NEG"}, {"y": "POS"}]})]
    model = endpoint(
        server,
        server=None,
        request={"inputs": "{texts}"},
        label_path="out[].y",
        label_map={"POS": "positive", "NEG": "negative"},
    )
    assert not model.scores
    assert model.predict_proba(["a", "b", "c"]).tolist() == [[0, 1], [1, 0], [0, 1]]


def test_a_hugging_face_server_is_told_to_answer_all_labels_and_may_sort_them(server: Server) -> None:
    def sorted_by_score(handler: Any, texts: list[str]) -> None:
        named = [
            [{"label": label, "score": score} for label, score in zip(LABELS, row, strict=True)]
            for row in rows_of(texts)
        ]
        handler.reply([sorted(row, key=lambda each: -each["score"]) for row in named])

    server.usual = sorted_by_score
    model = endpoint(server, server="huggingface")
    np.testing.assert_allclose(model.predict_proba(TEXTS), rows_of(TEXTS))
    assert server.bodies[0]["parameters"] == {"top_k": 2}


def test_columns_follow_the_labels_of_the_data(server: Server) -> None:
    model = with_labels(endpoint(server), ("positive", "negative"))
    np.testing.assert_allclose(model.predict_proba(TEXTS), np.array(rows_of(TEXTS))[:, ::-1])


def test_requests_start_no_faster_than_the_rate_limit(server: Server) -> None:
    begun = time.monotonic()
    endpoint(server, batch_size=1, concurrency=4, rate_limit=8).predict_proba(TEXTS[:4])
    in_order = sorted(moment - begun for moment in server.started)
    assert all(moment >= i / 8 for i, moment in enumerate(in_order))


def test_a_budget_of_texts_is_kept_and_known_answers_are_free(server: Server) -> None:
    model = endpoint(server, max_texts=3)
    model.predict_proba(["a", "b"])
    model.predict_proba(["a", "b", "b"])
    with pytest.raises(
        AssayError, match=r"max_texts = 3 is reached: 2 texts were asked, and 2 more"
    ) as refused:
        model.predict_proba(["c", "d"])
    assert "are kept" in str(refused.value)
    assert server.asked == {"a": 1, "b": 1}
    model.predict_proba(["c"])


def test_a_budget_of_requests_counts_retries(server: Server) -> None:
    server.script = [status(500), status(500)]
    model = endpoint(server, max_requests=2, retries=5)
    with pytest.raises(AssayError, match="max_requests = 2 is reached"):
        model.predict_proba(["a"])
    assert len(server.seen) == 2


def test_cost_is_told_where_it_can_be(server: Server) -> None:
    assert endpoint(server).cost(5000) is None
    told = endpoint(server, price_per_1000=0.5, currency="USD", batch_size=32, rate_limit=10).cost(5000)
    assert told is not None
    for part in ("5,000 texts in 157 requests", "2.50 USD at 0.5 per 1,000", "at least 16 s"):
        assert part in told


def test_the_fingerprint_tells_what_decides_an_answer(server: Server) -> None:
    same = [endpoint(server), endpoint(server, batch_size=3, timeout=5, concurrency=9, retries=1)]
    assert len({model.fingerprint() for model in same}) == 1
    others = [
        endpoint(server, revision="2"),
        endpoint(server, label_names=("positive", "negative")),
        endpoint(server, scores_path="other"),
        endpoint(server, server="kserve"),
        endpoint(server, headers={"X-Model": "b"}),
        Endpoint(server.url + "2", label_names=LABELS, server="mlflow"),
    ]
    assert len({model.fingerprint() for model in [*same, *others]}) == 1 + len(others)


def test_interrupting_keeps_what_was_answered(server: Server) -> None:
    server.script = [late(0), late(0.1)]

    class Cache(MemoryCache):
        interrupted = False

        def put(self, answers: Any) -> None:
            super().put(answers)
            if not self.interrupted:
                self.interrupted = True
                raise KeyboardInterrupt

    model = endpoint(server, cache=Cache(), batch_size=1, concurrency=2)
    with pytest.raises(KeyboardInterrupt):
        model.predict_proba(TEXTS)
    answered = model.cache.get(TEXTS)
    assert set(server.asked) == set(answered)
    assert len(answered) < 10


@pytest.mark.parametrize("name", ["httpx", "jmespath"])
def test_a_missing_package_is_told_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("robustness.black_box.endpoint.find_spec", lambda each: None if each == name else 1)
    with pytest.raises(AssayError, match=rf"and {name} cannot be found.*assay\[endpoint\]"):
        endpoint(server)


def test_it_can_be_closed_and_asked_again(server: Server) -> None:
    with endpoint(server) as model:
        model.predict_proba(["a"])
    model.predict_proba(["b"])
    model.close()
    model.close()
    assert server.asked == {"a": 1, "b": 1}


BAD_SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "no request": ({"server": None}, "expected server, or request"),
    "unknown server": ({"server": "mlfow"}, 'Did you mean "mlflow"'),
    "one label": ({"label_names": ["a"]}, "two or more different names"),
    "a label twice": ({"label_names": ["a", "a"]}, "two or more different names"),
    "no batch": ({"batch_size": 0}, "expected batch_size to be a number above zero, got 0"),
    "no time": ({"timeout": 0}, "expected timeout"),
    "endless time": ({"timeout": float("inf")}, "expected timeout"),
    "no rate": ({"rate_limit": 0}, "expected rate_limit"),
    "negative retries": ({"retries": -1}, "expected retries to be zero"),
    "both paths": ({"scores_path": "a", "label_path": "b"}, "one of scores_path and label_path"),
    "bad path": ({"scores_path": "a["}, "no JMESPath expression"),
    "bad label map": ({"label_map": {"A": "postive"}}, "label_map"),
    "batches of one text": ({"request": {"t": "{text}"}, "batch_size": 4}, "batch_size cannot be 4"),
}


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_bad_settings_are_refused_before_anything_is_sent(server: Server, case: str) -> None:
    settings, message = BAD_SETTINGS[case]
    with pytest.raises(AssayError, match=message):
        endpoint(server, **settings)
    assert server.seen == []


BAD_ANSWERS: dict[str, tuple[Callable[[list[list[float]]], Any], str]] = {
    "too few": (lambda rows: rows[:-1], "wrong number of answers"),
    "too many": (lambda rows: [*rows, rows[0]], "wrong number of answers"),
    "no list": (lambda rows: 3, "no list of answers"),
    "NaN": (lambda rows: [[float("nan"), 1.0], *rows[1:]], "NaN or infinity"),
    "infinity": (lambda rows: [[float("inf"), 1.0], *rows[1:]], "NaN or infinity"),
    "a huge number": (lambda rows: [[10**400, 1.0], *rows[1:]], "NaN or infinity"),
    "negative": (lambda rows: [[-0.5, 1.5], *rows[1:]], "negative score"),
    "not summing to 1": (lambda rows: [[0.5, 0.502], *rows[1:]], "scores do not sum to 1"),
    "logits": (lambda rows: [[3.0, 1.5], *rows[1:]], "scores do not sum to 1"),
    "one score": (lambda rows: [[1.0], *rows[1:]], "wrong number of scores"),
    "words": (lambda rows: [["1", "0"], *rows[1:]], "score is no number"),
    "truth": (lambda rows: [[True, False], *rows[1:]], "score is no number"),
    "null": (lambda rows: None, "nothing where the answers should be"),
    "unknown label": (lambda rows: [{"good": 0.5, "negative": 0.5}, *rows[1:]], "unknown label"),
    "missing label": (lambda rows: [{"negative": 1.0}, *rows[1:]], "missing label"),
}


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_what_is_no_answer_is_asked_for_again_a_little_and_then_refused(server: Server, case: str) -> None:
    change, kind = BAD_ANSWERS[case]
    server.usual = predictions(change)
    model = endpoint(server, malformed_retries=2)
    with pytest.raises(AssayError, match=rf"{kind} \(3 times\)"):
        model.predict_proba(["a", "b"])
    assert len(server.seen) == 3
    assert model.cache.get(["a", "b"]) == {}


def test_scores_are_not_renormalised(server: Server) -> None:
    server.usual = predictions(lambda rows: [[0.5, 0.5005]])
    assert endpoint(server).predict_proba(["a"]).tolist() == [[0.5, 0.5005]]


def test_a_slow_server_is_waited_for_only_so_long(server: Server) -> None:
    server.usual = late(3)
    start = time.monotonic()
    with pytest.raises(AssayError, match=r"timed out \(2 times\)"):
        endpoint(server, timeout=0.05, retries=1).predict_proba(["a"])
    assert time.monotonic() - start < 2
