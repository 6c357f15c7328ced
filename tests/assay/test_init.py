"""``assay init``: what it writes loads, is checked by the audit and runs; it never overwrites; CI."""

import importlib.util
import json
import os
import resource
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.config import load_config
from assay.gate.checks import check_gate
from assay.init import files
from assay.init.checks import floor
from assay.init.ci_text import GATE, workflow
from assay.init.models import label_map
from assay.init.run import run_init
from assay.init.toml import key, quoted, table
from assay.plan import make_plan
from attacks.errors import AssayError
from robustness.data import load
from tests.assay.answering import MODULE, fitted_pipeline
from tests.assay.audits import write_csv
from tests.assay.processes import Done
from tests.robustness.tiny import tiny_dataset, tiny_folder

Assay = Callable[..., Done]
ROOT = Path(__file__).parents[2]


def project(folder: Path, *, model: str | None = None) -> Path:
    """A folder with data.csv; model: answers.py beside it, or none."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "data.csv", tiny_dataset(160, seed=5))
    (folder / "answers.py").write_text(MODULE, encoding="utf-8")
    return folder


def table_of(folder: Path) -> dict[str, object]:
    return tomllib.loads((folder / "assay.toml").read_text(encoding="utf-8"))


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


def uncommented(text: str, *starts: str) -> str:
    """``text`` with the comments that begin so taken as lines."""
    return "\n".join(
        line[2:] if line.startswith(tuple(f"# {start}" for start in starts)) else line
        for line in text.split("\n")
    )


def test_without_a_model_one_choice_is_to_be_taken(tmp_path: Path) -> None:
    folder = project(tmp_path)
    lines = run_init(folder / "data.csv", folder=folder)
    assert any("take one of the choices under [[candidates]]" in line for line in lines)
    with pytest.raises(AssayError, match="candidates"):
        load_config(folder / "assay.toml")
    text = (folder / "assay.toml").read_text(encoding="utf-8")
    (folder / "assay.toml").write_text(
        uncommented(text, "[[candidates]]", "name = ", 'model = "models/'), encoding="utf-8"
    )
    assert load_config(folder / "assay.toml").candidates[0].model == "models/sentiment"


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


def test_a_model_is_found_beside_the_data(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (folder / "models").mkdir()
    first, second = (tiny_folder(folder / "models", seed=seed) for seed in (0, 1))
    fitted_pipeline(folder / "words.joblib")
    run_init(folder / "data.csv", folder=folder)
    config = load_config(folder / "assay.toml")
    text = (folder / "assay.toml").read_text(encoding="utf-8")
    # Files of the folder itself come first, and a pickle is not opened unasked.
    assert config.candidates[0].model == str(folder / "words.joblib")
    assert not config.candidates[0].allow_pickle
    assert f'# model = "models/{first.name}"' in text
    assert f'# model = "models/{second.name}"' in text
    allowed = uncommented(text, "allow_pickle")
    (folder / "assay.toml").write_text(allowed, encoding="utf-8")
    assert make_plan(load_config(folder / "assay.toml"), ask=False).attacks


def test_an_encoder_is_fine_tuned_and_a_folder_without_a_model_refused(
    tmp_path: Path, random_model: Path
) -> None:
    folder = project(tmp_path / "p")
    (tmp_path / "encoder").mkdir()
    about = json.loads((random_model / "config.json").read_text(encoding="utf-8"))
    about["architectures"] = ["BertModel"]
    (tmp_path / "encoder" / "config.json").write_text(json.dumps(about), encoding="utf-8")
    run_init(folder / "data.csv", model=str(tmp_path / "encoder"), folder=folder)
    (candidate,) = load_config(folder / "assay.toml").candidates
    assert candidate.encoder == str(tmp_path / "encoder")
    assert candidate.train is not None
    with pytest.raises(AssayError, match=r"holds no readable config\.json"):
        run_init(folder / "data.csv", model=str(tmp_path), folder=folder, force=True)
    with pytest.raises(AssayError, match=r"there is no \./nowhere"):
        run_init(folder / "data.csv", model="./nowhere", folder=folder, force=True)


def test_an_endpoint_and_a_hub_name_load(tmp_path: Path) -> None:
    folder = project(tmp_path)
    run_init(folder / "data.csv", model="https://example.com/m", folder=folder, ci=True)
    (candidate,) = load_config(folder / "assay.toml").candidates
    assert (candidate.kind, candidate.labels) == ("endpoint", ["negative", "positive"])
    assert "assay[endpoint]" in (folder / ".github" / "workflows" / "assay.yml").read_text(encoding="utf-8")
    run_init(folder / "data.csv", model="org/sentiment", folder=folder, force=True)
    assert load_config(folder / "assay.toml").candidates[0].model == "org/sentiment"


@pytest.mark.parametrize(
    ("model", "data", "expected"),
    [
        (["neg", "pos"], ["neg", "pos"], ({}, True)),
        (["LABEL_0", "LABEL_1"], ["0", "1"], ({}, True)),
        (["NEG", "POS"], ["neg", "Pos "], ({"neg": "NEG", "Pos ": "POS"}, True)),
        (["neg", "pos"], ["0", "1"], ({"0": "neg", "1": "pos"}, False)),
        (["LABEL_0", "LABEL_1"], ["bad", "good"], ({"bad": "LABEL_0", "good": "LABEL_1"}, False)),
        (["LABEL_0", "LABEL_1", "LABEL_2"], ["bad", "good"], None),
        (["neg", "pos"], ["no", "yes"], None),
        (["neg", "pos"], ["1", "2"], None),
    ],
)
def test_labels_of_data_and_model_are_matched(
    model: list[str], data: list[str], expected: tuple[dict[str, str], bool] | None
) -> None:
    assert label_map(model, data) == expected


@pytest.mark.parametrize(
    ("labels", "of_model"),
    [
        (("0", "1"), ("negative", "positive")),
        (("0", "1"), ("LABEL_0", "LABEL_1")),
        (("0", "1"), ("LABEL_0", "LABEL_1", "LABEL_2")),
        (("negative", "positive"), ("LABEL_0", "LABEL_1")),
        (("negative", "positive"), ("Positive", "Neutral", "Negative")),
    ],
)
def test_the_plan_accepts_the_labels_that_it_wrote(
    tmp_path: Path, labels: tuple[str, str], of_model: tuple[str, ...]
) -> None:
    folder = project(tmp_path)
    text = (folder / "data.csv").read_text(encoding="utf-8")
    for ours, name in zip(labels, ("negative", "positive"), strict=True):
        text = text.replace(f",{name},", f",{ours},")
    (folder / "data.csv").write_text(text, encoding="utf-8")
    model = tiny_folder(tmp_path, labels=of_model)
    run_init(folder / "data.csv", model=str(model), folder=folder)
    plan = make_plan(load_config(folder / "assay.toml", {"device": "cpu"}), ask=False)
    assert len(plan.dataset.label_names) == len(of_model)


def test_nothing_is_overwritten_unless_forced(tmp_path: Path, assay: Assay) -> None:
    folder = project(tmp_path)
    (folder / "tests").mkdir()
    mine = folder / "tests" / "test_assay_gate.py"
    mine.write_text("mine", encoding="utf-8")
    before = sorted(folder.rglob("*"))
    words = ("init", str(folder / "data.csv"), "--model", "answers:words", "--folder", str(folder))
    done = assay(*words, "--ci")
    assert (done.code, sorted(folder.rglob("*")), mine.read_text(encoding="utf-8")) == (2, before, "mine")
    assert "test_assay_gate.py exists already, and nothing was written" in done.stderr
    forced = assay(*words, "--force")
    assert forced.code == 0
    assert mine.read_text(encoding="utf-8") == GATE
    spare = mine.with_name("test_assay_gate.py.bak")
    assert spare.read_text(encoding="utf-8") == "mine"
    assert f"Wrote {mine}; what was there is now {spare}" in forced.stdout
    mine.unlink()
    mine.mkdir()
    assert "found a folder" in assay(*words, "--force").stderr


def test_what_an_earlier_force_kept_is_kept_still(tmp_path: Path) -> None:
    file = tmp_path / "assay.toml"
    for text in ("first", "second", "second", "third"):
        files.write_files({file: text}, force=True)
    kept = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert kept == {"assay.toml": "third", "assay.toml.bak": "first", "assay.toml.bak1": "second"}


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


SCORES = """
def words(texts):
    return [[0.25, 0.75] if "good" in text else [0.75, 0.25] for text in texts]
