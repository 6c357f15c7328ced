"""The folder of a model that was trained here: saved whole, and recognised again by what made it."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from safetensors import SafetensorError

from assay.run_folder import write_whole
from attacks.errors import AssayError
from reports.model import TrainingSummary
from robustness.classifier import Classifier

RECORD = "assay-training.json"
"""Written last into a trained model's folder: the training is complete and this is what made it."""


def trained_before(folder: Path, key: str) -> TrainingSummary | None:
    """The summary of the model in ``folder``, if a training of this key made it."""
    record = record_of(folder)
    if record is None or record.get("key") != key:
        return None
    return TypeAdapter(TrainingSummary).validate_python(record["summary"])


def record_of(folder: Path) -> dict[str, Any] | None:
    """What is written beside a model that was trained here; None for any other folder."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def key_of(made_of: dict[str, Any]) -> str:
    """SHA-256 (hex) of what a training is made of: its model is reused while this stays the same."""
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


def save(classifier: Classifier, folder: Path, record: dict[str, object]) -> None:
    """Hugging Face format with label names; the folder appears when all of it is written."""
    unsaved = folder.with_name(f".saving-{folder.name}")
    try:
        shutil.rmtree(unsaved, ignore_errors=True)
        labels = dict(sorted(zip(classifier.columns, classifier.label_names, strict=True)))
        classifier.model.config.id2label = labels
        classifier.model.config.label2id = {label: column for column, label in labels.items()}
        with _no_bars():
            classifier.model.save_pretrained(unsaved, safe_serialization=True)
        classifier.tokenizer.save_pretrained(unsaved)
        write_whole(unsaved / RECORD, json.dumps(record, indent=2, sort_keys=True) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(unsaved, folder)  # noqa: PTH105
    except (OSError, SafetensorError) as error:
        shutil.rmtree(unsaved, ignore_errors=True)
        raise AssayError(
            f"{folder}: the trained model could not be saved ({error}). Free some space and run again; the "
            "training goes on from its last epoch."
        ) from error


@contextmanager
def _no_bars() -> Iterator[None]:
    """The progress of an audit is told by its reporter alone."""
    from transformers.utils import logging

    settings: Any = logging
    shown = settings.is_progress_bar_enabled()
    settings.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            settings.enable_progress_bar()
