"""An audit as a run of MLflow: its figures, what they were made with, and its reports."""

import hashlib
import importlib
import os
import re
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from assay.run_folder import RunFolder
from attacks.errors import AssayError
from reports.json_io import from_json, to_json
from reports.model import AuditReport, CandidateResult
from robustness.estimate import Estimate
from robustness.tracking import require_usable

EXPERIMENT = "assay"
IDENTITY = "assay.audit"
"""The tag by which an audit that was logged before is known."""
BATCH = 500
"""Metrics in one request; a server takes 1,000."""
PART, VALUE = 75, 500
"""Characters of a part of a name (it has three or four), and of a parameter or tag, that servers take."""

_FORBIDDEN = re.compile(r"[^\w .-]")


def require_mlflow(*, offline: bool) -> None:
    """Raise AssayError where MLflow is not installed, or offline mode forbids its server."""
    require_usable(["mlflow"], offline=offline)


def log_audit(report: AuditReport, run: RunFolder) -> str:
    """Log the audit as one run of the experiment ``assay``; returns where it stands, in words.

    The store is that of MLFLOW_TRACKING_URI, else ``mlflow/`` in the run folder, as for trainings. Metrics
    are estimates, ``_low`` and ``_high`` the ends of their intervals; what was not measured has none. The
    same audit logged again is not doubled: a run that broke off is gone on with.

    Raises AssayError where MLflow cannot be used.
    """
    try:
        return _logged(report, run)
    except AssayError:
        raise
    except Exception as error:  # MLflow and its stores have errors of their own
        told = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise AssayError(
            f"log_to: mlflow cannot be used ({told}). The reports are in {run.path}; log them with "
            f"`assay report {run.path} --log-to mlflow` once it is repaired."
        ) from error


def told_of(report: AuditReport, run: RunFolder) -> str:
    """As ``log_audit`` at the end of an audit: what fails is told, and the audit has not failed for it."""
    try:
        return log_audit(report, run)
    except AssayError as error:
        return str(error)


def metrics(report: AuditReport) -> dict[str, float]:
    """{``candidate/metric/subject``: value} of every candidate, with the ends of intervals.

    Characters that MLflow forbids become ``_``; of names that are the same then, later ones are numbered.
    """
    found: dict[str, float] = {}
    for candidate in report.candidates:
        for parts, estimate in _estimates(candidate):
            if estimate.value is None:
                continue
            name = _free("/".join(map(_allowed, (candidate.name, *parts))), found)
            ends = {"": estimate.value, "_low": estimate.low, "_high": estimate.high}
            found |= {name + end: value for end, value in ends.items() if value is not None}
    return found


def _estimates(candidate: CandidateResult) -> Iterator[tuple[tuple[str, ...], Estimate]]:
    robust = candidate.robustness
    for metric in ("accuracy", "macro_f1", "roc_auc", "expected_calibration_error"):
        yield (metric,), getattr(robust.clean, metric)
    yield ("worst_case_accuracy",), robust.worst_case_accuracy
    for attack in robust.attacks:
        yield ("accuracy_under_attack", attack.label), attack.accuracy_under_attack
        yield ("attack_success_rate", attack.label), attack.attack_success_rate
        if attack.minimal_norm is not None:
            yield ("minimal_norm", attack.label), attack.minimal_norm
    for test in robust.behaviours:
        yield ("failure_rate", test.name), test.failure_rate
    for swapped in candidate.counterfactuals:
        yield ("flip_rate", swapped.kind, swapped.name), swapped.flip_rate
    groups = candidate.fairness.groups if candidate.fairness is not None else {}
    for grouping, assessment in groups.items():
        for disparity, estimate in assessment.disparities.items():
            yield (disparity, grouping), estimate


def _logged(report: AuditReport, run: RunFolder) -> str:
    # Before the import, which reads them; see robustness.tracking.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow: Any = importlib.import_module("mlflow")
    entities: Any = importlib.import_module("mlflow.entities")
    uri = os.environ.get("MLFLOW_TRACKING_URI") or (run.path / "mlflow").absolute().as_uri()
    client = mlflow.MlflowClient(tracking_uri=uri)
    known = client.get_experiment_by_name(EXPERIMENT)
    experiment = client.create_experiment(EXPERIMENT) if known is None else known.experiment_id
    identity = _identity(report)
    before = client.search_runs([experiment], f"tags.`{IDENTITY}` = '{identity}'")
    if before and before[0].info.status == "FINISHED":
        return f"MLflow has this audit already: run {before[0].info.run_id} in {uri}"
    if before:
        number = before[0].info.run_id
    else:
        tags = {IDENTITY: identity, **_tags(report)}
        number = client.create_run(experiment, run_name=run.path.name, tags=tags).info.run_id
    now = int(time.time() * 1000)
    points = iter([entities.Metric(key, value, now, 0) for key, value in metrics(report).items()])
    params = [entities.Param(key, value[:VALUE]) for key, value in _params(report).items()]
    client.log_batch(number, params=params)
    while part := list(islice(points, BATCH)):
        client.log_batch(number, metrics=part)
    for path in (run.report, run.audit, run.summary, run.junit):
        if path.exists():
            client.log_artifact(number, str(path))
    client.set_terminated(number, status="FINISHED")
    return f"Logged to MLflow: run {number} in {uri}"


def _identity(report: AuditReport) -> str:
    """The same for a report as it was made and as it was read back, where 1 has become 1.0."""
    read = from_json(to_json(report), "audit.json")
    return hashlib.sha256(to_json(read).encode()).hexdigest()


def _tags(report: AuditReport) -> dict[str, str]:
    gate = "passed" if report.gate.passed else "failed"
    return {
        "assay.verdict": report.verdict.state,
        "assay.verdict.reason": report.verdict.reason[:VALUE],
        "assay.gate": gate if report.gate.checks else "no checks",
    }


def _params(report: AuditReport) -> dict[str, str]:
    about = report.provenance
    return {
        "seed": str(about.seed),
        "data": report.data.name,
        "data_n": str(report.data.n),
        "data_sha256": about.data_sha256,
        "confidence": f"{about.confidence:g}",
        "device": about.device,
        "candidates": ", ".join(candidate.name for candidate in report.candidates),
        **{_allowed(f"version.{library}"): version for library, version in about.versions.items()},
    }


def _allowed(part: str) -> str:
    """A part of a name with nothing in it that MLflow, which may make a file of it, forbids."""
    return _FORBIDDEN.sub("_", part)[:PART].strip(" .") or "_"


def _free(name: str, taken: dict[str, float]) -> str:
    count, free = 1, name
    while free in taken:
        count += 1
        free = f"{name} {count}"
    return free
