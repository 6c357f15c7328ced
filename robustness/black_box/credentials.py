"""Secrets come from the environment alone, and are kept out of everything that is shown or written."""

import html
import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from attacks.errors import AssayError

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
HIDDEN = "[hidden]"
LOGGERS = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))

_SECRET_NAME = re.compile(
    r"auth(?!or(?!iz))|(^|[-_.]|api|access|subscription|secret)key$|token$|secret|cookie|passw|credential"
    r"|session|^sig$|signature",
    re.I,
)
_SECRET_VALUE = re.compile(r"\s*(bearer|basic|token|digest)\s+\S", re.I)
_LONG = re.compile(r"[^\s=;,:]{20,}")
_PIECES = re.compile(r"[\s=;,:]+")


class Secrets:
    """What the environment gave, to be put in where it is needed and taken out everywhere else."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._values: set[str] = set()

    def __repr__(self) -> str:
        return "Secrets()"

    def expand(self, template: str, where: str, *, in_query: bool = False) -> str:
        """``template`` with each ``${NAME}`` as the environment has it, which is taken for a secret.

        where: what it is part of, for the message. in_query: quote it for the query of an address.
        Raises AssayError for a variable that is not set or empty, and for one with a character that no header
        or address can hold.
        """

        def value(match: re.Match[str]) -> str:
            name = match.group(1)
            found = self._environment.get(name, "")
            if not found:
                raise AssayError(
                    f"{where}: the environment variable {name} is not set. Set it and run again."
                )
            if not (found.isascii() and found.isprintable()):
                raise AssayError(
                    f"{where}: the environment variable {name} has a line break or another character that is "
                    "no printable ASCII. Set it without."
                )
            self._values.add(found)
            return quote(found, safe="") if in_query else found

        expanded = REFERENCE.sub(value, template)
        if "${" in REFERENCE.sub("", template):
            raise AssayError(f"{where}: expected ${{NAME}} for an environment variable. Close the brace.")
        return expanded

    def redact(self, text: str) -> str:
        """``text`` without any of the secrets, however they are quoted in it."""
        forms = set()
        for value in self._values:
            # Servers like to repeat the part after "Bearer".
            parts = {value, *(part for part in _PIECES.split(value) if len(part) >= 8)}
            for part in parts:
                forms |= {part, quote(part), quote(part, safe=""), quote_plus(part), html.escape(part)}
                forms |= {json.dumps(part)[1:-1], repr(part)[1:-1]}
        if not forms:
            return text
        longest_first = sorted(forms, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, longest_first)), HIDDEN, text, flags=re.IGNORECASE)


@contextmanager
def redacted_logs(secrets: Secrets) -> Iterator[None]:
    """Keeps secrets out of the log of the HTTP library, which tells addresses and the headers of answers."""

    def redact(record: logging.LogRecord) -> bool:
        record.msg, record.args = secrets.redact(record.getMessage()), None
        return True

    # A filter holds for one logger, not for those below it.
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addFilter(redact)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(redact)


def is_secret(name: str, value: str) -> bool:
    """Whether a header or a parameter of an address is a credential, by its name or its look."""
    # Azure's functions are called with a long ?code=; a short one is a language.
    code = name.lower() == "code" and (len(value) >= 16 or REFERENCE.search(value) is not None)
    return bool(code or _SECRET_NAME.search(name) or _SECRET_VALUE.match(value))


def check_no_literals(url: str, headers: Mapping[str, str]) -> None:
    """Raises AssayError for a credential that is written out in a header or in the address."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise AssayError(
            "the url has a user or password before the @: leave it out, and give "
            'headers = { Authorization = "Basic ${NAME}" } with the environment variable NAME.'
        )
    for name, value in headers.items():
        if is_secret(name, value) and _is_literal(value):
            raise AssayError(
                f'the header "{name}" is a credential and is written out. Put it into an environment '
                f'variable, and write {name} = "${{NAME}}" (or "Bearer ${{NAME}}").'
            )
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if is_secret(name, value) and _is_literal(value):
            raise AssayError(
                f'the parameter "{name}" of the url is a credential and is written out. Put it into an '
                f"environment variable, and write {name}=${{NAME}}."
            )


def _is_literal(value: str) -> bool:
    return REFERENCE.search(value) is None or _LONG.search(REFERENCE.sub("", value)) is not None
