"""What stands out in an audit: attacks gathered into families, the strongest one, the largest difference."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from attacks.threat_model import Space
from fairness.results import FairnessUnderAttack, GroupAssessment, Status
from reports.formatting import counted, name
from reports.model import AuditReport, CandidateResult
from reports.naming import NORMS, PREDICTIONS, with_budget
from robustness.curves import BUDGETS
from robustness.curves import family as without_budget
from robustness.estimate import Estimate
from robustness.results import AttackResult, EpsilonCurve


@dataclass(frozen=True)
class Family:
    """One attack at several budgets: the same name and parameters but for the budget.

    epsilons: ascending, in tokens for an attack on tokens; empty for an attack without a budget.
    minimal: it finds each example's own smallest norm.
    """

    key: str
    label: str
    space: Space
    epsilons: tuple[float, ...]
    minimal: bool

    @property
    def main_epsilon(self) -> float | None:
        """The middle budget (the larger of two): it tells more than the ends, where all models are alike."""
        return self.epsilons[len(self.epsilons) // 2] if self.epsilons else None


HEADLINE = ("accuracy_difference", "demographic_parity_difference", "equalized_odds_difference")
"""The differences of which the largest is told: all of shares, in points, so that one can be larger than
another."""
HEADLINE_IN_WORDS = "accuracy, demographic parity, equalized odds"


@dataclass(frozen=True)
class Disparity:
    """status: what its test says; None where it was not tested."""

    column: str
    metric: str
    estimate: Estimate
    status: Status | None


def is_predictions(candidate: CandidateResult) -> bool:
    """Whether no model was there, but a file of what some model predicted."""
    return candidate.model.source.startswith(PREDICTIONS)


def base_of(candidate: CandidateResult) -> str | None:
    """The candidate on whose training this one stands; None where it was trained, or came trained, itself."""
    return None if candidate.mitigation is None else candidate.mitigation.base


def family_key(attack: str, params: dict[str, object]) -> str:
    """What attacks of one family share."""
    return json.dumps([attack, without_budget(params)], sort_keys=True, default=str)


def families(report: AuditReport) -> list[Family]:
    """The attack families of all candidates, in the order in which they were run.

    Attacks that shorten texts are none of them: they measure no accuracy.
    """
    return [
        family
        for family, attacks in _families(report.candidates)
        if not any(shortens_texts(attack) for attack in attacks)
    ]


def _families(candidates: Sequence[CandidateResult]) -> list[tuple[Family, list[AttackResult]]]:
    """All families with their results."""
    members: dict[str, list[AttackResult]] = {}
    for candidate in candidates:
        for attack in candidate.robustness.attacks:
            members.setdefault(family_key(attack.name, attack.params), []).append(attack)
    labels = _labels([attacks[0] for attacks in members.values()])
    made = [
        Family(
            key=key,
            label=label,
            space=attacks[0].threat_model.space,
            epsilons=tuple(
                sorted({a.threat_model.epsilon for a in attacks if a.threat_model.epsilon is not None})
            ),
            minimal=any(finds_minimal_norms(attack) for attack in attacks),
        )
        for (key, attacks), label in zip(members.items(), labels, strict=True)
    ]
    return list(zip(made, members.values(), strict=True))


def _labels(firsts: Sequence[AttackResult]) -> list[str]:
    """One name a family; parameters are added only where name and norm do not tell them apart."""
    plain = [_plain_label(attack) for attack in firsts]
    labels = []
    for attack, label in zip(firsts, plain, strict=True):
        twins = [other for other, their in zip(firsts, plain, strict=True) if their == label]
        differing = [
            key
            for key in attack.params
            if key not in BUDGETS and any(twin.params.get(key) != attack.params[key] for twin in twins)
        ]
        labels.append(name(", ".join([label, *(f"{key} {attack.params[key]}" for key in differing)])))
    return labels


def _plain_label(attack: AttackResult) -> str:
    norm, target = attack.threat_model.norm, attack.threat_model.target
    label = f"{attack.name} ({NORMS[norm]})" if norm else attack.name
    return label if target is None else f"{label} towards {name(target)}"


def finds_minimal_norms(attack: AttackResult) -> bool:
    """Whether it has no budget and looks for the smallest norm: its accuracy is then next to nothing for
    every model, and its median norm is what it tells."""
    return attack.threat_model.norm is not None and attack.threat_model.epsilon is None


def shortens_texts(attack: AttackResult) -> bool:
    """Whether it takes words out for as long as the answer stays, and so measures no accuracy."""
    return not attack.bounded and not finds_minimal_norms(attack)


def run_of(candidate: CandidateResult, family: Family, epsilon: float | None) -> AttackResult | None:
    """The candidate's result under one attack of the family, also where a budget ended it before all
    examples were reached; None where it was not run."""
    for attack in candidate.robustness.attacks:
        same = family_key(attack.name, attack.params) == family.key
        if same and attack.threat_model.epsilon == epsilon:
            return attack
    return None


def result_of(candidate: CandidateResult, family: Family, epsilon: float | None) -> AttackResult | None:
    """As ``run_of``, but None also where not all examples were reached: it compares with nothing."""
    result = run_of(candidate, family, epsilon)
    return None if result is None or result.unreached else result


def curve_of(candidate: CandidateResult, family: Family) -> EpsilonCurve | None:
    """The candidate's accuracy against the budget of the family, None where there is no such curve."""
    for curve in candidate.robustness.curves:
        if family_key(curve.attack, curve.params) == family.key:
            return curve
    return None


