"""Where an output may go."""

import os
from pathlib import Path

import pytest

from assay.overwriting import check_target
from assay.run_folder import RunFolder
from attacks.errors import AssayError


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    for path in (*folder.results, folder.ledger):
        path.touch()
    return folder


def refused(target: Path, run: RunFolder, **more: object) -> bool:
    try:
        check_target(target, [run], **more)  # type: ignore[arg-type]
    except AssayError as error:
        return "would lose it" in str(error)
    return False


def test_every_file_of_a_run_is_kept_but_the_one_that_the_output_stands_for(run: RunFolder) -> None:
    names = {path.name for path in run.path.iterdir()}
    assert {path.name for path in run.path.iterdir() if refused(path, run)} == names
    assert {path.name for path in run.path.iterdir() if refused(path, run, own=run.junit)} == (
        names - {"junit.xml"}
    )


def test_other_files_may_be_written_and_replaced_also_in_the_folder_of_a_run(
    run: RunFolder, tmp_path: Path
) -> None:
    (run.path / "compare.html").touch()
    (tmp_path / "summary.md").touch()
    for target in (run.path / "compare.html", run.path / "new.xml", tmp_path / "summary.md"):
        assert not refused(target, run)


def test_a_file_is_itself_by_whatever_name(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "link.xml").symlink_to(run.audit)
    os.link(run.audit, tmp_path / "hard.xml")
    for name in ("link.xml", "hard.xml", "run/../run/audit.json"):
        assert refused(tmp_path / name, run)
    (tmp_path / "run2").symlink_to(run.path)
    assert refused(tmp_path / "run2" / "audit.json", run)
    assert not refused(tmp_path / "run2" / "junit.xml", run, own=run.junit)


def test_the_folder_of_another_audit_counts_too(run: RunFolder, tmp_path: Path) -> None:
    other = RunFolder(tmp_path / "other")
    other.path.mkdir()
    other.report.touch()
    assert not refused(other.report, run, own=run.report)  # a folder of exported reports
    other.ledger.touch()
    assert refused(other.report, run, own=run.report)


def test_what_is_read_is_not_written(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "gate.toml").touch()
    assert refused(tmp_path / "gate.toml", run, read=[tmp_path / "gate.toml"])
    assert not refused(tmp_path / "gate.toml", run)


def test_what_can_be_no_file_is_told(run: RunFolder, tmp_path: Path) -> None:
    for target, told in ((tmp_path, "got a folder"), (tmp_path / "no" / "x", "there is no folder")):
        with pytest.raises(AssayError, match=told):
            check_target(target, [run])
