"""Mitigation of a candidate: of the data that it is trained on, or of another candidate's model."""

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from assay.config_candidates import CandidateConfig
from assay.plan import Plan
from assay.progress import Reporter
from assay.trained_models import key_of, record_of, save
from attacks.errors import AssayError
from fairness.mitigation.base import DataMitigation, Mitigation, ModelMitigation
from reports.model import MitigationSummary
from robustness import loading, routed_files
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.models import Model
from robustness.objectives.base import Objective
from robustness.routed import Routed


@dataclass(frozen=True)
class TrainingData:
    """What a candidate is trained and chosen on.

    weights: (n,) of the training examples, mean 1; None where all count alike. mitigation: what was done to
    the training data; None for nothing. Validation is always as it was.
    """

    training: TextDataset
    validation: TextDataset
    weights: np.ndarray | None
    mitigation: MitigationSummary | None


def training_data(candidate: CandidateConfig, plan: Plan) -> TrainingData:
    """The data of ``candidate``, mitigated where that is asked for; the same at each call.

    Raises AssayError as the method does, and where it leaves no example of a label.
    """
    training, validation = plan.dataset.split("train"), plan.dataset.split("validation")
    method = plan.mitigations.get(candidate.name)
    if not isinstance(method, DataMitigation):
        return TrainingData(training, validation, None, None)
    started = time.perf_counter()
    try:
        done = method.apply(training, plan.config.seed)
        _require_labels(method, training, done.training)
    except AssayError as error:
        raise AssayError(f'candidate "{candidate.name}": {error}') from error
    summary = _summary(method, None, done.notes, time.perf_counter() - started)
    return TrainingData(done.training, validation, done.weights, summary)


def in_training(objective: Objective, data: TrainingData, seconds: float) -> MitigationSummary | None:
    """What ``objective`` did about groups, beside what was done to its data; None where it knows none.

    seconds: of the training.
    """
    strata = objective.strata(data.training)
    if strata is None:
        return data.mitigation
    note = (
        f"The objective {objective.name} tells {len(strata.names)} groups of {strata.counts.min():,} to "
        f"{strata.counts.max():,} training examples apart."
    )
    if data.mitigation is not None:
        return replace(data.mitigation, notes=[*data.mitigation.notes, note])
    params = objective.params()
    return MitigationSummary(
        method=objective.name,
        stage="training",
        group=params.pop("group", None),
        params=params,
        base=None,
        notes=[note],
        seconds=seconds,
    )


def mitigated(
    candidate: CandidateConfig,
    base: Classifier,
    fingerprint: str,
    plan: Plan,
    folder: Path,
    reporter: Reporter,
) -> MitigationSummary:
    """Leave in ``folder`` what the candidate's mitigation makes of ``base``: what it made before of the same
    model, data and parameters, or a new one.

    base: the model of ``candidate.base``; it stays as it is. fingerprint: of that model.
    Raises AssayError as the method does, and where the model cannot be saved.
    """
    method = plan.mitigations[candidate.name]
    if not isinstance(method, ModelMitigation) or candidate.base is None:
        raise ValueError(f'expected a candidate that starts from another one, got "{candidate.name}"')
    training, validation = plan.dataset.split("train"), plan.dataset.split("validation")
    key = key_of(
        {
            "mitigation": {"name": method.name, **method.params()},
            "base": fingerprint,
            "train data": training.fingerprint,
            "validation data": validation.fingerprint,
            "seed": plan.config.seed,
        }
    )
    record = record_of(folder)
    if record is not None and record.get("key") == key and "mitigation" in record:
        reporter.say(f"{candidate.name}: mitigated before, taken from {folder}")
        return TypeAdapter(MitigationSummary).validate_python(record["mitigation"])
    started = time.perf_counter()
    reporter.say(f"{candidate.name}: mitigation ({method.name}) of {candidate.base}")
    try:
        model = method.apply(base, training, validation, plan.config.seed)
    except AssayError as error:
        raise AssayError(f'candidate "{candidate.name}": {error}') from error
    notes: Sequence[str] = getattr(model, "notes", ())
    summary = _summary(method, candidate.base, notes, time.perf_counter() - started)
    _keep(model, folder, {"key": key, "mitigation": asdict(summary)})
    return summary


def load_saved(folder: Path, plan: Plan, *, trust_remote_code: bool, max_length: int) -> Classifier | Routed:
    """The model that was trained or mitigated here and saved in ``folder``, with the data's labels."""
    classifier = loading.with_labels(
        loading.load_classifier(
            str(folder),
            device=plan.device,
            offline=True,
            trust_remote_code=trust_remote_code,
            max_length=max_length,
        ),
        plan.dataset.label_names,
    )
    return routed_files.load_routes(folder, classifier) if routed_files.is_routed(folder) else classifier


def _keep(model: Model | Routed, folder: Path, record: dict[str, object]) -> None:
    """A folder in Hugging Face format that appears when all of it is written, the routes too."""
    if not isinstance(model, Routed):
        if not isinstance(model, Classifier):
            raise ValueError(f"expected a classifier or a routed one, got {type(model).__name__}")
        save(model, folder, record)
        return
    unsaved = folder.with_name(f".mitigated-{folder.name}")
    try:
        save(model.base, unsaved, record)
        routed_files.save_routes(model, unsaved)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(unsaved, folder)  # noqa: PTH105
    except OSError as error:
        shutil.rmtree(unsaved, ignore_errors=True)
        raise AssayError(
            f"{folder}: the mitigated model could not be saved ({error}). Free some space and run again."
        ) from error


def _summary(method: Mitigation, base: str | None, notes: Sequence[str], seconds: float) -> MitigationSummary:
    params = method.params()
    return MitigationSummary(
        method=method.name,
        stage=method.stage,
        group=params.pop("group", None),
        params=params,
        base=base,
        notes=list(notes),
        seconds=seconds,
    )


def _require_labels(method: Mitigation, before: TextDataset, after: TextDataset) -> None:
    for label, count in before.label_counts.items():
        if count and not after.label_counts[label]:
            raise AssayError(
                f'mitigation "{method.name}" leaves no training example of the label "{label}", of which '
                f"there were {count:,}. Change its parameters, or give more data."
            )
