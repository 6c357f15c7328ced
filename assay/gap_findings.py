"""Gaps between groups that grow: under an attack, and from the first candidate to another."""

from collections.abc import Iterator, Mapping

import numpy as np

from assay.measure import Measured
from assay.plan import Plan
from fairness.changes import Widening, widening
from reports.formatting import figure, full
from reports.highlights import keyed, label_among
from reports.model import Finding
from reports.naming import texts_of

ALL = "all examples"


def widened_by_attack(plan: Plan, measured: Measured) -> Iterator[Finding]:
    """Per group column the attack that is sure to set two groups further apart, and does it most."""
    clean = _right(measured, None)
    attacks = _comparable(measured)
    pairs = {label: (clean, right, plan.test.labels >= 0) for label, right in attacks.items()}
    for column, (label, found) in _widest(plan, pairs).items():
        yield _gap_finding(
            "fairness.widened_by_attack",
            measured,
            f"{column} under {label}",
            found,
            f"Under {label} accuracy is {_points(found.after)} lower for {_between(column, found)}, "
            f"{_before(found)} on clean text: the gap grows by "
            f"{full(found.growth, 'points')}.",
        )


def compared_gaps(plan: Plan, first: Measured, other: Measured) -> Iterator[Finding]:
    """Per group column the gaps that are surest to be wider, and narrower, than with the first candidate.

    Compared is accuracy on all examples and on those of each label, on clean text and under every attack.
    """
    name, base = other.result.name, first.result.name
    for column, (what, found) in _widest(plan, _pairs(plan, first, other)).items():
        yield _gap_finding(
            "fairness.widened_by_candidate",
            other,
            f"{column}, {what}",
            found,
            f"It sets groups of {column} further apart than {base} does: on {what}, accuracy is "
            f"{_points(found.after)} lower for {_between(column, found)}, {_before(found)} "
            f"with {base}: the gap grows by {full(found.growth, 'points')}.",
        )
    for column, (what, found) in _widest(plan, _pairs(plan, other, first)).items():
        yield _gap_finding(
            "fairness.narrowed_by_candidate",
            other,
            f"{column}, {what}",
            found,
            f"It sets groups of {column} less far apart than {base} does: on {what}, accuracy is "
            f"{_points(found.after)} lower for {_between(column, found)} with {base}, "
            f"{_before(found)} with {name}: the gap shrinks by {full(found.growth, 'points')}.",
        )


def _pairs(
    plan: Plan, before: Measured, after: Measured
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """{what is compared: (right before, right after, which examples)}."""
    earlier = {"clean text": _right(before, None), **_comparable(before)}
    later = {"clean text": _right(after, None), **_comparable(after)}
    test = plan.test
    parts = {ALL: test.labels >= 0} | {
        f"examples labelled “{name}”": test.labels == code for code, name in enumerate(test.label_names)
    }
    return {
        f"{part}, {_where(label)}": (earlier[label], later[label], mask)
        for label in later
        if label in earlier
        for part, mask in parts.items()
    }


def _gap_finding(kind: str, about: Measured, subject: str, found: Widening, message: str) -> Finding:
    result = about.result
    return Finding(
        id=kind,
        severity="info" if kind == "fairness.narrowed_by_candidate" else "warning",
        candidate=result.name,
        metric="accuracy",
        subject=keyed(subject, result.robustness.attacks, [result]),
        observed=found.growth,
        limit=0,
        message=message,
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
        label_among([measured.result], attack): _right(measured, i)
        for i, attack in enumerate(measured.result.robustness.attacks)
        if attack.comparable
    }


def _right(measured: Measured, attack: int | None) -> np.ndarray:
    outcomes = measured.clean if attack is None else measured.attacked[attack]
    return np.array([outcome.prediction == outcome.label for outcome in outcomes], dtype=bool)


def _growth(found: Widening) -> float:
    return found.growth.value or 0.0


def _between(column: str, found: Widening) -> str:
    """``texts with gender = woman than for those with gender = man``."""
    higher = texts_of(column, found.higher).replace("texts", "those", 1)
    return f"{texts_of(column, found.lower)} than for {higher}"


def _before(found: Widening) -> str:
    if found.before < 0:
        return f"against {_points(-found.before)} higher"
    return f"against {_points(found.before)} lower"


def _where(label: str) -> str:
    return label if label == "clean text" else f"under {label}"


def _points(share: float) -> str:
    return figure(share, "points")
