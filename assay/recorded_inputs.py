"""What the input files of an audit held when it began, and which of them hold something else now."""

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from assay.config_models import AuditConfig
from assay.input_files import input_files, input_folders

SETTLED = 2.0
"""Seconds. What was written so shortly before it was read can be written again without another time in its
``stat``: file systems keep times as coarsely as that."""


def record(config: AuditConfig) -> dict[str, dict[str, Any]]:
    """{path: {sha256, stat}} of every input file that can be read.

    stat: what tells without reading the file that nothing was written since; None where it could not tell.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in input_files(config):
        if str(path) not in found:
            with suppress(OSError):  # an audit that needs it says so
                found[str(path)] = {"stat": _settled(path), "sha256": _sha256(path)}
    return found


def changed(config: AuditConfig, recorded: Mapping[str, Mapping[str, Any]]) -> list[Path]:
    """Input files that hold something else than was recorded, that were not there, and that are gone from a
    folder which is still there. Where all of an input is gone, nothing was changed of what was measured."""
    return sorted({*_other(config, recorded), *_gone(config, recorded)})


def _other(config: AuditConfig, recorded: Mapping[str, Mapping[str, Any]]) -> Iterator[Path]:
    for path in set(input_files(config)):
        then = recorded.get(str(path))
        if then is None or not _same(path, then):
            yield path


def _gone(config: AuditConfig, recorded: Mapping[str, object]) -> Iterator[Path]:
    folders = list(input_folders(config))
    for path in map(Path, recorded):
        if not path.exists() and any(path.is_relative_to(folder) for folder in folders):
            yield path


def _same(path: Path, then: Mapping[str, Any]) -> bool:
    try:
        untouched = then["stat"] is not None and then["stat"] == _stat(path)
        return untouched or bool(then["sha256"] == _sha256(path))
    except OSError:
        return False


def _settled(path: Path) -> list[int] | None:
    found = path.stat()
    # On Windows the third time is that of the file's creation, and the second can be set by anybody.
    told = os.name == "posix" and time.time() - max(found.st_mtime, found.st_ctime) > SETTLED
    return _stat(path) if told else None


def _stat(path: Path) -> list[int]:
    """Nobody can set the time of change, so that a copy with the times of another file has its own."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
