"""``assay gate`` and ``assay baseline set``: every option, what is said, and what is refused."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.main import get_command
from typer.testing import CliRunner

from assay import cli
from assay.audit import run_audit
from assay.cli import app
from assay.config import load_config
from assay.progress import Reporter
from assay.saved_runs import open_run
from attacks.errors import AssayError
from reports.model import AuditReport
from tests.assay.answering import MODULE
from tests.assay.audits import write_config, write_csv
from tests.assay.gate.saved import assessed, wronged
from tests.assay.prediction_files import rows
from tests.assay.processes import Done
from tests.robustness.tiny import tiny_dataset

Assay = Callable[..., Done]

FLOOR = '[[gate]]\nmetric = "accuracy"\nmin = 0.5\n'
CEILING = '[[gate]]\nmetric = "accuracy"\nmin = 0.99\n'
FALL = '[[gate]]\nmetric = "accuracy"\nmax_drop = 0.02\n'


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on 400 examples without checks of its own."""
    return assessed(tmp_path_factory.mktemp("runs"), "before")


@pytest.fixture(scope="module")
def after(before: Path) -> Path:
    """A run on the same examples with 40 more wrong answers."""
    return assessed(before.parent, "after", wronged(rows(), 40))


@pytest.fixture
def gate_file(tmp_path: Path) -> Callable[[str], str]:
    def written(toml: str) -> str:
        (tmp_path / "gate.toml").write_text(toml, encoding="utf-8")
        return str(tmp_path / "gate.toml")

    return written


