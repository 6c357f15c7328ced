"""Checks of parameters: type and range, with errors that name the attack (or whatever it is) and the key."""

import math
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from attacks.errors import AssayError, nearest


def check_types(owner: Any, *, kind: str = "attack") -> None:
    """Check every field of a frozen dataclass with a ``name``; whole numbers become floats.

    Meant for ``__post_init__``. Raises AssayError as ``checked`` does.
    """
    declared = get_type_hints(type(owner))
    for parameter in fields(owner):
        key = parameter.name
        value = checked(owner.name, key, getattr(owner, key), declared[key], kind=kind)
        object.__setattr__(owner, key, value)


def checked(name: str, key: str, value: Any, declared: Any, *, kind: str = "attack") -> Any:
    """``value`` as the type ``declared`` for the parameter ``key``; a whole number is a fine float.

    name, kind: whose parameter it is, for the message. Knows bool, int, float, str, Literal, and each of
    them ``| None``; values of other types pass as they are. Raises AssayError for anything else, and for
    numbers that are not finite.
    """
    if get_origin(declared) is UnionType and NoneType in get_args(declared):
        if value is None:
            return None
        (declared,) = (each for each in get_args(declared) if each is not NoneType)
    if get_origin(declared) is Literal:
        choices = get_args(declared)
        if value in choices:
            return value
        known = " or ".join(f'"{choice}"' for choice in choices)
        hint = nearest(value, choices) if isinstance(value, str) else ""
        raise wrong(name, key, known, value, hint, kind=kind)
    if declared is bool and not isinstance(value, bool):
        raise wrong(name, key, "true or false", value, kind=kind)
    if declared is int and (isinstance(value, bool) or not isinstance(value, int)):
        raise wrong(name, key, "a whole number", value, kind=kind)
    if declared is str and not isinstance(value, str):
        raise wrong(name, key, "a text", value, kind=kind)
    if declared is float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            several = f" Several values mean several {kind}s, one each." if isinstance(value, list) else ""
            raise wrong(name, key, "a finite number", value, several, kind=kind)
        return float(value)
    return value


def require_positive(name: str, key: str, value: float, *, kind: str = "attack") -> None:
    """Raises AssayError unless ``value`` is above zero."""
    if value <= 0:
        raise wrong(name, key, "a number above zero", value, kind=kind)


def require_not_negative(name: str, key: str, value: float, *, kind: str = "attack") -> None:
    """Raises AssayError where ``value`` is below zero."""
    if value < 0:
        raise wrong(name, key, "zero or a number above it", value, kind=kind)


def wrong(
    name: str, key: str, expected: str, value: Any, hint: str = "", *, kind: str = "attack"
) -> AssayError:
    """The error for a parameter that is not what it should be; ``hint`` starts with a space."""
    return AssayError(
        f'{kind.capitalize()} "{name}": expected {key} to be {expected}, got {value!r}.{hint} '
        f'Change {key} of the {kind} "{name}".'
    )
