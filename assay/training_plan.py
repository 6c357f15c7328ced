"""What the trainings of a configuration need, checked before the first expensive call."""

from collections.abc import Collection, Mapping
from typing import Any

from assay.config_models import AuditConfig, CandidateConfig, TrainConfig
from assay.misplaced import refuse_mitigation, refuse_objective
from attacks.errors import AssayError, nearest
from fairness.mitigation import registry as mitigation_registry
from fairness.mitigation.base import DataMitigation, Mitigation
from robustness import lora, tracking
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
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
            refuse_mitigation(train.objective)
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


def build_mitigations(config: AuditConfig, only: Collection[str] | None = None) -> dict[str, Mitigation]:
    """{candidate: method} of the candidates that are mitigated; ``only`` those of these names.

    Raises AssayError, naming the candidate, for a method or a parameter that is not right, for a method that
    is not for a candidate of this kind, for a base that is none, and for a package that is not installed.
    """
    methods = {}
    for position, candidate in enumerate(config.candidates):
        mitigate = candidate.mitigate
        if mitigate is None or (only is not None and candidate.name not in only):
            continue
        try:
            refuse_objective(mitigate.method)
            method = mitigation_registry.build(mitigate.method, mitigate.params, also=["method"])
            _check_stage(candidate, method)
            _check_base(candidate, config.candidates[:position])
            method.require_installed()
        except AssayError as error:
            raise AssayError(
                f'candidates.{position}.mitigate (candidate "{candidate.name}"): {error}'
            ) from error
        methods[candidate.name] = method
    return methods


def bases(config: AuditConfig) -> dict[str, CandidateConfig]:
    """{candidate: the candidate that it starts from} of those that have a base."""
    named = {candidate.name: candidate for candidate in config.candidates}
    return {each.name: named[each.base] for each in config.candidates if each.base is not None}


def check_groups(
    dataset: TextDataset, objectives: Mapping[str, Objective], methods: Mapping[str, Mitigation]
) -> None:
    """Raise AssayError, naming the candidate, for data that an objective or a mitigation cannot work with."""
    training = dataset.split("train")
    for name in [*objectives, *(name for name in methods if name not in objectives)]:
        objective, method = objectives.get(name), methods.get(name)
        try:
            if method is not None:
                method.check(dataset)
            strata = None if objective is None else objective.strata(training)
            if strata is not None and isinstance(method, DataMitigation) and not method.keeps_groups:
                raise AssayError(
                    f'the mitigation "{method.name}" changes whom a text is about, so that its groups are '
                    "not those of the data, which the objective trains on. Use one of the two."
                )
        except AssayError as error:
            raise AssayError(f'candidate "{name}": {error}') from error


def _check_stage(candidate: CandidateConfig, method: Mitigation) -> None:
    if isinstance(method, DataMitigation):
        if candidate.base is not None:
            raise AssayError(
                f'"{method.name}" changes the training data, so it needs a training of its own: give encoder '
                f'(or model) and train in place of base = "{candidate.base}".'
            )
    elif candidate.base is None:
        raise AssayError(
            f'"{method.name}" starts from a model that is trained already: name the candidate in base, and '
            "leave out encoder (or model) and train. That one is trained as a candidate of its own, above."
        )


def _check_base(candidate: CandidateConfig, above: list[CandidateConfig]) -> None:
    if candidate.base is None:
        return
    usable = {each.name: each for each in above if each.base is None and each.kind == "transformers"}
    if candidate.base in usable:
        return
    found = next((each for each in above if each.name == candidate.base), None)
    if found is None:
        names = [each.name for each in above]
        raise AssayError(
            f'base: there is no candidate "{candidate.base}" above this one.'
            f"{nearest(candidate.base, names)} Above it: {', '.join(names) or 'none'}."
        )
    why = (
        "starts from another candidate itself"
        if found.base is not None
        else "is no Hugging Face model, and its head cannot be exchanged"
    )
    raise AssayError(
        f'base: the candidate "{candidate.base}" {why}. Name one that is trained or loaded: '
        f"{', '.join(usable) or 'there is none above'}."
    )


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
