"""The tests that a failure rate or a flip rate speaks of, in two audits."""

from dataclasses import dataclass

from assay.changes.metrics import FLIP_RATES
from assay.changes.pairing import UnmeasuredError
from assay.changes.subject import Subject
from assay.outcome_table import Failures, OutcomeTable, behaviour_subject
from reports.model import CandidateResult
from robustness.estimate import Estimate


@dataclass(frozen=True, eq=False)
class FailureTest:
    """One test that both audits ran. now, then: its rate. failed_now, failed_then: None where not kept."""

    now: Estimate
    then: Estimate
    failed_now: Failures | None
    failed_then: Failures | None


def failure_tests(
    subject: Subject,
    now: tuple[CandidateResult, OutcomeTable | None],
    then: tuple[CandidateResult, OutcomeTable | None],
) -> list[FailureTest]:
    """Of a behaviour every test of its name that both audits ran with the same parameters; raises
    UnmeasuredError for none."""
    mine, theirs = _rates(subject, now[0]), _rates(subject, then[0])
    both = [key for key in mine if key in theirs]
    if not both:
        what = subject.behaviour or f"{FLIP_RATES[subject.metric]} with swapped identities"
        raise UnmeasuredError(f"the other audit did not test {what}, or not with the same parameters")
    return [FailureTest(mine[key], theirs[key], _kept(key, *now), _kept(key, *then)) for key in both]


def _rates(subject: Subject, result: CandidateResult) -> dict[str, Estimate]:
    """{subject of the outcome table: rate}"""
    if subject.behaviour is not None:
        return {
            behaviour_subject(each.name, each.params): each.failure_rate
            for each in result.robustness.behaviours
            if each.name == subject.behaviour
        }
    kind = FLIP_RATES[subject.metric]
    rate = next((each.flip_rate for each in result.counterfactuals if each.kind == kind), None)
    return {} if rate is None else {kind: rate}


def _kept(key: str, result: CandidateResult, outcomes: OutcomeTable | None) -> Failures | None:
    return None if outcomes is None else outcomes.failures.get(result.name, {}).get(key)
