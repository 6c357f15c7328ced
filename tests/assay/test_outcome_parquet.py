"""The outcomes of a run, written and read back: whatever is in them, and whatever the file is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.outcome_about import read_inputs
from assay.outcome_parquet import read_table, write_table
from assay.outcome_table import (
    CLEAN,
    Answers,
    Failures,
    OutcomeTable,
    attack_subject,
    behaviour_subject,
)
from attacks.errors import AssayError
from tests.reports.example import example_report

OF = example_report().provenance

HOSTILE = ("<script>alert(1)</script>", "\u202eabc", 'a,b;"c"\'\n\t', "group: x", "{{7*7}}", "", "x" * 5000)


def answers(n: int, seed: int = 0, *, k: int = 2, scores: bool = True, attacked: bool = False) -> Answers:
    rng = np.random.default_rng(seed)
    return Answers(
        prediction=rng.integers(0, k, n),
        probabilities=rng.dirichlet(np.ones(k), n) if scores else None,
        skipped=rng.random(n) < 0.2,
        success=rng.random(n) < 0.5,
        reached=np.ones(n, dtype=bool),
        queries=rng.random(n) * 10,
        near=rng.random(n) < 0.5 if attacked else None,
        minimal_norm=np.where(rng.random(n) < 0.5, np.inf, rng.random(n)) if attacked else None,
    )


def table(n: int = 7, k: int = 2) -> OutcomeTable:
    fgsm = attack_subject("fgsm", {"epsilon": 0.1, "target": None})
    return OutcomeTable(
        label_names=tuple(f"label {i}" for i in range(k)),
        ids=tuple(f"id {i}" for i in range(n)),
        labels=np.arange(n, dtype=np.int64) % k,
        groups={"gender": np.array(["w", "m", "w", "(missing)"] * n)[:n]},
        answers={
            "plain": {CLEAN: answers(n, k=k), fgsm: answers(n, 1, k=k, attacked=True)},
            "other": {CLEAN: answers(n, 2, k=k, scores=False)},
        },
        failures={
            "plain": {
                behaviour_subject("typos", {"rate": 0.1}): Failures(
                    ("id 1", "id 3"), np.array([True, False])
                ),
                "templates": Failures(("t 0",), np.array([True])),
            }
        },
    )


def assert_same(found: OutcomeTable, expected: OutcomeTable) -> None:
    assert (found.label_names, found.ids) == (expected.label_names, expected.ids)
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert found.groups.keys() == expected.groups.keys()
    for name, column in expected.groups.items():
        assert found.groups[name].tolist() == column.tolist()
    assert {c: list(s) for c, s in found.answers.items()} == {c: list(s) for c, s in expected.answers.items()}
    for candidate, subjects in expected.answers.items():
        for subject, each in subjects.items():
            for field, value in vars(each).items():
                read = getattr(found.answers[candidate][subject], field)
                assert (read is None) == (value is None), (candidate, subject, field)
                if value is not None:
                    np.testing.assert_array_equal(read, value)
    assert found.failures.keys() == expected.failures.keys()
    for candidate, tests in expected.failures.items():
        for subject, test in tests.items():
            assert found.failures[candidate][subject].ids == test.ids
            assert found.failures[candidate][subject].failed.tolist() == test.failed.tolist()


@pytest.mark.parametrize(
    "given",
    [
        table(),
        table(1),
        table(30, k=4),
        replace(table(), groups={}),
        replace(table(), failures={}),
        replace(table(), failures={"plain": {"texts": Failures((), np.zeros(0, dtype=bool))}}),
    ],
    ids=["everything", "one example", "four labels", "no groups", "no tests", "a test of no text"],
)
def test_a_table_is_read_as_it_was_written(given: OutcomeTable, tmp_path: Path) -> None:
    write_table(given, tmp_path / "outcomes.parquet", OF)
    found = read_table(tmp_path / "outcomes.parquet", OF)
    empty = [test for tests in given.failures.values() for test in tests.values() if not test.ids]
    assert_same(found, replace(given, failures={}) if empty else given)
    assert [file.name for file in tmp_path.iterdir()] == ["outcomes.parquet"]


def test_hostile_names_come_back_as_they_are(tmp_path: Path) -> None:
    n = len(HOSTILE)
    given = OutcomeTable(
        label_names=HOSTILE[:2],
        ids=HOSTILE,
        labels=np.zeros(n, dtype=np.int64),
        groups={HOSTILE[2]: np.array(HOSTILE), "": np.array(HOSTILE[::-1]), "group: a": np.array(["x"] * n)},
        answers={name: {CLEAN: answers(n, i)} for i, name in enumerate(HOSTILE)},
    )
    write_table(given, tmp_path / "outcomes.parquet", OF)
    assert_same(read_table(tmp_path / "outcomes.parquet", OF), given)


def test_two_attacks_are_one_subject_only_where_all_parameters_are_the_same() -> None:
    subjects = [
        attack_subject("fgsm", {"epsilon": 0.1, "norm": "l2"}),
        attack_subject("fgsm", {"norm": "l2", "epsilon": 0.1}),
        attack_subject("fgsm", {"epsilon": 0.1}),
        behaviour_subject("fgsm", {"epsilon": 0.1}),
    ]
    assert subjects[0] == subjects[1]
    assert len({*subjects, CLEAN}) == 4
    assert attack_subject("a", {"layers": (1, 2)}) == attack_subject("a", {"layers": [1, 2]})


def test_taking_rows_takes_them_of_every_column() -> None:
    given = answers(6, attacked=True)
    taken = given.take(np.array([4, 0]))
    for field, value in vars(given).items():
        np.testing.assert_array_equal(getattr(taken, field), value[[4, 0]])
    assert answers(6, scores=False).take(np.array([1])).probabilities is None


def write(file: Path, about: object, columns: dict[str, list[int]] | None = None) -> None:
    pq.write_table(
        pa.table(columns or {"a": [1]}).replace_schema_metadata({"assay": json.dumps(about)}), file
    )


def test_files_that_are_something_else_are_refused_with_the_place(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.parquet"
    with pytest.raises(AssayError, match="no such file"):
        read_table(file, OF)
    file.write_text("id,label\n1,2\n")
    with pytest.raises(AssayError, match=r"outcomes\.parquet: expected the outcomes of an audit"):
        read_table(file, OF)
    pq.write_table(pa.table({"a": [1]}), file)
    with pytest.raises(AssayError, match="something else"):
        read_table(file, OF)
    for about in ([], "text", {"version": 1}, {"version": 1, "label_names": ["a", "b"]}):
        write(file, about)
        with pytest.raises(AssayError, match="something else"):
            read_table(file, OF)


def test_a_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.parquet"
    write_table(table(), file, OF)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(AssayError, match="something else"):
        read_table(file, OF)


def test_another_version_is_refused_by_its_number(tmp_path: Path) -> None:
    write(tmp_path / "outcomes.parquet", {"version": 99, "label_names": ["a", "b"]})
    with pytest.raises(AssayError, match="expected outcomes of version 1, got 99"):
        read_table(tmp_path / "outcomes.parquet", OF)


def test_what_is_recorded_of_inputs_is_read_back(tmp_path: Path) -> None:
    file, inputs = tmp_path / "outcomes.parquet", {"/a/é.csv": {"sha256": "0", "stat": [1, 2**62, 3, 4]}}
    write_table(table(), file, OF)
    assert read_inputs(file) is None
    write_table(table(), file, OF, inputs)
    assert read_inputs(file) == inputs
    assert_same(read_table(file, OF), table())


def test_a_table_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "outcomes.parquet").mkdir()
    with pytest.raises(AssayError, match="could not be written"):
        write_table(table(), tmp_path / "outcomes.parquet", OF)
    assert [each.name for each in tmp_path.iterdir()] == ["outcomes.parquet"]
