"""Decides the gate: each check of the config against what was measured, nothing else."""

import math
import re
from collections.abc import Mapping, Sequence

from assay.config_models import GateConfig
from attacks.errors import AssayError, nearest
from fairness.disparities import BOTH, DISPARITIES, EQUALITY_DIFFERENCES, OVERALL
from fairness.metrics import OUTCOME_METRICS
from fairness.results import GroupAssessment
from reports.model import CandidateResult, GateCheck, GateResult
from robustness.estimate import Estimate
from robustness.results import AttackResult

Keys = frozenset[str]

ALL: Keys = frozenset()
ATTACK: Keys = frozenset({"attack"})
COLUMN: Keys = frozenset({"group"})
VALUE: Keys = frozenset({"group", "value"})
BEHAVIOUR: Keys = frozenset({"behaviour"})

MINIMAL_NORM = "minimal_norm"
FILTERED = "filtered_success_rate"
FAILURE_RATE = "failure_rate"
FLIP_RATES = {"flip_rate": "texts", "template_flip_rate": "templates"}
LOG_LOSS = "log_loss"
ATTACK_METRICS = ("accuracy_under_attack", "attack_success_rate")
GROUP_METRICS = ("accuracy", "balanced_accuracy", "expected_calibration_error", LOG_LOSS)
CLASS_METRICS = (*OUTCOME_METRICS, "roc_auc")
OVERALL_DISPARITIES = (*(f"{name}_{kind}" for name in OVERALL for kind in BOTH), "log_loss_difference")
CLASS_DISPARITIES = (
    *(f"{name}_{kind}" for name in DISPARITIES for kind in BOTH),
    *(f"{name}_difference" for name in EQUALITY_DIFFERENCES),
    "roc_auc_difference",
)
BIAS_MEANS = ("bias_score", "mean_subgroup_auc", "mean_bpsn_auc", "mean_bnsp_auc")
BIAS_AREAS = ("subgroup_auc", "bpsn_auc", "bnsp_auc")
UNBOUNDED = (
    MINIMAL_NORM,
    LOG_LOSS,
    "log_loss_difference",
    *(f"{n}_difference" for n in EQUALITY_DIFFERENCES),
)
"""Metrics that may be above 1."""

METRICS: dict[str, tuple[Keys, ...]] = {
    **dict.fromkeys(GROUP_METRICS, (VALUE, VALUE | ATTACK)),
    **dict.fromkeys(CLASS_METRICS, (VALUE, VALUE | ATTACK)),
    **dict.fromkeys(("accuracy", "expected_calibration_error", "roc_auc"), (ALL, VALUE, VALUE | ATTACK)),
    "macro_f1": (ALL,),
    "worst_case_accuracy": (ALL,),
    **dict.fromkeys(ATTACK_METRICS, (ATTACK, VALUE | ATTACK)),
    MINIMAL_NORM: (ATTACK,),
    FILTERED: (ATTACK,),
    FAILURE_RATE: (BEHAVIOUR,),
    **dict.fromkeys(FLIP_RATES, (ALL,)),
    **dict.fromkeys((*OVERALL_DISPARITIES, *CLASS_DISPARITIES), (COLUMN, COLUMN | ATTACK)),
    **dict.fromkeys(BIAS_MEANS, (COLUMN,)),
    **dict.fromkeys(BIAS_AREAS, (VALUE,)),
}
"""Every metric that a check may name, and the sets of keys with which it says what is measured.

With more than two classes the metrics of one class are named ``metric[label]``."""


OF_CLASS = (*CLASS_METRICS, *CLASS_DISPARITIES, *BIAS_MEANS, *BIAS_AREAS)
"""Metrics that are measured for each class where there are more than two."""


