"""Runs to compare."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from assay.changes.audited import Audited
from assay.changes.change import Change
from assay.changes.subject import Subject
from assay.compare.comparing import compare
from assay.fairness_command import Settings, run_fairness
from assay.prediction_roles import roles_of
from assay.progress import Reporter
from assay.run_folder import RunFolder
from assay.saved_runs import SavedRun
from reports.comparison.model import Comparison
from reports.json_io import to_json
from reports.model import AuditReport
from robustness.estimate import Estimate
from tests.assay.prediction_files import write
from tests.assay.processes import Done
from tests.reports.example import example_report

Assay = Callable[..., Done]

LABELS = ("normal", "toxic")


def predictions(
    folder: Path, name: str, accuracy: float, *, n: int = 600, seed: int = 0, labels: tuple[str, ...] = LABELS
) -> Path:
    """The run folder of an assessment of n predictions, of which a share is right; the labels of all such
    files are the same."""
    truth, rng = np.random.default_rng(5).integers(len(labels), size=n), np.random.default_rng(seed)
    wrong = rng.random(n) >= accuracy
    predicted = np.where(wrong, (truth + 1) % len(labels), truth)
    rows = [
        [labels[t], labels[p], "mw"[i % 2]] for i, (t, p) in enumerate(zip(truth, predicted, strict=True))
    ]
    file = write(folder / f"{name}.csv", rows, ["label", "predicted", "gender"])
    roles = roles_of(["label"], ["predicted"], [], ["gender"], [])
    _, run = run_fairness(file, roles, Settings(output=folder / name, labels=labels))
    return run.path


def with_ids(folder: Path, name: str, accuracy: float, ids: Sequence[str], groups: str = "mw") -> Path:
    """The same with ids, of as many rows as there are; the labels alternate."""
    rng = np.random.default_rng(len(name))
    rows = [
        [each, LABELS[i % 2], LABELS[(i + (rng.random() >= accuracy)) % 2], groups[i // 2 % len(groups)]]
        for i, each in enumerate(ids)
    ]
    file = write(folder / f"{name}.csv", rows, ["id", "label", "predicted", "gender"])
    roles = roles_of(["label"], ["predicted"], [], ["gender"], [], ["id"])
    _, run = run_fairness(file, roles, Settings(output=folder / name))
    return run.path


def audited_run(folder: Path, report: AuditReport | None = None) -> Path:
    """A run folder with an audit.json alone, as earlier versions left it."""
    folder.mkdir(parents=True)
    (folder / "audit.json").write_text(to_json(report or example_report()), encoding="utf-8")
    return folder


def saved(*reports: AuditReport) -> list[SavedRun]:
    """Runs that were never written."""
    return [SavedRun(RunFolder(Path(f"/nowhere/run{i}")), report) for i, report in enumerate(reports)]


def compared(runs: list[SavedRun], p_drop: float = 0.5, **named: float) -> Comparison:
    """With made-up changes: each metric fell by ten points, with the given p-values (by metric)."""

    def change_of(subject: Subject, now: Audited, then: Audited, candidate: str, other: str) -> Change:
        p = named.get(subject.metric, p_drop)
        value = Estimate(0.5, 0.4, 0.6, 100)
        return Change(value, value, Estimate(-0.1, -0.15, -0.05, 100), p, 1 - p, "a made-up test", 100)

    return compare(runs, change_of, Reporter(Console(file=io.StringIO())))


def standings(comparison: Comparison) -> dict[str, Any]:
    """{metric: standing} of the first candidate in the second run."""
    found = {}
    for measure in comparison.candidates[0].measures:
        (difference, *_) = measure.differences
        found[measure.metric] = difference and difference.standing
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
