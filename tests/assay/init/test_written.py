"""``assay init``: what it writes loads, is checked by the audit and runs."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from assay.config import load_config
from assay.gate.checks import check_gate
from assay.init.checks import floor
from assay.init.run import run_init
from tests.assay.audits import write_csv
from tests.assay.init.projects import ROOT, Assay, project, table_of
from tests.robustness.tiny import tiny_dataset


def test_with_data_and_model_it_is_accepted_as_it_stands(
    tmp_path: Path, random_model: Path, assay: Assay
) -> None:
    folder = project(tmp_path)
    done = assay("init", str(folder / "data.csv"), "--model", str(random_model), "--folder", str(folder))
    assert done.code == 0, done.stderr
    config = load_config(folder / "assay.toml")
    assert (config.data.text, config.data.label, config.data.id) == ("text", "label", "id")
    assert config.data.groups == ["gender", "domain"]
    assert {attack.name for attack in config.attacks} == {"fgsm", "pgd", "homoglyphs"}
    assert {check.group for check in config.gate} == {None, "gender", "domain"}
    previewed = assay("audit", str(folder / "assay.toml"), "--preview")
    assert previewed.code == 0, previewed.stderr
    assert "model, clean text: 160 answers" in previewed.stdout
    assert not (folder / "runs").exists()


def test_what_it_writes_for_a_function_runs_to_a_verdict(
    tmp_path: Path, assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project(tmp_path))
    done = assay("init", "--model", "answers:words")
    assert "data.csv: guessed from all 160 rows." in done.stdout
    audited = assay("audit", "--set", "data.max_examples=120", "--set", "attacks.0.max_queries=8")
    assert audited.code in (0, 1), audited.stderr
    checks = json.loads((tmp_path / "runs" / "assay" / "audit.json").read_text(encoding="utf-8"))["gate"][
        "checks"
    ]
    assert [check["metric"] for check in checks] == [
        "accuracy",
        "accuracy_difference",
        "accuracy_difference",
        "failure_rate",
    ]
    assert all(check["observed"]["value"] is not None for check in checks)


def test_the_checks_against_a_baseline_are_taken_once_there_is_one(tmp_path: Path) -> None:
    folder = project(tmp_path)
    run_init(folder / "data.csv", model="answers:words", folder=folder)
    config = load_config(folder / "assay.toml")
    assert not [check for check in config.gate if check.relative]
    (folder / "baseline").mkdir()
    (folder / "baseline" / "audit.json").touch()
    run_init(folder / "data.csv", model="answers:words", folder=folder, force=True)
    config = load_config(folder / "assay.toml")
    assert config.gating.baseline == folder / "baseline"
    assert [(each.metric, each.attack, each.max_drop) for each in config.gate if each.max_drop] == [
        ("accuracy", None, 0.02),
        ("accuracy_under_attack", "homoglyphs", 0.05),
    ]


def test_without_data_it_writes_a_template_and_says_so(tmp_path: Path) -> None:
    lines = run_init(folder=tmp_path)
    assert "the assay.toml is a template" in lines[0]
    assert table_of(tmp_path)["data"]["path"] == "validation.csv"  # type: ignore[index]
    check_gate(load_config(tmp_path / "assay.toml", {"candidates": '[{name = "m", model = "m:f"}]'}).gate)


def test_without_data_a_likely_file_of_the_folder_is_taken(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "dev.csv", tiny_dataset(20)).read_bytes()
    for name in ("train.csv", "a.csv", "notes.txt", ".hidden.csv"):
        (tmp_path / name).write_bytes(data)
    lines = run_init(folder=tmp_path)
    assert table_of(tmp_path)["data"]["path"] == "dev.csv"  # type: ignore[index]
    assert "  Other data files: a.csv, train.csv." in lines


def test_groups_of_too_few_examples_are_not_checked(tmp_path: Path) -> None:
    """A check of what cannot be compared would fail."""
    rows = [f"text {i} of a few words,{i % 2},{i // 2 % 2},{i // 60}" for i in range(90)]
    (tmp_path / "d.csv").write_text("\n".join(["text,label,gender,region", *rows]), encoding="utf-8")
    run_init(tmp_path / "d.csv", model="answers:words", folder=tmp_path)
    config = load_config(tmp_path / "assay.toml")
    assert config.data.groups == ["gender", "region"]
    assert [check.group for check in config.gate if check.group] == ["gender"]
    assert '# No check of "region"' in (tmp_path / "assay.toml").read_text(encoding="utf-8")


def test_groups_that_overlap_are_assessed_so(tmp_path: Path) -> None:
    rows = [f"text {i} of a few words,{i % 2},{int(i % 3 == 0)},{int(i % 5 == 0)}" for i in range(300)]
    (tmp_path / "d.csv").write_text("\n".join(["text,label,muslim,jewish", *rows]), encoding="utf-8")
    run_init(tmp_path / "d.csv", model="answers:words", folder=tmp_path)
    config = load_config(tmp_path / "assay.toml")
    assert config.fairness.overlapping == {"identity": ["muslim", "jewish"]}
    assert [check.group for check in config.gate if check.group] == ["identity"]


def test_predictions_in_the_file_suggest_a_command_that_runs(tmp_path: Path, assay: Assay) -> None:
    rows = [f"text {i} of a few words,{i % 2},{int(i % 3 == 0)},{'fm'[i % 2]}" for i in range(90)]
    (tmp_path / "d.csv").write_text("\n".join(["text,label,pred,gender", *rows]), encoding="utf-8")
    lines = run_init(tmp_path / "d.csv", folder=tmp_path)
    (command,) = [line.split() for line in lines if "assay fairness" in line]
    assert command[3:] == ["--label", "label", "--prediction", "pred", "--group", "gender"]
    assert assay(*command[1:], "--output", str(tmp_path / "out")).code == 0


@pytest.mark.parametrize(
    ("counts", "least"),
    [
        ({"a": 1, "b": 1}, 0.5),
        ({"a": 2, "b": 1}, 0.67),
        ({"a": 7, "b": 93}, 0.93),
        ({"a": 999, "b": 1}, 0.99),
    ],
)
def test_the_least_accuracy_is_that_of_the_most_common_label(counts: dict[str, int], least: float) -> None:
    assert floor(counts) == least


def test_it_imports_no_model_library_and_is_quick(tmp_path: Path) -> None:
    folder = project(tmp_path)
    code = (
        "import sys; sys.argv = ['assay', 'init', 'data.csv', '--model', 'answers:words', '--force']\n"
        "import assay.cli\n"
        "try: assay.cli.main()\n"
        "except SystemExit: print([m for m in ('torch', 'pandas', 'sklearn') if m in sys.modules])"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
    # Processor time, so that a busy machine does not fail it.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2
