"""What the trainings of a configuration need, checked before the first expensive call."""

from collections.abc import Collection
from typing import Any

from assay.config_models import AuditConfig, CandidateConfig, TrainConfig
from attacks.errors import AssayError
from robustness import lora, tracking
from robustness.classifier import Classifier
from robustness.lora import Lora
from robustness.objectives import registry
from robustness.objectives.base import Objective
from robustness.training import TrainSettings


def build_objectives(config: AuditConfig, only: Collection[str] | None = None) -> dict[str, Objective]:
    """{candidate: objective} of the candidates that are trained; ``only`` those of these names.

    Raises AssayError, naming the candidate, for an objective or a parameter that is not right, and for an
    optional package that is asked for and not installed.
    """
    objectives = {}
    for position, candidate in enumerate(config.candidates):
        train = candidate.train
        if train is None or (only is not None and candidate.name not in only):
            continue
        try:
            also = list(TrainConfig.model_fields)
            objectives[candidate.name] = registry.build(train.objective, train.params, also=also)
            if train.lora is not None:
                lora.require_installed()
            tracking.require_usable(train.log_to, offline=config.offline)
        except AssayError as error:
            raise AssayError(
                f'candidates.{position}.train (candidate "{candidate.name}"): {error}'
            ) from error
    return objectives


def check_adapters(candidate: CandidateConfig, classifier: Classifier) -> None:
    """Raise AssayError where ``classifier`` lacks the modules that LoRA is to adapt."""
    if candidate.train is not None and candidate.train.lora is not None:
        try:
            lora.targets(classifier.model, _lora(candidate.train.lora.model_dump()))
        except AssayError as error:
            raise AssayError(f'candidate "{candidate.name}": train.{error}') from error


def settings_of(train: TrainConfig, seed: int) -> TrainSettings:
    """The settings of the training loop."""
    values: dict[str, Any] = train.settings
    adapters = values.pop("lora")
    return TrainSettings(**values, lora=None if adapters is None else _lora(adapters), seed=seed)


def _lora(values: dict[str, Any]) -> Lora:
    names = values["target_modules"]
    return Lora(**{**values, "target_modules": None if names is None else tuple(names)})
