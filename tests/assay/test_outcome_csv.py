"""outcomes as CSV: every row, by name, and nothing that a spreadsheet would run."""

import csv
import io
from typing import Any

import numpy as np
import pytest

from assay.outcome_csv import subject_names, write_csv
from assay.outcome_table import CLEAN, Answers, Failures, OutcomeTable, attack_subject, behaviour_subject
from attacks.errors import AssayError
from tests.reports.example import example_report

FGSM = attack_subject("fgsm", {"epsilon": 0.03})
TYPOS = behaviour_subject("typos", {"rate": 0.1})


def answers(**changes: Any) -> Answers:
    usual: dict[str, Any] = {
        "prediction": np.array([1, 0, 1]),
        "probabilities": np.array([[0.25, 0.75], [0.5, 0.5], [0.0, 1.0]]),
        "skipped": np.array([False, False, True]),
        "success": np.array([False, True, False]),
        "reached": np.array([True, True, False]),
        "queries": np.array([1.0, 2.5, 0.0]),
    }
    return Answers(**{**usual, **changes})


def table(**changes: Any) -> OutcomeTable:
    usual: dict[str, Any] = {
        "label_names": ("bad", "good"),
        "ids": ("a", "b", "c"),
        "labels": np.array([1, 1, 0]),
        "groups": {"gender": np.array(["man", "woman", "man"])},
        "answers": {"plain": {CLEAN: answers()}},
    }
    return OutcomeTable(**{**usual, **changes})


def rows(of: OutcomeTable, names: dict[str, str] | None = None) -> list[dict[str, str]]:
    sink = io.BytesIO()
    write_csv(of, names or {}, sink)
    return list(csv.DictReader(io.StringIO(sink.getvalue().decode(), newline="")))


def test_each_example_is_a_row_with_names_and_probabilities() -> None:
    found = rows(table())
    assert found[1] == {
        "candidate": "plain",
        "kind": "clean",
        "subject": "",
        "params": "",
        "example_id": "b",
        "label": "good",
        "prediction": "bad",
        "p: bad": "0.5",
        "p: good": "0.5",
        "skipped": "false",
        "success": "true",
        "reached": "true",
        "queries": "2.5",
        "near": "",
        "minimal_norm": "",
        "group: gender": "woman",
    }
    assert [row["example_id"] for row in found] == ["a", "b", "c"]
    assert [float(row["p: good"]) for row in found] == [0.75, 0.5, 1.0]


def test_attacks_are_named_as_the_report_names_them() -> None:
    report = example_report()
    params = {"epsilon": 0.03, "special_tokens": False}
    subject = attack_subject("fgsm", params)
    names = subject_names(report)
    assert names[subject] == "fgsm (L∞) at epsilon 0.03"
    near, norms = np.array([False, True, False]), np.array([0.01, np.inf, 0.0])
    attacked = answers(near=near, minimal_norm=norms)
    found = rows(table(answers={"plain": {subject: attacked, FGSM: answers()}}), names)
    assert found[1]["subject"] == "fgsm (L∞) at epsilon 0.03"
    assert found[1]["params"] == '{"epsilon": 0.03, "special_tokens": false}'
    assert [row["near"] for row in found[:3]] == ["false", "true", "false"]
    assert [float(row["minimal_norm"]) for row in found[:3]] == [0.01, float("inf"), 0.0]
    assert (found[3]["kind"], found[3]["subject"]) == ("attack", "fgsm")


def test_behaviours_and_swaps_are_rows_too() -> None:
    failures = {
        "plain": {
            TYPOS: Failures(("c", "a"), np.array([True, False])),
            "templates": Failures(("[X] is here",), np.array([True])),
        }
    }
    found = rows(table(failures=failures))[3:]
    kept = ("kind", "subject", "params", "example_id", "label", "success", "group: gender", "prediction")
    assert [tuple(row[key] for key in kept) for row in found] == [
        ("behaviour", "typos", '{"rate": 0.1}', "c", "bad", "true", "man", ""),
        ("behaviour", "typos", '{"rate": 0.1}', "a", "good", "false", "man", ""),
        ("swap", "templates", "", "[X] is here", "", "true", "", ""),
    ]


def test_a_model_that_gives_labels_only_has_empty_probabilities() -> None:
    found = rows(table(answers={"plain": {CLEAN: answers(probabilities=None)}}))
    assert [(row["p: bad"], row["p: good"]) for row in found] == [("", "")] * 3


def test_a_prediction_that_is_no_label_is_left_empty() -> None:
    found = rows(table(answers={"plain": {CLEAN: answers(prediction=np.array([-1, 2, 1]))}}))
    assert [row["prediction"] for row in found] == ["", "", "good"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1", "' =1"),
        ("\t=1", "'\t=1"),
        ("\rx", "'\rx"),
        ("\nx", "'\nx"),
        ("＝1", "'＝1"),
        ("-5", "-5"),
        ("+1.5e-3", "+1.5e-3"),
        ("a=b", "a=b"),
        ("it's", "it's"),
        ('say "no", twice\n', 'say "no", twice\n'),
        ("", ""),
        ("\u202eרע", "\u202eרע"),
    ],
)
def test_no_cell_is_a_formula_and_every_other_text_reads_back(text: str, written: str) -> None:
    hostile = table(
        label_names=(text, "good"),
        ids=(text, "b", "c"),
        labels=np.array([0, 1, 1]),
        groups={"gender": np.array([text, "x", "y"])},
        answers={text: {CLEAN: answers(prediction=np.array([0, 1, 1]))}},
    )
    first = rows(hostile, {})[0]
    cells = [first[key] for key in ("candidate", "example_id", "label", "prediction", "group: gender")]
    assert cells == [written] * 5


def test_columns_of_data_cannot_take_the_place_of_ours() -> None:
    groups = {"label": np.array(["x"] * 3), "p: bad": np.array(["y"] * 3)}
    row = rows(table(groups=groups))[0]
    assert (row["label"], row["group: label"], row["p: bad"], row["group: p: bad"]) == (
        "good",
        "x",
        "0.25",
        "y",
    )


def test_a_table_without_outcomes_is_refused() -> None:
    with pytest.raises(AssayError, match="hold no example"):
        rows(table(answers={}))
