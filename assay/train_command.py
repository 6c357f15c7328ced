"""``assay train``: the trainings of a configuration without the audit, in one process or several."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console

from assay.candidates import Place, place_in, trained
from assay.config_models import AuditConfig, CandidateConfig
from assay.models import load_candidate
from assay.plan import Plan, make_plan
from assay.progress import Reporter
from assay.run_folder import RunFolder
from assay.tables import aligned
from assay.trained_models import record_of
from assay.training_plan import build_mitigations, build_objectives
from attacks.errors import AssayError, nearest
from reports.formatting import duration, figure
from reports.model import TrainingSummary
from robustness.distributed import Processes, join
from robustness.results import EpochRecord
from robustness.tracking import Observer

COLUMNS = (
    "candidate",
    "objective",
    "epochs",
    "best",
    "validation accuracy",
    "under its attack",
    "time",
    "folder",
)


def run_trainings(
    config: AuditConfig, wanted: Sequence[str], output: Path | None, reporter: Reporter
) -> list[str]:
    """Train the candidates of ``config`` that have ``train``, or those named in ``wanted``.

    output: the folder for the one trained model; None puts each where ``assay audit`` finds it.
    Returns the lines to show at the end; none in a process that is not the main one.
    Raises AssayError for a user's mistake, before anything is trained wherever it can be known then.
    """
    candidates = _chosen(config, wanted)
    names = [candidate.name for candidate in candidates]
    build_objectives(config, only=names)
    build_mitigations(config, only=names)
    if output is not None:
        _require_free(output)
    processes, device = join(config.device)
    try:
        return _run(config, candidates, device, output, reporter, processes)
    finally:
        processes.leave()


def _run(
    config: AuditConfig,
    candidates: list[CandidateConfig],
    device: str,
    output: Path | None,
    reporter: Reporter,
    processes: Processes,
) -> list[str]:
    if not processes.is_main:
        reporter = Reporter(Console(quiet=True))
    # What the audit would measure with is left out: a training does not need it, and need not wait for it.
    config = config.reduced_to(device=device, candidates=candidates)
    with _held(config, output, processes) as run:
        plan = make_plan(config)
        done = []
        for candidate in candidates:
            place = _place(run, candidate, output)
            classifier = load_candidate(candidate, plan)
            lines = [EpochLines(candidate, reporter)]
            summary = trained(
                candidate, classifier, plan, place, reporter, observers=lines, processes=processes
            )
            done.append((candidate.name, summary, place.model))
    return [*table(done), *_remarks(done, plan, output)] if processes.is_main else []


class EpochLines(Observer):
    """One line for each epoch."""

    def __init__(self, candidate: CandidateConfig, reporter: Reporter) -> None:
        self._candidate, self._reporter = candidate, reporter

    def started(self, step: int, epoch: int, trained: int, total: int) -> None:
        if trained < total:
            share = figure(trained / total)
            self._say(f"training {trained:,} of {total:,} weights ({share})")
        if epoch > 0:
            self._say(f"going on after epoch {epoch}")

    def validated(self, step: int, record: EpochRecord) -> None:
        train = self._candidate.train
        epochs = "?" if train is None else train.epochs
        attacked = record.validation_accuracy_under_attack
        under = "" if attacked is None else f", {figure(attacked)} under its attack"
        self._say(
            f"epoch {record.epoch} of {epochs}: loss {record.loss:.4f}, validation accuracy "
            f"{figure(record.validation_accuracy)}{under}, {duration(record.seconds)}"
        )

    def _say(self, what: str) -> None:
        self._reporter.say(f"{self._candidate.name}: {what}")


Done = tuple[str, TrainingSummary, Path]
"""A candidate's name, its training, and the folder of its model."""


def table(done: Sequence[Done]) -> list[str]:
    """One line for each trained candidate, below one of headings. Accuracies are those of the best epoch."""
    rows = [COLUMNS]
    for name, summary, folder in done:
        best = summary.history[summary.best_epoch - 1]
        attacked = best.validation_accuracy_under_attack
        rows.append(
            (
                name,
                summary.objective,
                str(summary.epochs),
                str(summary.best_epoch),
                f"{figure(best.validation_accuracy)} of {summary.n_validation:,}",
                "-" if attacked is None else figure(attacked),
                duration(summary.seconds),
                str(folder),
            )
        )
    return aligned(rows)


def _remarks(done: Sequence[Done], plan: Plan, output: Path | None) -> list[str]:
    lines = [
        f'Warning: "{name}" gives every validation example the same class. Try more epochs, a lower '
        "learning_rate, a smaller epsilon or a longer ramp."
        for name, summary, _ in done
        if summary.collapsed
    ]
    if output is None:
        lines.append("`assay audit` with the same configuration takes these models and measures them.")
    else:
        lines.append(
            f'To audit it, write model = "{output}" in an assay.toml, and data that it has not seen: of '
            f"{plan.dataset.name} it was trained on {len(plan.dataset.split('train')):,} examples."
        )
    return ["", *lines]


def _chosen(config: AuditConfig, wanted: Sequence[str]) -> list[CandidateConfig]:
    """The candidates to train, in the order of the configuration."""
    trainable = [candidate for candidate in config.candidates if candidate.train is not None]
    names = [candidate.name for candidate in trainable]
    if not trainable:
        raise AssayError(
            "no candidate of the configuration has train, so there is nothing to train. Add it to one, for "
            'example train = { objective = "fgsm", epsilon = 0.05, epochs = 3 }.'
        )
    for name in wanted:
        if name not in names:
            without = any(candidate.name == name for candidate in config.candidates)
            what = f'the candidate "{name}" has no train' if without else f'there is no candidate "{name}"'
            raise AssayError(
                f"--candidate: {what}.{nearest(name, names)} Candidates that can be trained: "
                f"{', '.join(names)}."
            )
    return [candidate for candidate in trainable if not wanted or candidate.name in wanted]


def _place(run: RunFolder, candidate: CandidateConfig, output: Path | None) -> Place:
    return place_in(run, candidate.name) if output is None else Place(output, output.parent, replace=False)


def _require_free(output: Path) -> None:
    """Raise AssayError for what must not be overwritten: anything but a model that was trained here."""
    if output.is_file():
        raise AssayError(f"--output: {output} is a file. Expected a folder that is new or empty.")
    if output.is_dir() and any(output.iterdir()) and record_of(output) is None:
        raise AssayError(
            f"--output: the folder {output} is not empty, and nothing in it is overwritten. Name another one."
        )


@contextmanager
def _held(config: AuditConfig, output: Path | None, processes: Processes) -> Iterator[RunFolder]:
    """The folder to work in, made by the main process and held by it against other runs."""
    path = config.runs / config.name if output is None else Place(output, output.parent).unfinished

    with ExitStack() as stack:

        def hold() -> None:
            run = RunFolder.create(path)
            stack.enter_context(run.lock())

        processes.from_main(hold)
        try:
            yield RunFolder(path)
        finally:
            # Beside --output there is nothing to keep but the state of an interrupted training.
            if output is not None and processes.is_main and not any(path.glob("*/state.pt")):
                shutil.rmtree(path, ignore_errors=True)
