"""Everything that an audit needs, built and checked before the first expensive call."""

from dataclasses import dataclass
from typing import Any

import torch

from assay.config_models import AuditConfig, CandidateConfig
from assay.gate import check_gate_names
from assay.training_plan import build_objectives, check_adapters
from attacks import registry as attack_registry
from attacks.base import Attack
from attacks.errors import AssayError, nearest
from robustness import evaluate, loading, packaged
from robustness.classifier import Classifier
from robustness.data import load
from robustness.dataset import TextDataset
from robustness.device import resolve_device
from robustness.objectives.base import Objective


@dataclass(frozen=True)
class Plan:
    """A checked audit. objectives: {candidate: objective} of the candidates that are trained."""

    config: AuditConfig
    device: torch.device
    dataset: TextDataset
    attacks: tuple[Attack, ...]
    objectives: dict[str, Objective]

    @property
    def test(self) -> TextDataset:
        """The examples that are audited."""
        return self.dataset.split("test")


def make_plan(config: AuditConfig) -> Plan:
    """Build attacks, objectives and data and load every candidate once; raises AssayError for a mistake."""
    device = resolve_device(config.device)
    attacks = tuple(
        attack_registry.build(name, params) for attack in config.attacks for name, params in attack.expand()
    )
    objectives = build_objectives(config)
    for attack in attacks:
        if source := getattr(attack, "language_model", None):
            loading.check_source(source, offline=config.offline, allow_pickle=False)
    for candidate in config.candidates:
        loading.check_source(
            model_source(candidate),
            offline=config.offline,
            allow_pickle=candidate.allow_pickle,
            revision=candidate.revision,
        )
    dataset = load(
        **config.data.load_arguments,
        seed=config.seed,
        offline=config.offline,
        need_train=bool(objectives),
    )
    for attack in attacks:
        attack.target_class(dataset.label_names)
    _check_positive_label(config, dataset)
    check_gate_names(config.gate, dataset.split("test"))
    plan = Plan(config, device, dataset, attacks, objectives)
    for candidate in config.candidates:
        _try(candidate, plan)
    return plan


def _try(candidate: CandidateConfig, plan: Plan) -> None:
    """Load the candidate and ask it about two examples: what cannot answer must not wait for its turn."""
    classifier = load_candidate(candidate, plan)
    try:
        classifier.predict_proba(plan.test.inputs[:2])
        for attack in plan.attacks:
            evaluate.check_victim(classifier, attack)
    except AssayError as error:
        raise AssayError(f'candidate "{candidate.name}": {error}') from error


def load_candidate(candidate: CandidateConfig, plan: Plan) -> Classifier:
    """The candidate as it stands before any training here, speaking the data's labels.

    Raises AssayError where it cannot be loaded or its labels are not the data's.
    """
    source = model_source(candidate)
    options: dict[str, Any] = {
        "device": plan.device,
        "offline": plan.config.offline,
        "allow_pickle": candidate.allow_pickle,
        "trust_remote_code": candidate.trust_remote_code,
        "revision": candidate.revision,
        "max_length": candidate.max_length,
    }
    if candidate.encoder is not None:
        classifier = loading.load_encoder(
            source, plan.dataset.label_names, seed=plan.config.seed, layers=candidate.layers, **options
        )
    else:
        classifier = loading.with_labels(loading.load_classifier(source, **options), plan.dataset.label_names)
    check_adapters(candidate, classifier)
    return classifier


def model_source(candidate: CandidateConfig) -> str:
    """The folder or hub name to load from."""
    return packaged.resolve(str(candidate.model or candidate.encoder))


def _check_positive_label(config: AuditConfig, dataset: TextDataset) -> None:
    label, names = config.fairness.positive_label, dataset.label_names
    if label is not None and label not in names:
        raise AssayError(
            f'fairness.positive_label: the data has no label "{label}".{nearest(label, names)} '
            f"Its labels: {', '.join(names)}."
        )
    if label is not None and len(names) > 2:
        raise AssayError(
            f"fairness.positive_label: the data has {len(names)} labels, and each is assessed against the "
            "rest; leave positive_label out."
        )
