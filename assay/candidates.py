"""Gets a candidate ready to be measured: loaded, or trained once and kept."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from safetensors import SafetensorError

from assay.config_models import CandidateConfig
from assay.plan import Plan, load_candidate
from assay.progress import Reporter
from assay.run_folder import RunFolder, write_whole
from attacks.errors import AssayError
from reports.model import ModelInfo, TrainingSummary
from robustness import loading
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.objectives.base import Objective
from robustness.training import TrainSettings, identity, train

RECORD = "assay-training.json"
"""Written last into a trained model's folder: the training is complete and this is what made it."""


@dataclass(frozen=True)
class Prepared:
    """A candidate ready to be measured; ``training`` is None when it came trained."""

    name: str
    classifier: Classifier
    model: ModelInfo
    training: TrainingSummary | None


def prepare(candidate: CandidateConfig, plan: Plan, run: RunFolder, reporter: Reporter) -> Prepared:
    """Load ``candidate``; where it is to be trained, train it, or take the model that the same data,
    start, objective and settings made before."""
    classifier = load_candidate(candidate, plan)
    training = None
    if candidate.train is not None:
        objective = plan.objectives[candidate.name]
        settings = TrainSettings(**candidate.train.settings, seed=plan.config.seed)
        train_split, validation_split = plan.dataset.split("train"), plan.dataset.split("validation")
        key = _key(identity(classifier, train_split, validation_split, objective, settings))
        folder = run.model(candidate.name)
        training = _trained_before(folder, key)
        if training is None:
            training = _train(
                candidate.name, classifier, plan.dataset, objective, settings, folder, key, reporter
            )
        else:
            reporter.say(f"{candidate.name}: trained before, taken from {folder}")
        # Measured is what was saved, so that a resumed audit measures the same.
        classifier = loading.with_labels(
            loading.load_classifier(
                str(folder),
                device=plan.device,
                offline=True,
                trust_remote_code=candidate.trust_remote_code,
                max_length=classifier.max_length,
            ),
            plan.dataset.label_names,
        )
    layers = "" if candidate.layers is None else f" (first {candidate.layers} layers)"
    info = ModelInfo(
        source=f"{candidate.model or candidate.encoder}{layers}",
        sha256=classifier.fingerprint(),
        num_parameters=classifier.num_parameters,
        labels=list(classifier.label_names),
    )
    return Prepared(candidate.name, classifier, info, training)


def _key(made_of: dict[str, Any]) -> str:
    """SHA-256 (hex) of what a training is made of: its model is reused while this stays the same."""
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


def _trained_before(folder: Path, key: str) -> TrainingSummary | None:
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if record.get("key") != key:
        return None
    return TypeAdapter(TrainingSummary).validate_python(record["summary"])


def _train(
    name: str,
    classifier: Classifier,
    dataset: TextDataset,
    objective: Objective,
    settings: TrainSettings,
    folder: Path,
    key: str,
    reporter: Reporter,
) -> TrainingSummary:
    training, validation = dataset.split("train"), dataset.split("validation")
    unfinished = folder.with_name(f".training-{name}")
    checkpoints = unfinished / f"{key[:16]}-{classifier.device.type}"
    with reporter.task(f"{name}: training ({objective.name})", settings.epochs * len(training)) as advance:
        outcome = train(classifier, training, validation, objective, settings, checkpoints, advance)
    summary = TrainingSummary(
        objective=objective.name,
        params={**objective.params(), **asdict(settings)},
        epochs=len(outcome.history),
        best_epoch=outcome.best_epoch,
        n_train=len(training),
        n_validation=len(validation),
        collapsed=outcome.collapsed,
        history=list(outcome.history),
        seconds=sum(record.seconds for record in outcome.history),
    )
    _save(classifier, folder, {"key": key, "summary": asdict(summary)})
    shutil.rmtree(unfinished, ignore_errors=True)
    return summary


def _save(classifier: Classifier, folder: Path, record: dict[str, object]) -> None:
    """Hugging Face format with label names; the record comes last, so half a folder is never taken."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
        labels = dict(sorted(zip(classifier.columns, classifier.label_names, strict=True)))
        classifier.model.config.id2label = labels
        classifier.model.config.label2id = {label: column for column, label in labels.items()}
        with _no_bars():
            classifier.model.save_pretrained(folder, safe_serialization=True)
        classifier.tokenizer.save_pretrained(folder)
    except (OSError, SafetensorError) as error:
        raise AssayError(
            f"{folder}: the trained model could not be saved ({error}). Free some space and run again; the "
            "training goes on from its last epoch."
        ) from error
    write_whole(folder / RECORD, json.dumps(record, indent=2, sort_keys=True) + "\n")


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
