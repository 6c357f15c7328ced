"""The address of an endpoint and the headers sent to it, checked before anything is sent."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from attacks.errors import AssayError
from robustness.black_box.base import sha256
from robustness.black_box.credentials import REFERENCE, Secrets, check_no_literals, is_secret


@dataclass(frozen=True)
class Address:
    """Where requests go. ``template`` is the url as the user wrote it, which may be shown.

    url, headers: with the values of the environment, never to be shown.
    """

    template: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    templates: Mapping[str, str]

    @property
    def loopback(self) -> bool:
        """Whether it is this machine."""
        return is_loopback(urlsplit(self.url).hostname or "")

    def fingerprint(self) -> str:
        """SHA-256 (hex) of where and how is asked.

        Credentials count as they are written in the config (``${NAME}``), so that a new one changes nothing;
        what else comes from the environment counts with its value.
        """
        parts = urlsplit(self.url)
        query = [
            (name, written if is_secret(name, written) else value)
            for (name, written), (_, value) in zip(
                parse_qsl(urlsplit(self.template).query, keep_blank_values=True),
                parse_qsl(parts.query, keep_blank_values=True),
                strict=False,
            )
        ]
        headers = sorted(
            (name.lower(), written if is_secret(name, written) else self.headers[name])
            for name, written in self.templates.items()
        )
        return sha256(parts.scheme, parts.netloc, parts.path, query, headers)


def resolve(url: str, headers: Mapping[str, str], secrets: Secrets, *, offline: bool) -> Address:
    """The address with ``${NAME}`` replaced by the environment's variables.

    Raises AssayError for a credential that is written out, a variable that is not set, what is no http(s)
    address, a credential that would travel unencrypted, and, while offline, for another machine.
    """
    try:
        check_no_literals(url, headers)
        head, mark, query = url.partition("?")
        where = "the url"
        expanded = secrets.expand(head, where) + mark + secrets.expand(query, where, in_query=True)
        parts = urlsplit(expanded)
        host, port = parts.hostname, parts.port
    except ValueError:  # its message may show what the environment gave
        raise AssayError(
            f"{url}: expected an address like https://host/path or https://host:443/path."
        ) from None
    except AssayError as error:
        raise AssayError(f"endpoint: {error}") from None
    if parts.scheme not in ("http", "https") or not host or port == 0 or "@" in parts.netloc:
        raise AssayError(f"{url}: expected an address like https://host/path.")
    filled = {}
    for name, value in headers.items():
        filled[name] = secrets.expand(value, f'{url}: the header "{name}"')
        if not (
            name.isascii() and name.isprintable() and filled[name].isascii() and filled[name].isprintable()
        ):
            raise AssayError(f"{url}: expected the header {name!r} to be printable ASCII.")
    address = Address(url, expanded, filled, dict(headers))
    if offline and not address.loopback:
        raise AssayError(f"{url}: offline mode allows no endpoint but one on this machine (localhost).")
    confidential = REFERENCE.search(url.partition("?")[2]) or any(
        REFERENCE.search(value) for value in headers.values()
    )
    if parts.scheme == "http" and confidential and not address.loopback:
        raise AssayError(
            f"{url}: what the headers or the query take from the environment would travel unencrypted. Use "
            "https."
        )
    return address


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine: localhost, or a loopback address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
