"""Finds the rows of each split: in files, in a ``save_to_disk`` folder or on the hub."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attacks.errors import AssayError, nearest
from robustness.hub import open_hub, open_saved, to_table
from robustness.readers import Table, check_exists, read_table

Parts = dict[str, Table]
"""{"test", "train", "validation"} to tables; one table not divided yet is {"data": table}."""


def read_files(
    paths: dict[str, Path | None],
    needed: Sequence[str],
    columns: Sequence[str] | None,
    delimiter: str | None,
    split_names: dict[str, str | None],
) -> Parts:
    """Tables of ``paths``: {"test": Path, "train": Path or None, "validation": Path or None}.

    split_names: the same keys to the names of splits inside a saved DatasetDict (None: the usual name).
    """
    given = {part: path for part, path in paths.items() if path is not None}
    for path in given.values():
        check_exists(path)
    parts: Parts = {}
    for part, path in given.items():
        if not path.is_dir():
            parts[part] = read_table(path, needed, columns, delimiter)
            continue
        saved = open_saved(path)
        if not isinstance(saved, dict):
            parts[part] = to_table(saved, needed, str(path))
        elif len(given) == 1:
            return read_dict(saved, needed, str(path), split_names)
        else:
            raise AssayError(
                f"{path}: holds the splits {', '.join(saved)}, where one split was expected. Give the folder"
                " of one of them, or give `path` alone: its own splits are then used."
            )
    if given.keys() == {"test"}:
        _check_no_split_names(split_names, str(given["test"]))
        return {"data": parts["test"]}
    return parts


def read_hub(
    hub: str,
    needed: Sequence[str],
    split_names: dict[str, str | None],
    config: str | None,
    revision: str | None,
    offline: bool,
) -> Parts:
    """Tables of the splits of a dataset on the hub."""
    return read_dict(open_hub(hub, config, revision, offline), needed, f"hub dataset {hub}", split_names)


def read_dict(saved: Any, needed: Sequence[str], source: str, split_names: dict[str, str | None]) -> Parts:
    """Tables of the splits of a DatasetDict.

    The audited split must be there (``test`` unless named); train and validation are used where they are
    there under their usual names, and must be there when named.
    """
    present = list(saved)
    chosen: dict[str, str] = {}
    for part, key in (("test", "split"), ("train", "train_split"), ("validation", "validation_split")):
        name = split_names[part] or part
        if name not in present and (part == "test" or split_names[part]):
            raise AssayError(
                f'{source}: there is no split "{name}".{nearest(name, present)}'
                f" Splits there: {', '.join(present)}. Name one of them in `{key}`."
            )
        if name not in present or (name in chosen.values() and not split_names[part]):
            continue
        if name in chosen.values():
            raise AssayError(f'{source}: `{key}` names "{name}" again. Give each role a split of its own.')
        chosen[part] = name
    tables = {part: to_table(saved[name], needed, f"{source} [{name}]") for part, name in chosen.items()}
    # One split and nothing that says what it is for: the same as a single file.
    return {"data": tables["test"]} if len(present) == 1 else tables


def _check_no_split_names(split_names: dict[str, str | None], source: str) -> None:
    named = [name for name in split_names.values() if name]
    if named:
        raise AssayError(
            f'{source}: the split "{named[0]}" is asked for, but this is one table without splits. Name a'
            " column with `split_column`, or give the other files with `train_path` and `validation_path`."
        )
