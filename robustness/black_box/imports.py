"""Imports a user's own module, and says where in their file something went wrong."""

import importlib
import importlib.machinery
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from attacks.errors import AssayError, nearest

MARK = "__assay_folder__"
"""Attribute of the modules that were imported from a config's folder: the folder."""


def split_name(source: str) -> tuple[str, str]:
    """``package.module`` and ``name`` of ``package.module:name``; raises AssayError for anything else."""
    module, colon, name = source.partition(":")
    parts = [*module.split("."), *name.split(".")]
    if not colon or not all(part.isidentifier() for part in parts):
        raise AssayError(f'{source}: expected "package.module:name", as in "my_models.sentiment:predict".')
    return module, name


def import_object(source: str, base: Path) -> tuple[ModuleType, Any]:
    """The module and the object of ``package.module:name``.

    base: the folder that is looked into before the installed packages, on ``sys.path`` only meanwhile: the
        module must import what it needs from there at its top, not when it is called. Modules of such
        folders are imported anew each time, so that two folders may use the same names.
    Raises AssayError where there is no such module or object, where an installed module has its name
    already, and where the import fails, with the line.
    """
    module_name, name = split_name(source)
    top = module_name.partition(".")[0]
    _forget_marked()
    _check_not_taken(source, top, base)
    before = set(sys.modules)
    with on_path(base), explained(source, base):
        importlib.invalidate_caches()
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            # Another missing module is an error inside the user's own file.
            if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
                raise
            raise AssayError(
                f'{source}: there is no module "{error.name}", neither in {base} nor among the installed '
                "packages. Put the file beside the config, or install its package."
            ) from None
        finally:
            _mark(set(sys.modules) - before, base)
    return module, _attribute(source, module, name)


@contextmanager
def on_path(folder: Path) -> Iterator[None]:
    """``folder`` at the front of ``sys.path``, and gone afterwards."""
    entry = str(folder.resolve())
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        if entry in sys.path:
            sys.path.remove(entry)


@contextmanager
def explained(source: str, folder: Path) -> Iterator[None]:
    """Turns whatever code of a user raises into one sentence with the last line of theirs that ran.

    folder: where their files are. ``sys.exit`` counts as an error, being interrupted does not.
    """
    try:
        yield
    except AssayError:
        raise
    except (Exception, SystemExit) as error:
        lines = str(error).strip().splitlines()
        what = type(error).__name__ + (f": {lines[0]}" if lines else "")
        raise AssayError(f"{source}: {what}{_where(error, folder)}. Repair it and run again.") from error


def source_files(module: ModuleType) -> list[Path]:
    """The file of ``module`` and those of the config's folder that were imported with it, sorted."""
    files = {getattr(module, "__file__", None)}
    if hasattr(module, MARK):
        marked = [each for each in sys.modules.values() if _mark_of(each) == getattr(module, MARK)]
        files.update(getattr(each, "__file__", None) for each in marked)
    return sorted(Path(file) for file in files if file is not None)


def _where(error: BaseException, folder: Path) -> str:
    """`` (FILE, line N: CODE)`` of the last frame in ``folder``, else of the last frame at all."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({error.filename}, line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    inside = str(folder.resolve())
    theirs = [frame for frame in frames if _is_below(frame.filename, inside)]
    # The first frame is ours, from where the user's code was called.
    last = (theirs or frames[1:])[-1:]
    return "".join(f" ({frame.filename}, line {frame.lineno}: {frame.line})" for frame in last)


def _is_below(file: str, folder: str) -> bool:
    path = Path(file)
    return path.is_relative_to(folder) and "site-packages" not in path.relative_to(folder).parts


def _attribute(source: str, module: ModuleType, name: str) -> Any:
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            public = [each for each in dir(found) if not each.startswith("_")]
            raise AssayError(
                f'{source}: {getattr(module, "__file__", module.__name__)} has no "{part}".'
                f"{nearest(part, public)} Name a function or an object that is there."
            )
        found = getattr(found, part)
    return found


def _check_not_taken(source: str, top: str, base: Path) -> None:
    """Raises AssayError where a file of ``base`` has the name of a module that is used already."""
    spec = importlib.machinery.PathFinder.find_spec(top, [str(base)])
    if spec is None or spec.origin is None:  # a mere folder takes no module's place
        return
    found = getattr(sys.modules.get(top), "__file__", None)
    if found is not None and Path(found).resolve() == Path(spec.origin).resolve():
        return
    if top in sys.modules or top in sys.stdlib_module_names:
        raise AssayError(
            f'{source}: the name "{top}" of {spec.origin} is taken by another module '
            f"({found or 'a part of Python'}). Rename the file or folder."
        )


def _mark_of(module: object) -> str | None:
    # Modules may be replaced by objects that answer to any name.
    return vars(module).get(MARK) if isinstance(module, ModuleType) else None


def _mark(names: set[str], base: Path) -> None:
    folder = str(base.resolve())
    for name in names:
        module = sys.modules[name]
        file = vars(module).get("__file__") if isinstance(module, ModuleType) else None
        paths = [file] if file else list(getattr(module, "__path__", []))
        if any(_is_below(str(Path(path).resolve()), folder) for path in paths):
            setattr(module, MARK, folder)


def _forget_marked() -> None:
    for name in [name for name, module in sys.modules.items() if _mark_of(module) is not None]:
        del sys.modules[name]
