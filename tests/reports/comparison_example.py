"""Comparisons made of invented numbers: the example audit beside changed copies of itself."""

from collections.abc import Sequence
from dataclasses import replace

from reports.comparison.model import (
    ComparedCandidate,
    ComparedRun,
    Comparison,
    Difference,
    Measure,
    Topic,
)
from reports.model import AuditReport, Finding
from robustness.estimate import Estimate, wilson
from tests.reports.example import N, example_report

NEW = Finding("data.leak", "warning", "plain", "shared_texts", "test data", None, 0, "Three texts leaked.")


def changed_report() -> AuditReport:
    """Of another day and seed, with one setting more, a check that now passes by a lower limit, and other
    findings."""
    report = example_report()
    checks = [replace(report.gate.checks[0], passed=True, minimum=0.2), *report.gate.checks[1:]]
    about = replace(
        report.provenance,
        started="2026-03-04T09:00:00Z",
        seed=8,
        versions={**report.provenance.versions, "torch": "2.14.0"},
        config={**report.provenance.config, "offline": True},
    )
    return replace(
        report,
        provenance=about,
        findings=[*report.findings[1:], NEW],
        gate=replace(report.gate, checks=checks),
    )


def difference(
    now: int, then: int, p: float, *, better: bool | None = None, established: bool = True
) -> Difference:
    """Of two counts of N, with an interval of three points about it."""
    change = (now - then) / N
    return Difference(
        now=wilson(now, N),
        then=wilson(then, N),
        change=Estimate(change, change - 0.03, change + 0.03, N),
        p_value=p / 2,
        adjusted=p,
        test="exact McNemar test on 640 shared examples",
        standing=("higher" if change > 0 else "lower") if established else "no difference established",
        better=better if established else None,
    )


def measure(
    label: str,
    counts: Sequence[int],
    differences: Sequence[Difference | None],
    metric: str = "accuracy",
    topic: Topic = "clean",
) -> Measure:
    return Measure(topic, metric, label, [wilson(count, N) for count in counts], differences)


def comparison(measures: Sequence[Measure], runs: int = 2, tests: int = 1) -> Comparison:
    """Of one candidate, ``plain``, over so many runs."""
    reports = [example_report(), *[changed_report()] * (runs - 1)]
    compared = [ComparedRun(f"run{i}", f"runs/run{i}", report, N) for i, report in enumerate(reports)]
    candidate = ComparedCandidate(["plain"] * runs, measures)
    return Comparison(compared, [candidate], {"run1": ["distilled"]}, ["A note."], tests, 0.05)


def example_comparison() -> Comparison:
    """One difference for the worse, one that may be chance, and a metric that was not tested."""
    untested = Difference(
        wilson(10, N), wilson(20, N), Estimate.undefined("the runs did not run the same attacks")
    )
    return comparison(
        [
            measure("Accuracy", [550, 500], [difference(500, 550, 0.0001, better=False)]),
            measure("Accuracy under fgsm", [300, 310], [difference(310, 300, 0.4, established=False)]),
            measure(
                "Accuracy in the worst case", [20, 10], [untested], "worst_case_accuracy", topic="attacks"
            ),
        ],
        tests=2,
    )


def three_runs() -> Comparison:
    """Better in one of two other runs; the third lacks the candidate."""
    made = comparison(
        [measure("Accuracy", [500, 550, 500], [difference(550, 500, 0.001, better=True), None])], runs=3
    )
    return replace(made, candidates=[replace(made.candidates[0], names=["plain", "plain", None])])


def without_common_candidates(runs: int = 2) -> Comparison:
    """The last run has candidates of other names; where there are more than two, the second has the same."""
    made = comparison([measure("Accuracy", [500] * runs, [difference(500, 500, 1.0)] * (runs - 1))], runs)
    other = [replace(each, name=f"other {each.name}") for each in made.runs[-1].report.candidates]
    found = [replace(each, candidate=f"other {each.candidate}") for each in example_report().findings[:2]]
    gate = made.runs[-1].report.gate
    checks = [replace(each, candidate=f"other {each.candidate}") for each in gate.checks]
    report = replace(
        made.runs[-1].report, candidates=other, findings=found, gate=replace(gate, checks=checks)
    )
    last = replace(made.runs[-1], report=report)
    names = [*["plain"] * (runs - 1), None]
    compared = [replace(made.candidates[0], names=names)] if runs > 2 else []
    return replace(
        made, runs=[*made.runs[:-1], last], candidates=compared, notes=[], alone={}, tests=runs - 2
    )