def check_gate(checks: Sequence[GateConfig], *, swaps: bool = True) -> None:
    """Refuse, before anything is read, a check that could not be decided; raises AssayError.

    swaps: whether the audit swaps identities.
    """
    for position, check in enumerate(checks):
        metric, _ = _split(check.metric)
        if metric not in METRICS:
            raise AssayError(
                f'gate.{position}.metric: there is no metric "{check.metric}".'
                f"{nearest(metric, list(METRICS))} The metrics: {', '.join(METRICS)}."
            )
        if metric in FLIP_RATES and not swaps:
            raise AssayError(
                f"gate.{position}: {metric} is measured where identities are swapped: add [counterfactual]."
            )
        for key, limit in (("min", check.min), ("max", check.max)):
            if limit is not None and metric not in UNBOUNDED and not 0 <= limit <= 1:
                hint = f" Did you mean {limit / 100:g}?" if 2 <= limit <= 100 else ""
                raise AssayError(
                    f"gate.{position}.{key}: {metric} lies between 0 and 1, got {limit:g}.{hint}"
                )
        keys = ("attack", "group", "value", "behaviour")
        given = frozenset(key for key in keys if getattr(check, key) is not None)
        if given not in METRICS[metric]:
            raise AssayError(
                f"gate.{position}: {metric} goes {keys_in_words(METRICS[metric])}; got "
                f"{_listed(given) or 'none of them'}. Add or leave out keys of this check."
            )


def check_gate_names(
    checks: Sequence[GateConfig], labels: tuple[str, ...], groups: Mapping[str, Sequence[str]]
) -> None:
    """Refuse a check of a class or of a group that the audited data does not have; raises AssayError.

    labels: of the data. groups: {grouping: its groups}.
    """
    for position, check in enumerate(checks):
        metric, label = _split(check.metric)
        place = f"gate.{position}.metric"
        # Without a group it is the area over all classes.
        of_class = metric in OF_CLASS and not (metric == "roc_auc" and check.group is None)
        if label is not None and not (of_class and len(labels) > 2):
            raise AssayError(f'{place}: expected "{metric}" for these data, got "{check.metric}".')
        if label is None and of_class and len(labels) > 2:
            raise AssayError(
                f"{place}: the data has {len(labels)} labels, so {metric} is measured for each: name one, "
                f'for example "{metric}[{labels[-1]}]".'
            )
        if label is not None and label not in labels:
            raise AssayError(
                f'{place}: the data has no label "{label}".{nearest(label, labels)} '
                f"Its labels: {', '.join(labels)}."
            )
        if check.group is not None and check.value is not None and check.value not in groups[check.group]:
            values = list(groups[check.group])
            raise AssayError(
                f'gate.{position}.value: no audited example has {check.group} = "{check.value}".'
                f"{nearest(check.value, values)} There are: {', '.join(values)}."
            )


def keys_in_words(allowed: Sequence[Keys]) -> str:
    """``alone, or with group and value``."""
    return ", or ".join(f"with {_listed(keys)}" if keys else "alone" for keys in allowed)


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


def judge(observed: Estimate, minimum: float | None, maximum: float | None) -> tuple[bool, str]:
    """Whether the estimate is within the limits (both included), and why in words."""
    if observed.value is None:
        return False, f"not measured: {observed.reason}"
    if minimum is not None and observed.value < minimum:
        return False, f"{observed.value:.4f} is below the minimum {minimum:g}"
    if maximum is not None and observed.value > maximum:
        return False, f"{observed.value:.4f} is above the maximum {maximum:g}"
    return True, f"{observed.value:.4f} is within the limits"


def _attacks(check: GateConfig, candidate: CandidateResult) -> list[AttackResult] | list[None]:
    """The attacks that a check speaks of; one None for clean text, or where its attack was not run."""
    found = [
        attack
        for attack in candidate.robustness.attacks
        if attack.name == check.attack and _is_budget(check.epsilon, attack.threat_model.epsilon)
    ]
    return found or [None]


def _is_budget(asked: float | None, used: float | None) -> bool:
    return asked is None or (used is not None and math.isclose(asked, used))


def _check(check: GateConfig, candidate: CandidateResult, attack: AttackResult | None) -> GateCheck:
    observed = _observed(check, candidate, attack)
    passed, message = judge(observed, check.min, check.max)
    group = f" of {check.group}" if check.group else ""
    group += f" = {check.value}" if check.value is not None else ""
    under = f" under {attack.label}" if attack else f" under {check.attack}" if check.attack else ""
    under += f" of {check.behaviour}" if check.behaviour else ""
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


