"""What a failed check says."""

from dataclasses import replace
from pathlib import Path

from assay.plugin.audits import Audit
from assay.plugin.failure import failure_text, findings_about
from assay.run_folder import RunFolder
from reports.model import Baseline, Finding, GateCheck, GateResult
from robustness.estimate import Estimate
from tests.reports.example import example_report

CHECK = GateCheck(
    name="accuracy_under_attack under fgsm at epsilon 0.03",
    metric="accuracy_under_attack",
    candidate="plain",
    observed=Estimate(0.52, 0.48, 0.562, 600),
    minimum=0.6,
    maximum=None,
    passed=False,
    message="52.0 % is below the required 60.0 %",
)


def finding(candidate: str | None, metric: str, subject: str) -> Finding:
    return Finding("kind", "warning", candidate, metric, subject, None, None, f"about {subject}")


def audit(check: GateCheck, *findings: Finding, baseline: Baseline | None = None, note: str = "") -> Audit:
    gate = GateResult(False, [check], baseline)
    report = replace(example_report(), findings=list(findings), gate=gate)
    return Audit(report, RunFolder(Path("/work place/runs/assay")), note)


def test_a_failure_says_what_was_required_and_observed_and_where_to_read_on() -> None:
    same = finding("plain", "accuracy_under_attack", "fgsm at epsilon 0.03")
    text = failure_text(CHECK, audit(CHECK, same), Path("/work place/tests"))
    assert text.splitlines() == [
        "52.0 % is below the required 60.0 %",
        "check: accuracy_under_attack under fgsm at epsilon 0.03, candidate plain",
        "required: at least 60.0 %",
        "observed: 52.0 % (48.0 to 56.2), n 600",
        "finding (warning): about fgsm at epsilon 0.03",
        "report: ../runs/assay/report.html#gate (file:///work%20place/runs/assay/report.html#gate)",
    ]


def test_a_failure_against_a_baseline_says_what_it_was_and_how_the_change_was_tested() -> None:
    check = replace(
        CHECK,
        minimum=None,
        max_drop=0.02,
        baseline=Estimate(0.6, 0.56, 0.64, 600),
        change=Estimate(-0.08, -0.11, -0.05, 600),
        test="exact McNemar test",
        p_value=0.0004,
        adjusted_p_value=0.0021,
    )
    kept = Baseline("baselines/main", "main", "2026-03-01T12:00:00+00:00", 600, 600)
    lines = failure_text(check, audit(check, baseline=kept, note="It is old."), Path("/")).splitlines()
    assert lines[2:7] == [
        "required: no drop of more than 2.0 points",
        "observed: 52.0 % (48.0 to 56.2), n 600",
        "baseline (baselines/main): 60.0 % (56.0 to 64.0), n 600",
        "change: \u22128.0 points (\u221211.0 to \u22125.0); exact McNemar test, "
        "p <\u00a00.001, p = 0.002 after correction",
        "note: It is old.",
    ]


def test_a_metric_that_was_not_measured_says_why() -> None:
    check = replace(CHECK, observed=Estimate.undefined("it was not run"), message="not measured: ...")
    assert "observed: not measured: it was not run" in failure_text(check, audit(check), Path("/"))


def test_findings_are_of_the_candidate_and_the_metric_and_of_the_subject_where_there_are_some() -> None:
    same = finding("plain", "accuracy_under_attack", "fgsm at epsilon 0.03")
    near = finding("plain", "accuracy_under_attack", "fgsm at epsilon 0.1")
    everybody = finding(None, "accuracy_under_attack", "all")
    others = [
        finding("hardened", "accuracy_under_attack", "fgsm at epsilon 0.03"),
        finding("plain", "tpr", "all"),
    ]
    assert findings_about(CHECK, [near, *others, same, everybody]) == [same]
    assert findings_about(CHECK, [near, *others, everybody]) == [near, everybody]
    assert findings_about(CHECK, others) == []
    part = finding("plain", "accuracy_under_attack", "fgsm at epsilon 0.0")
    assert findings_about(CHECK, [part, same]) == [same]
    assert len(findings_about(CHECK, [near] * 9)) == 3
