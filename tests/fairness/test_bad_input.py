"""A mistake in the input is refused with a message that says where it is and what to do."""

import numpy as np
import pytest

from attacks.errors import AssayError
from fairness.assess import AttackedPredictions, assess

GOOD = {
    "y_true": np.array([0, 1, 1]),
    "y_pred": np.array([0, 1, 0]),
    "groups": {"gender": np.array(["f", "m", "f"])},
    "label_names": ("negative", "positive"),
}
MISTAKES = {
    "prediction out of range": (
        {"y_pred": np.array([0, 2, 0])},
        r"y_pred, example 1 \(counted from 0\): expected a label from 0 to 1 .* got 2",
    ),
    "negative label": ({"y_true": np.array([0, 1, -1])}, r"y_true, example 2 .* got -1"),
    "float labels": (
        {"y_true": np.array([0.0, 1.0, 1.0])},
        r"y_true: expected a one-dimensional array of integer labels, .* float64",
    ),
    "probabilities for labels": ({"y_pred": np.zeros((3, 2), dtype=int)}, r"y_pred: .* 2 dimension"),
    "no examples": ({"y_true": np.array([], dtype=int)}, "y_true: expected at least one example"),
    "too few predictions": (
        {"y_pred": np.array([0, 1])},
        "y_pred: expected one prediction for each of 3 examples, got 2",
    ),
    "too few attacked predictions": (
        {"attacked": [AttackedPredictions("fgsm", {}, np.array([0, 1]))]},
        'the predictions under "fgsm": expected one prediction for each of 3 examples, got 2',
    ),
    "short group column": (
        {"groups": {"gender": np.array(["f", "m"])}},
        'group column "gender": expected one value for each of 3 examples, got an array of shape',
    ),
    "missing group value": (
        {"groups": {"gender": np.array(["f", float("nan"), "m"], dtype=object)}},
        r'group column "gender", example 1 \(counted from 0\): expected text, got nan',
    ),
    "numbers as groups": ({"groups": {"age": np.array([1, 2, 3])}}, 'group column "age", example 0'),
    "no groups": ({"groups": {}}, "expected at least one group column"),
    "one label": ({"label_names": ("only",)}, "at least two different label names"),
    "repeated label": ({"label_names": ("same", "same")}, "at least two different label names"),
    "misspelt positive label": (
        {"positive_label": "positiv"},
        'positive_label: expected one of .* got "positiv". Did you mean "positive"',
    ),
    "positive label of three classes": (
        {"label_names": ("a", "b", "c"), "positive_label": "c"},
        "expected none for 3 classes, .* leave positive_label out",
    ),
    "only missing values": (
        {"groups": {"gender": np.array(["(missing)"] * 3)}},
        'group column "gender": all 3 values are missing',
    ),
    "scores above one": (
        {"scores": np.array([[0.5, 0.5], [1.2, -0.2], [0.5, 0.5]])},
        r"scores, example 1 \(counted from 0\)",
    ),
    "NaN scores": (
        {"scores": np.array([[0.5, 0.5], [0.5, 0.5], [np.nan, np.nan]])},
        r"scores, example 2 \(counted from 0\)",
    ),
    "scores of another length": ({"scores": np.full((2, 2), 0.5)}, "scores: expected"),
    "NaN scores under attack": (
        {"attacked": [AttackedPredictions("fgsm", {}, np.array([0, 1, 1]), np.full((3, 2), np.nan))]},
        r'the scores under "fgsm", example 0',
    ),
    "unknown overlapping column": (
        {"overlapping": {"named": ["gendr"]}},
        'overlapping groups "named": there is no group column "gendr". Did you mean "gender"',
    ),
    "overlapping column of other values": (
        {"overlapping": {"named": ["gender"]}},
        'overlapping groups "named", column "gender", example 0 .*: expected 0 or 1',
    ),
    "depth of zero": ({"intersections": 0}, "intersections: expected a depth of at least 1"),
    "minimum size of zero": ({"min_group_size": 0}, "min_group_size: expected at least 1, got 0"),
    "confidence in percent": ({"confidence": 95}, "confidence: expected a number between 0 and 1, got 95"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_its_place(mistake):
    change, message = MISTAKES[mistake]
    with pytest.raises(AssayError, match=message):
        assess(**(GOOD | change))


def test_the_correct_input_of_these_cases_is_accepted():
    assert assess(**GOOD).groups["gender"].by_group["m"].n == 1


def test_a_column_of_ids_is_refused():
    n = 1001
    with pytest.raises(AssayError, match=r'group column "user": 1,001 different values .* probably an id'):
        assess(np.zeros(n, int), np.zeros(n, int), {"user": np.arange(n).astype(str)}, ("no", "yes"))
