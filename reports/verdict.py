"""The advice at the top of a report: ship, ship with care, or do not ship, and what lies behind it."""

from collections.abc import Iterator, Sequence

from reports.decisions import Recommendation
from reports.formatting import counted
from reports.model import CandidateVerdict, Finding, GateCheck, GateResult, Verdict

REASONS = 5
"""How many findings a verdict names."""


def verdict_of(candidates: Sequence[str], findings: Sequence[Finding], gate: GateResult) -> Verdict:
    """The verdict of an audit. candidates: their names. findings: in the order of importance.

    A gate that failed says do not ship. One that passed says ship, but with care where a finding is
    critical or a warning; where nothing was required, nothing could fail, and it is with care at best.
    """
    state, reason = _judged(findings, gate.checks)
    return Verdict(
        state=state,
        reason=reason,
        candidates=[CandidateVerdict(name, *_of_candidate(name, findings, gate)) for name in candidates],
        because=_because(findings, gate),
    )


def _of_candidate(name: str, findings: Sequence[Finding], gate: GateResult) -> tuple[Recommendation, str]:
    own = [finding for finding in findings if finding.candidate in (None, name)]
    return _judged(own, [check for check in gate.checks if check.candidate == name])


def _judged(findings: Sequence[Finding], checks: Sequence[GateCheck]) -> tuple[Recommendation, str]:
    failed = sum(not check.passed for check in checks)
    if failed:
        plural = "does" if failed == 1 else "do"
        return "do not ship", f"{failed} of {counted(len(checks), 'check')} of the gate {plural} not hold."
    critical = sum(finding.severity == "critical" for finding in findings)
    warnings = sum(finding.severity == "warning" for finding in findings)
    found = " and ".join(
        counted(n, what) for n, what in ((critical, "critical finding"), (warnings, "warning")) if n
    )
    if not checks:
        also = f" There is {found}." if critical + warnings == 1 else f" There are {found}." if found else ""
        return "ship with care", f"No check was set, so nothing was required and nothing could fail.{also}"
    held = (
        "The one check of the gate holds"
        if len(checks) == 1
        else f"All {len(checks)} checks of the gate hold"
    )
    return ("ship with care", f"{held}, but with {found}.") if found else ("ship", f"{held}.")


def _because(findings: Sequence[Finding], gate: GateResult) -> list[Finding]:
    """Failed checks first, then the first finding of each kind, then the others, as they are ordered."""
    ordered = [*_failures(gate), *(finding for finding in findings if finding.severity != "info")]
    firsts: list[Finding] = []
    rest: list[Finding] = []
    kinds = set()
    for finding in ordered:
        kind = (finding.id, finding.candidate)
        (rest if kind in kinds else firsts).append(finding)
        kinds.add(kind)
    return [*firsts, *rest][:REASONS]


def _failures(gate: GateResult) -> Iterator[Finding]:
    for check in gate.checks:
        if not check.passed:
            limit = check.minimum if check.minimum is not None else check.maximum
            yield Finding(
                id="gate.failed",
                severity="critical",
                candidate=check.candidate,
                metric=check.metric,
                subject=check.name,
                observed=check.observed,
                limit=limit,
                message=f"The check of {check.name} failed: {check.message}.",
            )
