"""Datasets in the Hugging Face format: folders written by ``save_to_disk``, and the hub."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from attacks.errors import AssayError
from robustness.readers import Table, check_columns, check_not_empty


def open_saved(folder: Path) -> Any:
    """The Dataset or DatasetDict of a ``save_to_disk`` folder, memory-mapped. No network."""
    if not any((folder / name).is_file() for name in ("state.json", "dataset_dict.json")):
        raise AssayError(
            f"{folder}: expected a folder written by save_to_disk (with state.json or dataset_dict.json)."
            " Give the file inside the folder, or save the dataset with save_to_disk."
        )
    import datasets

    try:
        return datasets.load_from_disk(str(folder))
    except Exception as error:  # whatever a damaged folder makes the library raise
        raise AssayError(f"{folder}: the saved dataset cannot be read: {_reason(error)}") from error


def open_hub(name: str, config: str | None, revision: str | None, offline: bool) -> Any:
    """The DatasetDict of a dataset on the Hugging Face hub.

    Raises AssayError, naming the dataset and the way without a network, where it cannot be had. With
    ``offline`` nothing is asked of the network; what is in the cache of ``datasets`` is used only where
    HF_HUB_OFFLINE is set too, for only then does that library ask nothing either.
    """
    if Path(name).exists():
        raise AssayError(f"hub = {name!r} is a local file or folder: give it as `path`, not as `hub`.")
    import datasets

    library_offline = bool(datasets.config.HF_HUB_OFFLINE)
    wanted_offline = offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    if wanted_offline and not library_offline:
        raise AssayError(
            f"The dataset {name!r} is on the Hugging Face hub, and the network is forbidden (offline)."
            f" {_way_without_network(name, config)} A dataset that is in the cache already can be used with"
            " HF_HUB_OFFLINE=1 in the environment."
        )
    try:
        return datasets.load_dataset(name, config, revision=revision)
    except Exception as error:  # network, name, configuration, file formats: each with its own type
        raise AssayError(
            f"The dataset {name!r} cannot be had from the Hugging Face hub: {_reason(error)}"
            f" Check the name{', `hub_config`' if config else ''} and the connection."
            f" {_way_without_network(name, config)}"
        ) from error


def to_table(dataset: Any, needed: Collection[str], source: str) -> Table:
    """The columns ``needed`` of a ``datasets.Dataset``; a ClassLabel becomes its name, -1 a missing cell."""
    from datasets import ClassLabel

    check_columns(dataset.column_names, needed, source)
    columns: dict[str, list[Any]] = dataset.select_columns(list(needed)).with_format(None).to_dict()
    for column in needed:
        feature = dataset.features[column]
        if isinstance(feature, ClassLabel) and feature.names:
            names = feature.names
            columns[column] = [None if code is None or code < 0 else names[code] for code in columns[column]]
    table = Table(source, columns)
    check_not_empty(table)
    return table


def _way_without_network(name: str, config: str | None) -> str:
    call = f"load_dataset({name!r}, {config!r})" if config else f"load_dataset({name!r})"
    return (
        f"Without a network: where there is one, run datasets.{call}.save_to_disk('FOLDER'), copy the folder"
        " here, and give it as `path` instead of `hub`."
    )


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    message = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return message if message.endswith(".") else message + "."
