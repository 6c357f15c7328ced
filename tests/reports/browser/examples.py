"""The reports that a browser is shown: the examples of the other tests, one that has every section, one whose
results the library summarised itself, and two that hold a thousand hostile texts."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice

import numpy as np

from benchmarks.synthetic_audit import FAMILIES, audit_of
from fairness.results import FairnessResult, GroupAssessment
from reports.model import AuditReport, CandidateResult
from robustness.metrics import clean_result_of
from robustness.results import AdversarialExample
from tests.reports.black_box_example import black_box_report
from tests.reports.browser.hostile_texts import hostile_texts
from tests.reports.example import (
    GROUPS,
    LABELS,
    N,
    example_report,
    group_metrics,
    no_attacks,
    with_verdict,
)
from tests.reports.fairness_example import assessed, fairness_report, mitigated, predictions_report
from tests.reports.hostile import hostile_report, renamed
from tests.reports.test_counterfactual_section import templates_result, texts_result


def everything() -> AuditReport:
    """Three candidates and every section: attacks on embeddings and texts, behaviour, suites, all kinds of
    groups, swapped identities, a mitigation, findings, a gate."""
    report = black_box_report()
    plain, trained = report.candidates
    first, second = assessed(plain, odds=0.2), assessed(trained, odds=0.1)
    swapped = replace(first, counterfactuals=[texts_result(), templates_result()])
    treated = mitigated(first, "threshold_optimizer", odds=0.05, right=540)
    return with_verdict(replace(report, candidates=[swapped, second, treated]))


def summarised() -> AuditReport:
    """An audit of 300 invented outcomes under three attacks."""
    return audit_of(300, 2, families=[FAMILIES[4], FAMILIES[5]])


def hostile_inputs() -> AuditReport:
    """Every hostile text is an input that an attack changed, or what it made of one."""
    texts = [text for text in hostile_texts() if text.split()]
    half = len(texts) - 500
    pairs = [*zip(texts[:half], texts[-half:], strict=True)]
    examples = [
        AdversarialExample(before[:200], *("positive", "positive", "negative"), [before], [after])
        for before, after in pairs
    ]
    report = example_report()
    first = report.candidates[0]
    (flips, *_) = (each for each in first.robustness.attacks if each.examples)
    attack = replace(flips, examples=examples, successes=len(examples))
    alone = replace(first, fairness=None, robustness=replace(first.robustness, attacks=[attack], curves=[]))
    return with_verdict(replace(report, candidates=[alone]))


def hostile_names() -> AuditReport:
    """Every hostile text is a name: of candidates, labels, groups, their columns, notes, findings, checks,
    settings. The first of them, which flood, are labels."""
    report = crowded(everything())
    names = [*(f"name {i}" for i in range(1000)), *_free_names(report)]
    renaming = dict(zip(names, hostile_texts(len(names)), strict=True))
    changed: AuditReport = renamed(report, renaming)
    return changed


def crowded(report: AuditReport) -> AuditReport:
    """``report`` with 40 labels, and hundreds of groups, findings, notes and settings, ``name 1`` ..."""
    names = (f"name {i}" for i in range(1000))
    labels = list(islice(names, 40))
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.integers(0, 40, N), rng.integers(0, 40, N)
    first, *others = report.candidates
    probabilities = rng.dirichlet(np.ones(40), N)
    clean = clean_result_of(
        y_true, y_pred, probabilities, labels, truncated=0, confidence=0.9, n_boot=20, seed=0
    )
    groups = {column: dict.fromkeys(islice(names, 64), 10) for column in islice(names, 2)}
    crowd = replace(
        first,
        model=replace(first.model, labels=labels),
        robustness=replace(first.robustness, clean=clean),
        fairness=_grouped(first, groups),
    )
    findings = [
        replace(report.findings[i % 2], message=text, subject=text, candidate=None if i else labels[30])
        for i, text in enumerate(islice(names, 422))
    ]
    return with_verdict(
        replace(
            report,
            data=replace(
                report.data,
                label_counts=dict.fromkeys(labels, 16),
                groups={**report.data.groups, **groups},
                notes=list(islice(names, 90)),
            ),
            candidates=[crowd, *others],
            findings=[*report.findings, *findings],
            provenance=replace(
                report.provenance,
                config={"data": dict(zip(islice(names, 150), islice(names, 150), strict=True))},
                versions=dict.fromkeys(islice(names, 20), "1"),
            ),
        )
    )


def _grouped(candidate: CandidateResult, groups: Mapping[str, Mapping[str, int]]) -> FairnessResult:
    assert candidate.fairness is not None
    made = {
        column: GroupAssessment(
            by_group={value: group_metrics(n + 20, 0.8) for value, n in values.items()},
            disparities=candidate.fairness.groups["domain"].disparities,
        )
        for column, values in groups.items()
    }
    return replace(candidate.fairness, groups={**candidate.fairness.groups, **made})


def _free_names(report: AuditReport) -> list[str]:
    """What the examples call their candidates, labels, groups and attacks."""
    groups = [*GROUPS, *(value for values in GROUPS.values() for value in values)]
    names = [candidate.name for candidate in report.candidates]
    return [report.data.name, *names, *LABELS, *groups, "identity", "black", "jewish", "fgsm", "hotflip"]


REPORTS: dict[str, Callable[[], AuditReport]] = {
    "example": example_report,
    "black box": black_box_report,
    "fairness": fairness_report,
    "predictions": predictions_report,
    "bare": lambda: no_attacks(example_report()),
    "everything": everything,
    "summarised": summarised,
    "hostile everything": lambda: hostile_report(everything()),
    "hostile inputs": hostile_inputs,
    "hostile names": hostile_names,
}
HOSTILE = [name for name in REPORTS if name.startswith("hostile")]
BENIGN = [name for name in REPORTS if name not in HOSTILE]
