"""Writes several files or none of them."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from attacks.errors import AssayError


def check_free(paths: Mapping[Path, str], *, force: bool) -> None:
    """Raises AssayError where a file is in the way; with ``force`` only for what is no file."""
    for path in paths:
        if path.is_dir():
            raise AssayError(f"{path}: expected a file or nothing, found a folder. Move it away.")
    there = [str(path) for path in paths if path.exists() or path.is_symlink()]
    if there and not force:
        exist, them = ("exists", "it") if len(there) == 1 else ("exist", "them")
        raise AssayError(
            f"{', '.join(there)} {exist} already, and nothing was written. Choose another --folder, or "
            f"replace {them} with --force, which keeps what is there as .bak."
        )


def write_files(texts: Mapping[Path, str], *, force: bool = False) -> dict[Path, Path]:
    """Write {path: text} as UTF-8, making folders where they are missing: all of them or, on an error, none.

    With ``force`` a file that is there is replaced; where it was another one, it is kept beside the new one.
    Returns {path: the file that holds what was there}. Raises AssayError where a file is there (unless
    ``force``) or cannot be written.
    """
    check_free(texts, force=force)
    drafts: dict[Path, Path] = {}
    new: list[Path] = []
    kept: dict[Path, Path] = {}
    made: list[Path] = []
    try:
        for path, text in texts.items():
            made += _missing_folders(path.parent)
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(prefix=".assay-", dir=path.parent)
            drafts[path] = Path(draft)
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            # A temporary file is for its owner alone; a file of a project is not.
            Path(draft).chmod(0o666 & ~_umask())
        for path, draft_file in drafts.items():
            old = path.read_bytes() if path.exists() else None
            if old is not None and old != draft_file.read_bytes():
                kept[path] = _free_beside(path)
                kept[path].write_bytes(old)
            if old is None:
                new.append(path)
            draft_file.replace(path)
    except BaseException as error:
        for path, spare in kept.items():
            if not drafts[path].exists():  # it stands in the place of what is kept
                spare.replace(path)
        _remove([*drafts.values(), *kept.values(), *new], made)
        if isinstance(error, OSError):
            raise AssayError(
                f"{error.filename or 'a file'}: could not be written ({error.strerror or error}), so nothing "
                "was. Make the folder writable, or choose another --folder."
            ) from error
        raise
    return kept


def _free_beside(path: Path) -> Path:
    """``assay.toml.bak``, or with a number where that is taken: what was kept before stays, too."""
    names = (path.with_name(f"{path.name}.bak{number or ''}") for number in count())
    return next(name for name in names if not (name.exists() or name.is_symlink()))


def _missing_folders(folder: Path) -> list[Path]:
    """The folders that must be made, outermost first."""
    return [each for each in (folder, *folder.parents) if not each.exists()][::-1]


def _remove(files: Sequence[Path], folders: Sequence[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
    for folder in reversed(folders):
        with suppress(OSError):  # it was never made, or somebody else uses it
            folder.rmdir()


def _umask() -> int:
    """The process has no call that only reads it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
