"""Decides the gate: each check of the config against what was measured, nothing else."""

import re
from collections.abc import Iterator, Sequence

from assay.config_models import GateConfig
from attacks.errors import AssayError, nearest
from fairness.disparities import DISPARITIES
from reports.model import CandidateResult, GateCheck, GateResult
from robustness.estimate import Estimate
from robustness.results import AttackResult

CLEAN_METRICS = ("accuracy", "macro_f1", "roc_auc", "expected_calibration_error")
ATTACK_METRICS = ("accuracy_under_attack", "attack_success_rate")
GROUP_METRICS = ("accuracy", "selection_rate", "tpr", "fpr", "fnr", "f1")
DISPARITY_METRICS = (
    "accuracy_difference",
    *(f"{name}_{kind}" for name in DISPARITIES for kind in ("difference", "ratio")),
)
METRICS = {
    **dict.fromkeys(CLEAN_METRICS, "on clean text"),
    **dict.fromkeys(ATTACK_METRICS, "under `attack`, at `epsilon` or each of its epsilons"),
    "worst_case_accuracy": "over all attacks of the audit",
    **{name: "of `value` of the column `group`" for name in GROUP_METRICS if name != "accuracy"},
    **dict.fromkeys(DISPARITY_METRICS, "between the groups of the column `group`"),
}
"""Every metric that a check may name, and what it speaks of; with more than two classes the metrics of
one class are named ``metric[label]``."""


def check_gate(checks: Sequence[GateConfig]) -> None:
    """Refuse, before anything runs, a check that could not be decided; raises AssayError."""
    for position, check in enumerate(checks):
        place = f"gate.{position}"
        metric = _base(check.metric)
        if metric not in METRICS:
            raise AssayError(
                f'{place}.metric: there is no metric "{check.metric}".{nearest(metric, list(METRICS))} '
                f"The metrics: {', '.join(METRICS)}."
            )
        if metric in ATTACK_METRICS and check.attack is None:
            raise AssayError(f"{place}: {metric} needs attack = one of the [[attacks]].")
        if metric in DISPARITY_METRICS and (check.group is None or check.value is not None):
            raise AssayError(f"{place}: {metric} compares groups: it needs group = a column, and no value.")
        needs_value = metric in GROUP_METRICS and (metric != "accuracy" or check.group is not None)
        if (needs_value or (metric in ATTACK_METRICS and check.group)) and check.value is None:
            raise AssayError(
                f"{place}: {metric} by group needs group = a column and value = one of its values."
            )
        if metric not in (*ATTACK_METRICS, *GROUP_METRICS, *DISPARITY_METRICS) and check.group:
            raise AssayError(f"{place}: {metric} is not measured by group; leave group out.")
        if (metric in CLEAN_METRICS and not check.group or metric == "worst_case_accuracy") and check.attack:
            raise AssayError(
                f"{place}: {metric} is not measured under one attack; leave attack out, or name "
                "accuracy_under_attack."
            )


def decide(checks: Sequence[GateConfig], candidates: Sequence[CandidateResult]) -> GateResult:
    """Every check on every candidate it speaks of; a metric that was not measured fails its check."""
    decided = [
        _check(check, candidate, attack)
        for check in checks
        for candidate in candidates
        if check.candidate in (None, candidate.name)
        for attack in _attacks(check, candidate)
    ]
    return GateResult(passed=all(check.passed for check in decided), checks=decided)


def _attacks(check: GateConfig, candidate: CandidateResult) -> Iterator[AttackResult | None]:
    """The attacks that a check speaks of; None, once, for a check on clean text."""
    if check.attack is None:
        yield None
        return
    for attack in candidate.robustness.attacks:
        if attack.name == check.attack and check.epsilon in (None, attack.threat_model.epsilon):
            yield attack


def _check(check: GateConfig, candidate: CandidateResult, attack: AttackResult | None) -> GateCheck:
    observed = _observed(check, candidate, attack)
    passed, message = judge(observed, check.min, check.max)
    group = f" of {check.group}" if check.group else ""
    group += f" = {check.value}" if check.value else ""
    under = f" under {attack.label}" if attack else ""
    return GateCheck(
        name=f"{check.metric}{group}{under}",
        metric=check.metric,
        candidate=candidate.name,
        observed=observed,
        minimum=check.min,
        maximum=check.max,
        passed=passed,
        message=message,
    )


def judge(observed: Estimate, minimum: float | None, maximum: float | None) -> tuple[bool, str]:
    """Whether the estimate is within the limits (both included), and why in words."""
    if observed.value is None:
        return False, f"not measured: {observed.reason}"
    if minimum is not None and observed.value < minimum:
        return False, f"{observed.value:.4f} is below the minimum {minimum:g}"
    if maximum is not None and observed.value > maximum:
        return False, f"{observed.value:.4f} is above the maximum {maximum:g}"
    return True, f"{observed.value:.4f} is within the limits"


def _observed(check: GateConfig, candidate: CandidateResult, attack: AttackResult | None) -> Estimate:
    metric, robustness = check.metric, candidate.robustness
    if metric == "worst_case_accuracy":
        return robustness.worst_case_accuracy
    if attack is not None and metric in ATTACK_METRICS:
        if check.group is None:
            return _rate(attack, metric)
        by_value = attack.by_group.get(check.group, {})
        return _rate(by_value[check.value], metric) if check.value in by_value else _no_value(check)
    if check.group is None:
        return _rate(robustness.clean, metric)
    if candidate.fairness is None:
        return Estimate.undefined("the data names no groups")
    groups = candidate.fairness.groups
    if attack is not None:
        groups = next(
            under.groups
            for under in candidate.fairness.under_attack
            if (under.attack, under.params) == (attack.name, attack.params)
        )
    column = groups[check.group]
    if check.value is None:
        measured = column.disparities
    elif check.value in column.by_group:
        measured = column.by_group[check.value].metrics
    else:
        return _no_value(check)
    if metric not in measured:
        return Estimate.undefined(f"the audit has {', '.join(measured)}")
    return measured[metric]


def _rate(measured: object, metric: str) -> Estimate:
    estimate: Estimate = getattr(measured, metric)
    return estimate


def _no_value(check: GateConfig) -> Estimate:
    return Estimate.undefined(f'no example has {check.group} = "{check.value}"')


def _base(metric: str) -> str:
    """``tpr`` of ``tpr[hate]``."""
    return re.sub(r"\[.*\]$", "", metric)
