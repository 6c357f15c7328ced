"""A model behind an HTTP endpoint: asked in batches, side by side, and never twice for the same text."""

import math
import os
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from attacks.errors import AssayError
from attacks.victims import TextInput
from robustness.black_box.address import resolve
from robustness.black_box.answers import BadAnswerError, score_rows
from robustness.black_box.base import Advance, check_label_names, check_texts, ignore_progress, sha256
from robustness.black_box.cache import AnswerCache, MemoryCache
from robustness.black_box.credentials import Secrets, redacted_logs
from robustness.black_box.pace import Limits, Pace, Statistics
from robustness.black_box.parallel import run_all
from robustness.black_box.presets import preset
from robustness.black_box.responses import ResponseTemplate, described
from robustness.black_box.templates import RequestTemplate, check_kind
from robustness.black_box.transport import Delivery, Transport

if TYPE_CHECKING:
    import httpx

__all__ = ["AnswerCache", "Endpoint", "MemoryCache"]

BATCH_SIZE = 16
"""Texts in a request, unless told otherwise: most servers allow so many."""


class Endpoint:
    """A model behind an HTTP endpoint.

    url: where texts are posted to; ``${NAME}`` in it and in ``headers`` is taken from the environment, the
        only place for credentials.
    label_names: the k labels in the order of the scores.
    server: a common server that ``presets.preset`` knows; in its place, or over it, ``request`` and ``item``
        (see ``RequestTemplate``), and ``scores_path`` or ``label_path``, ``label_key``, ``score_key`` and
        ``label_map`` (see ``ResponseTemplate``).
    revision: any name of the served model. Which model answers cannot be known from here: give a new one
        when it changes, or old answers are taken for its own.
    batch_size: texts in a request; 16, or 1 where ``request`` takes one text.
    concurrency: requests under way at once. rate_limit: the most requests that start in a second.
    timeout, retries, malformed_retries, backoff, max_wait: see ``Delivery``.
    max_texts, max_requests: see ``Limits``. price_per_1000: of 1,000 texts, in ``currency``.
    offline: allow no address but this machine's.
    cache: keeps answers, and gives those of earlier runs; it may be set later, too.
    environment: where ``${NAME}`` is looked up, the environment of the process unless given.

    Redirections are not followed. Certificates are always checked. Proxies and the file of certificates are
    those of the environment (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE), but this machine is never asked through
    a proxy.

    Raises AssayError for anything that can be seen to be wrong before a request is sent.
    """

    def __init__(
        self,
        url: str,
        *,
        label_names: Sequence[str],
        server: str | None = None,
        request: Any = None,
        item: Any = None,
        scores_path: str | None = None,
        label_path: str | None = None,
        label_key: str = "label",
        score_key: str = "score",
        label_map: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        revision: str = "",
        batch_size: int | None = None,
        concurrency: int = 4,
        rate_limit: float | None = None,
        timeout: float = 30.0,
        retries: int = 5,
        malformed_retries: int = 2,
        backoff: float = 0.5,
        max_wait: float = 60.0,
        max_texts: int | None = None,
        max_requests: int | None = None,
        price_per_1000: float | None = None,
        currency: str = "",
        offline: bool = False,
        cache: AnswerCache | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        _check_installed()
        self._secrets = Secrets(os.environ if environment is None else environment)
        self._address = resolve(url, headers or {}, self._secrets, offline=offline)
        self._names = check_label_names(label_names, url)
        if server is not None:
            usual, path = preset(server, len(self._names))
            request = usual if request is None else request
            scores_path = path if scores_path is None and label_path is None else scores_path
        if request is None:
            raise AssayError(f"{url}: expected server, or request, which says what is sent.")
        try:
            self._request = RequestTemplate(request, item)
            self._response = ResponseTemplate(
                self._names,
                scores_path,
                label_path,
                label_key,
                score_key,
                dict(label_map or {}),
                self._request.one_text,
            )
        except AssayError as error:
            raise AssayError(f"{url}: {error}") from None
        if self._request.one_text and batch_size not in (None, 1):
            raise AssayError(f"{url}: request takes one text, so batch_size cannot be {batch_size}.")
        _check_numbers(
            url,
            batch_size=batch_size,
            concurrency=concurrency,
            rate_limit=rate_limit,
            timeout=timeout,
            max_texts=max_texts,
            max_requests=max_requests,
        )
        _check_numbers(
            url,
            zero=True,
            retries=retries,
            malformed_retries=malformed_retries,
            backoff=backoff,
            max_wait=max_wait,
            price_per_1000=price_per_1000,
        )
        self._batch_size = batch_size or (1 if self._request.one_text else BATCH_SIZE)
        self.revision = revision
        self.cache: AnswerCache = MemoryCache() if cache is None else cache
        self._concurrency = concurrency
        self._rate_limit = rate_limit
        self._price, self._currency = price_per_1000, currency
        self._delivery = Delivery(timeout, retries, malformed_retries, backoff, max_wait)
        self._pace = Pace(rate_limit)
        self._limits = Limits(url, max_texts, max_requests)
        self._client: httpx.Client | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.source!r}, label_names={self._names})"

    def __enter__(self) -> "Endpoint":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def label_names(self) -> tuple[str, ...]:
        return self._names

    @property
    def source(self) -> str:
        """The url as it was given, with the names of environment variables and not their values."""
        return self._address.template

    @property
    def scores(self) -> bool:
        return self._response.scores_path is not None

    @property
    def num_parameters(self) -> int | None:
        """Not known."""
        return None

    @property
    def statistics(self) -> Statistics:
        """What was asked and answered so far."""
        return self._limits.statistics

    def fingerprint(self) -> str:
        """SHA-256 of the address, the templates, the labels and ``revision``, without credentials.

        The model behind the address is not part of it: only ``revision`` tells one from the next.
        """
        return sha256(
            self._address.fingerprint(),
            self._request.body,
            self._request.item,
            described(self._response),
            self.revision,
        )

    def cost(self, n_texts: int) -> str | None:
        """What ``n_texts`` more texts cost, in words; None without a price and a rate limit."""
        requests = math.ceil(n_texts / self._batch_size)
        parts = []
        if self._price is not None:
            amount = n_texts / 1000 * self._price
            price = f"{amount:,.{2 if amount >= 1 else 4}f} {self._currency}".strip()
            parts.append(f"{price} at {self._price:g} per 1,000")
        if self._rate_limit is not None:
            parts.append(f"at least {requests / self._rate_limit:,.0f} s at {self._rate_limit:g} requests/s")
        if not parts:
            return None
        plural = "" if requests == 1 else "s"
        return f"{n_texts:,} texts in {requests:,} request{plural}: {'; '.join(parts)}; retries not counted"

    def predict_proba(self, texts: Sequence[TextInput], advance: Advance = ignore_progress) -> np.ndarray:
        """Class probabilities (n, k), one-hot where there are labels only.

        A text that was answered before, or stands in ``texts`` twice, is not asked again. Answers go into the
        cache as they come, so that none is lost whatever happens next.

        Raises AssayError for texts that cannot be sent, where a request is not answered after all retries
        (with what failed how often), and where ``max_texts`` or ``max_requests`` would be exceeded.
        """
        check_texts(texts, self.source)
        try:
            check_kind(texts, self._request.pairs)
        except AssayError as error:
            raise AssayError(f"{self.source}: {error}") from None
        unique = list(dict.fromkeys(texts))
        rows = self._known(unique)
        missing = [text for text in unique if text not in rows]
        self._limits.check_texts(len(missing))
        self.statistics.texts_known += len(texts) - len(missing)
        advance(len(texts) - len(missing))

        def keep(batch: Sequence[TextInput], answer: np.ndarray) -> None:
            answers = {text: tuple(row) for text, row in zip(batch, answer.tolist(), strict=True)}
            self.cache.put(answers)
            rows.update(answers)
            self.statistics.texts_answered += len(batch)
            advance(len(batch))

        if missing:
            size = self._batch_size
            batches = [missing[first : first + size] for first in range(0, len(missing), size)]
            transport = self._open()

            def ask(batch: Sequence[TextInput], stop: Event) -> np.ndarray:
                read = partial(self._response.read, n=len(batch))
                return transport.send(self._request.render(batch), len(batch), read, stop)

            with redacted_logs(self._secrets):
                run_all(batches, ask, keep, self._concurrency)
        return np.array([rows[text] for text in texts]).reshape(len(texts), len(self._names))

    def close(self) -> None:
        """Close the connections. The next question opens them again."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _known(self, texts: Sequence[TextInput]) -> dict[TextInput, tuple[float, ...]]:
        """What the cache has; raises AssayError where that is no answer of this model."""
        known = dict(self.cache.get(texts))
        try:
            score_rows([list(row) for row in known.values()], len(known), self._names)
        except BadAnswerError as error:
            raise AssayError(
                f"{self.source}: the kept answers are not of this model: {error} Remove them, and ask again."
            ) from None
        return known

    def _open(self) -> Transport:
        if self._client is None:
            self._client = self._connect()
        return Transport(
            self._client,
            self._address.url,
            self.source,
            self._delivery,
            self._pace,
            self._limits,
            self._secrets,
        )

    def _connect(self) -> "httpx.Client":
        import httpx

        headers = httpx.Headers(
            {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "assay"}
        )
        headers.update(self._address.headers)
        try:
            return httpx.Client(
                headers=headers,
                timeout=self._delivery.timeout,
                limits=httpx.Limits(max_connections=self._concurrency),
                follow_redirects=False,
                trust_env=not self._address.loopback,
            )
        except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:  # proxies, certificates
            reason = self._secrets.redact(str(error))
            raise AssayError(
                f"{self.source}: no connection can be prepared ({reason}). Check the proxies and "
                "certificates that the environment names."
            ) from None


def _check_installed() -> None:
    missing = [name for name in ("httpx", "jmespath") if find_spec(name) is None]
    if missing:
        raise AssayError(
            f"An endpoint needs the packages httpx and jmespath, and {' and '.join(missing)} cannot be "
            "found. Install them: pip install 'assay[endpoint]'."
        )


def _check_numbers(url: str, *, zero: bool = False, **numbers: float | None) -> None:
    """Raises AssayError for a number that is not above zero (or not at least zero), or not finite."""
    for name, value in numbers.items():
        if value is not None and not ((value >= 0 if zero else value > 0) and math.isfinite(value)):
            least = "zero or a number above it" if zero else "a number above zero"
            raise AssayError(f"{url}: expected {name} to be {least}, got {value}.")
