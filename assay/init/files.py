"""Writes several files or none of them."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from attacks.errors import AssayError


def check_free(paths: Mapping[Path, str], *, force: bool) -> None:
    """Raises AssayError where a file is in the way; with ``force`` only for what is no file."""
    for path in paths:
        if path.is_dir():
            raise AssayError(f"{path}: expected a file or nothing, found a folder. Move it away.")
    there = [str(path) for path in paths if path.exists() or path.is_symlink()]
    if there and not force:
        exist = "exists" if len(there) == 1 else "exist"
        raise AssayError(
            f"{', '.join(there)} {exist} already, and nothing was written. Choose another --folder, or "
            "overwrite with --force."
        )


def write_files(texts: Mapping[Path, str], *, force: bool = False) -> None:
    """Write {path: text} as UTF-8, making folders where they are missing: all of them or, on an error, none.

    Raises AssayError where a file is there (unless ``force``) or cannot be written.
    """
    check_free(texts, force=force)
    drafts: dict[Path, Path] = {}
    before: dict[Path, bytes | None] = {}
    made: list[Path] = []
    try:
        for path, text in texts.items():
            made += _make_folder(path.parent)
            handle, draft = tempfile.mkstemp(prefix=".assay-", dir=path.parent)
            drafts[path] = Path(draft)
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            # A temporary file is for its owner alone; a file of a project is not.
            Path(draft).chmod(0o666 & ~_umask())
        for path, draft_file in drafts.items():
            kept = path.read_bytes() if path.exists() else None
            draft_file.replace(path)
            before[path] = kept
    except OSError as error:
        _undo(drafts, before, made)
        raise AssayError(
            f"{error.filename or 'a file'}: could not be written ({error.strerror or error}), so nothing "
            "was. Make the folder writable, or choose another --folder."
        ) from error


def _make_folder(folder: Path) -> list[Path]:
    """The folders that had to be made, outermost first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _undo(drafts: Mapping[Path, Path], before: Mapping[Path, bytes | None], made: list[Path]) -> None:
    for draft in drafts.values():
        draft.unlink(missing_ok=True)
    for path, content in before.items():
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(content)
    for folder in reversed(made):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _umask() -> int:
    """The process has no call that only reads it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