File = Callable[[str], str]


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_no_help_loses_a_word_in_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Help is markup to the library that draws it, to which ``[gating]`` is a style and no word."""
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("TERMINAL_WIDTH", "400")
    ways: list[tuple[list[str], Any]] = [([], get_command(app))]
    bracketed = []
    while ways:
        way, command = ways.pop()
        ways += [([*way, name], each) for name, each in getattr(command, "commands", {}).items()]
        shown = "".join(CliRunner().invoke(app, [*way, "--help"]).stdout.split())
        for text in [command.help or "", *(getattr(each, "help", None) or "" for each in command.params)]:
            for word in re.findall(r"\S*\[[^\s\]]*\]+", text.replace("\\[", "[")):
                bracketed.append(word)
                assert word in shown, (way, word)
    assert {"[[gate]]", "[gating]"} <= {word.strip("().,") for word in bracketed}


def test_a_baseline_or_a_run_that_is_a_file_is_told_in_words(
    assay: Assay, before: Path, after: Path, gate_file: File, tmp_path: Path
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no run", encoding="utf-8")
    told = f"{file}: expected the folder of a run, or the audit.json in it, got another file."
    config = gate_file(FALL)
    for done in (
        assay("gate", str(after), "--config", config, "--baseline", str(file)),
        assay("gate", str(file), "--config", config),
        assay("report", str(file)),
        assay("compare", str(before), str(file)),
    ):
        assert done.code == 2
        assert told in done.stderr
        assert "Errno" not in done.stderr
    inside = assay("report", str(file / "run"))
    assert (inside.code, "Errno" in inside.stderr) == (2, False)
    written = assay("gate", str(after), "--config", config, "--junit", str(tmp_path / "no" / "x.xml"))
    assert written.code == 2
    assert f"there is no folder {tmp_path / 'no'}" in written.stderr
    assert "ledger" not in written.stderr


def test_predictions_are_gated_by_a_file_of_checks_alone(assay: Assay, before: Path, gate_file: File) -> None:
    there = files_of(before)
    passed = assay("gate", str(before), "--config", gate_file(FLOOR))
    assert (passed.code, passed.stderr) == (0, "")
    assert passed.stdout.splitlines()[-1] == "passed: 1 check"
    failed = assay("gate", str(before), "--config", gate_file(FLOOR + CEILING))
    assert failed.code == 1
    first, words, *_ = failed.stdout.splitlines()
    assert first.split() == ["passed", "before", "accuracy"]
    assert "is within the limits: at least 50.0 %" in words
    assert "is below the required 99.0 %" in failed.stdout
    assert failed.stdout.splitlines()[-1] == "failed: 1 of 2 checks"
    assert files_of(before) == there


def test_a_whole_assay_toml_gives_its_checks_and_nothing_else(
    assay: Assay, before: Path, gate_file: File
) -> None:
    whole = f'name = "x"\n[data]\npath = "nowhere.csv"\n[[candidates]]\nname = "a"\nmodel = "b"\n{CEILING}'
    assert assay("gate", str(before), "--config", gate_file(whole)).code == 1


def test_the_file_audit_json_stands_for_its_run(assay: Assay, before: Path, gate_file: File) -> None:
    assert assay("gate", str(before / "audit.json"), "--config", gate_file(FLOOR)).code == 0


def test_a_baseline_is_named_by_the_option(assay: Assay, before: Path, after: Path, gate_file: File) -> None:
    done = assay("gate", str(after), "--config", gate_file(FALL), "--baseline", str(before))
    assert done.code == 1
    assert "Baseline: before of " in done.stdout
    assert "400 examples, of which 400 are shared" in done.stdout
    assert "fell by 10.0 points" in done.stdout
    assert "no drop of more than 2.0 points is allowed" in done.stdout
    assert "one-sided exact McNemar test on 400 shared examples, p < 0.001" in done.stdout
    back = assay("gate", str(before), "--config", gate_file(FALL), "--baseline", str(after))
    assert back.code == 0
    assert "rose by 10.0 points" in back.stdout


def test_a_baseline_is_named_by_the_file_relative_to_its_folder(
    assay: Assay, after: Path, before: Path, gate_file: File, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kept").symlink_to(before)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    file = gate_file('[gating]\nbaseline = "kept"\n' + FALL)
    assert "fell by 10.0 points" in assay("gate", str(after), "--config", file).stdout
    # A name on the command line is relative to where one is, and goes before the file's.
    assert assay("gate", str(after), "--config", file, "--baseline", "kept").code == 2


def test_the_settings_of_gating_decide(assay: Assay, before: Path, after: Path, gate_file: File) -> None:
    lenient = "[gating]\nsmallest_difference = 0.2\n" + FALL
    done = assay("gate", str(after), "--config", gate_file(lenient), "--baseline", str(before))
    assert done.code == 0
    assert "no drop of more than 20.0 points is allowed, the smallest difference that counts" in done.stdout


def test_without_a_baseline_the_check_fails_and_says_what_to_do(
    assay: Assay, after: Path, gate_file: File, tmp_path: Path
) -> None:
    nowhere = assay("gate", str(after), "--config", gate_file(FALL))
    assert nowhere.code == 1
    assert (
        "not measured: there is no baseline: name its folder with baseline = ... in [gating]"
        in nowhere.stdout
    )
    missing = assay("gate", str(after), "--config", gate_file('[gating]\nbaseline = "b"\n' + FALL))
    assert missing.code == 1
    assert (
        f"there is no baseline at {tmp_path / 'b'}; keep one with `assay baseline set RUN`" in missing.stdout
    )


def test_a_baseline_on_other_data_is_compared_as_another_sample(
    assay: Assay, after: Path, gate_file: File, tmp_path: Path
) -> None:
    other = assessed(tmp_path, "other", rows()[:100])
    done = assay("gate", str(after), "--config", gate_file(FALL), "--baseline", str(other))
    assert done.code in (0, 1)
    assert "100 examples, none of which is known to be shared" in done.stdout
    assert "one-sided test of two samples on other examples (none known to be shared)" in done.stdout
    assert "McNemar" not in done.stdout


def test_junit_xml_is_written_for_the_gate_that_was_decided(
    assay: Assay, before: Path, gate_file: File, tmp_path: Path
) -> None:
    file = tmp_path / "gate.xml"
    done = assay("gate", str(before), "--config", gate_file(FLOOR + CEILING), "--junit", str(file))
    assert done.code == 1
    root = ET.parse(file).getroot()
    cases = list(root.iter("testcase"))
    assert len(cases) == 2
    assert [len(case.findall("failure")) for case in cases] == [0, 1]
    folder = assay("gate", str(before), "--config", gate_file(FLOOR), "--junit", str(tmp_path))
    assert folder.code == 2


# Checks that the run was configured with.


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an audit with checks of its own is configured."""
    folder = tmp_path_factory.mktemp("audit")
    write_csv(folder / "data.csv", tiny_dataset(60, seed=5))
    (folder / "my_model.py").write_text(MODULE, encoding="utf-8")
    return folder


def audited(folder: Path, name: str, rest: str) -> AuditReport:
    """The audit ``name`` of a model that only answers."""
    own = '[[candidates]]\nname = "own"\nmodel = "my_model:words"\n'
    quick = "[fairness]\nn_boot = 10\n[validity]\nexamples = 0\n"
    config = load_config(write_config(folder, own, rest=rest + quick, name=f"{name}.toml"))
    return run_audit(config, Reporter(Console(file=io.StringIO())))


