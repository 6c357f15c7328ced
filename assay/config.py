"""Reads assay.toml: syntax, overrides from the command line, paths, and errors that name the place."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from assay.config_messages import Place, dotted, messages
from assay.config_models import (
    AttackConfig,
    AuditConfig,
    CandidateConfig,
    DataConfig,
    FairnessConfig,
    GateConfig,
    LoraConfig,
    TrainConfig,
)
from attacks.errors import AssayError, nearest

__all__ = [
    "AttackConfig",
    "AuditConfig",
    "CandidateConfig",
    "DataConfig",
    "FairnessConfig",
    "GateConfig",
    "LoraConfig",
    "TrainConfig",
    "build_config",
    "load_config",
    "read_toml",
    "toml_value",
]

_PATHS = {
    ("runs",),
    ("base",),
    ("resources",),
    ("data", "path"),
    ("data", "train_path"),
    ("data", "validation_path"),
    ("gating", "baseline"),
    ("counterfactual", "templates"),
}
_MODELS = ("model", "encoder")
_SIMILARITY = {("similarity", "encoder"), ("similarity", "language_model")}


def load_config(path: Path | str, overrides: Mapping[str, str] | None = None) -> AuditConfig:
    """Read, complete and check a configuration.

    overrides: {dotted key: value}, for example {"candidates.0.encoder": "bert-base-uncased"}. A value is
        TOML where it can be read as TOML, else a string.
    Paths of the file are relative to its folder, those of overrides to the current folder. A model or an
    encoder is taken for a path only where that path exists or starts with ./ ../ / or ~.
    Raises AssayError naming the dotted place, what was expected and what came.
    """
    file = Path(path)
    return build_config(read_toml(file), file.resolve().parent, overrides, source=str(file), name=file.stem)


def build_config(
    raw: Mapping[str, Any],
    base: Path,
    overrides: Mapping[str, str] | None = None,
    *,
    source: str,
    name: str,
) -> AuditConfig:
    """Complete and check a configuration that has been read: what ``load_config`` does after parsing.

    base: the folder that its paths are relative to. source: where it came from, for messages.
    name: of the audit, where ``raw`` has none.
    """
    complete: dict[str, Any] = _absolute(dict(raw), (), base)
    for key, text in (overrides or {}).items():
        place = _place(key)
        _override(complete, place, _absolute(toml_value(text), place, Path.cwd()), key)
    # The default is resolved like a path of the file.
    complete.setdefault("runs", base / "runs")
    complete.setdefault("base", base)
    complete.setdefault("name", name)
    try:
        return AuditConfig.model_validate(complete)
    except ValidationError as error:
        raise AssayError("\n".join(f"{source}: {problem}" for problem in messages(error))) from error


def read_toml(file: Path) -> dict[str, Any]:
    """The tables of a TOML file; raises AssayError for one that is not there, or no TOML."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        folder = file.resolve().parent
        names = sorted(entry.name for entry in folder.glob("*.toml")) if folder.is_dir() else []
        raise AssayError(
            f"{file}: no such configuration file.{nearest(file.name, names)} Correct the path."
        ) from error
    except UnicodeDecodeError as error:
        raise AssayError(f"{file}: expected UTF-8, as TOML is: {error}. Save the file as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise AssayError(f"{file}: not valid TOML: {error}. Strings need quotation marks.") from error
    except OSError as error:
        raise AssayError(f"{file}: cannot be read: {error.strerror or error}") from error


def _absolute(value: Any, place: Place, base: Path) -> Any:
    """``value`` with the paths in it made absolute; ``place`` says where in the configuration it stands."""
    if isinstance(value, dict):
        return {key: _absolute(item, (*place, key), base) for key, item in value.items()}
    if isinstance(value, list):
        return [_absolute(item, (*place, position), base) for position, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    # A suite names its file as [data] does.
    of_suite = place[:1] == ("suites",) and ("data", *place[2:]) in _PATHS
    if place in _PATHS or of_suite or place[:2] == ("counterfactual", "terms"):
        if not value:
            raise AssayError(f'{dotted(place)}: expected a path, got "". Give a path or leave the key out.')
        return _resolved(value, base)
    if (len(place) == 3 and place[0] == "candidates" and place[2] in _MODELS) or place in _SIMILARITY:
        local = value.startswith(("./", "../", "/", "~")) or (value and (base / value).exists())
        return str(_resolved(value, base)) if local else value
    return value


def _resolved(value: str, base: Path) -> Path:
    """Absolute. Only a leading ~ is a home folder: ./~notes.csv is a file."""
    try:
        path = Path(value).expanduser() if value.startswith("~") else Path(value)
        found = (base / path).resolve()
        str(found).encode()  # reports and keys of the ledger hold it as text
    except (RuntimeError, ValueError) as error:  # an unknown ~user, a NUL character, a name that is not UTF-8
        raise AssayError(f"{value!r} is not a usable path: {error}") from error
    return found


def toml_value(text: str) -> Any:
    """What ``text`` is in TOML; the text itself where it is none."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    # A line break in the text would otherwise smuggle in further keys.
    return parsed["value"] if len(parsed) == 1 else text


def _place(key: str) -> Place:
    parts = key.split(".")
    if not all(parts):
        raise AssayError(f'override "{key}": expected a dotted key such as data.path or candidates.0.encoder')
    return tuple(int(part) if part.isdecimal() else part for part in parts)


def _override(raw: dict[str, Any], place: Place, value: Any, key: str) -> None:
    target: Any = raw
    for depth, part in enumerate(place):
        if isinstance(target, list) and not (isinstance(part, int) and part < len(target)):
            entries = f"0 to {len(target) - 1}" if target else "none"
            raise AssayError(
                f'override "{key}": {dotted(place[:depth])} has the entries {entries}, got "{part}"'
            )
        if not isinstance(target, dict | list):
            raise AssayError(f'override "{key}": {dotted(place[:depth])} is not a table: {target!r}')
        name: Any = part if isinstance(target, list) else str(part)
        if depth == len(place) - 1:
            target[name] = value
        else:
            target = target[name] if isinstance(target, list) else target.setdefault(name, {})
