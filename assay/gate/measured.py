"""The names that a saved run knows: a check of anything else is a slip of its writer, not of the model."""

import math
from collections.abc import Sequence

from assay.config_gate import GateConfig, which
from attacks.errors import AssayError, nearest
from reports.model import AuditReport


def groups_of(report: AuditReport) -> dict[str, list[str]]:
    """{grouping: its groups}: columns, columns crossed, and overlapping groups."""
    found = {column: dict.fromkeys(values) for column, values in report.data.groups.items()}
    for candidate in report.candidates:
        for grouping, assessed in candidate.fairness.groups.items() if candidate.fairness else ():
            found.setdefault(grouping, {}).update(dict.fromkeys(assessed.by_group))
    return {grouping: list(values) for grouping, values in found.items()}


def check_measured(checks: Sequence[GateConfig], report: AuditReport) -> None:
    """Refuse a check of an attack, a budget, a grouping or a behavioural test that the run does not have;
    raises AssayError. The configuration of an audit refuses the same before it runs."""
    results = [candidate.robustness for candidate in report.candidates]
    attacks = [attack for each in results for attack in each.attacks]
    known = {
        "attack": [attack.name for attack in attacks],
        "group": list(groups_of(report)),
        "behaviour": [test.name for each in results for test in each.behaviours],
    }
    for position, check in enumerate(checks):
        for key, names in known.items():
            asked = getattr(check, key)
            if asked is not None and asked not in names:
                raise AssayError(
                    f'gate.{position}.{key}: the run has no {key} "{asked}".{nearest(asked, names)} There '
                    f"are: {', '.join(dict.fromkeys(names)) or 'none'}. This is {which(position)}."
                )
        budgets = [each.threat_model.epsilon for each in attacks if each.name == check.attack]
        if check.epsilon is not None and not any(
            budget is not None and math.isclose(check.epsilon, budget) for budget in budgets
        ):
            there = ", ".join(f"{budget:g}" for budget in dict.fromkeys(budgets) if budget is not None)
            raise AssayError(
                f'gate.{position}.epsilon: the attack "{check.attack}" was not run at {check.epsilon:g}. Its '
                f"budgets: {there or 'none'}. This is {which(position)}."
            )
