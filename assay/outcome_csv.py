"""The outcomes of every example as CSV: a row for each candidate, attack or test, and example."""

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any

import numpy as np

from assay.outcome_table import (
    CLEAN,
    GROUP,
    Answers,
    Failures,
    OutcomeTable,
    attack_subject,
    behaviour_subject,
    columns_of,
    columns_of_test,
)
from attacks.errors import AssayError
from reports.highlights import label_of
from reports.model import AuditReport

PROBABILITY = "p: "
"""How the columns of probabilities start; a label follows."""

_FORMULA = r"^(?:\s*[=+\-@＝＋－＠]|[\t\r\n])"
_NUMBER = r"^[+\-]?\d+(?:\.\d+)?(?:[eE][+\-]?\d+)?$"


def write_csv(table: OutcomeTable, names: Mapping[str, str], sink: IO[bytes]) -> None:
    """Write the table as CSV (UTF-8, a header, strings in quotation marks), a part of it at a time.

    names: {subject: how people name it}, see ``subject_names``.

    Columns: candidate; kind (``clean``, ``attack``, ``behaviour``, or ``swap`` of identities); subject and
    params (JSON) of the attack or test; example_id; label and prediction by name; ``p: <label>`` for each
    label; skipped, success, reached, queries, near, minimal_norm as in ``outcome_table.Answers`` (of a
    behaviour or a swap, success says that the model failed it); ``group: <column>``. Empty: not known.

    Text that a spreadsheet would take for a formula gets an apostrophe in front (numbers are left alone):
    labels, groups and ids come from whoever wrote the data.
    """
    import pyarrow as pa
    import pyarrow.csv as pc

    parts = _parts(table, names)
    first = next(parts, None)
    if first is None:
        raise AssayError("the outcomes hold no example. Run the audit again.")
    try:
        with pc.CSVWriter(sink, first.schema) as writer:
            writer.write_table(first)
            for part in parts:
                writer.write_table(part)
    except pa.ArrowException as error:
        raise AssayError(f"the outcomes cannot be written as CSV: {error}") from error


def subject_names(report: AuditReport) -> dict[str, str]:
    """{subject: how people name it} of every attack and behavioural test of the report."""
    names = {}
    for candidate in report.candidates:
        for attack in candidate.robustness.attacks:
            names[attack_subject(attack.name, attack.params)] = label_of(report, attack)
        for test in candidate.robustness.behaviours:
            names[behaviour_subject(test.name, test.params)] = test.name
    return names


def _parts(table: OutcomeTable, names: Mapping[str, str]) -> Iterator[Any]:
    """One Arrow table for each candidate and subject, all of one schema."""

    n = len(table.ids)
    words = _safe(table.label_names)
    ids, labels = _safe(table.ids), _named(words, table.labels)
    groups = {GROUP + column: _safe(values.tolist()) for column, values in table.groups.items()}
    for candidate, subjects in table.answers.items():
        for subject, each in subjects.items():
            yield _table(
                n,
                {
                    **_about(candidate, subject, names),
                    "example_id": ids,
                    "label": labels,
                    "prediction": _named(words, each.prediction),
                    **_probabilities(table.label_names, each, n),
                    **columns_of(each),
                    **groups,
                },
            )
    for candidate, tests in table.failures.items():
        for subject, test in tests.items():
            yield _of_test(table, candidate, subject, test, names)


def _of_test(
    table: OutcomeTable, candidate: str, subject: str, test: Failures, names: Mapping[str, str]
) -> Any:
    """Rows of texts and templates that a test applied to; what is known of the texts stands with them."""
    import pyarrow as pa

    m = len(test.ids)
    place = {each: i for i, each in enumerate(table.ids)}
    rows = [place.get(each) for each in test.ids]
    words = _safe(table.label_names)
    labels = [None if row is None else int(table.labels[row]) for row in rows]
    return _table(
        m,
        {
            **_about(candidate, subject, names),
            "example_id": _safe(test.ids),
            "label": words.take(pa.array(labels, pa.int64())),
            "prediction": pa.nulls(m, pa.string()),
            **{PROBABILITY + name: pa.nulls(m, pa.float64()) for name in table.label_names},
            **columns_of_test(test),
            **{
                GROUP + column: _safe([None if row is None else str(values[row]) for row in rows])
                for column, values in table.groups.items()
            },
        },
    )


def _about(candidate: str, subject: str, names: Mapping[str, str]) -> dict[str, str | None]:
    if subject == CLEAN:
        return {"candidate": candidate, "kind": "clean", "subject": None, "params": None}
    try:
        kind, name, params = json.loads(subject)
    except ValueError:  # the word for texts or templates
        return {"candidate": candidate, "kind": "swap", "subject": subject, "params": None}
    readable = names.get(subject, name)
    return {
        "candidate": candidate,
        "kind": kind,
        "subject": readable,
        "params": json.dumps(params, ensure_ascii=False),
    }


def _table(n: int, columns: Mapping[str, Any]) -> Any:
    """Columns of n values; a word stands for n times the same."""
    import pyarrow as pa

    return pa.table(
        {
            name: _safe([column]).take(pa.array(np.zeros(n, dtype=np.int64)))
            if column is None or isinstance(column, str)
            else column
            for name, column in columns.items()
        }
    )


def _probabilities(label_names: tuple[str, ...], each: Answers, n: int) -> dict[str, Any]:
    import pyarrow as pa

    return {
        PROBABILITY + name: pa.nulls(n, pa.float64())
        if each.probabilities is None
        else pa.array(each.probabilities[:, column], pa.float64())
        for column, name in enumerate(label_names)
    }


def _named(words: Any, codes: np.ndarray) -> Any:
    """The label of each code; none for a code that is no label."""
    import pyarrow as pa

    known = (codes >= 0) & (codes < len(words))
    return words.take(pa.array(codes, pa.int64(), mask=~known))


def _safe(values: Any) -> Any:
    """Strings (None: not known) that no spreadsheet takes for a formula."""
    import pyarrow as pa
    import pyarrow.compute as pc

    strings = pa.array(values, pa.string())
    formula = pc.and_not(
        pc.match_substring_regex(strings, _FORMULA), pc.match_substring_regex(strings, _NUMBER)
    )
    return pc.if_else(formula, pc.binary_join_element_wise("'", strings, ""), strings)