def minimal_norm_of(candidate: CandidateResult, family: Family) -> Estimate | None:
    """The candidate's median minimal norm under a family that looks for it, None where it was not run."""
    result = result_of(candidate, family, None)
    return None if result is None else result.minimal_norm


def accuracy_under(candidate: CandidateResult, family: Family, epsilon: float | None) -> Estimate | None:
    """The candidate's accuracy under one attack of the family; None where it was not run, and undefined where
    it did not reach all examples."""
    result = run_of(candidate, family, epsilon)
    if result is not None and result.unreached:
        return Estimate.undefined(f"ended early, after {reached(result)}", result.n)
    return None if result is None else result.accuracy_under_attack


def reached(attack: AttackResult) -> str:
    """``120 of 640 examples``: how many had their turn before a budget for all of them ended."""
    return f"{attack.n:,} of {counted(attack.n + attack.unreached, 'example')}"


def assessment_under(
    candidate: CandidateResult, family: Family, epsilon: float | None, column: str
) -> GroupAssessment | None:
    """The group assessment of the candidate under one attack, None where there is none."""
    result = result_of(candidate, family, epsilon)
    if result is None or candidate.fairness is None:
        return None
    for under in candidate.fairness.under_attack:
        if _is_same_attack(under, result):
            return under.groups.get(column)
    return None


def _is_same_attack(under: FairnessUnderAttack, result: AttackResult) -> bool:
    return under.attack == result.name and under.params == result.params


def strongest_attack(candidate: CandidateResult) -> AttackResult | None:
    """The attack with the lowest accuracy under attack (the first of equals), of those that compare."""
    measured = [
        a for a in candidate.robustness.attacks if a.accuracy_under_attack.value is not None and a.comparable
    ]
    return min(measured, key=lambda a: a.accuracy_under_attack.value or 0.0, default=None)


def largest_disparity(candidate: CandidateResult) -> Disparity | None:
    """The largest of the ``HEADLINE`` differences on clean text, over all columns and overlapping groups.

    It may be chance: its status says. Intersections are left out: with many small groups the largest
    difference among them is chance more often than not.
    """
    groups = candidate.fairness.groups if candidate.fairness is not None else {}
    largest = [
        found
        for grouping, assessment in groups.items()
        if assessment.kind != "intersection" and (found := largest_within(grouping, assessment)) is not None
    ]
    return max(largest, key=lambda each: each.estimate.value or 0.0, default=None)


def largest_within(grouping: str, found: GroupAssessment) -> Disparity | None:
    """The largest of the ``HEADLINE`` differences of one grouping, the first of equals; None without one."""
    measured = [
        Disparity(grouping, metric, estimate, test.status if (test := found.tests.get(metric)) else None)
        for metric, estimate in found.disparities.items()
        if metric.partition("[")[0] in HEADLINE and estimate.value is not None
    ]
    return max(measured, key=lambda each: each.estimate.value or 0.0, default=None)


def is_between_rates(metric: str) -> bool:
    """Whether it is the difference of two rates: not a sum of differences, and no loss."""
    stem = metric.split("[", 1)[0]
    sums = ("false_positive_equality", "false_negative_equality", "log_loss")
    return stem.endswith("_difference") and not stem.startswith(sums)


def attack_label(family: Family, epsilon: float | None) -> str:
    """``pgd (L2) at epsilon 0.03``."""
    return with_budget(family.label, family.space, epsilon)


def label_of(report: AuditReport, attack: AttackResult) -> str:
    """The name of one result, the same everywhere in a report."""
    return label_among(report.candidates, attack)


def keyed(words: str, attacks: Sequence[AttackResult], candidates: Sequence[CandidateResult]) -> str:
    """``words`` with attacks named as checks of a gate name them: subjects of findings are held against the
    names of checks, and against the findings of other runs, so they do not follow what reads best."""
    for attack in attacks:
        words = words.replace(label_among(candidates, attack), attack.label)
    return words


def label_among(candidates: Sequence[CandidateResult], attack: AttackResult) -> str:
    """``label_of`` where there is no report yet."""
    key = family_key(attack.name, attack.params)
    family = next(each for each, _ in _families(candidates) if each.key == key)
    return attack_label(family, attack.threat_model.epsilon)
