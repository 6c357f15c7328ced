"""Gets a candidate ready to be measured: loaded, or trained or mitigated once and kept."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from assay.config_models import CandidateConfig
from assay.mitigating import TrainingData, in_training, load_saved, mitigated, training_data
from assay.models import Answers, load_candidate, open_model
from assay.plan import Plan
from assay.progress import Reporter
from assay.run_folder import RunFolder
from assay.trained_models import key_of, save, trained_before
from assay.training_plan import settings_of
from attacks.errors import AssayError
from reports.model import MitigationSummary, ModelInfo, TrainingSummary
from robustness.black_box.kinds import Kind
from robustness.classifier import Classifier
from robustness.distributed import ALONE, Processes
from robustness.models import Model, computed_here
from robustness.objectives.base import Objective
from robustness.tracking import Observer, Run, trackers
from robustness.training import TrainSettings, identity, train


@dataclass(frozen=True)
class Place:
    """model: the folder for the trained model. logs: the folder in which trackers put theirs.

    replace: whether a model that another training made may be there, to be replaced.
    """

    model: Path
    logs: Path
    replace: bool = True

    @property
    def unfinished(self) -> Path:
        """Where the state of an interrupted training is kept, by training."""
        return self.model.with_name(f".training-{self.model.name}")


@dataclass(frozen=True)
class Prepared:
    """A candidate ready to be measured.

    info: what the report says of the model. training: None when it came trained, or from another candidate.
    load: makes the same model again, in another process.
    mitigation: what was done to treat groups more alike; None for nothing.
    """

    name: str
    kind: Kind
    model: Model
    info: ModelInfo
    training: TrainingSummary | None
    load: Callable[[], Model]
    mitigation: MitigationSummary | None = None

    @property
    def classifier(self) -> Classifier | None:
        """The model where it is computed here, else None."""
        return self.model if computed_here(self.model) else None


def prepare(
    candidate: CandidateConfig,
    plan: Plan,
    run: RunFolder,
    reporter: Reporter,
    answers: Answers,
    earlier: Sequence[Prepared] = (),
) -> Prepared:
    """Open ``candidate``; where it is to be trained or mitigated, do so, or take the model that the same
    data, start, objective, method and settings made before.

    answers: what keeps the answers of an endpoint. earlier: candidates that are ready, among which a base is
    looked for; one that is not there is prepared for the purpose.
    """
    # What changed texts are judged by is large, and no other process needs it.
    plan = replace(plan, judge=None)
    if candidate.base is not None:
        return _on_base(candidate, plan, run, reporter, answers, earlier)
    load: Callable[[], Model] = partial(open_model, candidate, plan)
    training, mitigation = None, None
    if candidate.train is None:
        model = open_model(candidate, plan, answers)
    else:
        classifier = load_candidate(candidate, plan)
        place = place_in(run, candidate.name)
        data = training_data(candidate, plan)
        training = trained(candidate, classifier, plan, place, reporter, data=data)
        mitigation = in_training(plan.objectives[candidate.name], data, training.seconds)
        # Measured is what was saved, so that a resumed audit measures the same.
        load = partial(
            load_saved,
            place.model,
            plan,
            trust_remote_code=candidate.trust_remote_code,
            max_length=classifier.max_length,
        )
        model = load()
    layers = "" if candidate.layers is None else f" (first {candidate.layers} layers)"
    named = model.source if candidate.kind == "endpoint" else candidate.model or candidate.encoder
    info = _info(f"{named}{layers}", model)
    return Prepared(candidate.name, candidate.kind, model, info, training, load, mitigation)


def _on_base(
    candidate: CandidateConfig,
    plan: Plan,
    run: RunFolder,
    reporter: Reporter,
    answers: Answers,
    earlier: Sequence[Prepared],
) -> Prepared:
    """The candidate that a mitigation makes of another one's model."""
    config = plan.bases[candidate.name]
    found = next((each for each in earlier if each.name == config.name), None)
    base = found or prepare(config, plan, run, reporter, answers)
    if base.classifier is None:
        raise ValueError(f'expected a Hugging Face classifier as base, got "{base.name}"')
    folder = run.model(candidate.name)
    mitigation = mitigated(candidate, base.classifier, base.info.sha256, plan, folder, reporter)
    load = partial(
        load_saved,
        folder,
        plan,
        trust_remote_code=config.trust_remote_code,
        max_length=base.classifier.max_length,
    )
    model = load()
    info = _info(f"{base.info.source}, {mitigation.method}", model)
    return Prepared(candidate.name, candidate.kind, model, info, None, load, mitigation)


