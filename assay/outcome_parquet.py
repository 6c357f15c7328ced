"""outcomes.parquet of a run folder: the outcomes of every example, for comparisons."""

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from assay.outcome_about import about_of, identity
from assay.outcome_table import GROUP, Answers, Failures, OutcomeTable, columns_of, columns_of_test
from assay.run_folder import replaced
from attacks.errors import AssayError
from reports.model import Provenance

VERSION = 1


def write_table(
    table: OutcomeTable, path: Path, of: Provenance, inputs: Mapping[str, Any] | None = None
) -> None:
    """Replace the file in one step. Raises AssayError where it cannot be written.

    of: the audit whose outcomes they are; only its audit.json can be read with them. inputs: what is
    recorded of its input files, see ``assay.recorded_inputs.record``.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    about = {
        "version": VERSION,
        "label_names": table.label_names,
        "n": len(table.ids),
        "audit": identity(of),
        "inputs": inputs,
    }
    parts = list(_parts(table))
    whole = pa.concat_tables(parts).replace_schema_metadata({"assay": json.dumps(about)})
    with replaced(path) as scratch:
        pq.write_table(whole, scratch, compression="zstd")


def read_table(path: Path, of: Provenance) -> OutcomeTable:
    """The table that ``write_table`` wrote for the same audit; raises AssayError for one that is missing, of
    another audit, or something else. Files from before this was recorded are taken as they are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        whole = pq.read_table(path)
        about = about_of(whole.schema)
        version, audit = about["version"], about.get("audit")
        found = _table(whole, tuple(about["label_names"])) if version == VERSION else None
    except FileNotFoundError as error:
        raise AssayError(
            f"{path}: no such file. An audit writes it; run the audit again with this version of assay."
        ) from error
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise AssayError(
            f"{path}: expected the outcomes of an audit, got something else. Run it again."
        ) from error
    if found is None:
        raise AssayError(
            f"{path}: expected outcomes of version {VERSION}, got {version}. Another version of "
            "assay wrote them: update assay, or run the audit again."
        )
    if audit is not None and audit != identity(of):
        raise AssayError(
            f"{path}: these are the outcomes of another audit than the audit.json beside them, which began "
            f"at {of.started}. Put back the two files of one audit, or run it again."
        )
    return found


def _parts(table: OutcomeTable) -> Iterator[Any]:
    """One Arrow table for each candidate and subject, all of one schema."""
    import pyarrow as pa

    n, ids = len(table.ids), pa.array(table.ids, pa.string())
    encoded = {GROUP + column: _words(values) for column, values in table.groups.items()}
    for candidate, subjects in table.answers.items():
        for subject, each in subjects.items():
            yield pa.table(
                {
                    "candidate": _repeated(candidate, n),
                    "subject": _repeated(subject, n),
                    "example_id": ids,
                    "label": pa.array(table.labels, pa.int32()),
                    "prediction": pa.array(each.prediction, pa.int32()),
                    "probabilities": _rows(each.probabilities, n),
                    **columns_of(each),
                    **encoded,
                }
            )
    for candidate, tests in table.failures.items():
        for subject, test in tests.items():
            m = len(test.ids)
            yield pa.table(
                {
                    "candidate": _repeated(candidate, m),
                    "subject": _repeated(subject, m),
                    "example_id": pa.array(test.ids, pa.string()),
                    "label": pa.nulls(m, pa.int32()),
                    "prediction": pa.nulls(m, pa.int32()),
                    "probabilities": pa.nulls(m, pa.list_(pa.float64())),
                    **columns_of_test(test),
                    **{name: _none(m) for name in encoded},
                }
            )


def _table(whole: Any, label_names: tuple[str, ...]) -> OutcomeTable:
    answers: dict[str, dict[str, Answers]] = {}
    failures: dict[str, dict[str, Failures]] = {}
    ids: tuple[str, ...] = ()
    labels, groups = np.zeros(0, dtype=np.int64), {}
    for candidate, subject, part in _runs(whole):
        if part["reached"].null_count:
            failed = part["success"].to_numpy()
            found = Failures(tuple(part["example_id"].to_pylist()), failed)
            failures.setdefault(candidate, {})[subject] = found
            continue
        if not answers:
            ids = tuple(part["example_id"].to_pylist())
            labels = part["label"].to_numpy().astype(np.int64)
            groups = {
                name.removeprefix(GROUP): np.array(part[name].to_pylist())
                for name in part.column_names
                if name.startswith(GROUP)
            }
        answers.setdefault(candidate, {})[subject] = _answers(part, len(label_names))
    return OutcomeTable(label_names, ids, labels, groups, answers, failures)


def _runs(whole: Any) -> Iterator[tuple[str, str, Any]]:
    """The rows of one candidate and subject, which stand together."""
    if len(whole) == 0:
        return
    (candidates, names), (subjects, about) = (_codes(whole[name]) for name in ("candidate", "subject"))
    new = np.flatnonzero((np.diff(candidates) != 0) | (np.diff(subjects) != 0)) + 1
    for start, end in pairwise([0, *new.tolist(), len(whole)]):
        yield names[candidates[start]], about[subjects[start]], whole.slice(start, end - start)


def _codes(column: Any) -> tuple[np.ndarray, list[str]]:
    """The number of each row's word, and the words: never a text for each row."""
    whole = column.unify_dictionaries().combine_chunks()
    return whole.indices.to_numpy(), whole.dictionary.to_pylist()


def _answers(part: Any, k: int) -> Answers:
    given = part["probabilities"].null_count == 0
    flat = part["probabilities"].combine_chunks().flatten().to_numpy() if given else None
    return Answers(
        prediction=part["prediction"].to_numpy().astype(np.int64),
        probabilities=None if flat is None else flat.reshape(-1, k),
        skipped=part["skipped"].to_numpy(),
        success=part["success"].to_numpy(),
        reached=part["reached"].to_numpy(),
        queries=part["queries"].to_numpy(),
        near=None if part["near"].null_count else part["near"].to_numpy(),
        minimal_norm=None if part["minimal_norm"].null_count else part["minimal_norm"].to_numpy(),
    )


def _rows(probabilities: np.ndarray | None, n: int) -> Any:
    """(n, k) numbers as lists, without a Python object for each; nulls of none."""
    import pyarrow as pa

    if probabilities is None:
        return pa.nulls(n, pa.list_(pa.float64()))
    ends = np.arange(n + 1, dtype=np.int32) * probabilities.shape[1]
    return pa.ListArray.from_arrays(ends, pa.array(probabilities.ravel(), pa.float64()))


def _repeated(word: str, n: int) -> Any:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(n, dtype=np.int32)), pa.array([word], pa.string())
    )


def _words(values: np.ndarray) -> Any:
    import pyarrow as pa

    names, codes = np.unique(values, return_inverse=True)
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32)), pa.array(names.tolist(), pa.string())
    )


def _none(n: int) -> Any:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.nulls(n, pa.int32()), pa.array([], pa.string()))
