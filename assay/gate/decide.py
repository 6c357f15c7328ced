"""Decides the gate: each check of the config against what was measured, nothing else."""

from collections.abc import Sequence

from assay.config_models import GateConfig
from assay.gate.observed import observed
from assay.gate.subject import Subject, subjects
from reports.model import CandidateResult, GateCheck, GateResult
from robustness.estimate import Estimate


def decide(checks: Sequence[GateConfig], candidates: Sequence[CandidateResult]) -> GateResult:
    """Every check on every candidate it speaks of; a metric that was not measured fails its check."""
    decided = [
        _check(check, subject, candidate)
        for check in checks
        for candidate in candidates
        if check.candidate in (None, candidate.name)
        for subject in subjects(check, candidate)
    ]
    return GateResult(passed=all(check.passed for check in decided), checks=decided)


def judge(observed: Estimate, minimum: float | None, maximum: float | None) -> tuple[bool, str]:
    """Whether the estimate is within the limits (both included), and why in words."""
    if observed.value is None:
        return False, f"not measured: {observed.reason}"
    if minimum is not None and observed.value < minimum:
        return False, f"{observed.value:.4f} is below the minimum {minimum:g}"
    if maximum is not None and observed.value > maximum:
        return False, f"{observed.value:.4f} is above the maximum {maximum:g}"
    return True, f"{observed.value:.4f} is within the limits"


def _check(check: GateConfig, subject: Subject, candidate: CandidateResult) -> GateCheck:
    found = observed(subject, candidate)
    passed, message = judge(found, check.min, check.max)
    return GateCheck(
        name=subject.named(candidate),
        metric=check.metric,
        candidate=candidate.name,
        observed=found,
        minimum=check.min,
        maximum=check.max,
        passed=passed,
        message=message,
    )
