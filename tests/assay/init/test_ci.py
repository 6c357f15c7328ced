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
from attacks.errors import AssayError
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


@pytest.mark.parametrize(
    ("model", "extra"), [("https://example.com/m", "assay[endpoint]"), ("pipeline.skops", "assay[skops]")]
)
def test_a_workflow_that_is_added_later_knows_what_the_audit_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, extra: str
) -> None:
    folder = project(tmp_path)
    (folder / "pipeline.skops").touch()
    monkeypatch.chdir(folder)
    run_init(folder / "data.csv", model=model, folder=folder)
    (folder / "tests" / "test_assay_gate.py").unlink()
    lines = run_init(folder=folder, ci=True)
    assert [line for line in lines if line.startswith("Wrote")] == [
        f"Wrote {folder / 'tests' / 'test_assay_gate.py'}",
        f"Wrote {folder / '.github' / 'workflows' / 'assay.yml'}",
    ]
    assert extra in (folder / ".github" / "workflows" / "assay.yml").read_text(encoding="utf-8")


PART = "parts/spam: filter"


def repository(folder: Path) -> Path:
    """A part of a git repository that has an assay.toml and a workflow."""
    (folder / ".git").mkdir(parents=True)
    part = project(folder / PART)
    lines = run_init(part / "data.csv", model="answers:words", folder=part, ci=True)
    assert any(line.endswith(f"where GitHub looks, and works in {PART}.") for line in lines)
    return part


QUICK = """
data = { path = "data.csv", max_examples = 40 }
candidates = [{ name = "model", model = "answers:words" }]
gate = [{ metric = "accuracy", min = 0.5 }]
"""
"""An assay.toml that is audited in a moment."""


def test_in_a_part_of_a_repository_the_workflow_finds_all_that_it_names(tmp_path: Path) -> None:
    """Its commands are run in the folder that it says, and its actions see paths from the root."""
    root = tmp_path / "repository"
    part = repository(root)
    (part / "assay.toml").write_text(QUICK, encoding="utf-8")
    (written,) = (root / ".github" / "workflows").iterdir()
    assert not (part / ".github").exists()
    job = yaml.safe_load(written.read_text(encoding="utf-8"))["jobs"]["audit"]
    summary = tmp_path / "summary"
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "GITHUB_STEP_SUMMARY": str(summary),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # those of others take seconds to import
        "PYTEST_ADDOPTS": "-p assay.pytest_plugin",
    }
    ran = [
        subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=root / job["defaults"]["run"]["working-directory"],
            env=environment,
            capture_output=True,
            text=True,
        )
        for step in job["steps"]
        if "run" in step and "pip install" not in step["run"]
    ]
    assert ran[0].returncode == 0, ran[0].stdout + ran[0].stderr
    assert "test_the_figures_can_be_trusted" in (part / "runs" / "junit.xml").read_text(encoding="utf-8")
    assert summary.read_text(encoding="utf-8") == (part / "runs" / "assay" / "summary.md").read_text(
        encoding="utf-8"
    )
    named = [
        root / line
        for step in job["steps"]
        for key in ("path", "cache-dependency-path")
        for line in step.get("with", {}).get(key, "").splitlines()
    ]
    assert len(named) == 7
    assert [path for path in named if not path.exists()] == []


def test_a_run_folder_beside_its_part_is_named_as_actions_take_it(tmp_path: Path) -> None:
    part = repository(tmp_path)
    (written,) = (tmp_path / ".github" / "workflows").iterdir()
    config = part / "assay.toml"
    text = config.read_text(encoding="utf-8")
    for runs, kept in (("../out", "parts/out"), ("./runs/all", f"{PART}/runs/all")):
        written.unlink()
        config.write_text(f'runs = "{runs}"\n{text}', encoding="utf-8")
        run_init(folder=part, ci=True)
        steps = yaml.safe_load(written.read_text(encoding="utf-8"))["jobs"]["audit"]["steps"]
        # Relative paths with . and .. are refused by actions/upload-artifact.
        paths = [line for step in steps for line in step.get("with", {}).get("path", "").splitlines()]
        assert len(paths) == 6
        assert all(path == kept or path.startswith(f"{kept}/") for path in paths)


@pytest.mark.parametrize(
    "line", ['runs = "../../../out"', 'runs = "~/runs"', 'name = "a*"', 'runs = "a\\nb"', 'runs = "[1]"']
)
def test_what_a_workflow_cannot_name_is_refused(tmp_path: Path, line: str) -> None:
    part = repository(tmp_path)
    (written,) = (tmp_path / ".github" / "workflows").iterdir()
    written.unlink()
    (part / "assay.toml").write_text(line, encoding="utf-8")
    with pytest.raises(AssayError, match="expected a path inside the repository that a GitHub workflow"):
        run_init(folder=part, ci=True)
    assert not written.exists()


def test_a_folder_that_is_in_no_repository_is_taken_for_the_root_of_one(tmp_path: Path) -> None:
    lines = run_init(folder=project(tmp_path), ci=True)
    assert lines[-1] == f"{tmp_path} is in no git repository: the workflow takes it for the root of one."
    assert (tmp_path / ".github" / "workflows" / "assay.yml").is_file()


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
