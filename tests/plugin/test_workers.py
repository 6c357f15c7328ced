"""The plugin with the workers of pytest-xdist."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin.projects import FAILS, LOGGING, PASSES, write_project

pytest.importorskip("xdist")

OWN = "def test_own(assay_candidate):\n    assert assay_candidate.robustness.clean.accuracy.value == 1.0\n"


def in_two_workers(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-n", "2", "-v", "-p", "no:hypothesispytest", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_one_worker_audits_and_the_others_wait_for_it(tmp_path: Path) -> None:
    file = write_project(tmp_path, PASSES + FAILS, more=LOGGING)
    (tmp_path / "test_own.py").write_text(OWN)
    done = in_two_workers(tmp_path, "--assay", str(file))
    told = done.stdout + done.stderr
    assert done.returncode == 1, told
    assert "4 passed" in told
    assert "1 failed" in told
    assert {line.split()[0] for line in told.splitlines() if line.startswith("[gw")} == {"[gw0]", "[gw1]"}
    assert len(set((tmp_path / "loaded.txt").read_text().split())) == 1
    assert told.count("assay: do not ship. 1 of 3 checks") == 1
    assert "check: macro_f1, candidate own" in told
