"""The run folder can be written, is held by one audit at a time, and has whole files only."""

import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from assay.run_folder import RunFolder, replaced, write_whole
from attacks.errors import AssayError

ROOT = Path(__file__).parents[2]


def full(*arguments: Any, **options: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_folder_and_its_parents_are_made_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "runs" / "demo")
    assert run.path.is_dir()
    assert [path.name for path in run.path.iterdir()] == ["models"]
    assert RunFolder.create(run.path) == run


def test_paths_are_those_of_the_design(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    names = [path.name for path in (run.report, run.audit, run.summary, run.ledger)]
    assert names == ["report.html", "audit.json", "summary.md", "ledger.sqlite"]
    assert run.model("plain") == tmp_path / "models" / "plain"


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    with pytest.raises(AssayError, match=r"demo: the run folder cannot be written.*runs = \.\.\."):
        RunFolder.create(tmp_path / "demo")


def test_a_full_disk_is_found_before_anything_expensive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(AssayError, match=r"No space left on device.*Free some space"):
        RunFolder.create(tmp_path / "demo")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(AssayError, match="Permission denied"):
        RunFolder.create(tmp_path / "demo")
    tmp_path.chmod(0o700)


# Replacing a file in one step.


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    write_whole(path, "old")
    write_whole(path, "new é")
    assert path.read_text(encoding="utf-8") == "new é"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["write_text", "replace"])
def test_a_full_disk_leaves_the_old_file_and_no_scraps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "audit.json"
    RunFolder(tmp_path).ledger.touch()
    write_whole(path, "old")
    monkeypatch.setattr(*((Path, "write_text") if step == "write_text" else (os, "replace")), full)
    with pytest.raises(
        AssayError, match=r"audit\.json: could not be written \(No space left.*ledger is kept"
    ):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == [path, RunFolder(tmp_path).ledger]
    RunFolder(tmp_path).ledger.unlink()
    with pytest.raises(AssayError, match=r"make the folder writable, and run again[.]$"):
        write_whole(path, "new")


def test_a_file_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for place, told in (
        ("folder", "it is a folder"),
        ("file/x.html", "file is a file, not a folder"),
        ("nowhere/x.html", "there is no folder .*nowhere"),
    ):
        with pytest.raises(AssayError, match=f"could not be written [(].*{told}[)][.]") as raised:
            write_whole(tmp_path / place, "text")
        assert "ledger" not in str(raised.value)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]


def test_many_who_write_one_file_all_write_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    texts = [str(i % 10) * 20_000 for i in range(200)]
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda text: write_whole(path, text), texts))
    assert path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, AssayError])
def test_whatever_ends_a_writer_leaves_the_old_file_and_no_scraps(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "audit.json"
    write_whole(path, "old")

    def write_half() -> None:
        with replaced(path) as scratch:
            scratch.write_text("half")
            raise error("over")

    with pytest.raises(error):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_one_and_what_it_points_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    target, link = tmp_path / "kept" / "audit.json", tmp_path / "audit.json"
    link.symlink_to(target)
    for text in ("made", "replaced"):
        write_whole(link, text)
        assert link.is_symlink()
        assert target.read_text() == text
    assert list((tmp_path / "kept").iterdir()) == [target]


def test_a_pipe_stays_one_and_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, "text")
        assert os.read(end, 100) == b"text"
    finally:
        os.close(end)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_device_stays_one_and_is_written_to() -> None:
    main, terminal = os.openpty()
    try:
        name = Path(os.ttyname(terminal))
        write_whole(name, "text")
        assert os.read(main, 100) == b"text"
        assert stat.S_ISCHR(name.stat().st_mode)
    finally:
        os.close(main)
        os.close(terminal)


def test_a_file_has_the_permissions_of_any_new_one(tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    before = os.umask(0o027)
    try:
        for _ in range(2):
            write_whole(path, "text")
            assert stat.S_IMODE(path.stat().st_mode) == 0o640
    finally:
        os.umask(before)


# What a folder is of.


@pytest.mark.parametrize(
    ("names", "of_a_run", "baseline"),
    [
        ([], [], False),
        (["notes.txt"], [], False),
        (["audit.json", "outcomes.parquet"], [], True),
        (["audit.json"], [], True),
        (["outcomes.parquet"], [], False),
        (
            ["audit.json", "outcomes.parquet", "report.html", "summary.md"],
            ["report.html", "summary.md"],
            False,
        ),
        (["ledger.sqlite"], ["ledger.sqlite"], False),
    ],
)
def test_a_run_is_told_from_a_baseline_by_what_is_there(
    names: list[str], of_a_run: list[str], baseline: bool, tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).touch()
    folder = RunFolder(tmp_path)
    assert [path.name for path in folder.of_a_run] == of_a_run
    assert folder.holds_baseline == baseline


# One audit at a time.

HOLDER = """
import sys
from pathlib import Path
from assay.run_folder import RunFolder

with RunFolder(Path(sys.argv[1])).lock():
    print("holding", flush=True)
    sys.stdin.readline()
"""


def holder(path: Path) -> "subprocess.Popen[str]":
    """Another process that holds the folder until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    return process


def test_a_second_audit_in_the_same_folder_is_refused_at_once_until_the_first_ends(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "demo")
    process = holder(run.path)
    with pytest.raises(AssayError, match=r"demo: another audit is running in this folder"), run.lock():
        pass
    process.communicate("\n", timeout=10)
    with run.lock():
        pass


def test_kill_9_lets_go_of_the_folder(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "demo")
    process = holder(run.path)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)
    with run.lock():
        pass


def test_the_lock_holds_within_one_process_too_and_ends_with_an_error(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "demo")
    with run.lock(), pytest.raises(AssayError, match="another audit"), RunFolder(run.path).lock():
        pass
    with pytest.raises(KeyError), run.lock():
        raise KeyError
    with run.lock():
        pass


def test_other_folders_are_free(tmp_path: Path) -> None:
    first, second = RunFolder.create(tmp_path / "one"), RunFolder.create(tmp_path / "two")
    with first.lock(), second.lock():
        pass


def test_a_folder_that_cannot_be_locked_is_said(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(AssayError, match="cannot be locked"), RunFolder(tmp_path).lock():
        pass


def test_removing_reports_leaves_ledger_and_models(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run")
    for path in (run.audit, run.report, run.summary, run.ledger):
        path.write_text("x")
    run.remove_reports()
    assert sorted(path.name for path in run.path.iterdir()) == ["ledger.sqlite", "models"]
    run.remove_reports()  # nothing to remove is fine
