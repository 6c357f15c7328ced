"""Opens the model of a candidate, whatever kind it is."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.config_candidates import CandidateConfig
from assay.training_plan import check_adapters
from robustness import loading, packaged
from robustness.black_box.base import AnsweringModel, with_labels
from robustness.black_box.callables import load_object
from robustness.black_box.endpoint import AnswerCache, Endpoint
from robustness.black_box.pipelines import check_pipeline, load_pipeline
from robustness.classifier import Classifier
from robustness.models import Model

if TYPE_CHECKING:
    from assay.plan import Plan

Answers = Callable[[str], AnswerCache]
"""What keeps the answers of an endpoint, by the endpoint's fingerprint."""


def open_model(candidate: CandidateConfig, plan: "Plan", answers: Answers | None = None) -> Model:
    """The candidate as it stands before any training here, speaking the data's labels.

    answers: what keeps the answers of an endpoint; None keeps them in memory.
    Raises AssayError where it cannot be loaded or its labels are not the data's.
    """
    if candidate.kind == "transformers":
        return load_candidate(candidate, plan)
    source = str(candidate.model)
    found: AnsweringModel
    if candidate.kind == "endpoint":
        found = open_endpoint(candidate, plan, answers)
    else:
        options: dict[str, Any] = {"labels": candidate.labels}
        if candidate.batch_size is not None:
            options["batch_size"] = candidate.batch_size
        if candidate.kind == "pipeline":
            found = load_pipeline(Path(source), allow_pickle=candidate.allow_pickle, **options)
        else:
            found = load_object(source, base=plan.config.base, example=plan.test.inputs[0], **options)
    return with_labels(found, plan.dataset.label_names)


def open_endpoint(candidate: CandidateConfig, plan: "Plan", answers: Answers | None) -> Endpoint:
    """The endpoint of a candidate whose model is an address."""
    if candidate.endpoint is None or candidate.labels is None:
        raise ValueError(f'expected a candidate with an endpoint and labels, got "{candidate.name}"')
    endpoint = Endpoint(
        str(candidate.model),
        label_names=candidate.labels,
        batch_size=candidate.batch_size,
        offline=plan.config.offline,
        **candidate.endpoint.model_dump(),
    )
    if answers is not None:
        endpoint.cache = answers(endpoint.fingerprint())
    return endpoint


def load_candidate(candidate: CandidateConfig, plan: "Plan") -> Classifier:
    """A candidate that is computed here; else as ``open_model``."""
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


def check_source(candidate: CandidateConfig, *, offline: bool) -> None:
    """Refuse early what cannot be loaded; never touches the network. Raises AssayError.

    A candidate that starts from another one loads nothing itself.
    """
    if candidate.base is not None:
        return
    if candidate.kind == "transformers":
        loading.check_source(
            model_source(candidate),
            offline=offline,
            allow_pickle=candidate.allow_pickle,
            revision=candidate.revision,
        )
    elif candidate.kind == "pipeline":
        check_pipeline(Path(str(candidate.model)), allow_pickle=candidate.allow_pickle)


def model_source(candidate: CandidateConfig) -> str:
    """The folder or hub name to load from."""
    return packaged.resolve(str(candidate.model or candidate.encoder))
