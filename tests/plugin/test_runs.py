"""pytest with an assay.toml: one test for each option, and for what goes wrong."""

import json
import os
import re
import shutil
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from assay import audit, report_files
from assay.config import load_config
from assay.plugin.checks import planned
from assay.saved_runs import open_run
from attacks.errors import AssayError
from tests.plugin.projects import FAILS, PASSES, UNDER_ATTACK, candidates, node_ids, write_project

pytest_plugins = ["pytester"]

IDS = [
    "assay.toml::accuracy[own]",
    "assay.toml::accuracy[other]",
    "assay.toml::accuracy_under_attack[homoglyphs-1][own]",
    "assay.toml::accuracy_under_attack[homoglyphs-2][own]",
    "assay.toml::accuracy_under_attack[homoglyphs-1][other]",
    "assay.toml::accuracy_under_attack[homoglyphs-2][other]",
    "assay.toml::macro_f1[own]",
]
ANOTHER = "def test_another():\n    pass\n"


def run(pytester: pytest.Pytester, *arguments: object) -> tuple[pytest.RunResult, str]:
    # The pytest around has imported assay, which is never so otherwise.
    options = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    options += ["-p", "no:hypothesispytest"]  # it takes a second at the end of each run
    done = pytester.runpytest_inprocess(*map(str, arguments), *options)
    return done, str(done.stdout) + str(done.stderr)