def _info(source: str, model: Model) -> ModelInfo:
    return ModelInfo(
        source=source,
        sha256=model.fingerprint(),
        num_parameters=model.num_parameters,
        labels=list(model.label_names),
    )


def place_in(run: RunFolder, candidate: str) -> Place:
    """Where a run folder keeps a trained candidate."""
    return Place(model=run.model(candidate), logs=run.path)


def trained(
    candidate: CandidateConfig,
    classifier: Classifier,
    plan: Plan,
    place: Place,
    reporter: Reporter,
    *,
    data: TrainingData | None = None,
    observers: Sequence[Observer] = (),
    processes: Processes = ALONE,
) -> TrainingSummary:
    """Leave the trained model in ``place``: the one that the same data, start, objective and settings made
    before, or a new one. An interrupted training goes on where it stopped.

    classifier: the candidate as it stands before any training; it is trained in place.
    data: that of ``training_data``, where it is at hand.
    Raises AssayError as ``robustness.training.train`` does, where the model cannot be saved, and where
    another one is in the place and not to be replaced.
    """
    if candidate.train is None:
        raise ValueError(f'expected a candidate with train, got "{candidate.name}"')
    objective = plan.objectives[candidate.name]
    settings = settings_of(candidate.train, plan.config.seed)
    data = training_data(candidate, plan) if data is None else data
    training, validation, weights = data.training, data.validation, data.weights
    key = key_of(identity(classifier, training, validation, objective, settings, weights))
    before = processes.from_main(lambda: _before(place, key))
    if before is not None:
        reporter.say(f"{candidate.name}: trained before, taken from {place.model}")
        return before

    for note in () if data.mitigation is None else data.mitigation.notes:
        reporter.say(f"{candidate.name}: {note}")
    shared = "" if processes.count == 1 else f"-{processes.count}"
    state = place.unfinished / f"{key[:16]}-{classifier.device.type}{shared}"
    shown = _shown(objective, settings)
    run = Run(candidate.name, key, place.logs, shown, plan.config.offline)
    tracked: AbstractContextManager[list[Observer]] = (
        trackers(candidate.train.log_to, run) if processes.is_main else nullcontext([])
    )
    what = f"{candidate.name}: training ({objective.name})"
    with tracked as told, reporter.task(what, settings.epochs * len(training)) as advance:
        outcome = train(
            classifier,
            training,
            validation,
            objective,
            settings,
            state,
            advance,
            weights=weights,
            observers=[*observers, *told],
            processes=processes,
        )
    adapters = {} if settings.lora is None else {"trained_parameters": outcome.trained_parameters}
    summary = TrainingSummary(
        objective=objective.name,
        params={**shown, **adapters},
        epochs=len(outcome.history),
        best_epoch=outcome.best_epoch,
        n_train=len(training),
        n_validation=len(validation),
        collapsed=outcome.collapsed,
        history=list(outcome.history),
        seconds=sum(record.seconds for record in outcome.history),
    )

    def keep() -> None:
        save(classifier, place.model, {"key": key, "summary": asdict(summary)})
        shutil.rmtree(place.unfinished, ignore_errors=True)

    processes.from_main(keep)
    return summary


def _before(place: Place, key: str) -> TrainingSummary | None:
    before = trained_before(place.model, key)
    if before is None and not place.replace and place.model.is_dir() and any(place.model.iterdir()):
        raise AssayError(
            f"{place.model}: there is a model already, which other data, settings or another start made. "
            "Choose another folder, or delete this one."
        )
    return before


def _shown(objective: Objective, settings: TrainSettings) -> dict[str, Any]:
    """The parameters of the objective and the settings; those of LoRA where it is used."""
    values = asdict(settings)
    if settings.lora is None:
        del values["lora"]
    return {**objective.params(), **values}
