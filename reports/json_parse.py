"""JSON text read strictly: what is wrong with it is told with its place."""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

from attacks.errors import AssayError

DEPTH = 100
"""Containers within each other at most; an audit.json has about fifteen."""


class _Doubled(dict[str, Any]):
    """An object in which ``key`` stood twice; JSON readers keep the last value, and say nothing."""

    key: str


def parse(text: str, source: str) -> Any:
    """The JSON value in ``text``. ``source`` names the file in errors.

    Raises AssayError, with line and column, for what is no JSON; with the place in the document for a key
    that stands twice, a number that no float holds, half a surrogate pair, and nesting deeper than ``DEPTH``.
    """
    document = _decoded(text.removeprefix("\ufeff"), source)
    for place, value in leaves(document, source):
        if isinstance(value, _Doubled):
            inside = f"{place}.{value.key}" if place else value.key
            raise AssayError(
                f"{source}: expected each key once, got {inside[:200]!r} twice. The file was changed by hand "
                "or damaged; restore it, or run the audit again."
            )
        if problem := unfit(value, place):
            raise AssayError(f"{source}: {problem}. Restore the file, or run the audit again.")
    return document


def leaves(value: Any, source: str, place: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every value that is not a container, every key and every ``_Doubled``, with its place in the document.

    Raises AssayError where containers are nested deeper than ``DEPTH``.
    """
    if depth > DEPTH:
        raise AssayError(
            f"{source}: expected an audit.json, got JSON nested too deep (more than {DEPTH} levels) at "
            f"{place[:200]}."
        )
    if isinstance(value, dict):
        if isinstance(value, _Doubled):
            yield place, value
        for key, inner in value.items():
            here = f"{place}.{key}" if place else str(key)
            yield f"the key {here!r}", key
            yield from leaves(inner, source, here, depth + 1)
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from leaves(inner, source, f"{place}[{i}]", depth + 1)
    else:
        yield place, value


def unfit(value: Any, place: str) -> str:
    """What keeps a value that is no container out of an audit.json; empty where nothing does."""
    if isinstance(value, str):
        if is_unicode(value):
            return ""
        return f"expected text at {place}, got {value[:80]!r}, which has half a surrogate pair"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    return "" if finite else f"expected a finite number at {place}, got {_shown(value)}"


def is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _decoded(text: str, source: str) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise AssayError(f"{source}: expected finite numbers, got {constant}. Run the audit again.")

    try:
        return json.loads(text, parse_constant=refuse, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise AssayError(
            f"{source}: expected JSON, got something else at line {error.lineno}, column {error.colno} "
            f"({error.msg}). The file may be cut off; restore it, or run the audit again."
        ) from None
    except RecursionError:
        raise AssayError(f"{source}: expected an audit.json, got JSON nested too deep.") from None
    except ValueError as error:  # a whole number of thousands of digits
        raise AssayError(
            f"{source}: expected numbers that can be read, got one of too many digits ({error}). "
            "Restore the file, or run the audit again."
        ) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    doubled = _Doubled(found)
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            doubled.key = key
            break
        seen.add(key)
    return doubled


def _shown(value: int | float) -> str:
    return str(value) if isinstance(value, float) else "a whole number of more than 300 digits"
