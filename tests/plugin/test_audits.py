"""The audits of a session: made sure of once."""

from pathlib import Path

import pytest

from assay import audit
from assay.plugin.audits import SessionAudits
from attacks.errors import AssayError
from tests.plugin.projects import PASSES, write_project


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each audit ends with an error that has its number."""
    begun: list[str] = []

    def fail(config, reporter):  # type: ignore[no-untyped-def]
        begun.append(config.name)
        raise AssayError(f"number {len(begun)}")

    monkeypatch.setattr(audit, "run_audit", fail)
    return begun


def test_what_failed_in_one_worker_is_told_by_the_others_of_that_session_alone(
    tmp_path: Path, failing: list[str]
) -> None:
    file = write_project(tmp_path, PASSES).resolve()
    for session, told in (("a", 1), ("a", 1), ("b", 2), ("b", 2), ("a", 3), (None, 4), (None, 5)):
        with pytest.raises(AssayError, match=f"assay.toml: number {told}$"):
            SessionAudits(may_run=True, session=session).audit(file)
    assert len(failing) == 5


def test_an_error_is_the_same_each_time_it_is_asked_for(tmp_path: Path, failing: list[str]) -> None:
    file = write_project(tmp_path, PASSES).resolve()
    audits = SessionAudits(may_run=True)
    for _ in range(3):
        with pytest.raises(AssayError, match="number 1"):
            audits.audit(file)


def test_an_audit_is_the_same_object_for_all_who_ask(audited: Path) -> None:
    audits = SessionAudits(may_run=False)
    file = audited / "assay.toml"
    assert audits.audit(file) is audits.audit(file)
    assert audits.config(file) is audits.config(file)


def test_a_report_that_cannot_be_replaced_is_told_with_the_failure(
    audited: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(report, run):  # type: ignore[no-untyped-def]
        raise AssayError("no space")

    monkeypatch.setattr("assay.report_files.write_report", refuse)
    file = audited / "assay.toml"
    file.write_text(file.read_text().replace("max = 0.2", "max = 0.3"))
    found = SessionAudits(may_run=True).audit(file)
    assert found.report.gate.checks[-1].maximum == 0.3
    assert "could not be replaced: no space" in found.note


def test_a_baseline_that_is_the_run_itself_is_refused(audited: Path) -> None:
    file = audited / "assay.toml"
    file.write_text(file.read_text() + f'[gating]\nbaseline = "{audited}/runs/assay"\n')
    with pytest.raises(AssayError, match=r"gating\.baseline"):
        SessionAudits(may_run=True).audit(file)


def test_a_class_that_the_audited_data_does_not_have_is_refused_without_an_audit(audited: Path) -> None:
    file = audited / "assay.toml"
    check = '[[gate]]\nmetric = "tpr"\ngroup = "gender"\nvalue = "womn"\nmin = 0.1\n'
    file.write_text(file.read_text() + check)
    with pytest.raises(AssayError, match=r'assay\.toml: gate\.3\.value: no audited example has gender = "wo'):
        SessionAudits(may_run=False).audit(file)