@pytest.fixture(scope="module")
def first(folder: Path) -> AuditReport:
    """The first audit, whose baseline is not there yet."""
    return audited(folder, "first", FLOOR + FALL + '[gating]\nbaseline = "kept"\n')


def test_the_first_audit_is_possible_without_its_baseline(first: AuditReport, folder: Path) -> None:
    floor, fall = first.gate.checks
    assert floor.passed
    assert not fall.passed
    assert f"there is no baseline at {folder / 'kept'}" in fall.message
    assert first.gate.baseline is None
    assert first.verdict.state == "do not ship"


def test_an_audit_is_decided_against_the_baseline_that_was_kept(
    assay: Assay, first: AuditReport, folder: Path
) -> None:
    run = folder / "runs" / "first"
    kept = assay("baseline", "set", str(run))
    assert kept.code == 0
    assert f"as the baseline in {folder / 'kept'}: audit.json " in kept.stdout
    assert "Commit the folder" in kept.stdout

    second = audited(folder, "second", FLOOR + FALL + '[gating]\nbaseline = "kept"\n')
    assert second.gate.passed
    assert second.gate.baseline is not None
    assert second.gate.baseline.name == "first"
    assert second.gate.baseline.shared == second.gate.baseline.n == second.data.n
    fall = second.gate.checks[1]
    assert fall.change is not None
    assert (fall.change.value, fall.p_value) == (0.0, 1.0)
    assert open_run(folder / "runs" / "second").report.gate == second.gate

    again = assay("gate", str(folder / "runs" / "second"))
    assert again.code == 0
    assert again.stdout.splitlines()[-1] == "passed: 2 checks"
    # The first run is decided anew with the checks and the baseline of its own configuration.
    assert assay("gate", str(run)).code == 0


def test_a_damaged_baseline_or_the_run_itself_is_refused_before_the_audit(
    folder: Path, first: AuditReport
) -> None:
    (folder / "broken").mkdir()
    (folder / "broken" / "audit.json").write_text('{"schema_version": 2,')
    with pytest.raises(AssayError, match=r"broken.audit\.json: expected JSON"):
        audited(folder, "third", FLOOR + '[gating]\nbaseline = "broken"\n')
    with pytest.raises(AssayError, match=r"gating\.baseline: .* is the run folder"):
        audited(folder, "third", FLOOR + '[gating]\nbaseline = "runs/third"\n')
    assert not (folder / "runs" / "third").exists()


# assay baseline set


def test_a_baseline_is_kept_where_the_option_says_and_replaced(
    assay: Assay, before: Path, after: Path, tmp_path: Path
) -> None:
    new = assay("baseline", "set", str(before), "--to", str(tmp_path / "kept"))
    assert (new.code, new.stderr) == (0, "")
    assert new.stdout.startswith(f"Kept before as the baseline in {tmp_path / 'kept'}: audit.json ")
    assert "outcomes.parquet " in new.stdout
    assert "no texts" in new.stdout
    assert f'baseline = "{tmp_path / "kept"}" below [gating]' in new.stdout
    replaced = assay("baseline", "set", str(after), "--to", str(tmp_path / "kept"))
    assert replaced.stdout.startswith("Replaced the baseline before of ")
    assert open_run(tmp_path / "kept").report == open_run(after).report


