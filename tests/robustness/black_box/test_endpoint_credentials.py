"""Credentials come from the environment, go to one host, and stand nowhere else."""

import logging
import socket
from typing import Any

import numpy as np
import pytest

from attacks.errors import AssayError
from robustness.black_box.cache import MemoryCache
from robustness.black_box.credentials import Secrets
from robustness.black_box.endpoint import Endpoint
from tests.robustness.black_box.server import LABELS, Server, answer, rows_of, serving, status

KEY = "sk-9f3/a+b&c=\"D'E<8>"
ENVIRONMENT = {"API_KEY": KEY, "SESSION": "Bearer tok-123456789", "HOST": "127.0.0.1"}
HEADERS = {"Authorization": "Bearer ${API_KEY}", "Cookie": "session=${SESSION}", "X-Team": "audit"}


def endpoint(url: str, **settings: Any) -> Endpoint:
    usual = {"label_names": LABELS, "server": "mlflow", "backoff": 0.001, "environment": ENVIRONMENT}
    return Endpoint(url, **usual | settings)


def test_the_environment_fills_headers_and_url(server: Server) -> None:
    url = f"http://${{HOST}}:{server.port}/predict?key=${{API_KEY}}&version=3"
    model = endpoint(url, headers=HEADERS)
    np.testing.assert_allclose(model.predict_proba(["a"]), rows_of(["a"]))
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert server.headers[0]["cookie"] == "session=Bearer tok-123456789"
    assert server.headers[0]["x-team"] == "audit"
    assert server.headers[0]["content-type"] == "application/json"
    assert server.paths == ["/predict?key=sk-9f3%2Fa%2Bb%26c%3D%22D%27E%3C8%3E&version=3"]
    assert model.source == url


def test_headers_of_ones_own_replace_the_usual_ones(server: Server) -> None:
    endpoint(server.url, headers={"content-type": "application/vnd.a+json"}).predict_proba(["a"])
    assert server.headers[0]["content-type"] == "application/vnd.a+json"


def test_a_variable_that_is_not_set_is_told_before_anything_is_sent(server: Server) -> None:
    for environment in ({}, {"API_KEY": ""}):
        with pytest.raises(AssayError, match=r'header "Authorization".*API_KEY is not set'):
            endpoint(server.url, headers=HEADERS, environment=environment)
    assert server.seen == []


def test_a_variable_with_a_line_break_is_refused_without_showing_it(server: Server) -> None:
    with pytest.raises(AssayError, match="API_KEY has a line break") as refused:
        endpoint(server.url, headers=HEADERS, environment=ENVIRONMENT | {"API_KEY": "secret\n"})
    assert "secret" not in str(refused.value)


LITERALS = {
    "authorization": ("https://h/p", {"Authorization": "Bearer sk-1234"}),
    "lower case": ("https://h/p", {"authorization": "sk-1234"}),
    "api key": ("https://h/p", {"X-API-Key": "sk-1234"}),
    "other api key": ("https://h/p", {"api-key": "sk-1234"}),
    "vendor key": ("https://h/p", {"Ocp-Apim-Subscription-Key": "sk-1234"}),
    "token": ("https://h/p", {"X-Auth-Token": "sk-1234"}),
    "cookie": ("https://h/p", {"Cookie": "session=sk-1234"}),
    "bearer elsewhere": ("https://h/p", {"X-Forward": "Bearer sk-1234"}),
    "beside a reference": ("https://h/p", {"Authorization": "Bearer sk-12345678901234567890 ${HOST}"}),
    "user and password": ("https://user:sk-1234@h/p", {}),
    "password of a variable": ("https://user:${API_KEY}@h/p", {}),
    "key in the query": ("https://h/p?key=sk-1234", {}),
    "token in the query": ("https://h/p?a=b&access_token=sk-1234", {}),
    "signature in the query": ("https://h/p?sig=sk-1234", {}),
    "camel case in the query": ("https://h/p?apiKey=sk-1234", {}),
    "code of a function": ("https://h/p?code=sk-1234567890123456", {}),
}


@pytest.mark.parametrize("case", LITERALS)
def test_a_credential_that_is_written_out_is_refused_with_the_way_out(case: str) -> None:
    url, headers = LITERALS[case]
    with pytest.raises(AssayError, match="NAME") as refused:
        endpoint(url, headers=headers)
    assert "sk-1234" not in str(refused.value)


def test_what_only_resembles_a_credential_is_allowed() -> None:
    headers = {"Accept-Language": "en", "X-Author": "a", "X-Tokenizer": "bert", "X-Monkey": "b"}
    endpoint("https://h/p?max_tokens=5&tokenize=1&code=en&author=a", headers=headers)


@pytest.mark.parametrize("headers", [HEADERS, {"X-Plain": "${API_KEY}"}])
def test_credentials_do_not_travel_unencrypted(headers: dict[str, str]) -> None:
    with pytest.raises(AssayError, match=r"unencrypted.*https"):
        endpoint("http://example.org/p", headers=headers)
    with pytest.raises(AssayError, match=r"unencrypted.*https"):
        endpoint("http://example.org/p?key=${API_KEY}")
    endpoint("http://example.org/p")
    endpoint("http://localhost:80/p", headers=headers)
    endpoint("http://[::1]:80/p", headers=headers)


