"""What a check looks at: the estimate of its metric in the results of one candidate."""

from collections.abc import Mapping

from assay.changes.metrics import ATTACK_METRICS, BIAS_AREAS, BIAS_MEANS, FLIP_RATES, split_label
from assay.changes.subject import Subject
from fairness.results import GroupAssessment
from reports.model import CandidateResult
from robustness.estimate import Estimate
from robustness.results import AttackResult


def observed(subject: Subject, candidate: CandidateResult) -> Estimate:
    """The subject in the results of the candidate; undefined, with the reason, where it has none."""
    attack = subject.attack_in(candidate)
    how = "" if subject.params is None else " with these parameters"
    if subject.attack is not None and attack is None:
        return Estimate.undefined(f"{subject.attack} was not run{how}")
    if attack is not None and attack.unreached:
        whole = attack.n + attack.unreached
        return Estimate.undefined(f"it ended early, after {attack.n:,} of {whole:,} examples")
    if subject.behaviour is not None:
        test = subject.behaviour_in(candidate)
        return test.failure_rate if test else Estimate.undefined(f"{subject.behaviour} was not run{how}")
    if subject.metric in FLIP_RATES:
        return _flip_rate(FLIP_RATES[subject.metric], candidate)
    if subject.group is not None:
        measured = _by_group(subject, subject.group, candidate, attack)
    elif attack is not None:
        if attack.minimal_norm is not None and subject.metric in ATTACK_METRICS:
            return Estimate.undefined(f"{subject.attack} has no budget; check its minimal_norm instead")
        measured = vars(attack)
    else:
        worst = {"worst_case_accuracy": candidate.robustness.worst_case_accuracy}
        measured = vars(candidate.robustness.clean) | worst
    estimate = measured.get(subject.metric)
    if isinstance(estimate, Estimate):
        return estimate
    value = "" if subject.value is None else f' = "{subject.value}"'
    return Estimate.undefined(
        f"the audit has no {subject.metric} of {subject.group or 'all examples'}{value}"
    )


def _flip_rate(kind: str, candidate: CandidateResult) -> Estimate:
    """Of the audited texts that name somebody, or of the templates."""
    rates = [each.flip_rate for each in candidate.counterfactuals if each.kind == kind]
    return rates[0] if rates else Estimate.undefined(f"no identity was swapped in {kind}")


def _by_group(
    subject: Subject, column: str, candidate: CandidateResult, attack: AttackResult | None
) -> Mapping[str, object]:
    """The metrics of one value of the column, or the disparities between its values."""
    if attack is not None and subject.metric in ATTACK_METRICS:
        rates = attack.by_group.get(column, {}).get(subject.value or "")
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
    metric, label = split_label(subject.metric)
    if metric in (*BIAS_MEANS, *BIAS_AREAS):
        return _bias(groups[column], subject.value, metric, label)
    if subject.value is None:
        return groups[column].disparities
    value = groups[column].by_group.get(subject.value)
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
