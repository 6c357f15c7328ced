"""A model server on loopback that misbehaves as told, and whose answers tell which text they are for."""

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LABELS = ("negative", "positive")

Step = Callable[["Handler", list[str]], None]
"""Answers one request, for these texts, in its own way."""


def score_of(text: str) -> float:
    """The probability of "positive", different for each text: a mixed-up answer is seen."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 2**32


def rows_of(texts: Sequence[str]) -> list[list[float]]:
    return [[1 - score_of(text), score_of(text)] for text in texts]


@dataclass
class Server:
    """script: steps for the first requests, one each; the others get ``usual``.

    seen: the texts of each request; headers and paths: those of each request; started: when it came in.
    """

    script: list[Step] = field(default_factory=list)
    usual: Step = field(default_factory=lambda: predictions(lambda rows: rows))
    port: int = 0
    seen: list[list[str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    started: list[float] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/predict"

    @property
    def asked(self) -> Counter[str]:
        """How often each text was asked for."""
        return Counter(text for texts in self.seen for text in texts)


class Handler(BaseHTTPRequestHandler):
    state: Server
    here: int = 0

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = content.get("inputs", content.get("text"))
        texts = found if isinstance(found, list) else [found]
        state = self.state
        with state.lock:
            state.started.append(time.monotonic())
            state.seen.append(texts)
            state.bodies.append(content)
            state.headers.append({name.lower(): value for name, value in self.headers.items()})
            state.paths.append(self.path)
            step = state.script.pop(0) if state.script else state.usual
            state.under_way += 1
            self.here = 1
            state.most_under_way = max(state.most_under_way, state.under_way)
        try:
            # A client that waits no longer has closed the connection.
            with suppress(OSError):
                step(self, texts)
        finally:
            self.leave()

    def leave(self) -> None:
        """No longer under way: before the answer is sent, for its reader may ask again at once."""
        with self.state.lock:
            self.state.under_way -= self.here
            self.here = 0

    def reply(self, content: Any, status: int = 200, **headers: str) -> None:
        self.leave()
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class Listener(ThreadingHTTPServer):
    # With fewer places a burst of connections waits a second for the next try.
    request_queue_size = 64


@contextmanager
def serving(state: Server) -> Iterator[Server]:
    http = Listener(("127.0.0.1", 0), type("Bound", (Handler,), {"state": state}))
    state.port = http.server_address[1]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def status(code: int, content: Any = "no", **headers: str) -> Step:
    return lambda handler, texts: handler.reply(content, code, **headers)


def answer(content: Any) -> Step:
    """200 with ``content``, bytes as they are."""
    return lambda handler, texts: handler.reply(content)


def predictions(change: Callable[[list[list[float]]], Any]) -> Step:
    """The right answer, changed."""
    return lambda handler, texts: handler.reply({"predictions": change(rows_of(texts))})


def drop(handler: Handler, texts: list[str]) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True
    handler.connection.close()


def cut(handler: Handler, texts: list[str]) -> None:
    """Announce more than is sent, and close."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"predictions": [')
    handler.close_connection = True


def late(seconds: float) -> Step:
    """The right answer, late."""

    def step(handler: Handler, texts: list[str]) -> None:
        time.sleep(seconds)
        handler.reply({"predictions": rows_of(texts)})

    return step


def drip(handler: Handler, texts: list[str]) -> None:
    """One byte after the other, each soon enough, for four seconds."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(80):
        time.sleep(0.05)
        handler.wfile.write(b" ")
        handler.wfile.flush()
    handler.close_connection = True
