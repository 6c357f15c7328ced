"""A project that does not use the plugin sees no change."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin.projects import PASSES, write_project
from tests.plugin.test_runs import run

pytest_plugins = ["pytester"]

HEAVY = ("numpy", "pandas", "pydantic", "rich", "scipy", "torch", "transformers", "typer", "filelock")
OWN = ("assay.config", "assay.plugin", "attacks", "fairness", "reports", "robustness")
SUITE = """
def test_passes():
    pass

def test_fails(tmp_path):
    assert list(tmp_path.iterdir()) == [1]
"""


def test_importing_the_plugin_imports_pytest_and_the_standard_library_alone() -> None:
    program = (
        "import sys, pytest, json; before = set(sys.modules); import assay.pytest_plugin; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    new = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert new <= {"assay", *sys.stdlib_module_names}
    names = json.loads(done.stdout)
    assert not [name for name in names if name.startswith((*HEAVY, *OWN))]


def test_a_run_that_asks_for_nothing_loads_nothing(tmp_path: Path) -> None:
    write_project(tmp_path, PASSES)
    (tmp_path / "test_suite.py").write_text(
        "import sys\n\ndef test_nothing_is_loaded():\n"
        f"    heavy = {(*HEAVY, *OWN)!r}\n"
        "    assert not [name for name in heavy if name in sys.modules]\n"
    )
    # Other plugins that are installed here, such as Hypothesis's, may load what they like.
    options = ["-q", "-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:xdist"]
    command = [sys.executable, "-m", "pytest", *options, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_output_and_collection_are_the_same_with_and_without_the_plugin(pytester: pytest.Pytester) -> None:
    write_project(pytester.path, PASSES)
    pytester.makepyfile(test_suite=SUITE)
    for options in (["-v"], ["-q"], ["--collect-only"], ["--lf"], ["-rA", "--strict-markers"]):
        told = [_without_times(run(pytester, *options, *switch)[1]) for switch in ((), ("-p", "no:assay"))]
        assert told[0] == told[1]
        assert "assay.toml" not in told[0]


def _without_times(output: str) -> str:
    """And without the list of plugins, the directories of single runs, and addresses."""
    output = re.sub(r"\d+\.\d+s", "T", output)
    output = re.sub(r"test_fails\d+|/tmp\S*|run-last-failure.*", "", output)
    return re.sub(r"(?m)^plugins: .*\n|^=+|=+$", "", output)
