"""What a reader must know of predictions before its figures: blanks, spellings, scores that do not fit."""

from collections.abc import Iterator, Sequence

import numpy as np

from assay.prediction_columns import Words
from assay.predictions import Predictions
from reports.formatting import counted
from robustness.cells import MISSING_GROUP

NEARLY_ALL = 0.9
"""The share of rows whose predictions contradict the scores from which on the scores must be wrong: where
only the threshold is not 0.5, those far from it agree."""
SHOWN = 5
"""Sets of alike values that are named of one column."""


def notes_of(predictions: Predictions) -> Iterator[str]:
    """The notes as sentences; the first says that no model was there."""
    yield "Predictions were read from a file; no model was loaded, attacked or asked."
    n, names = len(predictions.y_true), predictions.label_names
    for column, words in predictions.groups.items():
        if blank := len(words.rows_of(MISSING_GROUP)):
            yield (
                f"{column} is blank for {blank:,} of {n:,} rows; they are compared as a group of their own, "
                f'"{MISSING_GROUP}".'
            )
        yield from _spelt_alike(column, words)
    for what, codes in (
        ("never predicted", predictions.y_pred),
        ("never the label of a row", predictions.y_true),
    ):
        none = [name for name, count in label_counts(codes, names).items() if not count]
        if none:
            yield f"Labels that are {what}: {', '.join(none)}."
    if predictions.scores is not None:
        yield from _contradicted(predictions.scores, predictions.y_pred)


def label_counts(codes: np.ndarray, names: Sequence[str]) -> dict[str, int]:
    """{label name: how many of the ``codes`` (n,) are it}."""
    return dict(zip(names, np.bincount(codes, minlength=len(names)).tolist(), strict=True))


def _spelt_alike(column: str, words: Words) -> Iterator[str]:
    """The values that a reader would take for one group: they are compared as several."""
    counts = words.counts()
    alike: dict[str, list[str]] = {}
    for value in counts:
        alike.setdefault(" ".join(value.split()).casefold(), []).append(value)
    found = [values for values in alike.values() if len(values) > 1]
    if not found:
        return
    told = [
        " and ".join(f'"{value}" ({counted(counts[value], "row")})' for value in values)
        for values in found[:SHOWN]
    ]
    more = f"; and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
    yield (
        f"{column} has values that differ only in case or space, and are compared as different groups: "
        f"{'; '.join(told)}{more}."
    )


def _contradicted(scores: np.ndarray, y_pred: np.ndarray) -> Iterator[str]:
    """Whether ``scores`` (n, k) rank another label than the predicted one, ``y_pred`` (n,), first."""
    n = len(y_pred)
    differing = int((scores[np.arange(n), y_pred] < scores.max(axis=1)).sum())
    if not differing:
        return
    told = f"In {differing:,} of {n:,} rows the prediction is not the label with the highest score: "
    if differing >= NEARLY_ALL * n:
        yield told + (
            "these are probably the scores of another label. Every figure of scores is then wrong; correct "
            "--score (LABEL=COLUMN says whose scores they are) or --positive-label."
        )
    else:
        yield told + "a threshold other than 0.5 was used, or the scores are those of another label."
