"""Files of predictions, written and read."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assay.prediction_roles import roles_of
from assay.predictions import Predictions, read_predictions

HEADER = ["label", "predicted", "score", "gender"]


def rows(n: int = 400, gap: float = 0.3) -> list[list[str]]:
    """Balanced labels; of the negatives of "w" a share of ``gap`` more than of "m" is called toxic."""
    rng = np.random.default_rng(3)
    found = []
    for i in range(n):
        toxic, gender = i % 2 == 1, "mw"[i // 2 % 2]
        wrong = rng.random() < (0.1 + (gap if gender == "w" and not toxic else 0.0))
        predicted = toxic != wrong
        score = 0.5 + (0.3 if predicted else -0.3) + rng.uniform(-0.15, 0.15)
        names = ["normal", "toxic"]
        found.append([names[toxic], names[predicted], f"{score:.3f}", gender])
    return found


def write(path: Path, table: Sequence[Sequence[Any]], header: Sequence[str] = HEADER) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *table])
    return path


def read(path: Path, *scores: str, groups: Sequence[str] = ("gender",), **options: Any) -> Predictions:
    return read_predictions(path, roles_of(["label"], ["predicted"], scores, groups, []), **options)
