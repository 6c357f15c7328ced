"""Accuracy against the attacker's budget: curves, the area under them, and the median minimal norm."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import binom, norm

from robustness.estimate import Estimate, wilson
from robustness.results import CurvePoint, EpsilonCurve

if TYPE_CHECKING:  # these import torch, which a report written from audit.json does not need
    from attacks.base import Attack
    from attacks.victims import EmbeddingScale
    from robustness.outcomes import Outcome

BUDGETS = ("epsilon", "max_tokens", "max_injections")
"""The parameters that are an attack's budget: attacks that differ in nothing else are one curve."""
GRID = 20
"""Points of the curve of an attack that finds each example's own smallest epsilon."""
REACH = 1.0
"""Where such a curve ends when no other attack of the audit says how far it looks (relative epsilon)."""


def family(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an attack without its budget."""
    return {key: value for key, value in params.items() if key not in BUDGETS}


def curves(
    attacks: "Sequence[Attack]",
    clean: "Sequence[Outcome]",
    attacked: "Sequence[Sequence[Outcome]]",
    *,
    scale: "EmbeddingScale | None",
    confidence: float,
) -> list[EpsilonCurve]:
    """One curve for each attack that was run at two budgets or more, or that finds minimal norms.

    clean, attacked: outcomes of the same n examples, on clean text and under each of ``attacks``. scale: None
    for a model without embeddings, on which no attack of a norm runs.
    """
    members: dict[str, list[int]] = {}
    for i, attack in enumerate(attacks):
        members.setdefault(f"{attack.name} {family(attack.params())}", []).append(i)
    right = _right(clean)
    found = []
    for indices in members.values():
        first = attacks[indices[0]]
        threat = first.threat_model
        if scale is not None and threat.norm is not None and threat.epsilon is None:
            norms = minimal_norms(clean, attacked[indices[0]], scale.of(threat.norm))
            others = [other.threat_model for other in attacks]
            reach = max((o.epsilon for o in others if o.epsilon and o.norm == threat.norm), default=REACH)
            budgets = np.linspace(0, reach, GRID + 1)
            holds = norms[:, None] > budgets
            holds[:, 0] = right
        elif len(indices) > 1:
            ordered = sorted(indices, key=lambda i: attacks[i].threat_model.epsilon or 0.0)
            budgets = np.array([0.0, *(attacks[i].threat_model.epsilon or 0.0 for i in ordered)])
            holds = np.column_stack([right, *(_right(attacked[i]) for i in ordered)])
        else:
            continue
        found.append(
            EpsilonCurve(
                attack=first.name,
                params=family(first.params()),
                points=[
                    CurvePoint(float(budget), wilson(int(holds[:, j].sum()), len(right), confidence))
                    for j, budget in enumerate(budgets)
                ],
                area=area(budgets, holds, confidence),
            )
        )
    return found


def area(budgets: np.ndarray, holds: np.ndarray, confidence: float) -> Estimate:
    """The area under the curve by the trapezoidal rule over its width: the mean accuracy on [0, last budget].

    budgets: (m,) ascending from 0. holds: (n, m) bool, whether an example is right at a budget. The area is
    a mean over the examples of each one's own area, which gives the interval (normal, within [0, 1]).
    """
    n = len(holds)
    if n == 0:
        return Estimate.undefined("no examples")
    each = np.trapezoid(holds.astype(float), budgets, axis=1) / budgets[-1]
    value = float(each.mean())
    half = float(norm.ppf(0.5 + confidence / 2)) * float(each.std(ddof=1)) / math.sqrt(n) if n > 1 else 1.0
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), n)


def minimal_norms(clean: "Sequence[Outcome]", attacked: "Sequence[Outcome]", unit: float) -> np.ndarray:
    """(n,) the smallest relative epsilon that turns each example, as far as the attack found one.

    0 where the model is wrong from the start, infinite where the attack found nothing. unit: the model's
    embedding scale in the attack's norm.
    """
    norms = np.full(len(clean), math.inf)
    for i, (before, after) in enumerate(zip(clean, attacked, strict=True)):
        if before.prediction != before.label:
            norms[i] = 0.0
        elif after.success and after.distance is not None:
            norms[i] = after.distance / unit
    return norms


def median_minimal_norm(norms: np.ndarray, confidence: float) -> Estimate:
    """The median of ``minimal_norms`` (n,); its interval comes from order statistics, without a distribution.

    Undefined where the attack turned half of the examples or less. ``low`` is 0 and ``high`` None where that
    end of the interval lies beyond the smallest or the largest norm that was found.
    """
    n = len(norms)
    if n == 0:
        return Estimate.undefined("no examples")
    ordered = np.sort(norms)
    middle = float((ordered[(n - 1) // 2] + ordered[n // 2]) / 2)
    if not math.isfinite(middle):
        return Estimate.undefined("the attack turned no more than half of the examples", n)
    # Of n norms, fewer than ``rank`` lie below the true median with a chance below (1 - confidence) / 2.
    rank = int(binom.ppf((1 - confidence) / 2, n, 0.5))
    low, high = (float(ordered[rank - 1]), float(ordered[n - rank])) if rank else (0.0, math.inf)
    return Estimate(middle, low, high if math.isfinite(high) else None, n)


def _right(outcomes: "Sequence[Outcome]") -> np.ndarray:
    return np.array([outcome.prediction == outcome.label for outcome in outcomes], dtype=bool)