@pytest.fixture
def no_audit(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Audits end at once with an error; returns the names of those that were begun."""
    begun: list[str] = []

    def refuse(config, reporter):  # type: ignore[no-untyped-def]
        begun.append(config.name)
        raise AssayError("begun anew")

    monkeypatch.setattr(audit, "run_audit", refuse)
    return begun


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that would be written anew is not: drawing its charts takes a second."""
    monkeypatch.setattr(report_files, "write_report", lambda report, run: None)


# Tests of the checks.


def test_each_check_is_a_test_that_says_what_failed_and_where_the_report_is(
    pytester: pytest.Pytester, audited: Path, no_audit: list[str]
) -> None:
    done, told = run(pytester, audited / "assay.toml", "-v", f"--rootdir={audited}")
    done.assert_outcomes(passed=6, failed=1)
    assert done.ret == 1
    assert no_audit == []
    for id_ in IDS:
        assert re.search(rf"{re.escape(id_)} {'FAILED' if 'macro' in id_ else 'PASSED'}", told)
    report = audited / "runs" / "assay" / "report.html"
    (check,) = [each for each in open_run(report.parent).report.gate.checks if not each.passed]
    for line in (
        check.message,
        "check: macro_f1, candidate own",
        "required: at most 0.200",
        "observed: 1.000 (1.000 to 1.000), n 40",
        f"report: {os.path.relpath(report, pytester.path)}#gate ({report.as_uri()}#gate)",
        f"assay: do not ship. 1 of 7 checks of the gate does not hold. Report: {report}",
    ):
        assert line in told.splitlines(), line
    assert "Traceback" not in told
    assert "collecting.py" not in told
    assert f"macro_f1[own] - Failed: {check.message}"[:40] in told  # in the short summary
    assert report.read_text(encoding="utf-8").count('id="gate"') == 1


def test_collected_checks_are_those_that_the_gate_decides(audited: Path) -> None:
    checks = open_run(audited / "runs" / "assay").report.gate.checks
    collected = planned(load_config(audited / "assay.toml"))
    assert [f"assay.toml::{each.id}" for each in collected] == IDS
    told = [(check.metric, check.candidate, *re.findall(r"at most (\d)", check.name)) for check in checks]
    assert told == [
        (each.check.metric, each.candidate, *re.findall(r"homoglyphs-(\d)", each.id)) for each in collected
    ]


def test_collect_only_names_the_checks_and_runs_nothing(
    pytester: pytest.Pytester, no_audit: list[str]
) -> None:
    file = write_project(pytester.path, PASSES + FAILS)
    done, told = run(pytester, file, "--collect-only", "-q")
    assert done.ret == 0
    assert node_ids(told) == [IDS[0], IDS[1], IDS[6]]
    assert no_audit == []
    assert not (pytester.path / "runs").exists()


@pytest.mark.parametrize(
    ("options", "passed", "failed"),
    [
        (["-k", "other and not under_attack"], 1, 0),
        (["-k", "homoglyphs-2"], 2, 0),
        (["-m", "assay"], 6, 1),
        (["-m", "not assay"], 0, 0),
        (["--deselect", "assay.toml::macro_f1"], 6, 0),
    ],
)
def test_checks_are_selected_as_other_tests_are(
    options: list[str], passed: int, failed: int, pytester: pytest.Pytester, audited: Path
) -> None:
    done, _ = run(pytester, audited / "assay.toml", *options, f"--rootdir={audited}")
    done.assert_outcomes(passed=passed, failed=failed, deselected=7 - passed - failed)


@pytest.mark.parametrize(
    ("name", "passed"), [("accuracy[own]", 1), ("accuracy", 2), (IDS[3].partition("::")[2], 1)]
)
def test_a_node_id_selects_its_check(
    name: str, passed: int, pytester: pytest.Pytester, audited: Path
) -> None:
    done, _ = run(pytester, f"{audited}/assay.toml::{name}")
    done.assert_outcomes(passed=passed)
    assert run(pytester, f"{audited}/assay.toml::no_such")[0].ret == pytest.ExitCode.USAGE_ERROR


def test_last_failed_runs_the_failed_checks_alone(pytester: pytest.Pytester, audited: Path) -> None:
    for options, outcomes in (([], {"passed": 6, "failed": 1}), (["--lf"], {"failed": 1})):
        where = [f"--rootdir={audited}", "-o", f"cache_dir={pytester.path}/cache"]
        done, _ = run(pytester, audited / "assay.toml", *where, *options)
        assert {kind: n for kind, n in done.parseoutcomes().items() if kind in ("passed", "failed")} == (
            outcomes
        )


def test_junit_xml_carries_the_numbers_of_each_check(pytester: pytest.Pytester, audited: Path) -> None:
    run(pytester, audited / "assay.toml", f"--junitxml={pytester.path}/junit.xml")
    cases = {case.get("name"): case for case in ET.parse(pytester.path / "junit.xml").iter("testcase")}
    assert list(cases) == [id_.partition("::")[2] for id_ in IDS]
    found = {each.get("name"): each.get("value") for each in cases["macro_f1[own]"].iter("property")}
    assert found == {
        "metric": "macro_f1",
        "candidate": "own",
        "subject": "macro_f1",
        "observed": "1.0",
        "observed_low": "1.0",
        "observed_high": "1.0",
        "n": "40",
        "max": "0.2",
    }
    (failure,) = cases["macro_f1[own]"].iter("failure")
    assert "#gate" in (failure.text or "")
    assert not list(cases["accuracy[own]"].iter("failure"))


def test_quiet_output_is_dots_and_one_line_about_the_verdict(
    pytester: pytest.Pytester, audited: Path, no_report: None
) -> None:
    (audited / "assay.toml").write_text((audited / "assay.toml").read_text().replace(FAILS, ""))
    _, told = run(pytester, audited / "assay.toml", "-q")
    dots, verdict, count = [line for line in told.splitlines() if line]
    assert dots.startswith("......")
    assert verdict.startswith("assay: ship")
    assert re.fullmatch(r"6 passed in .*s", count)


# Where the configuration comes from.


def test_with_the_option_checks_stand_beside_other_tests(pytester: pytest.Pytester, audited: Path) -> None:
    pytester.makepyfile(test_beside=ANOTHER)
    done, _ = run(pytester, "--assay", audited / "assay.toml")
    done.assert_outcomes(passed=7, failed=1)
    done, _ = run(pytester, "test_beside.py", "--assay", audited / "assay.toml")
    done.assert_outcomes(passed=7, failed=1)


@pytest.mark.parametrize(
    "arguments", [(".",), ("assay.toml",), (".", "assay.toml"), ("--assay", "assay.toml"), ()]
)
def test_a_configuration_that_is_named_twice_is_tested_once(
    arguments: tuple[str, ...], pytester: pytest.Pytester
) -> None:
    write_project(pytester.path, PASSES)
    done, told = run(pytester, *arguments, "--assay", "assay.toml", "--collect-only", "-q")
    assert done.ret == 0
    assert node_ids(told) == IDS[:2]


def test_what_the_ini_file_names_is_tested_with_the_whole_suite_and_with_its_folder(
    pytester: pytest.Pytester, audited: Path
) -> None:
    pytester.makepyfile(test_beside=ANOTHER)
    pytester.makeini(f"[pytest]\nassay = {os.path.relpath(audited, pytester.path)}/assay.toml\n")
    run(pytester)[0].assert_outcomes(passed=7, failed=1)
    run(pytester, "test_beside.py")[0].assert_outcomes(passed=1)
    run(pytester, ".")[0].assert_outcomes(passed=1)
    run(pytester, ".", audited)[0].assert_outcomes(passed=7, failed=1)


def test_a_configuration_of_another_name_is_told_from_other_toml_files(pytester: pytest.Pytester) -> None:
    file = write_project(pytester.path, PASSES)
    small = file.rename(file.with_name("small.toml"))
    assert node_ids(run(pytester, small, "--collect-only", "-q")[1].replace("small", "assay")) == IDS[:2]
    other = pytester.path / "other.toml"
    other.write_text("[tool]\nname = 1\n")
    done, told = run(pytester, other)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "assay" not in told.partition("rootdir")[2].partition("\n")[2].partition("plugins")[0]


def test_a_configuration_that_no_folder_leads_to_is_no_silent_pass(pytester: pytest.Pytester) -> None:
    write_project(pytester.path / "build", PASSES)
    pytester.makepyfile(test_beside=ANOTHER)
    done, told = run(pytester, "--assay", "build/assay.toml")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "build/assay.toml was not collected" in told


# What is wrong with it.


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[data\n", "not valid TOML"),
        ("[data]\npath = 'd.csv'\n", "candidates"),
        (None, 'there is no metric "acuracy". Did you mean "accuracy"?'),
    ],
)
def test_a_mistake_in_the_configuration_is_a_collection_error(
    text: str | None, words: str, pytester: pytest.Pytester, no_audit: list[str]
) -> None:
    file = write_project(pytester.path, PASSES.replace("accuracy", "acuracy"))
    if text is not None:
        file.write_text(text)
    pytester.makepyfile(test_beside=ANOTHER)
    done, told = run(pytester, "--assay", "assay.toml")
    assert done.ret == pytest.ExitCode.INTERRUPTED == 2
    done.assert_outcomes(errors=1)
    assert words in told
    assert str(file) in told
    assert "Traceback" not in told
    assert "site-packages" not in told
    assert no_audit == []


