"""The model to audit: as it was named, or found beside the configuration; nothing is loaded."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from attacks.errors import AssayError
from robustness.black_box.kinds import PIPELINES, Kind, kind_of

CLASSIFIER = "ForSequenceClassification"


@dataclass(frozen=True)
class Model:
    """source: as assay.toml names it. labels: in the order of its scores, None where only asking tells them.

    encoder: whether it has no head for classes yet and must be fine-tuned. others: more that were found.
    """

    source: str
    kind: Kind
    labels: tuple[str, ...] | None = None
    encoder: bool = False
    others: tuple[str, ...] = ()


def given_model(name: str, folder: Path) -> Model:
    """The model ``name``: a folder or file (of the current folder), a hub name, module:object, an address.

    folder: of the assay.toml, to which paths are written relative. Raises AssayError for a folder that holds
    no model.
    """
    kind, path = kind_of(name), Path(name).expanduser()
    if kind in ("endpoint", "callable") or not path.exists():
        if kind == "pipeline" or name.startswith(("./", "../", "/", "~")):
            raise AssayError(f"--model: there is no {name}. Correct the path.")
        return Model(name, kind)
    source = relative(path, folder)
    if kind == "pipeline":
        return Model(source, kind)
    about = _config(path)
    if about is None:
        raise AssayError(
            f"--model: {name} holds no readable config.json: expected a folder as save_pretrained writes it, "
            "a hub name, module:object, a .skops or .joblib file, or an address."
        )
    return Model(source, kind, _labels(about), not _is_classifier(about))


def found_model(folder: Path) -> Model | None:
    """The first classifier in ``folder`` or its ``models``, by name; None where there is none."""
    places = [folder, folder / "models", folder / "model"]
    entries = [each for place in places if place.is_dir() for each in (place, *sorted(place.iterdir()))]
    found: dict[str, Model] = {}
    for path in entries:
        about = _config(path) if path.is_dir() else None
        if about is not None and _is_classifier(about):
            source = relative(path, folder)
            found.setdefault(source, Model(source, "transformers", _labels(about)))
        elif path.is_file() and path.suffix.lower() in PIPELINES:
            source = relative(path, folder)
            found.setdefault(source, Model(source, "pipeline"))
    if not found:
        return None
    first, *others = found.values()
    return Model(first.source, first.kind, first.labels, False, tuple(each.source for each in others))


def label_map(model: Sequence[str], data: Sequence[str]) -> tuple[dict[str, str], bool] | None:
    """({label of the data: label of the model}, whether it is sure); {} where they are the same already.

    None where no map suggests itself. Numbers, and a model of LABEL_0, LABEL_1, ..., are matched by
    position, which is the custom and not sure.
    """
    generic = [f"LABEL_{i}" for i in range(len(model))]
    numbers = [str(i) for i in range(len(model))]
    if set(data) <= set(model) or (list(model) == generic and set(data) <= set(numbers)):
        return {}, True
    spelt = {name.strip().casefold(): name for name in model}
    if all(name.strip().casefold() in spelt for name in data) and len(spelt) == len(model):
        return {name: spelt[name.strip().casefold()] for name in data}, True
    if set(data) <= set(numbers):
        return {name: model[int(name)] for name in data}, False
    if list(model) == generic and len(data) == len(model):
        return dict(zip(data, model, strict=True)), False
    return None


def relative(path: Path, folder: Path) -> str:
    """``path`` as seen from ``folder``, with slashes; absolute where no relative path leads there.

    It begins with ./ where ``assay.toml`` would take it for something else.
    """
    try:
        found = Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        found = path.resolve().as_posix()
    return f"./{found}" if found == "." or found.startswith("~") or ":" in found else found


def _config(folder: Path) -> dict[str, object] | None:
    try:
        about = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return about if isinstance(about, dict) and "model_type" in about else None


def _is_classifier(about: dict[str, object]) -> bool:
    names = about.get("architectures")
    return isinstance(names, list) and any(str(name).endswith(CLASSIFIER) for name in names)


def _labels(about: dict[str, object]) -> tuple[str, ...] | None:
    """Without id2label in its file a model of transformers has two, LABEL_0 and LABEL_1."""
    names = about.get("id2label")
    if not isinstance(names, dict):
        return ("LABEL_0", "LABEL_1") if _is_classifier(about) else None
    try:
        return tuple(str(names[index]) for index in sorted(names, key=int))
    except (TypeError, ValueError):
        return None
