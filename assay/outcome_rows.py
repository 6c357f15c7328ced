"""The outcome table of an audit, from what was measured."""

from collections.abc import Sequence

import numpy as np

from assay.measure import Measured
from assay.outcome_table import CLEAN, Answers, OutcomeTable, attack_subject
from assay.plan import Plan
from attacks.base import Attack
from robustness.curves import minimal_norms
from robustness.outcomes import Outcome
from robustness.quality.measured import Quality


def outcome_table(plan: Plan, measured: Sequence[Measured]) -> OutcomeTable:
    """Every outcome of every candidate on the audited examples."""
    test = plan.test
    return OutcomeTable(
        label_names=test.label_names,
        ids=test.ids,
        labels=test.labels,
        groups=dict(test.groups),
        answers={each.result.name: _answers(plan, each) for each in measured},
        failures={each.result.name: each.failures for each in measured},
    )


def _answers(plan: Plan, each: Measured) -> dict[str, Answers]:
    found = {CLEAN: _of(each.clean, each.scored)}
    for attack, outcomes, qualities in zip(plan.attacks, each.attacked, each.qualities, strict=True):
        near = _near(plan, attack, outcomes, qualities)
        found[attack_subject(attack.name, attack.params())] = _of(
            outcomes, each.scored, near, _norms(each, attack, outcomes)
        )
    return found


def _of(
    outcomes: Sequence[Outcome],
    scored: bool,
    near: np.ndarray | None = None,
    norms: np.ndarray | None = None,
) -> Answers:
    return Answers(
        prediction=np.array([outcome.prediction for outcome in outcomes], dtype=np.int64),
        probabilities=np.array([outcome.probabilities for outcome in outcomes]) if scored else None,
        skipped=np.array([outcome.skipped for outcome in outcomes], dtype=bool),
        success=np.array([outcome.success for outcome in outcomes], dtype=bool),
        reached=np.array([outcome.reached for outcome in outcomes], dtype=bool),
        queries=np.array([outcome.queries for outcome in outcomes], dtype=float),
        near=near,
        minimal_norm=norms,
    )


def _near(
    plan: Plan, attack: Attack, outcomes: Sequence[Outcome], qualities: Sequence[Quality | None]
) -> np.ndarray | None:
    if plan.judge is None or attack.space == "embedding":
        return None
    limits = plan.judge.limits
    return np.array(
        [
            outcome.success and quality is not None and limits.keeps(quality)
            for outcome, quality in zip(outcomes, qualities, strict=True)
        ],
        dtype=bool,
    )


def _norms(each: Measured, attack: Attack, outcomes: Sequence[Outcome]) -> np.ndarray | None:
    threat = attack.threat_model
    if each.scale is None or threat.norm is None or threat.epsilon is not None:
        return None
    return minimal_norms(each.clean, outcomes, each.scale.of(threat.norm))