def test_a_baseline_is_kept_here_where_no_configuration_names_one(
    assay: Assay, before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert assay("baseline", "set", str(before)).code == 0
    assert sorted(path.name for path in (tmp_path / "baseline").iterdir()) == [
        "audit.json",
        "outcomes.parquet",
    ]


# What is refused, always with exit code 2 and one message.


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("", ["expected [[gate]] tables, got none"]),
        ("gate = []\n", ["expected [[gate]] tables, got none"]),
        ("[[gate]]\n", ["gate.0.metric: missing"]),
        ('[[gate]]\nmetric = "accuracy"\n', ["expected min, max, max_drop or max_rise"]),
        ("[[gates]]\nmin = 1\n", ['unknown key "gates"', 'Did you mean "gate"?']),
        ('[[gate]]\nmetrik = "accuracy"\nmin = 0.5\n', ['unknown key "gate.0.metrik"', 'mean "metric"?']),
        (FLOOR + "[gating]\nbase_line = 'x'\n", ['unknown key "gating.base_line"', 'mean "baseline"?']),
        (FLOOR.replace("accuracy", "acuracy"), ['no metric "acuracy"', 'mean "accuracy"?', "first [[gate]]"]),
        (FLOOR + FALL.replace("0.02", "2"), ["gate.1.max_drop", "Did you mean 0.02?", "the second [[gate]]"]),
        (FALL.replace("0.02", "-0.1"), ["gate.0.max_drop: expected greater than or equal to 0, got -0.1"]),
        (FALL.replace("0.02", '"2 points"'), ['gate.0.max_drop: expected a number, got "2 points"']),
        (FLOOR + 'decide = "sure"\n', ["gate.0.decide: expected 'estimate'", 'got "sure"']),
        (
            FLOOR + "[gating]\nsmallest_difference = 1.5\n",
            ["smallest_difference: expected less than 1"],
        ),
        (
            FLOOR + "[gating]\nfalse_discovery_rate = 0\n",
            ["discovery_rate: expected greater than 0"],
        ),
        (FLOOR + "[gating]\nbaseline = 3\n", ["gating.baseline: expected a path, got 3"]),
        (
            '[[gate]]\nmetric = "accuracy"\ncandidate = "plain"\nmin = 0.5\n',
            ['no candidate "plain"', "before"],
        ),
        ('[[gate]]\nmetric = "accuracy[toxic]"\nmin = 0.5\n', ['expected "accuracy" for these data']),
        ("[[gate]\n", ["not valid TOML"]),
        (
            '[[gate]]\nmetric = "accuracy_under_attack"\nattack = "fgsm"\nmin = 0.5\n',
            ['gate.0.attack: the run has no attack "fgsm"', "There are: none", "the first [[gate]]"],
        ),
        (
            '[[gate]]\nmetric = "failure_rate"\nbehaviour = "typos"\nmax = 0.5\n',
            ['gate.0.behaviour: the run has no behaviour "typos"'],
        ),
        (
            '[[gate]]\nmetric = "accuracy"\ngroup = "gendre"\nvalue = "m"\nmin = 0.5\n',
            ['gate.0.group: the run has no group "gendre"', 'Did you mean "gender"?'],
        ),
        (
            FLOOR + '[[gate]]\nmetric = "tpr"\ngroup = "gender"\nvalue = "womann"\nmin = 0.5\n',
            ['gate.1.value: no audited example has gender = "womann"', "There are: "],
        ),
    ],
)
def test_checks_that_cannot_be_decided_are_refused(
    assay: Assay, before: Path, gate_file: File, toml: str, words: list[str]
) -> None:
    done = assay("gate", str(before), "--config", gate_file(toml))
    assert (done.code, done.stdout) == (2, "")
    assert [word for word in words if word not in done.stderr] == [], done.stderr
    assert "gate.toml" in done.stderr or "candidate" in done.stderr


def test_what_the_run_did_not_measure_fails(assay: Assay, before: Path, gate_file: File) -> None:
    done = assay("gate", str(before), "--config", gate_file('[[gate]]\nmetric = "flip_rate"\nmax = 1.0\n'))
    assert done.code == 1
    assert "not measured: no identity was swapped" in done.stdout


@pytest.mark.parametrize(
    "name",
    ["run/audit.json", "run/outcomes.parquet", "run/report.html", "kept/audit.json", "gate.toml", "link"],
)
def test_junit_xml_replaces_nothing_that_is_read_or_of_a_run(
    assay: Assay, before: Path, gate_file: File, tmp_path: Path, name: str
) -> None:
    config = gate_file(FLOOR)
    shutil.copytree(before, tmp_path / "run")
    assay("baseline", "set", str(before), "--to", str(tmp_path / "kept"))
    (tmp_path / "link").symlink_to(tmp_path / "run" / "audit.json")
    there = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    options = ("--config", config, "--baseline", str(tmp_path / "kept"), "--junit", str(tmp_path / name))
    done = assay("gate", str(tmp_path / "run"), *options)
    assert (done.code, done.stdout) == (2, "")
    assert f"{tmp_path / name}: this file is read here or belongs to a run" in done.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == there


def test_the_junit_xml_of_the_run_and_any_other_may_be_written_again(
    assay: Assay, before: Path, gate_file: File, tmp_path: Path
) -> None:
    shutil.copytree(before, tmp_path / "run")
    for name in ("run/junit.xml", "gate.xml"):
        for _ in range(2):
            config = gate_file(FLOOR)
            done = assay("gate", str(tmp_path / "run"), "--config", config, "--junit", str(tmp_path / name))
            assert (done.code, done.stderr) == (0, "")
        assert len(list(ET.parse(tmp_path / name).iter("testcase"))) == 1


