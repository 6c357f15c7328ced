"""Gaps between groups that grow: under an attack, and from the first candidate to another."""

from collections.abc import Iterator, Mapping

import numpy as np

from assay.measure import Measured
from assay.plan import Plan
from fairness.changes import Widening, widening
from reports.formatting import figure, full
from reports.model import Finding

ALL = "all examples"


def widened_by_attack(plan: Plan, measured: Measured) -> Iterator[Finding]:
    """Per group column the attack that is sure to set two groups further apart, and does it most."""
    clean = _right(measured, None)
    attacks = _comparable(measured)
    pairs = {label: (clean, right, plan.test.labels >= 0) for label, right in attacks.items()}
    for column, (label, found) in _widest(plan, pairs).items():
        yield Finding(
            id="fairness.widened_by_attack",
            severity="warning",
            candidate=measured.result.name,
            metric="accuracy",
            subject=f"{column} under {label}",
            observed=found.growth,
            limit=0,
            message=(
                f"Under {label} accuracy is {_points(found.after)} lower for “{found.lower}” than for "
                f"“{found.higher}” ({column}), {_before(found)} on clean text: the gap grows by "
                f"{full(found.growth, 'points')}."
            ),
        )


def widened_against(plan: Plan, first: Measured, other: Measured) -> Iterator[Finding]:
    """Per group column the gap that is sure to be wider than with the first candidate, and is most.

    Compared is accuracy on all examples and on those of each label, on clean text and under every attack.
    """
    before = {"clean text": _right(first, None), **_comparable(first)}
    after = {"clean text": _right(other, None), **_comparable(other)}
    test = plan.test
    parts = {ALL: test.labels >= 0} | {
        f"examples labelled “{name}”": test.labels == code for code, name in enumerate(test.label_names)
    }
    pairs = {
        f"{part}, {_where(label)}": (before[label], after[label], mask)
        for label in after
        if label in before
        for part, mask in parts.items()
    }
    for column, (what, found) in _widest(plan, pairs).items():
        yield Finding(
            id="fairness.widened_by_candidate",
            severity="warning",
            candidate=other.result.name,
            metric="accuracy",
            subject=f"{column}, {what}",
            observed=found.growth,
            limit=0,
            message=(
                f"It sets groups of {column} further apart than {first.result.name} does: on {what}, "
                f"accuracy is {_points(found.after)} lower for “{found.lower}” than for “{found.higher}”, "
                f"{_before(found)} with {first.result.name}: the gap grows by {full(found.growth, 'points')}."
            ),
        )


def _widest(
    plan: Plan, pairs: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
) -> dict[str, tuple[str, Widening]]:
    """{column: what was compared and the widening}; pairs: {what: (right before, right after, part (n,))}.

    As many are tried as there are columns and pairs, so each is held to its share of the error (Bonferroni).
    """
    settings, groups = plan.config.fairness, plan.test.groups
    error = (1 - settings.confidence) / max(1, len(pairs) * len(groups))
    widest: dict[str, tuple[str, Widening]] = {}
    for column, values in groups.items():
        for what, (before, after, part) in pairs.items():
            found = widening(
                before[part],
                after[part],
                values[part],
                min_group_size=settings.min_group_size,
                confidence=1 - error,
                seed=plan.config.seed,
            )
            if found and (column not in widest or _growth(found) > _growth(widest[column][1])):
                widest[column] = (what, found)
    return widest


def _comparable(measured: Measured) -> dict[str, np.ndarray]:
    """{attack: (n,) bool, whether each example is right under it}."""
    return {
        attack.label: _right(measured, i)
        for i, attack in enumerate(measured.result.robustness.attacks)
        if attack.comparable
    }


def _right(measured: Measured, attack: int | None) -> np.ndarray:
    outcomes = measured.clean if attack is None else measured.attacked[attack]
    return np.array([outcome.prediction == outcome.label for outcome in outcomes], dtype=bool)


def _growth(found: Widening) -> float:
    return found.growth.value or 0.0


def _before(found: Widening) -> str:
    if found.before < 0:
        return f"against {_points(-found.before)} higher"
    return f"against {_points(found.before)} lower"


def _where(label: str) -> str:
    return label if label == "clean text" else f"under {label}"


def _points(share: float) -> str:
    return figure(share, "points")
