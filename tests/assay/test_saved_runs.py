"""Runs read back: an audit.json with the outcomes that belong to it, and with no others."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from assay.report_command import run_report
from assay.report_files import write_report
from assay.report_forms import Form
from assay.run_folder import RunFolder
from assay.saved_runs import open_run
from attacks.errors import AssayError
from tests.assay.gate.saved import assessed, wronged
from tests.assay.prediction_files import rows


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, RunFolder]:
    """Two runs with candidates of one name, of which the second has more wrong answers."""
    folder = tmp_path_factory.mktemp("two")
    for name in "ab":
        (folder / name).mkdir()
    found = (assessed(folder / "a", "same"), assessed(folder / "b", "same", wronged(rows(), 40)))
    return RunFolder(found[0]), RunFolder(found[1])


@pytest.fixture
def run(two: tuple[RunFolder, RunFolder], tmp_path: Path) -> RunFolder:
    """A copy of the first run."""
    return RunFolder(Path(shutil.copytree(two[0].path, tmp_path / "run")))


def test_the_outcomes_of_another_run_are_refused_with_what_to_do(
    two: tuple[RunFolder, RunFolder], run: RunFolder
) -> None:
    shutil.copy(two[1].outcomes, run.outcomes)
    with pytest.raises(
        AssayError, match=r"outcomes\.parquet: .*of another audit.*Put back.*run it again"
    ) as told:
        _ = open_run(run.path).outcomes
    assert open_run(run.path).report.provenance.started in str(told.value)


def test_two_runs_of_one_second_on_the_same_data_are_told_apart(run: RunFolder) -> None:
    saved = open_run(run.path)
    about = replace(saved.report.provenance, seconds=saved.report.provenance.seconds + 1e-6)
    write_report(replace(saved.report, provenance=about), run)
    with pytest.raises(AssayError, match="of another audit"):
        _ = open_run(run.path).outcomes


def test_another_gate_and_a_report_rendered_again_keep_their_outcomes(run: RunFolder) -> None:
    report = open_run(run.path).report
    write_report(replace(report, gate=replace(report.gate, smallest_difference=0.1)), run)
    assert open_run(run.path).outcomes is not None
    run_report(run.path, Form.json, run.audit)
    assert open_run(run.path).outcomes is not None


def test_outcomes_from_before_they_named_their_audit_are_taken(run: RunFolder) -> None:
    whole = pq.read_table(run.outcomes)
    about = json.loads(whole.schema.metadata[b"assay"])
    assert about.pop("audit")["started"] == open_run(run.path).report.provenance.started
    about.pop("inputs")
    pq.write_table(whole.replace_schema_metadata({"assay": json.dumps(about)}), run.outcomes)
    outcomes = open_run(run.path).outcomes
    assert outcomes is not None
    assert len(outcomes.ids) == 400


def test_an_audit_that_is_no_text_is_refused_with_what_to_do(run: RunFolder) -> None:
    run.audit.write_bytes(b"\x00\xff\xfe")
    with pytest.raises(
        AssayError, match=r"audit\.json: expected an audit\.json, which is UTF-8 text.*Restore"
    ):
        open_run(run.path)
