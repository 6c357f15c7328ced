"""The workflow and the tests that ``assay init`` writes."""

import importlib.util
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from assay.init.ci_text import GATE, workflow
from assay.init.run import run_init
from tests.assay.init.projects import Assay, project


def test_what_it_proposes_next_for_ci_works_and_leaves_an_edited_file_alone(
    tmp_path: Path, assay: Assay
) -> None:
    folder = project(tmp_path / "a project")
    lines = run_init(folder / "data.csv", model="answers:words", folder=folder)
    (proposed,) = [line.strip() for line in lines if "--ci" in line]
    config = folder / "assay.toml"
    mine = 'name = "nightly"\n' + config.read_text(encoding="utf-8").replace("min = 0.5 ", "min = 0.7 ")
    config.write_text(mine, encoding="utf-8")
    words = shlex.split(proposed.partition(" adds ")[0])
    done = assay(*words[1:])
    assert done.code == 0, done.stderr
    assert config.read_text(encoding="utf-8") == mine
    assert f"Left as it is: {config}\n" in done.stdout
    written = folder / ".github" / "workflows" / "assay.yml"
    assert f"Wrote {written}\n" in done.stdout
    text = written.read_text(encoding="utf-8")
    assert yaml.safe_load(text)
    assert "runs/nightly/report.html" in text
    assert "runs/assay" not in text
    assert not list(folder.rglob("*.bak*"))
    again = assay(*words[1:])
    assert (again.code, "exist already, and nothing was written" in again.stderr) == (2, True)
    named = assay(*words[1:], "--model", "answers:words")
    assert (named.code, "`assay init --ci` alone adds the workflow" in named.stderr) == (2, True)


def test_a_workflow_that_is_added_later_knows_what_the_audit_needs(tmp_path: Path) -> None:
    folder = project(tmp_path)
    run_init(folder / "data.csv", model="https://example.com/m", folder=folder)
    (folder / "tests" / "test_assay_gate.py").unlink()
    lines = run_init(folder=folder, ci=True)
    assert [line for line in lines if line.startswith("Wrote")] == [
        f"Wrote {folder / 'tests' / 'test_assay_gate.py'}",
        f"Wrote {folder / '.github' / 'workflows' / 'assay.yml'}",
    ]
    assert "assay[endpoint]" in (folder / ".github" / "workflows" / "assay.yml").read_text(encoding="utf-8")


def test_two_parts_of_one_project_have_tests_that_pytest_can_collect_together(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n", encoding="utf-8")
    for part in ("spam", "hate-speech"):
        folder = project(tmp_path / part)
        lines = run_init(folder / "data.csv", model="answers:words", folder=folder, ci=True)
        name = f"test_assay_gate_{part.replace('-', '_')}.py"
        assert f"Wrote {folder / 'tests' / name}" in lines
        text = (folder / ".github" / "workflows" / "assay.yml").read_text(encoding="utf-8")
        assert f"tests/{name}" in text
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    assert done.returncode == 0, done.stdout


def test_the_workflow_is_yaml_that_installs_caches_tests_and_keeps_the_report(tmp_path: Path) -> None:
    run_init(folder=tmp_path, ci=True)
    text = (tmp_path / ".github" / "workflows" / "assay.yml").read_text(encoding="utf-8")
    assert text == workflow()
    parsed = yaml.safe_load(text)
    steps = parsed["jobs"]["audit"]["steps"]
    uses = [step.get("uses", "").partition("@")[0] for step in steps]
    assert (
        uses.index("actions/cache/restore")
        < uses.index("actions/upload-artifact")
        < uses.index("actions/cache/save")
    )
    (tests,) = [step["run"] for step in steps if "pytest --assay assay.toml" in step.get("run", "")]
    assert "tests/test_assay_gate.py" in tests
    # What shows why a gate failed must be kept when it fails.
    after = steps[[step.get("run") for step in steps].index(tests) + 1 :]
    assert all(step["if"] == "always()" for step in after)
    assert any(
        "runs/assay/summary.md" in step.get("run", "") and "GITHUB_STEP_SUMMARY" in step["run"]
        for step in after
    )
    (kept,) = [step["with"]["path"].split() for step in after if "upload-artifact" in step.get("uses", "")]
    assert kept[0] == "runs/assay/report.html"
    assert parsed["permissions"] == {"contents": "read"}
    assert {"pull_request", "push"} <= set(parsed[True])  # YAML 1.1 takes the key `on` for true


def test_the_tests_that_it_writes_fail_for_a_model_that_never_gives_a_label(tmp_path: Path) -> None:
    from types import SimpleNamespace

    (tmp_path / "gate.py").write_text(GATE, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("gate", tmp_path / "gate.py")
    assert spec is not None
    assert spec.loader is not None
    gate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gate)

    def candidate(confusion: list[list[int]]) -> SimpleNamespace:
        clean = SimpleNamespace(confusion_matrix=confusion)
        return SimpleNamespace(name="m", robustness=SimpleNamespace(clean=clean))

    gate.test_every_label_is_recognised_now_and_then(candidate([[3, 1], [0, 0]]))
    with pytest.raises(AssertionError, match=r"m never gives the labels number \[1\]"):
        gate.test_every_label_is_recognised_now_and_then(candidate([[3, 1], [2, 0]]))
    finding = SimpleNamespace(id="validity.gradient", message="no gradient")
    with pytest.raises(AssertionError, match="no gradient"):
        gate.test_the_figures_can_be_trusted(SimpleNamespace(findings=[finding]))