def test_a_configuration_without_checks_is_an_error_where_it_is_all_that_is_tested(
    pytester: pytest.Pytester, no_audit: list[str]
) -> None:
    write_project(pytester.path, "")
    done, told = run(pytester, "assay.toml")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    assert "it has no [[gate]], so there is nothing to test" in told
    pytester.makepyfile(test_beside=ANOTHER)
    done, told = run(pytester, "--assay", "assay.toml")
    done.assert_outcomes(passed=1, warnings=1)
    assert "it has no [[gate]]" in told
    assert no_audit == []


def test_a_file_that_is_not_there_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_beside=ANOTHER)
    done, told = run(pytester, "--assay", "asay.toml")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert f"there is no file {pytester.path}/asay.toml" in told


def test_an_audit_that_ends_with_an_error_is_begun_once_and_is_the_error_of_every_check(
    pytester: pytest.Pytester, no_audit: list[str]
) -> None:
    write_project(pytester.path, PASSES + FAILS)
    done, told = run(pytester, "assay.toml")
    done.assert_outcomes(errors=3)
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert no_audit == ["assay"]
    assert told.count("assay.toml: begun anew") >= 3
    assert "Traceback" not in told
    assert "audits.py" not in told


def test_a_defect_says_so_and_how_to_see_more(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(config, reporter):  # type: ignore[no-untyped-def]
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(audit, "run_audit", break_down)
    write_project(pytester.path, PASSES)
    done, told = run(pytester, "assay.toml")
    done.assert_outcomes(errors=2)
    assert "internal error: ZeroDivisionError: by zero" in told
    assert f"assay --debug audit {pytester.path}/assay.toml" in told


def test_mistakes_that_only_the_data_show_are_errors_of_the_checks(pytester: pytest.Pytester) -> None:
    write_project(pytester.path, PASSES)
    (pytester.path / "data.csv").unlink()
    done, told = run(pytester, "assay.toml")
    done.assert_outcomes(errors=2)
    assert "data.csv" in told
    assert "Traceback" not in told


def test_without_the_plugin_there_is_neither_its_option_nor_its_files(pytester: pytest.Pytester) -> None:
    write_project(pytester.path, PASSES)
    done, told = run(pytester, "-p", "no:assay", "--assay", "assay.toml")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "unrecognized arguments: --assay" in told


# When an audit is taken as it is.


def test_an_audit_that_is_missing_is_made_and_taken_as_it_is_the_next_time(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(pytester.path, PASSES + FAILS)
    first, told = run(pytester, "assay.toml")
    first.assert_outcomes(passed=2, failed=1)
    assert f"auditing {pytester.path}/assay.toml" in told
    monkeypatch.setattr(audit, "run_audit", None)
    second, told = run(pytester, "assay.toml")
    second.assert_outcomes(passed=2, failed=1)
    assert "auditing" not in told
    assert "auditing" not in run(pytester, "assay.toml", "-q")[1]


def test_a_changed_limit_is_decided_anew_without_an_audit_and_the_report_says_the_same(
    pytester: pytest.Pytester, audited: Path, no_audit: list[str]
) -> None:
    file, folder = audited / "assay.toml", audited / "runs" / "assay"
    file.write_text(file.read_text().replace("max = 0.2", "min = 0.25"))
    page = (folder / "report.html").read_text(encoding="utf-8")
    done, told = run(pytester, file)
    done.assert_outcomes(passed=7)
    assert no_audit == []
    saved = open_run(folder).report
    assert saved.gate.passed
    assert saved.verdict.state in ("ship", "ship with care")
    assert f"assay: {saved.verdict.state}. " in told
    assert saved.provenance.config["gate"][-1]["min"] == 0.25
    assert (folder / "report.html").read_text(encoding="utf-8") != page
    written = (folder / "audit.json").stat().st_mtime_ns
    run(pytester, file)[0].assert_outcomes(passed=7)
    assert (folder / "audit.json").stat().st_mtime_ns == written


def test_a_baseline_is_read_when_the_gate_is_decided(
    pytester: pytest.Pytester, audited: Path, no_audit: list[str], no_report: None
) -> None:
    file, kept = audited / "assay.toml", pytester.path / "kept"
    before = file.read_text()
    file.write_text(before.replace("max = 0.2", "max_drop = 0.1"))
    done, told = run(pytester, file)
    done.assert_outcomes(passed=6, failed=1)
    assert "not measured" in told
    shutil.copytree(audited / "runs" / "assay", kept)
    file.write_text(before.replace("max = 0.2", "max_drop = 0.1") + f'[gating]\nbaseline = "{kept}"\n')
    done, _ = run(pytester, file)
    done.assert_outcomes(passed=7)
    assert no_audit == []


def test_another_configuration_is_audited_anew_or_refused_with_what_differs(
    pytester: pytest.Pytester, audited: Path, no_audit: list[str]
) -> None:
    file = audited / "assay.toml"
    file.write_text(file.read_text().replace("n_boot = 10", "n_boot = 20"))
    done, told = run(pytester, file, "--assay-no-run")
    done.assert_outcomes(errors=7)
    assert no_audit == []
    assert "the configuration differs" in told
    assert "in fairness.n_boot" in told
    assert f"assay audit {file}" in told
    run(pytester, file)[0].assert_outcomes(errors=7)
    assert no_audit == ["assay"]


@pytest.mark.parametrize("name", ["data.csv", "my_model.py"])
def test_a_changed_input_is_audited_anew_or_refused_by_its_name(
    name: str, pytester: pytest.Pytester, audited: Path, no_audit: list[str]
) -> None:
    changed = audited / name
    before = changed.read_bytes()
    other = pytester.path / "other"
    other.write_bytes(before + b"\n")
    os.utime(other, (1e9, 1e9))  # long before the audit, as `mv` and `cp -p` leave it
    other.replace(changed)
    try:
        _, told = run(pytester, audited / "assay.toml", "--assay-no-run")
        assert f"changed since the audit began: {changed}" in told
        assert no_audit == []
        run(pytester, audited / "assay.toml")
        assert no_audit == ["assay"]
    finally:
        changed.write_bytes(before)


def test_a_fresh_checkout_of_the_same_files_is_not_audited_again(
    pytester: pytest.Pytester, audited: Path, no_audit: list[str]
) -> None:
    for name in ("data.csv", "my_model.py"):
        content = (audited / name).read_bytes()
        (audited / name).unlink()
        (audited / name).write_bytes(content)
        os.utime(audited / name, (time.time() + 60,) * 2)
    run(pytester, audited / "assay.toml", "--assay-no-run")[0].assert_outcomes(passed=6, failed=1)
    assert no_audit == []


def test_no_run_takes_a_saved_audit_and_refuses_where_there_is_none(
    pytester: pytest.Pytester, audited: Path, no_audit: list[str]
) -> None:
    run(pytester, audited / "assay.toml", "--assay-no-run")[0].assert_outcomes(passed=6, failed=1)
    write_project(pytester.path, PASSES)
    done, told = run(pytester, "assay.toml", "--assay-no-run")
    done.assert_outcomes(errors=2)
    assert f"{pytester.path}/runs/assay holds no audit" in told
    assert told.count("forbids making it; make it with") == 2  # once for each check
    assert "During handling" not in told
    assert "Traceback" not in told
    assert not (pytester.path / "runs").exists()
    assert no_audit == []


def test_a_damaged_audit_is_made_anew(pytester: pytest.Pytester, audited: Path, no_audit: list[str]) -> None:
    saved = audited / "runs" / "assay" / "audit.json"
    saved.write_text(saved.read_text(encoding="utf-8")[:5000], encoding="utf-8")
    _, told = run(pytester, audited / "assay.toml", "--assay-no-run")
    assert "The file may be cut off" in told
    run(pytester, audited / "assay.toml")
    assert no_audit == ["assay"]


def test_an_audit_of_another_version_is_made_anew(pytester: pytest.Pytester, audited: Path) -> None:
    saved = audited / "runs" / "assay" / "audit.json"
    document = json.loads(saved.read_text(encoding="utf-8"))
    document["provenance"]["versions"]["assay"] = "0.0.1"
    saved.write_text(json.dumps(document), encoding="utf-8")
    _, told = run(pytester, audited / "assay.toml", "--assay-no-run")
    assert "was written by assay 0.0.1, and this is" in told


def test_a_project_with_strict_warnings_audits_as_any_other(pytester: pytest.Pytester) -> None:
    warned = "\nimport warnings\nwarnings.warn('of a library')\n"
    write_project(pytester.path, PASSES, names=("own",), more=warned)
    done, _ = run(pytester, "assay.toml", "-W", "error")
    done.assert_outcomes(passed=1)


def test_several_configurations_are_told_apart(pytester: pytest.Pytester, audited: Path) -> None:
    other = audited / "other.toml"
    other.write_text((audited / "assay.toml").read_text().replace(UNDER_ATTACK, ""))
    try:
        other.write_text('name = "assay"\n' + other.read_text())
        done, told = run(pytester, audited / "assay.toml", other, "--collect-only", "-q")
    finally:
        other.unlink()
    assert done.ret == 0
    assert len(node_ids(told)) == 7
    assert told.count("other.toml::") == 3
    assert candidates("own") in (audited / "assay.toml").read_text()
