"""Reads what a model answered into rows of class probabilities; refuses what is no answer.

Nothing is repaired: no softmax of strange scores, no renormalising, no label that is nearly right.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from attacks.errors import AssayError, nearest
from robustness.black_box.base import SUM_TOLERANCE


class BadAnswerError(AssayError):
    """An answer that cannot be used. ``kind`` names the fault in a few words, to be counted."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def score_rows(answers: Sequence[Any], n: int, label_names: Sequence[str]) -> np.ndarray:
    """Probabilities (n, k), float64, of one list of numbers, ``{label: score}`` or list of
    ``{"label": ..., "score": ...}`` for each text.

    Raises BadAnswerError for the wrong number of answers, of scores or of labels, for scores that are no
    numbers, NaN, infinite, negative, or whose sum is further than SUM_TOLERANCE from 1.
    """
    _check_count(answers, n)
    return np.array([_row(answer, i, label_names) for i, answer in enumerate(answers)]).reshape(
        n, len(label_names)
    )


def label_rows(answers: Sequence[Any], n: int, label_names: Sequence[str]) -> np.ndarray:
    """One-hot rows (n, k), float64, of one label for each text: a name, or its position among the names.

    A whole number is a name where one of ``label_names`` is written so, and a position where none of them
    is a number. Raises BadAnswerError for the wrong number of answers and for an unknown label.
    """
    _check_count(answers, n)
    rows = np.zeros((n, len(label_names)))
    for i, answer in enumerate(answers):
        rows[i, _column(answer, i, label_names)] = 1.0
    return rows


def plain(answers: Any) -> Any:
    """Arrays, tensors and tables as lists, the names of a table's columns kept; other values as they are."""
    if hasattr(answers, "columns") and hasattr(answers, "to_dict"):
        return answers.to_dict("records")
    if hasattr(answers, "detach"):
        answers = answers.detach().cpu()
    if hasattr(answers, "tolist"):
        return answers.tolist()
    if isinstance(answers, tuple | list):
        return [each if isinstance(each, str | Mapping) else plain(each) for each in answers]
    return answers


def are_labels(answers: Sequence[Any]) -> bool:
    """Whether these are labels, one a text, and not scores."""
    return all(isinstance(answer, str | int) for answer in answers)


def shortened(value: Any, length: int = 160) -> str:
    """``value`` as it may stand in a message."""
    shown = value if isinstance(value, str) else repr(value)
    return shown if len(shown) <= length else f"{shown[:length]}... ({len(shown):,} characters)"


def _check_count(answers: Any, n: int) -> None:
    if not isinstance(answers, list | tuple):
        raise BadAnswerError(
            "no list of answers", f"expected a list of {n} answers, got {shortened(answers)}."
        )
    if len(answers) != n:
        raise BadAnswerError(
            "wrong number of answers", f"expected {n} answers, one a text, got {len(answers)}."
        )


def _row(answer: Any, i: int, label_names: Sequence[str]) -> list[float]:
    by_label = _by_label(answer, i)
    if by_label is not None:
        for name in by_label:
            if name not in label_names:
                raise _unknown(name, i, label_names)
        missing = [name for name in label_names if name not in by_label]
        if missing:
            raise BadAnswerError(
                "missing label",
                f"answer {i + 1} has no score for {missing[:5]}, got scores for {list(by_label)[:5]}. Have "
                "the model return the scores of all labels (often an option named top_k).",
            )
        answer = [by_label[name] for name in label_names]
    if not isinstance(answer, list | tuple) or len(answer) != len(label_names):
        raise BadAnswerError(
            "wrong number of scores",
            f"expected answer {i + 1} to be {len(label_names)} scores, one for each of "
            f"{list(label_names)}, got {shortened(answer)}.",
        )
    row = [_number(score, i) for score in answer]
    _check_probabilities(row, i)
    return row


def _by_label(answer: Any, i: int) -> dict[str, Any] | None:
    """The scores by label; None where the answer has no names."""
    if isinstance(answer, Mapping):
        if answer.keys() == {"label", "score"} and isinstance(answer["label"], str):
            answer = [answer]
        else:
            return {str(name): score for name, score in answer.items()}
    if not isinstance(answer, list) or not answer or not isinstance(answer[0], Mapping):
        return None
    found: dict[str, Any] = {}
    for each in answer:
        if not isinstance(each, Mapping) or not {"label", "score"} <= each.keys():
            raise BadAnswerError(
                "no label and score",
                f'expected answer {i + 1} to be of {{"label": ..., "score": ...}}, got {shortened(each)}.',
            )
        name = str(each["label"])
        if name in found:
            raise BadAnswerError("label twice", f'answer {i + 1} has the label "{shortened(name)}" twice.')
        found[name] = each["score"]
    return found


def _number(score: Any, i: int) -> float:
    if isinstance(score, bool) or not isinstance(score, int | float | np.integer | np.floating):
        raise BadAnswerError(
            "score is no number",
            f"expected the scores of answer {i + 1} to be numbers, got {shortened(score)}.",
        )
    try:
        return float(score)
    except OverflowError:
        return math.inf


def _check_probabilities(row: Sequence[float], i: int) -> None:
    shown = f"got {shortened(list(row))}"
    if not all(math.isfinite(score) for score in row):
        raise BadAnswerError("NaN or infinity", f"expected finite scores in answer {i + 1}, {shown}.")
    if min(row) < 0:
        raise BadAnswerError("negative score", f"expected probabilities in answer {i + 1}, {shown}.")
    total = math.fsum(row)
    if abs(total - 1) > SUM_TOLERANCE:
        raise BadAnswerError(
            "scores do not sum to 1",
            f"expected the scores of answer {i + 1} to sum to 1 within {SUM_TOLERANCE}, {shown}, which sum "
            f"to {total:.6g}. Have the model return probabilities (softmax), not logits.",
        )


def _column(answer: Any, i: int, label_names: Sequence[str]) -> int:
    name = str(answer)
    if isinstance(answer, str | int | np.integer) and name in label_names:
        return label_names.index(name)
    position = isinstance(answer, int | np.integer) and not isinstance(answer, bool)
    if position and 0 <= answer < len(label_names) and not any(map(_is_number, label_names)):
        return int(answer)
    raise _unknown(answer, i, label_names)


def _is_number(name: str) -> bool:
    return name.lstrip("-").isdecimal()


def _unknown(answer: Any, i: int, label_names: Sequence[str]) -> BadAnswerError:
    hint = nearest(answer, list(label_names)) if isinstance(answer, str) and len(answer) < 200 else ""
    return BadAnswerError(
        "unknown label",
        f"answer {i + 1} has the label {shortened(repr(answer))}, none of {list(label_names)}.{hint}",
    )
