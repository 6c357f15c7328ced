"""Reads and checks the predictions of some model: labels, predictions, scores and groups of n examples."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.prediction_columns import Columns, Words, read_columns
from assay.prediction_roles import Roles
from attacks.errors import AssayError, nearest
from fairness.counts import outcomes
from fairness.group_columns import NO, YES
from reports.formatting import counted
from robustness.cells import MAX_CLASSES, MISSING_GROUP, ordered_labels

SPELT_ALIKE = {"true": "1", "false": "0", "yes": "1", "no": "0"}


@dataclass(frozen=True)
class Predictions:
    """What a model answered on n labelled examples.

    label_names: k names. y_true, y_pred: (n,) int64, indices into them.
    scores: (n, k) probabilities, None where none were given.
    groups: {column: the names of the groups of the n examples}, columns of 0 and 1 among them.
    ids: n different ones; None where the file names no column of them.
    """

    source: str
    sha256: str
    label_names: tuple[str, ...]
    y_true: np.ndarray
    y_pred: np.ndarray
    scores: np.ndarray | None
    groups: dict[str, Words]
    ids: tuple[str, ...] | None = None


def read_predictions(
    path: Path, roles: Roles, labels: Sequence[str] | None = None, positive_label: str | None = None
) -> Predictions:
    """The predictions in a CSV, TSV, JSON Lines or Parquet file.

    labels: all labels that there are, in order; without it those of the label column, sorted. A predicted
        label that is not among them is refused: more often than not it is another spelling.
    positive_label: whose probability a single column of scores holds; by default the second of two labels.

    Raises AssayError, naming file, column and row, for a column that is not there or blank, an id that is
    there twice, one label only, an unknown label, and scores that are no probabilities of the labels.
    """
    columns = read_columns(path, roles.words, roles.numbers)
    truth = _present(columns, roles.label, "label")
    predicted = _present(columns, roles.prediction, "prediction")
    names = _label_names(columns, roles, truth, labels)
    outcomes(names, positive_label)  # raises for one that is no label, or that has no meaning here
    _check_predicted(columns, roles, predicted, names)
    _check_groups(columns, roles)
    _check_indicators(columns, roles)
    return Predictions(
        source=columns.source,
        sha256=columns.sha256,
        label_names=names,
        y_true=_codes(truth, names),
        y_pred=_codes(predicted, names),
        scores=_scores(columns, roles, names, positive_label) if roles.scores else None,
        groups={column: columns.words[column] for column in roles.columns},
        ids=None if roles.id is None else _ids(columns, roles.id),
    )


def _ids(columns: Columns, column: str) -> tuple[str, ...]:
    words = columns.words[column]
    blank = words.rows_of(MISSING_GROUP)
    if len(blank):
        raise AssayError(
            f"{columns.place(column, int(blank[0]))}: the id is missing{_more(len(blank))}. Fill it in, or "
            "leave --id out: rows are then numbered."
        )
    if len(words.values) < columns.n:
        first, again = _twice(words.codes)
        raise AssayError(
            f'{columns.place(column, again)}: the id "{words.values[words.codes[again]]}" is also that of '
            f"row {first + 1}. Make the ids different, or leave --id out: rows are then numbered."
        )
    return tuple(words.cells().tolist())


def _twice(codes: np.ndarray) -> tuple[int, int]:
    """The first row of ``codes`` (n,) whose code an earlier row has, after that earlier row."""
    _, first, place = np.unique(codes, return_index=True, return_inverse=True)
    again = int(np.flatnonzero(first[place] < np.arange(len(codes)))[0])
    return int(first[place[again]]), again


def _check_groups(columns: Columns, roles: Roles) -> None:
    for column in roles.groups:
        if columns.words[column].values == (MISSING_GROUP,):
            raise AssayError(
                f'{columns.source}, column "{column}": all {columns.n:,} cells are blank, so there are no '
                "groups to compare. Fill the column in, or leave out this --group."
            )


def _check_indicators(columns: Columns, roles: Roles) -> None:
    """Raise AssayError for a cell of --overlapping that says neither yes nor no."""
    for name, members in roles.overlapping.items():
        for column in members:
            words = columns.words[column]
            wrong = [value for value in words.values if value.strip().lower() not in YES | NO]
            if not wrong:
                continue
            found = [words.rows_of(value) for value in wrong]
            row = min(int(rows[0]) for rows in found)
            got = words.values[words.codes[row]]
            said = "a blank cell" if got == MISSING_GROUP else f'"{got}"'
            raise AssayError(
                f"{columns.place(column, row)}: expected 0 or 1 (or true or false, yes or no) for "
                f"--overlapping {name}, got {said}{_more(sum(map(len, found)))}. Fill in or correct the "
                "column; assess a column of other values with --group."
            )


def _more(n: int) -> str:
    """How many rows are wrong beside the one that a message names."""
    return f" (and {counted(n - 1, 'more row')})" if n > 1 else ""


def _present(columns: Columns, column: str, what: str) -> Words:
    words = columns.words[column]
    blank = words.rows_of(MISSING_GROUP)
    if len(blank):
        raise AssayError(
            f"{columns.place(column, int(blank[0]))}: the {what} is missing{_more(len(blank))}. Fill in or "
            "remove the row: assay drops none by itself."
        )
    if len(words.values) > MAX_CLASSES:
        raise AssayError(
            f'{columns.source}, column "{column}": {len(words.values):,} different values in {columns.n:,} '
            f"rows: probably not a {what} (at most {MAX_CLASSES:,} classes). Correct --{what}."
        )
    return words


def _label_names(
    columns: Columns, roles: Roles, truth: Words, labels: Sequence[str] | None
) -> tuple[str, ...]:
    if len(truth.values) < 2:
        have = "the one row has" if columns.n == 1 else f"all {columns.n:,} rows have"
        raise AssayError(
            f'{columns.source}, column "{roles.label}": {have} the label '
            f'"{truth.values[0]}": expected at least two. Add examples of another label, or correct --label.'
        )
    if labels is None:
        return ordered_labels(set(truth.values))
    for value in truth.values:
        if value not in labels:
            raise AssayError(
                f'{columns.place(roles.label, int(truth.rows_of(value)[0]))}: the label "{value}" is not in '
                f"--labels ({', '.join(labels)}).{nearest(value, list(labels))} Add it."
            )
    return tuple(labels)


def _check_predicted(columns: Columns, roles: Roles, predicted: Words, names: Sequence[str]) -> None:
    unknown = [value for value in predicted.values if value not in names]
    if not unknown:
        return
    rows = predicted.rows_of(unknown[0])
    spelt = {_plain(label): label for label in names}
    same = spelt.get(_plain(unknown[0]))
    remedy = (
        f'It differs from the label "{same}" only in how it is spelt. Write both columns alike.'
        if same is not None
        else f"{nearest(unknown[0], list(names))} Correct the column; if the model has labels of which no "
        "example is here, name all labels with --labels A,B,C.".strip()
    )
    raise AssayError(
        f"{columns.place(roles.prediction, int(rows[0]))}: the prediction "
        f'"{unknown[0]}" ({counted(len(rows), "row")}) '
        f"is none of the labels ({', '.join(names[:20])}). {remedy}"
    )


def _plain(label: str) -> str:
    """A label without what spelling adds: case, space around it, ``1.0`` for 1, true for 1."""
    word = label.strip().lower()
    word = SPELT_ALIKE.get(word, word)
    try:
        number = float(word)
    except ValueError:
        return word
    return f"{number:g}" if math.isfinite(number) else word


def _codes(words: Words, names: Sequence[str]) -> np.ndarray:
    place = {name: i for i, name in enumerate(names)}
    return np.asarray(np.array([place[value] for value in words.values], dtype=np.int64)[words.codes])


def _scores(columns: Columns, roles: Roles, names: Sequence[str], positive_label: str | None) -> np.ndarray:
    """(n, k) probabilities in the order of ``names``."""
    for column in roles.numbers:
        _check_probabilities(columns, column)
    given = _by_label(roles, names, positive_label)
    found = {label: columns.numbers[column] for label, column in given.items()}
    if len(names) == 2 and len(found) == 1:
        ((label, scores),) = found.items()
        (other,) = (name for name in names if name != label)
        found[other] = 1 - scores
    missing = [name for name in names if name not in found]
    if missing:
        raise AssayError(
            f"--score: with {len(names)} labels each needs the column of its probability; missing: "
            f"{', '.join(missing)}. Give --score LABEL=COLUMN for each, or no scores."
        )
    return np.stack([found[name] for name in names], axis=1)


def _by_label(roles: Roles, names: Sequence[str], positive_label: str | None) -> Mapping[str, str]:
    """{label: its column of scores}."""
    (first, column), *_ = roles.scores
    if first is None:
        if len(names) > 2:
            raise AssayError(
                f"--score {column}: with {len(names)} labels ({', '.join(names[:20])}) say whose probability "
                "it holds, for all of them: --score LABEL=COLUMN."
            )
        return {positive_label or names[1]: column}
    for label, _ in roles.scores:
        if label not in names:
            raise AssayError(
                f'--score: there is no label "{label}".{nearest(str(label), list(names))} Labels: '
                f"{', '.join(names[:20])}."
            )
    return {str(label): column for label, column in roles.scores}


def _check_probabilities(columns: Columns, column: str) -> None:
    numbers = columns.numbers[column]
    # NaN is in no range, so this finds it too.
    wrong = np.flatnonzero(~((numbers >= 0) & (numbers <= 1)))
    if not len(wrong):
        return
    row = int(wrong[0])
    got = "none (blank or NaN)" if math.isnan(numbers[row]) else f"{numbers[row]:g}"
    raise AssayError(
        f"{columns.place(column, row)}: expected a probability between 0 and 1, got "
        f"{got}{_more(len(wrong))}. Scores on another scale (logits, percentages) must be turned into "
        "probabilities first."
    )
