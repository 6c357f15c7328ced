"""junit.xml: the gate as test cases, for what shows test results (Jenkins, GitLab, GitHub)."""

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator

from reports.formatting import full, full_with_n, instant, kind_of, p_words, shorten, visible
from reports.limits import required, unit_of_change
from reports.model import AuditReport, GateCheck

LIMIT = 2_000
"""Characters of a name or a message; audit.json keeps the whole."""


def render_junit(report: AuditReport) -> str:
    """The gate as one test suite, a test case for each check: its class is the candidate, its name the check.

    The form is what Jenkins' junit-10.xsd describes and GitLab and GitHub read. A check that does not hold,
    or whose metric was not measured, is a failure. ``time`` of the suite is that of the audit, in seconds;
    the cases have none of their own, since an audit measures for all of them at once. Characters that XML
    forbids, or that reorder text, are written out (``formatting.visible``).
    """
    checks = report.gate.checks
    failures = sum(not check.passed for check in checks)
    totals = {
        "tests": str(len(checks)),
        "failures": str(failures),
        "errors": "0",
        "time": f"{max(0.0, report.provenance.seconds):.3f}",
    }
    title = _clean(f"assay: {report.data.name}")
    root = ET.Element("testsuites", {"name": title, **totals})
    suite = ET.SubElement(root, "testsuite", {"name": title, **totals, "skipped": "0", **_timestamp(report)})
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(report):
        ET.SubElement(properties, "property", {"name": _clean(name), "value": _clean(value)})
    for name, check in zip(_names(checks), checks, strict=True):
        _add_case(suite, name, check, report.gate.smallest_difference)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _add_case(suite: ET.Element, name: str, check: GateCheck, smallest: float) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {"classname": _clean(check.candidate) or "candidate", "name": name, "time": "0.000"},
    )
    numbers = "\n".join(_clean(line) for line in _numbers(check, smallest))
    if not check.passed:
        failure = ET.SubElement(case, "failure", {"message": _clean(check.message), "type": _type(check)})
        failure.text = f"{_clean(check.message)}\n{numbers}"
    ET.SubElement(case, "system-out").text = numbers


def _type(check: GateCheck) -> str:
    """Why it failed: a limit does not hold, or what it limits was not measured: the metric, or its change for
    want of a baseline. The message of a check with several limits begins with those of the metric itself."""
    if check.observed is None or check.observed.value is None:
        return "not measured"
    no_change = check.change is None or check.change.value is None
    return "not measured" if no_change and check.message.startswith("not measured") else "limit not held"


def _names(checks: list[GateCheck]) -> list[str]:
    """Of the cases: a second check of the same thing is numbered, for readers take equal ones for one."""
    seen: Counter[tuple[str, str]] = Counter()
    names = []
    for check in checks:
        name = _clean(check.name) or "check"
        seen[check.candidate, name] += 1
        count = seen[check.candidate, name]
        names.append(name if count == 1 else f"{name} ({count})")
    return names


def _numbers(check: GateCheck, smallest: float) -> Iterator[str]:
    """smallest: the smallest difference that counts, of the gate."""
    kind = kind_of(check.metric)
    yield f"metric: {check.metric}"
    yield "observed: " + ("not measured" if check.observed is None else full_with_n(check.observed, kind))
    yield f"required: {required(check, smallest)}"
    yield f"decided by: {check.decide}"
    if check.baseline is not None:
        yield f"baseline: {full_with_n(check.baseline, kind)}"
    if check.change is not None:
        yield f"change: {full(check.change, unit_of_change(check.metric))}"
    if check.test is not None:
        yield f"test: {check.test}"
    if check.p_value is not None:
        yield p_words(check.p_value)
    if check.adjusted_p_value is not None:
        yield f"adjusted for all checks: {p_words(check.adjusted_p_value)}"


def _properties(report: AuditReport) -> Iterator[tuple[str, str]]:
    """What a reader of a failure may need to know of the audit."""
    about = report.provenance
    yield "verdict", report.verdict.state
    yield "verdict.reason", report.verdict.reason
    yield "gate", _gate(report)
    yield "data", report.data.name
    yield "data.n", str(report.data.n)
    yield "data.sha256", about.data_sha256
    yield "seed", str(about.seed)
    yield "confidence", f"{about.confidence:g}"
    yield "device", about.device
    for name, version in about.versions.items():
        yield f"version.{name}", version
    if (baseline := report.gate.baseline) is not None:
        yield "baseline", baseline.path
        yield "baseline.name", baseline.name
        yield "baseline.started", baseline.started
        yield "baseline.shared", f"{baseline.shared} of {baseline.n}"


def _gate(report: AuditReport) -> str:
    if not report.gate.checks:
        return "no check set"
    return "passed" if report.gate.passed else "failed"


def _timestamp(report: AuditReport) -> dict[str, str]:
    """When the audit started, in UTC and without a zone, as the schema wants it; {} for no date."""
    started = instant(report.provenance.started)
    return {} if started is None else {"timestamp": f"{started:%Y-%m-%dT%H:%M:%S}"}


def _clean(text: str) -> str:
    return shorten(visible(text), LIMIT)
