"""Runs to gate: predictions assessed, without a model."""

from collections.abc import Sequence
from pathlib import Path

from assay.fairness_command import Settings, run_fairness
from assay.prediction_roles import roles_of
from tests.assay.prediction_files import rows, write


def wronged(table: Sequence[Sequence[str]], n: int) -> list[list[str]]:
    """The rows with the first ``n`` right answers made wrong."""
    left, found = n, []
    for label, predicted, *rest in table:
        if label == predicted and left:
            left -= 1
            predicted = "normal" if predicted == "toxic" else "toxic"
        found.append([label, predicted, *rest])
    return found


def assessed(folder: Path, name: str, table: Sequence[Sequence[str]] | None = None) -> Path:
    """The run of ``assay fairness`` on ``table``, in ``folder / name``; by default 400 answers, 314 right."""
    file = write(folder / f"{name}.csv", table if table is not None else rows())
    _, run = run_fairness(
        file, roles_of(["label"], ["predicted"], [], ["gender"], []), Settings(output=folder / name)
    )
    return run.path
