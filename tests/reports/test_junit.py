"""junit.xml says what the gate says, in the form that CI systems read."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest

from reports.formatting import visible
from reports.junit import render_junit
from reports.model import AuditReport, Baseline, GateCheck, GateResult
from robustness.estimate import Estimate
from tests.reports.example import example_report, with_verdict
from tests.reports.hostile import REPLACED, hostile_report

REPORT = example_report()

# What Jenkins' junit-10.xsd allows: {element: (attributes it must have, others it may have, children)}.
COUNTS = {"name", "tests", "failures", "errors"}
FORM: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {*COUNTS, "time"}, {"testsuite"}),
    "testsuite": (
        COUNTS,
        {"time", "skipped", "timestamp", "hostname", "id", "package", "file", "url", "version"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": ({"name"}, {"time", "classname"}, {"skipped", "failure", "system-out", "system-err"}),
    "failure": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}


def parsed(report: AuditReport) -> ET.Element:
    return ET.fromstring(render_junit(report).encode())


def gated(*checks: GateCheck, **changes: Any) -> AuditReport:
    gate = GateResult(passed=all(check.passed for check in checks), checks=list(checks), **changes)
    return with_verdict(replace(REPORT, gate=gate))


def check_form(element: ET.Element) -> None:
    needed, allowed, children = FORM[element.tag]
    assert needed <= set(element.attrib) <= needed | allowed, element.attrib
    for child in element:
        assert child.tag in children, (element.tag, child.tag)
        check_form(child)


@pytest.mark.parametrize(
    "report", [REPORT, gated(), hostile_report()], ids=["example", "without a gate", "hostile"]
)
def test_the_form_is_the_one_that_ci_systems_read(report: AuditReport) -> None:
    root = parsed(report)
    check_form(root)
    for each in (root, root[0]):
        assert re.fullmatch(r"\d+\.\d{3}", each.attrib["time"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", root[0].attrib["timestamp"])
    assert all(case.attrib["time"] == "0.000" for case in root.iter("testcase"))


def test_each_check_is_a_case_and_each_that_fails_a_failure() -> None:
    root = parsed(REPORT)
    cases = list(root.iter("testcase"))
    assert [(case.attrib["classname"], case.attrib["name"]) for case in cases] == [
        (check.candidate, check.name) for check in REPORT.gate.checks
    ]
    failures = [case.find("failure") for case in cases]
    told = [None if each is None else (each.attrib["type"], each.attrib["message"]) for each in failures]
    assert told == [
        ("limit not held", "25.8 % is below 60.0 %"),
        None,
        ("not measured", "it was not measured"),
    ]
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == ("3", "2", "0")
    assert root[0].attrib["tests"] == "3"


def test_a_gate_without_checks_has_no_cases() -> None:
    root = parsed(gated())
    assert (root.attrib["tests"], root.attrib["failures"]) == ("0", "0")
    assert list(root.iter("testcase")) == []


def test_the_numbers_stand_in_the_output_of_each_case() -> None:
    compared = replace(
        REPORT.gate.checks[0],
        decide="certain-fail",
        max_drop=0.02,
        baseline=Estimate(0.31, 0.27, 0.35, 640),
        change=Estimate(-0.052, -0.07, -0.03, 640),
        test="exact McNemar test on 640 shared examples",
        p_value=0.0004,
        adjusted_p_value=0.012,
    )
    (case,) = parsed(gated(compared)).iter("testcase")
    assert (case.findtext("system-out") or "").splitlines() == [
        "metric: accuracy_under_attack",
        "observed: 25.8 % (22.5 to 29.3), n 640",
        "required: at least 60.0 % and no drop of more than 2.0 points",
        "decided by: certain-fail",
        "baseline: 31.0 % (27.0 to 35.0), n 640",
        "change: −5.2 points (−7.0 to −3.0)",
        "test: exact McNemar test on 640 shared examples",
        "p <\u00a00.001",
        "adjusted for all checks: p = 0.012",
    ]


def required_lines(report: AuditReport) -> list[str]:
    outputs = [case.findtext("system-out") or "" for case in parsed(report).iter("testcase")]
    return [line for output in outputs for line in output.splitlines() if line.startswith("required: ")]


def test_a_limit_stands_with_all_its_digits_and_as_wide_as_the_gate_makes_it() -> None:
    check = replace(REPORT.gate.checks[0], minimum=0.8005, max_drop=0.005)
    assert required_lines(gated(check)) == ["required: at least 80.05 % and no drop of more than 0.5 points"]
    assert required_lines(gated(check, smallest_difference=0.02)) == [
        "required: at least 80.05 % and no drop of more than 2.0 points"
    ]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"minimum": None, "message": "not measured: there is no baseline"}, "not measured"),
        ({"message": "not measured: there is no baseline"}, "not measured"),
        ({"message": "25.8 % is below 60.0 %; and not measured: there is no baseline"}, "limit not held"),
        ({"observed": None, "message": "it was not measured"}, "not measured"),
    ],
)
def test_the_type_of_a_failure_follows_its_cause(fields: dict[str, Any], kind: str) -> None:
    nothing = Estimate.undefined("there is no baseline")
    check = replace(REPORT.gate.checks[0], max_drop=0.02, baseline=nothing, change=nothing)
    (failure,) = parsed(gated(replace(check, **fields))).iter("failure")
    assert failure.attrib["type"] == kind


def test_a_gate_without_checks_did_not_pass() -> None:
    found = {each.attrib["name"]: each.attrib["value"] for each in parsed(gated()).iter("property")}
    assert found["gate"] == "no check set"


def test_a_second_check_of_the_same_thing_is_another_case() -> None:
    check = REPORT.gate.checks[1]
    other = replace(check, candidate="plain")
    names = [case.attrib["name"] for case in parsed(gated(check, other, check)).iter("testcase")]
    assert names == [check.name, check.name, f"{check.name} (2)"]


def test_the_properties_tell_of_the_audit() -> None:
    report = gated(REPORT.gate.checks[1], baseline=Baseline("base", "demo", "2026-01-01T00:00:00Z", 700, 600))
    found = {each.attrib["name"]: each.attrib["value"] for each in parsed(report).iter("property")}
    assert found["verdict"] == report.verdict.state == "ship with care"
    assert (found["seed"], found["data.sha256"]) == ("7", REPORT.provenance.data_sha256)
    assert (found["gate"], found["version.torch"]) == ("passed", "2.13.0")
    assert (found["baseline"], found["baseline.shared"]) == ("base", "600 of 700")
    assert "baseline" not in {each.attrib["name"] for each in parsed(REPORT).iter("property")}


TEXTS = [*REPLACED.values(), "\x00\x1b[31m\x7f\x85", "\ufffe\uffff", "\ud800", "]]><x>", "a\r\nb"]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_no_text_breaks_the_document_or_hides_in_it(text: str) -> None:
    check = replace(REPORT.gate.checks[0], candidate=text, name=text, message=text)
    report = replace(gated(check), data=replace(REPORT.data, name=text))
    report = replace(report, provenance=replace(REPORT.provenance, started=text, device=text))
    written = render_junit(report)
    assert visible(written) == written
    root = ET.fromstring(written.encode())
    check_form(root)
    (case,) = root.iter("testcase")
    assert case.attrib["name"] != ""
    shown = visible(text)[:1999]
    assert case.attrib["name"].startswith(shown)
    assert ("timestamp" in root[0].attrib) is False


@pytest.mark.parametrize(
    ("started", "expected"),
    [
        ("2026-02-03T10:15:00Z", "2026-02-03T10:15:00"),
        ("2026-02-03T10:15:00+02:00", "2026-02-03T08:15:00"),
        ("2026-02-03T10:15:00", "2026-02-03T10:15:00"),
        ("yesterday", None),
    ],
)
def test_the_timestamp_is_in_utc_without_a_zone(started: str, expected: str | None) -> None:
    report = replace(REPORT, provenance=replace(REPORT.provenance, started=started))
    assert parsed(report)[0].attrib.get("timestamp") == expected
