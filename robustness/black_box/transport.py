"""Sends one request until it is answered, or until it has failed too often."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from attacks.errors import AssayError
from robustness.black_box.answers import BadAnswerError, shortened
from robustness.black_box.credentials import Secrets
from robustness.black_box.pace import KEPT, Limits, Pace, listed, pause

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 64 * 2**20
"""The largest response that is read."""

HINTS = {
    401: "Check the credentials that the headers take from the environment.",
    403: "Check the credentials that the headers take from the environment.",
    404: "Check the url.",
    405: "Check the url: it takes no POST requests.",
    413: "Lower batch_size.",
    415: "Check the headers and request.",
    400: "Check that request is what the server expects.",
    422: "Check that request is what the server expects.",
}


@dataclass(frozen=True)
class Delivery:
    """timeout: seconds for a connection, for each piece of an answer, and for all of it together.

    retries: how often a request is repeated after a connection error, a timeout, or HTTP 408, 429, 500, 502,
        503 or 504; after a malformed answer, ``malformed_retries`` times at most.
    backoff: seconds before the first repetition, at most; twice as many before each further one.
    max_wait: the longest such wait, also where the server asks for a longer one (Retry-After).
    """

    timeout: float = 30.0
    retries: int = 5
    malformed_retries: int = 2
    backoff: float = 0.5
    max_wait: float = 60.0

    def wait(self, attempt: int, asked_for: float | None) -> float:
        """Seconds before repetition ``attempt`` (from 1): exponential, with jitter, or as asked for."""
        # No seed: this decides when something is asked, never what is answered.
        own = self.backoff * 2.0 ** min(attempt - 1, 30) * random.uniform(0.5, 1.0)
        return min(self.max_wait, max(own, asked_for or 0.0))


class _Failure(Exception):  # noqa: N818
    """One attempt that failed. ``kind``: to be counted. ``again``: whether to repeat; ``after``: seconds."""

    def __init__(
        self,
        kind: str,
        detail: str = "",
        *,
        again: bool = True,
        after: float | None = None,
        malformed: bool = False,
    ) -> None:
        super().__init__(kind)
        self.kind, self.detail, self.again, self.after, self.malformed = kind, detail, again, after, malformed


@dataclass(frozen=True)
class Transport:
    """Sends bodies to one address."""

    client: "httpx.Client"
    url: str
    source: str
    delivery: Delivery
    pace: Pace
    limits: Limits
    secrets: Secrets

    def send(self, body: bytes, texts: int, read: Callable[[str], np.ndarray], stop: Event) -> np.ndarray:
        """What ``read`` makes of the answer; it raises BadAnswerError for a malformed one.

        texts: how many there are in ``body``, to be counted.

        Raises AssayError, with what failed how often, where it is not answered, and Stopped where ``stop`` is
        set while it waits.
        """
        failures: Counter[str] = Counter()
        malformed = 0
        for attempt in range(self.delivery.retries + 1):
            self.pace.wait(stop)
            self.limits.claim_request(texts, retry=attempt > 0)
            try:
                return self._attempt(body, read)
            except _Failure as failure:
                failures[failure.kind] += 1
                malformed += failure.malformed
                self.limits.count_failure(failure.kind)
                last = not failure.again or attempt == self.delivery.retries
                if last or malformed > self.delivery.malformed_retries:
                    self._give_up(failure, failures)
                wait = self.delivery.wait(attempt + 1, failure.after)
                if failure.after is not None:
                    self.pace.pause(wait)
                pause(wait, stop)
        raise AssertionError("unreachable")

    def _attempt(self, body: bytes, read: Callable[[str], np.ndarray]) -> np.ndarray:
        status, headers, content = self._exchange(body)
        text = content.decode(errors="replace")
        if not 200 <= status < 300:
            raise self._of_status(status, headers, text)
        try:
            return read(text)
        except BadAnswerError as error:
            raise _Failure(error.kind, self._detail(text, read, error), malformed=True) from None

    def _exchange(self, body: bytes) -> tuple[int, Any, bytes]:
        import httpx

        # httpx limits each wait for the network, so that a server that drips would never time out.
        deadline = time.monotonic() + self.delivery.timeout
        content = bytearray()
        try:
            with self.client.stream("POST", self.url, content=body) as response:
                for part in response.iter_bytes():
                    content += part
                    if time.monotonic() > deadline:
                        raise _Failure("timed out")
                    if len(content) > MOST_BYTES:
                        raise _Failure("answer too large", f"more than {MOST_BYTES:,} bytes", again=False)
                return response.status_code, response.headers, bytes(content)
        except httpx.TimeoutException:
            raise _Failure("timed out") from None
        except httpx.DecodingError:
            raise _Failure("undecodable answer", malformed=True) from None
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise _Failure("request not possible", self._shown(str(error)), again=False) from None
        except httpx.ConnectError as error:
            certificate = "CERTIFICATE" in str(error)
            kind = "certificate not accepted" if certificate else "could not connect"
            raise _Failure(kind, self._shown(str(error)), again=not certificate) from None
        except httpx.TransportError as error:
            raise _Failure("connection dropped", self._shown(str(error))) from None

    def _of_status(self, status: int, headers: Any, text: str) -> _Failure:
        if 300 <= status < 400:
            where = self._shown(headers.get("location", "nowhere"))
            detail = f"it points to {where}, and redirections are not followed. Give the final url."
            return _Failure(f"HTTP {status}", detail, again=False)
        again = status in (408, 429, 500, 502, 503, 504)
        hint = HINTS.get(status, "")
        answer = self._shown(text)
        detail = f"{answer}{'' if not answer or answer.endswith('.') else '.'} {hint}".strip()
        return _Failure(f"HTTP {status}", detail, again=again, after=retry_after(headers) if again else None)

    def _detail(self, text: str, read: Callable[[str], np.ndarray], error: BadAnswerError) -> str:
        """What is wrong with an answer, told of the answer without secrets."""
        try:
            read(self.secrets.redact(text))
        except BadAnswerError as redacted:
            return str(redacted)
        return error.kind

    def _shown(self, text: str) -> str:
        return shortened(" ".join(self.secrets.redact(text).split()))

    def _give_up(self, failure: _Failure, failures: Counter[str]) -> NoReturn:
        total = self.limits.statistics.failures
        overall = f" All failures so far: {listed(total)}." if total.total() > failures.total() else ""
        detail = f" The last one: {failure.detail}" if failure.detail else ""
        end = "" if not detail or detail.endswith(".") else "."
        raise AssayError(
            f"{self.source}: a request was not answered: {listed(failures)}.{detail}{end}{overall} {KEPT}"
        ) from None


def retry_after(headers: Any) -> float | None:
    """Seconds that a server asks to wait (RFC 9110, section 10.2.3: a number, or a date); None without."""
    value = str(headers.get("retry-after", "")).strip()
    if value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    # A date without a zone is in UTC.
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