def everything(server: Server, caplog: pytest.LogCaptureFixture, usual: Any, key: str = KEY) -> str:
    """What is said, logged, shown and kept when the server echoes what it was sent."""
    server.usual = usual
    cache = MemoryCache()
    url = f"{server.url}?key=${{API_KEY}}"
    said = []
    with caplog.at_level(logging.DEBUG):
        environment = ENVIRONMENT | {"API_KEY": key}
        model = endpoint(url, headers=HEADERS, cache=cache, retries=1, environment=environment)
        try:
            model.predict_proba(["a"])
        except AssayError as error:
            said += [str(error), repr(error.__cause__), repr(error.__context__ and vars(error.__context__))]
        said += [repr(model), str(model), model.source, model.fingerprint(), str(model.cost(3))]
        said += [repr(model.statistics), repr(model._address), repr(vars(cache))]
        model.close()
    return "\n".join([*said, caplog.text, *(str(record.__dict__) for record in caplog.records)])


def headers_of(handler: Any) -> dict[str, str]:
    # These alone: a longer answer would be shortened before them.
    return {name: handler.headers[name] for name in ("Authorization", "Cookie")}


ECHOES: dict[str, Any] = {
    "headers as JSON": lambda handler, texts: handler.reply(headers_of(handler), 401),
    "headers as text": lambda handler, texts: handler.reply(str(headers_of(handler)).encode(), 500),
    "the path": lambda handler, texts: handler.reply(handler.path.encode(), 404),
    "in a redirection": lambda handler, texts: handler.reply("", 307, Location="http://other" + handler.path),
    "a malformed answer": lambda handler, texts: handler.reply(str(headers_of(handler)).encode()),
    "a label": lambda handler, texts: handler.reply(
        {"predictions": [{handler.headers["Authorization"][7:]: 1.0}]}
    ),
    "at the place of a cut": lambda handler, texts: handler.reply(
        b"x" * 150 + handler.headers["Authorization"].encode(), 400
    ),
    "upper case": lambda handler, texts: handler.reply(str(headers_of(handler)).upper().encode(), 403),
    "the part after Bearer": lambda handler, texts: handler.reply(b"bad token tok-123456789", 401),
    "nothing wrong": lambda handler, texts: handler.reply({"predictions": rows_of(texts)}),
}


@pytest.mark.parametrize("case", ECHOES)
def test_credentials_stand_nowhere_though_the_server_repeats_them(
    server: Server, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    shown = everything(server, caplog, ECHOES[case]).lower()
    for secret in ("sk-9f3", "9f3%2f", "tok-1234"):
        assert secret not in shown
    assert "http request: post" in shown, "the log of the HTTP library was not looked at"


def test_what_the_log_of_others_says_is_left_as_it_is(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), endpoint(server.url, headers=HEADERS) as model:
        model.predict_proba(["a"])
        logging.getLogger("elsewhere").info("127.0.0.1 and %d", 3)
    assert "127.0.0.1 and 3" in caplog.text
    assert logging.getLogger("httpx").filters == []


def test_a_new_credential_changes_no_fingerprint_but_a_new_host_does(server: Server) -> None:
    url = "https://${HOST}/p?key=${API_KEY}&v=1"

    def fingerprint(**changes: str) -> str:
        return endpoint(url, headers=HEADERS, environment=ENVIRONMENT | changes).fingerprint()

    assert fingerprint(API_KEY="another", SESSION="new") == fingerprint()
    assert fingerprint(HOST="example.org") != fingerprint()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirections_are_not_followed(server: Server, code: int) -> None:
    with serving(Server()) as other:
        server.usual = status(code, "", Location=other.url)
        with pytest.raises(AssayError, match=rf"HTTP {code} \(once\).*{other.url}.*not followed"):
            endpoint(server.url, headers=HEADERS).predict_proba(["a"])
        assert other.seen == []
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "url",
    ["ftp://h/p", "h/p", "https://", "https:///p", "http://h:99999/p", "http://[::1/p", "", "https://${OPEN"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(AssayError, match="expected"):
        endpoint(url)


def test_a_bad_port_from_the_environment_is_not_shown() -> None:
    with pytest.raises(AssayError) as refused:
        endpoint("https://h:${API_KEY}/p")
    assert "sk-9f3" not in str(refused.value)


def test_offline_means_this_machine_alone(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("https://example.org/p", "http://10.0.0.1/p", "https://localhost.example.org/p"):
        with pytest.raises(AssayError, match="offline mode allows no endpoint"):
            endpoint(url, offline=True)
    np.testing.assert_allclose(endpoint(server.url, offline=True).predict_proba(["a"]), rows_of(["a"]))


def test_this_machine_is_not_asked_through_a_proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    np.testing.assert_allclose(endpoint(server.url).predict_proba(["a"]), rows_of(["a"]))


def test_building_an_endpoint_touches_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    endpoint("https://example.org/p", headers=HEADERS).fingerprint()


def test_a_header_with_a_line_break_is_refused(server: Server) -> None:
    with pytest.raises(AssayError, match="printable ASCII"):
        endpoint(server.url, headers={"X-Team": "a\r\nX-Other: b"})


def test_without_secrets_nothing_is_redacted() -> None:
    assert Secrets({}).redact("all of it") == "all of it"


def test_an_answer_that_reads_well_without_its_credentials_is_still_refused(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    # The secret is itself part of what makes the answer malformed.
    shown = everything(server, caplog, answer(b'{"predictions": [[0.5, 0.4]]}'), key="0.4")
    assert "scores do not sum to 1 (2 times)" in shown