"""


def test_a_function_that_gives_bare_scores_is_previewed_at_once(tmp_path: Path, assay: Assay) -> None:
    folder = project(tmp_path)
    (folder / "scores.py").write_text(SCORES, encoding="utf-8")
    done = assay("init", str(folder / "data.csv"), "--model", "scores:words", "--folder", str(folder))
    doubts = done.stdout.partition("Not sure:\n")[2]
    assert 'taken to be "negative", "positive", which must be the order of its scores.' in doubts
    assert load_config(folder / "assay.toml").candidates[0].labels == ["negative", "positive"]
    previewed = assay("audit", str(folder / "assay.toml"), "--preview")
    assert previewed.code == 0, previewed.stderr


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


def test_where_one_file_cannot_be_written_none_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = tmp_path / "old", tmp_path / "a" / "b" / "new"
    old.write_text("before", encoding="utf-8")
    move = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name == "new":
            raise OSError(28, "No space left on device", str(target))
        return move(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(AssayError, match=r"No space left on device.*so nothing was"):
        files.write_files({old: "after", new: "x"}, force=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["old"]
    assert old.read_text(encoding="utf-8") == "before"


def test_data_that_cannot_be_audited_leaves_nothing_behind(tmp_path: Path, assay: Assay) -> None:
    (tmp_path / "x.csv").write_text("text,label\na b c,pos\nd e f,pos\n", encoding="utf-8")
    done = assay("init", str(tmp_path / "x.csv"), "--folder", str(tmp_path / "new"), "--ci")
    assert (done.code, done.stdout) == (2, "")
    assert 'every row has the label "pos"' in done.stderr
    assert not (tmp_path / "new").exists()


HOSTILE = ['a "b"', "line\nbreak", "tab\there", "ключ", "#", "[gate]", "'''", "\\", "= 1", "\u202etxt", "a.b"]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_column_name_is_written_so_that_it_is_read_again(tmp_path: Path, name: str) -> None:
    import csv

    data = tiny_dataset(160)
    with (tmp_path / "data.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [[name, f"{name} label", f"{name} gender", f"{name} kind", f"{name} text"]]
            + [
                [text, data.label_names[label], gender, domain, f"{text} {text}"]
                for text, label, gender, domain in zip(
                    data.texts, data.labels, data.groups["gender"], data.groups["domain"], strict=True
                )
            ]
        )
    run_init(tmp_path / "data.csv", text=name, label=f"{name} label", model="answers:words", folder=tmp_path)
    config = load_config(tmp_path / "assay.toml")
    assert config.data.groups == [f"{name} gender"]
    assert len(load(**config.data.load_arguments)) == 160
    assert {check.group for check in config.gate} == {None, f"{name} gender"}


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_every_string_survives_toml(text: str) -> None:
    line = f"{key(text)} = {quoted(text)}\nt = {table([(text, text)])}  # {quoted(text)}\n"
    assert "\n" not in quoted(text)
    if text != "t":
        assert tomllib.loads(line) == {text: text, "t": {text: text}}


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
