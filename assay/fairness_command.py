"""``assay fairness``: the whole fairness assessment of any model's predictions, without the model."""

import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from assay.config_base import folder_name
from assay.fairness_findings import fairness_findings
from assay.outcome_parquet import write_table
from assay.outcome_table import CLEAN, Answers, OutcomeTable
from assay.prediction_notes import label_counts, notes_of
from assay.prediction_roles import Roles
from assay.predictions import Predictions, read_predictions
from assay.report_files import write_report
from assay.run_folder import RunFolder
from attacks.errors import AssayError
from fairness.assess import assess
from fairness.results import FairnessResult
from reports.model import AuditReport, CandidateResult, DataSummary, GateResult, ModelInfo, Provenance
from reports.naming import PREDICTIONS
from reports.verdict import verdict_of
from robustness.estimate import Estimate
from robustness.metrics import clean_result_of
from robustness.results import RobustnessResult

LIBRARIES = ("assay", "fairlearn", "scikit-learn", "scipy", "numpy", "pyarrow")
SEVERITIES = ("critical", "warning", "info")
N_BOOT = 1000


@dataclass(frozen=True)
class Settings:
    """How to assess. intersections: up to how many columns are crossed (1: none).

    labels: all labels in their order; None for those of the label column. output: the folder of the report,
    by default ``runs/NAME``; name: by default that of the file.
    """

    positive_label: str | None = None
    labels: tuple[str, ...] | None = None
    intersections: int = 1
    min_group_size: int = 30
    confidence: float = 0.95
    seed: int = 0
    output: Path | None = None
    name: str | None = None


