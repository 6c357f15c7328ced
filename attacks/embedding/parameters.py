"""Checks of an attack's parameters: type and range, with errors that name the attack and the key."""

import math
from typing import Any, Literal, get_args, get_origin

from attacks.errors import AssayError, nearest


def checked(attack: str, key: str, value: Any, declared: Any) -> Any:
    """``value`` as the type ``declared`` for the parameter ``key``; a whole number is a fine float.

    Knows bool, int, float, str and Literal; values of other types pass as they are.
    Raises AssayError for anything else, and for numbers that are not finite.
    """
    if get_origin(declared) is Literal:
        choices = get_args(declared)
        if value in choices:
            return value
        known = " or ".join(f'"{choice}"' for choice in choices)
        raise wrong(attack, key, known, value, nearest(value, choices) if isinstance(value, str) else "")
    if declared is bool and not isinstance(value, bool):
        raise wrong(attack, key, "true or false", value)
    if declared is int and (isinstance(value, bool) or not isinstance(value, int)):
        raise wrong(attack, key, "a whole number", value)
    if declared is str and not isinstance(value, str):
        raise wrong(attack, key, "a text", value)
    if declared is float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            several = " Several values mean several attacks, one each." if isinstance(value, list) else ""
            raise wrong(attack, key, "a finite number", value, several)
        return float(value)
    return value


def require_positive(attack: str, key: str, value: float) -> None:
    """Raises AssayError unless ``value`` is above zero."""
    if value <= 0:
        raise wrong(attack, key, "a number above zero", value)


def wrong(attack: str, key: str, expected: str, value: Any, hint: str = "") -> AssayError:
    """The error for a parameter that is not what it should be; ``hint`` starts with a space."""
    return AssayError(
        f'Attack "{attack}": expected {key} to be {expected}, got {value!r}.{hint} '
        f'Change {key} of the attack "{attack}".'
    )
