"""Which metrics are followed from one run to another, and where the same name does not mean the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from assay.changes.compared import bounded_attacks
from assay.changes.metrics import FAILURE_RATE, FLIP_RATES, MINIMAL_NORM
from assay.changes.subject import Subject, behaviour_label
from assay.outcome_table import behaviour_subject
from assay.saved_runs import SavedRun
from fairness.results import GroupAssessment
from reports.comparison.model import Topic
from reports.formatting import name
from reports.highlights import finds_minimal_norms, is_between_rates, label_of, shortens_texts
from reports.model import AuditReport, CandidateResult
from reports.naming import metric_name

CLEAN = ("accuracy", "macro_f1", "roc_auc", "expected_calibration_error")
WORST_CASE = "worst_case_accuracy"
DISPARITIES = 3
"""How many differences between groups are followed for each grouping."""


@dataclass(frozen=True)
class Followed:
    """label: what the metric is called beside its numbers."""

    topic: Topic
    subject: Subject
    label: str


def followed_metrics(report: AuditReport, candidates: Sequence[CandidateResult | None]) -> list[Followed]:
    """What any run measured of one candidate.

    report: of the first run. candidates: the results in each run, None where it has none.
    """
    there = [each for each in candidates if each is not None]
    return [
        *(Followed("clean", Subject(metric), metric_name(metric)) for metric in CLEAN),
        *_attacks(replace(report, candidates=there)),
        *_behaviours(there),
        *_flip_rates(there),
        *_disparities(there),
    ]


def incomparable(
    subject: Subject, now: tuple[SavedRun, CandidateResult], then: tuple[SavedRun, CandidateResult]
) -> str | None:
    """Why the metric is not the same thing in both runs; None where it is."""
    (run, mine), (first, theirs) = now, then
    if set(run.report.data.label_counts) != set(first.report.data.label_counts):
        return "the runs have other labels"
    if subject.metric == WORST_CASE and bounded_attacks(mine) != bounded_attacks(theirs):
        return "the runs did not run the same attacks"
    if subject.metric in FLIP_RATES and _swaps(run) != _swaps(first):
        return "other identities were swapped"
    if subject.group is not None and _outcome(mine) != _outcome(theirs):
        return "the rates are of another label"
    return None


def _attacks(together: AuditReport) -> Iterator[Followed]:
    """Attacks of the same name and parameters are the same.

    together: the candidate of all runs in one report, so that attacks with other parameters are named apart.
    """
    met: list[Subject] = []
    for candidate in together.candidates:
        for attack in candidate.robustness.attacks:
            metric = MINIMAL_NORM if finds_minimal_norms(attack) else "accuracy_under_attack"
            subject = Subject(metric, attack.name, attack.params)
            if shortens_texts(attack) or subject in met:
                continue
            met.append(subject)
            what = "Median minimal norm" if metric == MINIMAL_NORM else "Accuracy"
            yield Followed("attacks", subject, f"{what} under {label_of(together, attack)}")
    # Of one attack it is the accuracy under that attack.
    if any(len(bounded_attacks(candidate)) > 1 for candidate in together.candidates):
        yield Followed("attacks", Subject(WORST_CASE), "Accuracy in the worst case of these attacks")


def _behaviours(there: Sequence[CandidateResult]) -> Iterator[Followed]:
    """Tests of the same name and parameters are the same."""
    tests = {
        behaviour_subject(test.name, test.params): (test.name, test.params)
        for each in there
        for test in each.robustness.behaviours
    }
    for test, params in tests.values():
        alike = [others for called, others in tests.values() if called == test]
        label = name(behaviour_label(test, params, alike))
        subject = Subject(FAILURE_RATE, behaviour=test, params=params)
        yield Followed("behaviour", subject, f"Failure rate of {label}")


def _flip_rates(there: Sequence[CandidateResult]) -> Iterator[Followed]:
    kinds = {result.kind for each in there for result in each.counterfactuals}
    for metric, kind in FLIP_RATES.items():
        if kind in kinds:
            yield Followed("identities", Subject(metric), f"Flip rate of {kind}")


def _disparities(there: Sequence[CandidateResult]) -> Iterator[Followed]:
    """For each grouping the largest, over all runs alike: chosen by one run, it would tend to be smaller in
    the others by chance alone."""
    found: dict[str, list[GroupAssessment]] = {}
    for candidate in there:
        for grouping, assessment in candidate.fairness.groups.items() if candidate.fairness else ():
            found.setdefault(grouping, []).append(assessment)
    for grouping, assessments in found.items():
        largest: dict[str, float] = {}
        for assessment in assessments:
            for metric, estimate in assessment.disparities.items():
                if is_between_rates(metric) and estimate.value is not None:
                    largest[metric] = max(largest.get(metric, 0.0), estimate.value)
        for metric in sorted(largest, key=lambda each: -largest[each])[:DISPARITIES]:
            label = f"{metric_name(metric)} by {name(grouping)}"
            yield Followed("groups", Subject(metric, group=grouping), label)


def _swaps(run: SavedRun) -> object:
    return run.report.provenance.config.get("counterfactual")


def _outcome(candidate: CandidateResult) -> str | None:
    return None if candidate.fairness is None else candidate.fairness.positive_label
