"""The advice at the top of a report: ship, ship with care, or do not ship, and what lies behind it."""

from collections.abc import Iterator, Sequence

from reports.decisions import Recommendation
from reports.formatting import counted, name
from reports.kinds import topic
from reports.model import CandidateVerdict, Finding, GateCheck, GateResult, Verdict
from reports.naming import NORMS, in_sentence

REASONS = 5
"""How many findings a verdict names."""
MOST_OF_A_KIND = 2
"""Findings of one kind that it names while there are others: five of a kind say little more than two."""
MOST_CHECKS = 5
"""The same of failed checks, which decide the verdict: they come first, and findings only fill the rest."""
FAILED = "gate.failed"
TOPICS = (
    "gate",
    "validity",
    "robustness",
    "fairness",
    "counterfactual",
    "behaviour",
    "comparison",
    "mitigation",
    "data",
    "training",
)
"""What findings are about; of those equally grave what comes first here is told first."""


def verdict_of(candidates: Sequence[str], findings: Sequence[Finding], gate: GateResult) -> Verdict:
    """The verdict of an audit. candidates: their names. findings: in the order of importance.

    A gate that failed says do not ship. One that passed says ship, but with care where a finding is
    critical or a warning; where nothing was required, nothing could fail, and it is with care at best.
    """
    state, reason = _judged(findings, gate.checks)
    return Verdict(
        state=state,
        reason=reason,
        candidates=[CandidateVerdict(each, *_of_candidate(each, findings, gate)) for each in candidates],
        because=_because(findings, gate),
    )


def _of_candidate(
    candidate: str, findings: Sequence[Finding], gate: GateResult
) -> tuple[Recommendation, str]:
    """By its own checks, and the findings about it or about all candidates."""
    own = [finding for finding in findings if finding.candidate in (None, candidate)]
    return _judged(own, [check for check in gate.checks if check.candidate == candidate])


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
        also = f" The audit has {found}." if found else ""
        return "ship with care", f"No check was set, so nothing could fail.{also}"
    held = {1: "The one check of the gate holds", 2: "Both checks of the gate hold"}.get(
        len(checks), f"All {len(checks):,} checks of the gate hold"
    )
    return ("ship with care", f"{held}, but with {found}.") if found else ("ship", f"{held}.")


def _because(findings: Sequence[Finding], gate: GateResult) -> list[Finding]:
    """What matters most first, and of each sort only so much that the others are heard too.

    Checks that failed come first, of different subjects and metrics before the same for another candidate or
    budget. Findings are taken one after the other: of the kinds not taken often enough the gravest, of these
    one of a topic not yet heard, then by the order of topics and kinds, then of another candidate, then the
    largest.
    """
    left = [*_failures(gate), *(finding for finding in findings if finding.severity != "info")]
    taken: list[Finding] = []
    kinds = list(dict.fromkeys(finding.id for finding in left))
    while left and len(taken) < REASONS:
        best = min(left, key=lambda finding: _reluctance(finding, taken, kinds))
        left.remove(best)
        taken.append(best)
    return sorted(taken, key=_gravity)


def _reluctance(finding: Finding, taken: Sequence[Finding], kinds: Sequence[str]) -> tuple[float, ...]:
    """Why not to take this one next, the strongest reason first."""
    about = topic(finding)
    same_kind = sum(each.id == finding.id for each in taken)
    enough = MOST_CHECKS if finding.id == FAILED else MOST_OF_A_KIND
    failures = [each for each in taken if finding.id == FAILED == each.id]
    return (
        float(same_kind >= enough),
        _gravity(finding),
        sum(each.subject == finding.subject for each in failures),
        sum(each.metric == finding.metric for each in failures),
        sum(topic(each) == about for each in taken),
        TOPICS.index(about) if about in TOPICS else len(TOPICS),
        same_kind,
        kinds.index(finding.id),
        sum(each.candidate == finding.candidate for each in taken),
        -_effect(finding),
    )


def _gravity(finding: Finding) -> float:
    """0 of a check that failed: it decides the verdict."""
    return 0 if finding.id == FAILED else ("critical", "warning", "info").index(finding.severity) + 1


def _effect(finding: Finding) -> float:
    """How far beyond its limit; compares only findings of one kind."""
    observed = None if finding.observed is None else finding.observed.value
    return 0.0 if observed is None or finding.limit is None else min(1.0, abs(observed - finding.limit))


def _failures(gate: GateResult) -> Iterator[Finding]:
    for check in gate.checks:
        if not check.passed:
            limit = check.minimum if check.minimum is not None else check.maximum
            yield Finding(
                id=FAILED,
                severity="critical",
                candidate=check.candidate,
                metric=check.metric,
                subject=check.name,
                observed=check.observed,
                limit=limit,
                message=f"The check “{name(check_in_words(check))}” failed: {check.message.rstrip('.')}.",
            )


def check_in_words(check: GateCheck) -> str:
    """``true positive rate of gender = woman under fgsm``: the name of a check in words."""
    rest = check.name.removeprefix(check.metric)
    if rest == check.name:
        return check.name
    for norm, written in NORMS.items():
        rest = rest.replace(f" ({norm}) at", f" ({written}) at")
    words = in_sentence(check.metric)
    # Under which attack the rest says.
    return (words.removesuffix(" under attack") if " under " in rest else words) + rest