def run_fairness(path: Path, roles: Roles, settings: Settings) -> tuple[AuditReport, RunFolder]:
    """Assess the predictions in ``path`` and write audit.json, summary.md and report.html.

    Raises AssayError for settings out of range, a folder that cannot be used, and what
    ``read_predictions`` and ``assess`` refuse.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    name = _checked_name(path, settings)
    run = RunFolder(settings.output if settings.output is not None else Path("runs") / name)
    with _folder(run):
        predictions = read_predictions(path, roles, settings.labels, settings.positive_label)
        result = _assessed(predictions, roles, settings, name)
        found = sorted(fairness_findings(result), key=lambda each: SEVERITIES.index(each.severity))
        gate = GateResult(passed=True, checks=[])
        report = AuditReport(
            schema_version=2,
            provenance=Provenance(
                started=started.isoformat(timespec="seconds"),
                seconds=time.perf_counter() - clock,
                seed=settings.seed,
                confidence=settings.confidence,
                device="none: no model was run",
                versions={"python": platform.python_version(), **{each: version(each) for each in LIBRARIES}},
                data_sha256=predictions.sha256,
                config=_config(path, roles, settings),
            ),
            data=_data(predictions, roles, result, name),
            candidates=[result],
            findings=found,
            gate=gate,
            verdict=verdict_of([name], found, gate),
        )
        write_table(_table(predictions, name), run.outcomes, report.provenance)
        write_report(report, run)
    return report, run


def _table(predictions: Predictions, name: str) -> OutcomeTable:
    n = len(predictions.y_true)
    nothing = np.zeros(n, dtype=bool)
    clean = Answers(
        prediction=predictions.y_pred,
        probabilities=predictions.scores,
        skipped=nothing,
        success=nothing,
        reached=~nothing,
        queries=np.zeros(n),
    )
    return OutcomeTable(
        label_names=predictions.label_names,
        ids=predictions.ids if predictions.ids is not None else tuple(map(str, range(1, n + 1))),
        labels=predictions.y_true,
        groups={column: words.cells() for column, words in predictions.groups.items()},
        answers={name: {CLEAN: clean}},
    )


def _checked_name(path: Path, settings: Settings) -> str:
    if settings.min_group_size < 1:
        raise AssayError(f"--min-group-size: expected at least 1, got {settings.min_group_size}.")
    if not 0 < settings.confidence < 1:
        raise AssayError(
            f"--confidence: expected a number between 0 and 1, for example 0.95, got {settings.confidence:g}."
        )
    if settings.name is None:
        return path.stem or "predictions"
    try:
        return folder_name(settings.name)
    except ValueError as error:
        raise AssayError(f"--name: {error}") from None


@contextmanager
def _folder(run: RunFolder) -> Iterator[None]:
    """Make the folder and prove that it can be written; where what follows fails, leave none that is empty.

    Raises AssayError too for a folder that holds an audit or a baseline, whose files these would replace.
    """
    if run.ledger.exists() or run.holds_baseline:
        held = "an audit, whose report" if run.ledger.exists() else "a baseline, which"
        raise AssayError(
            f"{run.path}: the folder holds {held} would be lost. Choose another one with --output FOLDER or "
            "--name NAME."
        )
    made = [folder for folder in (run.path, *run.path.parents) if not folder.exists()]
    try:
        try:
            run.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=run.path):
                pass
        except OSError as error:
            raise AssayError(
                f"{run.path}: the folder cannot be made or written ({error.strerror}). Choose another one "
                "with --output."
            ) from error
        yield
    except BaseException:
        for folder in made:
            with suppress(OSError):  # it is not there, or no longer empty
                folder.rmdir()
        raise


def _assessed(predictions: Predictions, roles: Roles, settings: Settings, name: str) -> CandidateResult:
    return CandidateResult(
        name=name,
        model=ModelInfo(
            source=f"{PREDICTIONS}{predictions.source}",
            sha256=predictions.sha256,
            num_parameters=None,
            labels=list(predictions.label_names),
        ),
        training=None,
        robustness=RobustnessResult(
            clean=clean_result_of(
                predictions.y_true,
                predictions.y_pred,
                predictions.scores,
                predictions.label_names,
                truncated=0,
                confidence=settings.confidence,
                n_boot=N_BOOT,
                seed=settings.seed,
            ),
            attacks=[],
            worst_case_accuracy=Estimate.undefined("predictions alone cannot be attacked"),
        ),
        fairness=_fairness(predictions, roles, settings),
    )


def _fairness(predictions: Predictions, roles: Roles, settings: Settings) -> FairnessResult:
    return assess(
        predictions.y_true,
        predictions.y_pred,
        {column: words.cells() for column, words in predictions.groups.items()},
        predictions.label_names,
        scores=predictions.scores,
        alone=roles.groups,
        intersections=settings.intersections,
        overlapping=roles.overlapping,
        positive_label=settings.positive_label,
        min_group_size=settings.min_group_size,
        confidence=settings.confidence,
        seed=settings.seed,
    )


def _data(predictions: Predictions, roles: Roles, result: CandidateResult, name: str) -> DataSummary:
    groups = {column: predictions.groups[column].counts() for column in roles.groups}
    assessed = result.fairness.groups if result.fairness is not None else {}
    for overlapping in roles.overlapping:
        groups[overlapping] = {group: each.n for group, each in assessed[overlapping].by_group.items()}
    counts = label_counts(predictions.y_true, predictions.label_names)
    return DataSummary(name, len(predictions.y_true), counts, groups, list(notes_of(predictions)))


def _config(path: Path, roles: Roles, settings: Settings) -> dict[str, Any]:
    """What was asked for, to do it again."""
    return {
        "command": "fairness",
        "predictions": str(path),
        "label": roles.label,
        "prediction": roles.prediction,
        "id": roles.id,
        "score": [column if label is None else f"{label}={column}" for label, column in roles.scores],
        "group": list(roles.groups),
        "overlapping": {name: list(columns) for name, columns in roles.overlapping.items()},
        **{
            key: str(value) if isinstance(value, Path) else value
            for key, value in asdict(settings).items()
            if value is not None
        },
    }