def _observed(check: GateConfig, candidate: CandidateResult, attack: AttackResult | None) -> Estimate:
    if check.attack is not None and attack is None:
        return Estimate.undefined(f"{check.attack} was not run")
    if attack is not None and attack.unreached:
        whole = attack.n + attack.unreached
        return Estimate.undefined(f"it ended early, after {attack.n:,} of {whole:,} examples")
    if check.behaviour is not None:
        return _worst_failure_rate(check.behaviour, candidate)
    if check.metric in FLIP_RATES:
        return _flip_rate(FLIP_RATES[check.metric], candidate)
    if check.group is not None:
        measured = _by_group(check, check.group, candidate, attack)
    elif attack is not None:
        if attack.minimal_norm is not None and check.metric in ATTACK_METRICS:
            return Estimate.undefined(f"{check.attack} has no budget; check its minimal_norm instead")
        measured = vars(attack)
    else:
        worst = {"worst_case_accuracy": candidate.robustness.worst_case_accuracy}
        measured = vars(candidate.robustness.clean) | worst
    estimate = measured.get(check.metric)
    if isinstance(estimate, Estimate):
        return estimate
    value = "" if check.value is None else f' = "{check.value}"'
    return Estimate.undefined(f"the audit has no {check.metric} of {check.group or 'all examples'}{value}")


def _worst_failure_rate(behaviour: str, candidate: CandidateResult) -> Estimate:
    """Of the tests of this name, the one that fails most: a gate must hold for each."""
    rates = [each.failure_rate for each in candidate.robustness.behaviours if each.name == behaviour]
    undefined = [rate for rate in rates if rate.value is None]
    if undefined or not rates:
        return undefined[0] if undefined else Estimate.undefined(f"{behaviour} was not run")
    return max(rates, key=lambda rate: rate.value or 0.0)


def _flip_rate(kind: str, candidate: CandidateResult) -> Estimate:
    """Of the audited texts that name somebody, or of the templates."""
    rates = [each.flip_rate for each in candidate.counterfactuals if each.kind == kind]
    return rates[0] if rates else Estimate.undefined(f"no identity was swapped in {kind}")


def _by_group(
    check: GateConfig, column: str, candidate: CandidateResult, attack: AttackResult | None
) -> Mapping[str, object]:
    """The metrics of one value of the column, or the disparities between its values."""
    if attack is not None and check.metric in ATTACK_METRICS:
        rates = attack.by_group.get(column, {}).get(check.value or "")
        return vars(rates) if rates else {}
    if candidate.fairness is None:
        return {}
    groups = candidate.fairness.groups
    if attack is not None:
        assessed = [
            under.groups
            for under in candidate.fairness.under_attack
            if (under.attack, under.params) == (attack.name, attack.params)
        ]
        if not assessed:
            return {}
        groups = assessed[0]
    if column not in groups:
        return {}
    metric, label = _split(check.metric)
    if metric in (*BIAS_MEANS, *BIAS_AREAS):
        return _bias(groups[column], check.value, metric, label)
    if check.value is None:
        return groups[column].disparities
    value = groups[column].by_group.get(check.value)
    return value.metrics if value else {}


def _bias(
    assessment: GroupAssessment, value: str | None, metric: str, label: str | None
) -> Mapping[str, object]:
    """{the metric as a check names it: its estimate}, of the class ``label`` or the only one."""
    outcome = label if label is not None else next(iter(assessment.bias), None)
    bias = assessment.bias.get(outcome) if outcome is not None else None
    found = bias if bias is None or value is None else bias.by_group.get(value)
    name = metric if label is None else f"{metric}[{label}]"
    return {} if found is None else {name: getattr(found, metric)}


def _listed(keys: Keys) -> str:
    *most, last = sorted(keys) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _split(metric: str) -> tuple[str, str | None]:
    """``tpr[hate]`` as ("tpr", "hate")."""
    match = re.fullmatch(r"(.*?)\[(.*)\]", metric, re.DOTALL)
    return (match[1], match[2]) if match else (metric, None)