def test_a_run_that_is_none_is_refused(assay: Assay, before: Path, gate_file: File, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("text")
    for run in ("nowhere", "empty", "file"):
        for command in (("gate",), ("baseline", "set")):
            done = assay(*command, str(tmp_path / run))
            assert (done.code, done.stdout) == (2, ""), run
            assert done.stderr.startswith(f"assay: {tmp_path / run}"), done.stderr
    cut = tmp_path / "cut"
    cut.mkdir()
    whole = (before / "audit.json").read_text()
    (cut / "audit.json").write_text(whole[: len(whole) // 2])
    done = assay("gate", str(cut), "--config", gate_file(FLOOR))
    assert done.code == 2
    assert f"{cut / 'audit.json'}: expected JSON" in done.stderr


def test_a_run_without_checks_of_its_own_needs_a_file(assay: Assay, before: Path) -> None:
    done = assay("gate", str(before))
    assert done.code == 2
    assert "the run was configured without checks" in done.stderr
    assert "--config FILE" in done.stderr


def test_a_configuration_in_audit_json_that_was_changed_by_hand_is_refused(
    assay: Assay, before: Path, tmp_path: Path
) -> None:
    document = json.loads((before / "audit.json").read_text())
    document["provenance"]["config"]["gate"] = [{"metric": 3, "min": 0.5}]
    (tmp_path / "audit.json").write_text(json.dumps(document))
    done = assay("gate", str(tmp_path))
    assert done.code == 2
    assert "audit.json: provenance.config: gate.0.metric: expected a string, got 3" in done.stderr


def test_a_baseline_on_the_command_line_must_be_there(
    assay: Assay, before: Path, gate_file: File, tmp_path: Path
) -> None:
    none = assay("gate", str(before), "--config", gate_file(FALL), "--baseline", str(tmp_path / "kept"))
    assert none.code == 2
    assert "--baseline: " in none.stderr
    assert "no such folder" in none.stderr
    same = assay("gate", str(before), "--config", gate_file(FALL), "--baseline", str(before))
    assert same.code == 2
    assert "the baseline is the run itself" in same.stderr


def test_a_file_of_checks_must_be_there(assay: Assay, before: Path, tmp_path: Path) -> None:
    done = assay("gate", str(before), "--config", str(tmp_path / "gate.toml"))
    assert done.code == 2
    assert "gate.toml: no such configuration file" in done.stderr
    assert assay("gate", str(before), "--config", str(tmp_path)).code == 2


def test_a_run_of_an_earlier_version_is_gated_but_is_no_baseline(
    assay: Assay, before: Path, after: Path, gate_file: File, tmp_path: Path
) -> None:
    (tmp_path / "audit.json").write_text((before / "audit.json").read_text())
    assert assay("gate", str(tmp_path), "--config", gate_file(FLOOR)).code == 0
    compared = assay("gate", str(after), "--config", gate_file(FALL), "--baseline", str(tmp_path))
    assert compared.code == 1
    assert "none of which is known to be shared" in compared.stdout
    kept = assay("baseline", "set", str(tmp_path), "--to", str(tmp_path / "kept"))
    assert kept.code == 2
    assert "there is no outcomes.parquet" in kept.stderr


def test_the_whole_command_loads_no_model_library(before: Path, gate_file: File) -> None:
    code = """
import sys
sys.argv = ["assay", "gate", *sys.argv[1:]]
import assay.cli
try: assay.cli.main()
except SystemExit as stop: code = stop.code
heavy = ("torch", "transformers", "textattack", "datasets", "altair")
print("exit", code, [each for each in heavy if each in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(before), "--config", gate_file(CEILING)],
        capture_output=True,
        text=True,
        cwd=before,
        env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])},
        timeout=60,
    )
    assert done.stdout.splitlines()[-1] == "exit 1 []", done.stdout + done.stderr


@pytest.mark.parametrize(
    ("command", "options"),
    [(("gate",), ("--config", "--baseline", "--junit")), (("baseline", "set"), ("--to",))],
)
def test_the_help_names_every_option(
    assay: Assay, command: tuple[str, ...], options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    done = assay(*command, "--help")
    assert done.code == 0
    assert [option for option in options if option not in done.stdout] == []
