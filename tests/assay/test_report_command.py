"""``assay report``: a run rendered again in every form, without a model, whatever version wrote it."""

import csv
import io
import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from huggingface_hub import ModelCard

from assay.outcome_parquet import write_table
from assay.outcome_table import CLEAN, Answers, OutcomeTable
from assay.report_command import run_report
from assay.report_files import write_report
from assay.report_forms import Form
from assay.run_folder import RunFolder, write_whole
from attacks.errors import AssayError
from reports.html import render_html
from reports.json_io import from_json, to_json
from reports.junit import render_junit
from reports.markdown import render_markdown
from reports.model import GateResult
from tests.assay.processes import Done
from tests.reports.example import example_report, no_attacks, with_verdict

Assay = Callable[..., Done]

REPORT = with_verdict(replace(no_attacks(example_report()), gate=example_report().gate))
"""Without attacks: it has few charts."""
ROOT = Path(__file__).parents[2]
OLD = ROOT / "tests" / "reports" / "released" / "audit-1-first.json"
TABLE = OutcomeTable(
    label_names=("negative", "positive"),
    ids=("1", "2"),
    labels=np.array([0, 1]),
    groups={},
    answers={
        "plain": {
            CLEAN: Answers(
                prediction=np.array([0, 0]),
                probabilities=None,
                skipped=np.zeros(2, dtype=bool),
                success=np.zeros(2, dtype=bool),
                reached=np.ones(2, dtype=bool),
                queries=np.zeros(2),
            )
        }
    },
)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A finished run without its HTML."""
    folder = RunFolder.create(tmp_path / "demo")
    write_whole(folder.audit, to_json(REPORT))
    write_table(TABLE, folder.outcomes, REPORT.provenance)
    folder.ledger.touch()
    return folder


def test_html_goes_back_to_the_run_folder(assay: Assay, run: RunFolder) -> None:
    done = assay("report", str(run.path))
    assert (done.code, done.stdout, done.stderr) == (0, f"Written: {run.report}\n", "")
    assert run.report.read_text(encoding="utf-8") == render_html(REPORT)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("markdown", render_markdown(REPORT)),
        ("json", to_json(REPORT)),
        ("junit", render_junit(REPORT)),
    ],
)
def test_other_forms_go_to_standard_output_or_to_a_file(
    assay: Assay, run: RunFolder, tmp_path: Path, form: str, expected: str
) -> None:
    done = assay("report", str(run.path), "--format", form)
    assert (done.code, done.stdout) == (0, expected)
    file = tmp_path / "out"
    done = assay("report", str(run.path), "--format", form, "--output", str(file))
    assert (done.code, done.stdout) == (0, f"Written: {file}\n")
    assert file.read_text(encoding="utf-8") == expected


def test_html_to_standard_output_leaves_the_folder_alone(assay: Assay, run: RunFolder) -> None:
    done = assay("report", str(run.path), "--output", "-")
    assert done.stdout == render_html(REPORT)
    assert not run.report.exists()


def test_a_model_card_is_of_the_candidate_that_is_named(assay: Assay, run: RunFolder) -> None:
    done = assay("report", str(run.path), "--format", "model-card", "--candidate", "fgsm-trained")
    assert done.code == 0
    assert ModelCard(done.stdout).data.model_name == "fgsm-trained"
    done = assay("report", str(run.path), "--format", "model-card")
    assert done.code == 2
    assert "plain, fgsm-trained. Choose with --candidate NAME" in done.stderr


def test_csv_to_a_file_and_to_standard_output(assay: Assay, run: RunFolder, tmp_path: Path) -> None:
    file = tmp_path / "outcomes.csv"
    assert assay("report", str(run.path), "--format", "csv", "--output", str(file)).code == 0
    done = assay("report", str(run.path), "--format", "csv")
    assert done.stdout == file.read_text(encoding="utf-8")
    found = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["label"], row["prediction"]) for row in found] == [
        ("negative", "negative"),
        ("positive", "negative"),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo", "outcomes.csv"]


def test_outcomes_without_an_example_leave_the_old_csv_and_no_scraps(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "outcomes.csv").write_text("old")
    pq.write_table(pq.read_table(run.outcomes).slice(0, 0), run.outcomes)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(AssayError, match="hold no example"):
        run_report(run.path, Form.csv, tmp_path / "outcomes.csv")
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "outcomes.csv").read_text() == "old"


def test_each_form_may_replace_the_file_of_its_own_run(run: RunFolder) -> None:
    for form, file in ((Form.html, run.report), (Form.markdown, run.summary), (Form.junit, run.junit)):
        for _ in range(2):
            assert run_report(run.path, form, file) == (file, "")


def test_a_gate_that_failed_is_no_failure_of_the_command(assay: Assay, run: RunFolder) -> None:
    assert not REPORT.gate.passed
    assert assay("report", str(run.path)).code == 0


def test_an_audit_json_can_be_named_itself(assay: Assay, run: RunFolder) -> None:
    assert assay("report", str(run.audit), "--format", "json").stdout == to_json(REPORT)


def test_a_run_of_the_first_version_is_rendered_and_brought_to_this_one(assay: Assay, tmp_path: Path) -> None:
    shutil.copy(OLD, tmp_path / "audit.json")
    for form in ("html", "markdown", "junit", "model-card"):
        assert assay("report", str(tmp_path), "--format", form).code == 0, form
    done = assay("report", str(tmp_path), "--format", "json", "--output", str(tmp_path / "audit.json"))
    assert done.code == 0
    assert json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))["schema_version"] == 2
    done = assay("report", str(tmp_path), "--format", "csv")
    assert done.code == 2
    assert "outcomes.parquet: expected the outcomes of the run's examples" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--candidate", "plain"], "--candidate goes with --format model-card, not with html"),
        (["--format", "junit", "--output", "{run}"], "expected a file to write, got a folder"),
        (["--format", "junit", "--output", "{run}/no/such/x"], "there is no folder"),
        (["--format", "junit", "--output", "{run}/audit.json"], "would lose it. Choose another one"),
        (["--format", "markdown", "--output", "{run}/audit.json"], "would lose it"),
        (
            ["--format", "model-card", "--candidate", "plain", "--output", "{run}/ledger.sqlite"],
            "would lose it",
        ),
        (["--format", "csv", "--output", "{run}/outcomes.parquet"], "would lose it"),
        (["--format", "json", "--output", "{run}/../demo/outcomes.parquet"], "would lose it"),
        (["--format", "pdf"], "'pdf' is not one of"),
        (["--log-to", "mlflow", "--format", "csv"], "--log-to goes without --format"),
    ],
)
def test_a_wrong_option_is_explained_and_changes_nothing(
    assay: Assay, run: RunFolder, options: list[str], message: str
) -> None:
    before = {path: path.read_bytes() for path in run.path.iterdir() if path.is_file()}
    done = assay("report", str(run.path), *[each.format(run=run.path) for each in options])
    assert done.code == 2
    assert message in " ".join(done.stderr.replace("│", " ").split()), done.stderr
    assert {path: path.read_bytes() for path in run.path.iterdir() if path.is_file()} == before


def test_what_is_no_run_is_refused_with_its_place(assay: Assay, run: RunFolder, tmp_path: Path) -> None:
    done = assay("report", str(tmp_path / "nothing"))
    assert (done.code, done.stdout) == (2, "")
    assert "expected the folder of a run, with an audit.json in it" in done.stderr
    text = run.audit.read_text(encoding="utf-8")
    run.audit.write_text(text[: len(text) // 2], encoding="utf-8")
    done = assay("report", str(run.path))
    assert done.code == 2
    assert "audit.json: expected JSON, got something else at line" in done.stderr


def test_no_model_library_is_loaded(run: RunFolder) -> None:
    """Rendering takes seconds, not the minute that models take."""
    code = (
        "import sys; from assay.cli import app; "
        f"app(['report', {str(run.path)!r}, '--format', 'junit'], standalone_mode=False); "
        "print(sorted({'torch', 'transformers', 'textattack', 'mlflow'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, timeout=60
    )
    assert done.stderr.strip() == "[]"
    assert done.stdout == render_junit(REPORT)


# The files of a run folder.


def test_a_gate_leaves_junit_xml_and_the_next_audit_takes_it_away(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "demo")
    write_report(REPORT, folder)
    assert folder.junit == folder.path / "junit.xml"
    assert len(list(ET.parse(folder.junit).iter("testcase"))) == len(REPORT.gate.checks)
    folder.remove_reports()
    assert [path.name for path in folder.path.iterdir()] == ["models"]


def test_without_checks_there_is_no_junit_xml(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "demo")
    write_report(REPORT, folder)
    write_report(with_verdict(replace(REPORT, gate=GateResult(passed=True, checks=[]))), folder)
    assert not folder.junit.exists()
    assert from_json(folder.audit.read_text(encoding="utf-8"), "audit.json").gate.checks == []


def test_a_report_without_attacks_or_groups_takes_every_form(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "demo")
    write_whole(folder.audit, to_json(no_attacks(REPORT)))
    write_table(TABLE, folder.outcomes, REPORT.provenance)
    for form in Form:
        candidate = "plain" if form is Form.model_card else None
        written, text = run_report(folder.path, form, tmp_path / f"{form}.out", candidate)
        assert text == ""
        assert written is not None
        assert written.stat().st_size > 0
