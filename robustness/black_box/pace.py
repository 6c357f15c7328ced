"""How fast and how much may be asked, shared by all requests under way at once."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from attacks.errors import AssayError

KEPT = "Answers that came before are kept."


class Stopped(Exception):  # noqa: N818 - no error: another request failed, and this one is given up
    """Raised in a request that is given up because another one failed."""


class Pace:
    """Lets requests start at most ``rate`` times a second, and none while a server asked for a pause."""

    def __init__(self, rate: float | None) -> None:
        self._interval = 0.0 if rate is None else 1 / rate
        self._free = 0.0
        self._lock = threading.Lock()

    def wait(self, stop: threading.Event) -> None:
        """Wait for one's turn; raises Stopped where ``stop`` is set first."""
        with self._lock:
            turn = max(self._free, time.monotonic())
            self._free = turn + self._interval
        self._until(turn, stop)

    def pause(self, seconds: float) -> None:
        """No request starts for so long, those excepted that have their turn already."""
        with self._lock:
            self._free = max(self._free, time.monotonic() + seconds)

    def _until(self, moment: float, stop: threading.Event) -> None:
        if stop.wait(max(0.0, moment - time.monotonic())):
            raise Stopped


def pause(seconds: float, stop: threading.Event) -> None:
    """Sleep; raises Stopped where ``stop`` is set first."""
    if stop.wait(seconds):
        raise Stopped


@dataclass
class Statistics:
    """What was asked and answered so far.

    requests: HTTP requests that were sent, retries with them. retries: those that repeated another.
    texts_asked: texts sent, each once, however often its request was repeated. texts_answered: those with an
    answer. texts_known: answers that needed no request, as the text was in the cache or in the call twice.
    failures: {what failed: how often}.
    """

    requests: int = 0
    retries: int = 0
    texts_asked: int = 0
    texts_answered: int = 0
    texts_known: int = 0
    failures: Counter[str] = field(default_factory=Counter)


class Limits:
    """Counts into ``statistics`` and refuses what would be over the limits.

    max_texts: the most texts that may be asked in all. max_requests: the most HTTP requests, retries with
    them. Both count from the start of this process; what the cache answers is free.
    """

    def __init__(self, source: str, max_texts: int | None, max_requests: int | None) -> None:
        self.statistics = Statistics()
        self._source, self._max_texts, self._max_requests = source, max_texts, max_requests
        self._lock = threading.Lock()

    def check_texts(self, n: int) -> None:
        """Raises AssayError where ``n`` more would be too many; nothing of them is asked then."""
        asked = self.statistics.texts_asked
        if self._max_texts is not None and asked + n > self._max_texts:
            raise AssayError(
                f"{self._source}: max_texts = {self._max_texts:,} is reached: {asked:,} texts were asked, "
                f"and {n:,} more are needed now. {KEPT} Raise max_texts, or attack fewer examples."
            )

    def claim_request(self, texts: int, *, retry: bool) -> None:
        """Count a request of so many texts. Raises AssayError where one more request would be too many."""
        with self._lock:
            if self._max_requests is not None and self.statistics.requests >= self._max_requests:
                raise AssayError(
                    f"{self._source}: max_requests = {self._max_requests:,} is reached. {KEPT} Raise "
                    "max_requests, or attack fewer examples."
                )
            self.statistics.requests += 1
            self.statistics.retries += retry
            self.statistics.texts_asked += 0 if retry else texts

    def count_failure(self, kind: str) -> None:
        with self._lock:
            self.statistics.failures[kind] += 1


def listed(failures: Counter[str]) -> str:
    """``HTTP 500 (7 times), timed out (2 times)``, the most frequent first."""
    return ", ".join(
        f"{kind} ({'once' if count == 1 else f'{count:,} times'})" for kind, count in failures.most_common()
    )
