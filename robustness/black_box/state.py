"""The fingerprint of an object in memory, the same in every process."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from robustness.black_box.base import sha256

VOLATILE = ("_stop_words_id",)
"""Attributes of scikit-learn's vectorizers that hold a memory address, and change when they are used."""


def file_sha256(file: Path) -> str:
    """SHA-256 (hex) of the bytes of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def state_sha256(value: Any) -> str:
    """SHA-256 (hex) of the state of an object, by joblib's hash of its parts.

    Estimators of scikit-learn, and what holds them, are taken apart, so that what does not decide an answer
    can be left out. What cannot be pickled counts by the name of its type alone; a function by its name.
    """
    if _is_estimator(value) or _holds_estimator(value):
        parts = {
            str(name): state_sha256(part) for name, part in _inside(value).items() if name not in VOLATILE
        }
        return sha256(_name(type(value)), parts)
    import joblib

    try:
        return str(joblib.hash(value))
    except Exception:  # pickling runs code of any kind
        return sha256(_name(type(value)), getattr(value, "__qualname__", ""))


def version_of(value: Any) -> str:
    """The version of scikit-learn where it computes the answers, else ``""``."""
    if not (_is_estimator(value) or _holds_estimator(value)):
        return ""
    import sklearn

    return f"scikit-learn {sklearn.__version__}"


def _is_estimator(value: Any) -> bool:
    return any(base.__module__.partition(".")[0] == "sklearn" for base in type(value).__mro__)


def _holds_estimator(value: Any, depth: int = 3) -> bool:
    # To a depth: objects may hold each other.
    return any(
        _is_estimator(part) or (depth > 0 and _holds_estimator(part, depth - 1))
        for part in _inside(value).values()
    )


def _inside(value: Any) -> Mapping[Any, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    if isinstance(value, type | FunctionType | ModuleType):
        return {}
    return getattr(value, "__dict__", {})


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
