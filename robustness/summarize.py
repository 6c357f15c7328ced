"""From per-example outcomes to rates with intervals."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from attacks.base import Attack
from attacks.embedding.base import EmbeddingAttack
from attacks.victims import EmbeddingScale, TextInput
from robustness.curves import median_minimal_norm, minimal_norms
from robustness.dataset import TextDataset
from robustness.estimate import Estimate, wilson
from robustness.outcomes import Outcome
from robustness.quality.limits import Limits, filtered_success, not_applied
from robustness.quality.measured import Quality
from robustness.results import AdversarialExample, AttackResult, ByGroup, GroupRobustness

SHOWN = 100
"""The most adversarial texts of one attack that a report shows; the ledger has all of them."""
NONE_ATTACKED = "no example was attacked: all were misclassified already"
NONE_REACHED = "no example was reached"


def attack_result(
    attack: Attack,
    dataset: TextDataset,
    clean: Sequence[Outcome],
    outcomes: Sequence[Outcome],
    *,
    scale: EmbeddingScale | None,
    confidence: float,
    qualities: Sequence[Quality | None] = (),
    limits: Limits | None = None,
) -> AttackResult:
    """The rates of one attack, overall and by group, over the examples that it reached.

    clean, outcomes: n judged outcomes in the order of ``dataset``. scale: of the attacked model; None where
    it is not computed here, and so has no embeddings. qualities: of the text of each outcome, to be held to
    ``limits``; none for an attack on embeddings.
    """
    unreached = sum(not outcome.reached for outcome in outcomes)
    here = np.array([outcome.reached for outcome in outcomes], dtype=bool)
    unit = _unit(attack, scale)

    def smallest(rows: Sequence[int]) -> Estimate | None:
        if unit is None:
            return None
        norms = minimal_norms([clean[i] for i in rows], [outcomes[i] for i in rows], unit)
        return median_minimal_norm(norms, confidence)

    def of_group(rows: Sequence[int]) -> GroupRobustness:
        part = [outcomes[i] for i in rows]
        return GroupRobustness(
            n=len(part),
            accuracy_under_attack=accuracy_under_attack(part, confidence),
            attack_success_rate=attack_success_rate(part, confidence),
            mean_queries=mean_queries(part, confidence),
            minimal_norm=smallest(rows),
        )

    groups = dataset.groups
    by_group: ByGroup = {}
    for name, column in groups.items():
        values = sorted(set(column.tolist()))
        rows = {value: np.flatnonzero((column == value) & here).tolist() for value in values}
        by_group[name] = {value: of_group(part) for value, part in rows.items()}
    judged = [outcome for outcome in outcomes if outcome.reached]
    attacked = [outcome for outcome in judged if not outcome.skipped]
    return AttackResult(
        name=attack.name,
        params=attack.params(),
        threat_model=attack.threat_model,
        epsilon_absolute=_absolute(attack, scale),
        n=len(judged),
        skipped=len(judged) - len(attacked),
        accuracy_under_attack=accuracy_under_attack(judged, confidence),
        attack_success_rate=attack_success_rate(judged, confidence),
        mean_queries=mean_queries(judged, confidence),
        seconds=sum(outcome.seconds for outcome in attacked),
        by_group=by_group,
        minimal_norm=smallest(range(len(outcomes))),
        bounded=attack.bounded,
        unreached=unreached,
        successes=sum(outcome.success for outcome in outcomes),
        examples=adversarial_examples(dataset, clean, outcomes, qualities)[:SHOWN],
        filtered_success_rate=None if limits is None else _filtered(outcomes, qualities, limits, confidence),
        notes=[] if limits is None else not_applied(qualities, limits),
    )


def _filtered(
    outcomes: Sequence[Outcome], qualities: Sequence[Quality | None], limits: Limits, confidence: float
) -> Estimate:
    reached = [pair for pair in zip(outcomes, qualities, strict=True) if pair[0].reached]
    return filtered_success([pair[0] for pair in reached], [pair[1] for pair in reached], limits, confidence)


def _absolute(attack: Attack, scale: EmbeddingScale | None) -> float | None:
    if not isinstance(attack, EmbeddingAttack) or attack.budget is None or scale is None:
        return None
    return attack.radius(scale)


def adversarial_examples(
    dataset: TextDataset,
    clean: Sequence[Outcome],
    outcomes: Sequence[Outcome],
    qualities: Sequence[Quality | None] = (),
) -> list[AdversarialExample]:
    """Every changed text with which an attack reached its goal; none for an attack on embeddings.

    qualities: of the text of each outcome, or none at all.
    """
    names, known = dataset.label_names, qualities or [None] * len(outcomes)
    return [
        AdversarialExample(
            example_id=after.example_id,
            label=names[after.label],
            before=names[before.prediction],
            after=names[after.prediction],
            original=_parts(text),
            perturbed=_parts(after.text),
            quality=quality,
        )
        for text, before, after, quality in zip(dataset.inputs, clean, outcomes, known, strict=True)
        if after.success and after.text is not None
    ]


def _unit(attack: Attack, scale: EmbeddingScale | None) -> float | None:
    """What a minimal norm is relative to; None for an attack that does not look for one."""
    if not isinstance(attack, EmbeddingAttack) or attack.budget is not None or scale is None:
        return None
    return scale.of(attack.norm)


def _parts(text: TextInput) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def accuracy_under_attack(outcomes: Sequence[Outcome], confidence: float) -> Estimate:
    """Share right after the attack; SKIPPED examples were wrong before it and count as wrong."""
    right = sum(outcome.prediction == outcome.label for outcome in outcomes)
    return wilson(right, len(outcomes), confidence)


def attack_success_rate(outcomes: Sequence[Outcome], confidence: float) -> Estimate:
    """Share turned among the examples that were right before the attack."""
    attacked = [outcome for outcome in outcomes if not outcome.skipped]
    if not attacked:
        return Estimate.undefined(NONE_ATTACKED if outcomes else NONE_REACHED)
    turned = sum(outcome.success for outcome in attacked)
    return wilson(turned, len(attacked), confidence)


def mean_queries(outcomes: Sequence[Outcome], confidence: float) -> Estimate:
    """Forward passes per attacked example, with a normal interval; exact where all took the same number."""
    queries = np.array([outcome.queries for outcome in outcomes if not outcome.skipped])
    n = len(queries)
    if n == 0:
        return Estimate.undefined(NONE_ATTACKED if outcomes else NONE_REACHED)
    mean = float(queries.mean())
    if n == 1 or not np.ptp(queries):
        return Estimate.exact(mean, n)
    half = float(norm.ppf(0.5 + confidence / 2) * queries.std(ddof=1) / np.sqrt(n))
    return Estimate(mean, max(0.0, mean - half), mean + half, n)


def worst_case_accuracy(
    clean: Sequence[Outcome], attacks: Sequence[Sequence[Outcome]], confidence: float
) -> Estimate:
    """Share of examples that were right and that no attack turned (each attack judged on all of them)."""
    if not attacks:
        return Estimate.undefined("no attack with limits was run on all examples")
    right = np.array([outcome.prediction == outcome.label for outcome in clean], dtype=bool)
    for outcomes in attacks:
        right &= np.array([outcome.prediction == outcome.label for outcome in outcomes], dtype=bool)
    return wilson(int(right.sum()), len(right), confidence)
