"""The folder of a routed model: its base as any other classifier, and beside it the heads and the routes."""

import json
from pathlib import Path

import numpy as np

from attacks.errors import AssayError
from robustness.classifier import Classifier
from robustness.heads import Head, head_of
from robustness.routed import Routed, Routing

HEADS = "heads.safetensors"
ROUTES = "routes.json"
"""What lies beside the base model."""


def save_routes(model: Routed, folder: Path) -> None:
    """Write heads and routes beside the base model, which the caller saves into ``folder`` as any other."""
    from safetensors.numpy import save_file

    base = model.base
    names = [base.label_names[i] for i in np.argsort(base.columns)]
    order = [base.label_names.index(name) for name in names]
    save_file(
        {
            "weight": np.ascontiguousarray(np.stack([head.weight[order] for head in model.heads])),
            "bias": np.ascontiguousarray(np.stack([head.bias[order] for head in model.heads])),
        },
        folder / HEADS,
    )
    record = {**model.routing.record(), "labels": names, "notes": list(model.notes)}
    (folder / ROUTES).write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def is_routed(folder: Path) -> bool:
    """Whether ``folder`` holds what ``save_routes`` wrote."""
    return (folder / ROUTES).is_file() and (folder / HEADS).is_file()


def load_routes(folder: Path, base: Classifier) -> Routed:
    """The model that was saved in ``folder``. base: the classifier of that folder, already loaded, speaking
    of its labels in any order.

    Raises AssayError for files that are damaged or belong to another model.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        record = json.loads((folder / ROUTES).read_text(encoding="utf-8"))
        tensors = load_file(folder / HEADS)
        order = [record["labels"].index(name) for name in base.label_names]
        heads = tuple(
            Head(weight[order], bias[order])
            for weight, bias in zip(tensors["weight"], tensors["bias"], strict=True)
        )
        shares = {value: tuple(map(float, each)) for value, each in record["shares"].items()}
        routing = Routing(record["column"], shares, int(record["seed"]))
        notes = tuple(record["notes"])
    except (OSError, KeyError, ValueError, TypeError, IndexError, SafetensorError) as error:
        raise AssayError(
            f"{folder}: {ROUTES} or {HEADS} cannot be read ({error}). Delete the folder and run again."
        ) from error
    if not heads or heads[0].weight.shape != head_of(base).weight.shape:
        raise AssayError(f"{folder}: {HEADS} belongs to another model. Delete the folder and run again.")
    return Routed(base, heads, routing, notes)
