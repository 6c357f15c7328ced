"""From per-example outcomes to rates with intervals."""

from collections.abc import Mapping, Sequence

import numpy as np

from attacks.embedding.base import EmbeddingAttack
from robustness.estimate import Estimate, wilson
from robustness.outcomes import Outcome
from robustness.results import AttackResult, ByGroup, GroupRobustness


def attack_result(
    attack: EmbeddingAttack,
    outcomes: Sequence[Outcome],
    groups: Mapping[str, np.ndarray],
    *,
    radius: float,
    confidence: float,
) -> AttackResult:
    """The rates of one attack, overall and by group.

    outcomes: n judged outcomes in the order of the group columns (n,).
    """
    by_group: ByGroup = {}
    for name, column in groups.items():
        values = sorted(set(column.tolist()))
        rows = {value: [outcomes[i] for i in np.flatnonzero(column == value).tolist()] for value in values}
        by_group[name] = {
            value: GroupRobustness(
                n=len(part),
                accuracy_under_attack=accuracy_under_attack(part, confidence),
                attack_success_rate=attack_success_rate(part, confidence),
            )
            for value, part in rows.items()
        }
    attacked = [outcome for outcome in outcomes if not outcome.skipped]
    return AttackResult(
        name=attack.name,
        params=attack.params(),
        threat_model=attack.threat_model,
        epsilon_absolute=radius,
        n=len(outcomes),
        skipped=len(outcomes) - len(attacked),
        accuracy_under_attack=accuracy_under_attack(outcomes, confidence),
        attack_success_rate=attack_success_rate(outcomes, confidence),
        mean_queries=(
            Estimate.exact(float(np.mean([outcome.queries for outcome in attacked])), len(attacked))
            if attacked
            else Estimate.undefined("no example was attacked: all were misclassified already")
        ),
        seconds=sum(outcome.seconds for outcome in attacked),
        by_group=by_group,
    )


def accuracy_under_attack(outcomes: Sequence[Outcome], confidence: float) -> Estimate:
    """Share right after the attack; SKIPPED examples were wrong before it and count as wrong."""
    right = sum(outcome.prediction == outcome.label for outcome in outcomes)
    return wilson(right, len(outcomes), confidence)


def attack_success_rate(outcomes: Sequence[Outcome], confidence: float) -> Estimate:
    """Share turned among the examples that were right before the attack."""
    attacked = [outcome for outcome in outcomes if not outcome.skipped]
    if not attacked:
        return Estimate.undefined("no example was attacked: all were misclassified already")
    turned = sum(outcome.prediction != outcome.label for outcome in attacked)
    return wilson(turned, len(attacked), confidence)


def worst_case_accuracy(
    clean: Sequence[Outcome], attacks: Sequence[Sequence[Outcome]], confidence: float
) -> Estimate:
    """Share of examples that were right and that no attack turned (each attack judged on all of them)."""
    right = np.array([outcome.prediction == outcome.label for outcome in clean], dtype=bool)
    for outcomes in attacks:
        right &= np.array([outcome.prediction == outcome.label for outcome in outcomes], dtype=bool)
    return wilson(int(right.sum()), len(right), confidence)
