"""The checks of a gate as tests, known from the configuration alone: nothing is run or read for it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.config_attacks import BUDGETS
from assay.config_models import AuditConfig, GateConfig
from reports.formatting import visible

Run = tuple[str, Mapping[str, Any]]
"""An attack and the parameters that the configuration gives it."""


@dataclass(frozen=True)
class PlannedCheck:
    """One check of one candidate, under one attack at one budget where it is about attacks.

    id: ``accuracy_under_attack[fgsm-0.03][hardened]``; unique in its configuration, and the same as long as
    what it speaks of is, whatever its limits are.
    """

    id: str
    check: GateConfig
    candidate: str


def planned(config: AuditConfig) -> list[PlannedCheck]:
    """Every check of every candidate and budget that it speaks of, in the order in which the gate decides."""
    runs = [run for attack in config.attacks for run in attack.expand()]
    found: list[PlannedCheck] = []
    taken: dict[str, int] = {}
    for check in config.gate:
        # A behavioural test can be there more than once, with other parameters.
        tests = sum(each.name == check.behaviour for each in config.behaviours)
        named = [_subject(check, run, runs) for run in _runs_of(check, runs)] * max(1, tests)
        for candidate in config.candidates:
            if check.candidate not in (None, candidate.name):
                continue
            for subject in named:
                id_ = _clean(f"{check.metric}{subject}[{candidate.name}]")
                taken[id_] = taken.get(id_, 0) + 1
                # Two checks of one thing, for example with different limits.
                again = f"[{taken[id_]}]" if taken[id_] > 1 else ""
                found.append(PlannedCheck(id_ + again, check, candidate.name))
    return found


def _runs_of(check: GateConfig, runs: Sequence[Run]) -> Sequence[Run | None]:
    """The attacks that the check speaks of; one None for a check of something else."""
    if check.attack is None:
        return [None]
    asked = check.epsilon
    return [
        (name, params)
        for name, params in runs
        if name == check.attack
        and (asked is None or any(math.isclose(asked, used) for used in _budgets(params)))
    ]


def _subject(check: GateConfig, run: Run | None, runs: Sequence[Run]) -> str:
    """``[gender=woman-fgsm-0.03]``; nothing for a metric of all examples on clean text."""
    parts = []
    if check.group is not None:
        parts.append(check.group if check.value is None else f"{check.group}={check.value}")
    if run is not None:
        parts.append(_attack(run, runs))
    if check.behaviour is not None:
        parts.append(check.behaviour)
    return f"[{'-'.join(parts)}]" if parts else ""


def _attack(run: Run, runs: Sequence[Run]) -> str:
    """``pgd-0.03``, with the parameters in which it differs from others of that name and budget."""
    name, params = run
    words = [name, *(f"{budget:g}" for budget in _budgets(params))]
    alike = [other for other in runs if other[0] == name and _budgets(other[1]) == _budgets(params)]
    for key in sorted({key for _, other in alike for key in other}):
        if key in params and any(other.get(key) != params[key] for _, other in alike):
            words.append(f"{key}={params[key]}")
    return "-".join(words)


def _budgets(params: Mapping[str, Any]) -> list[float]:
    return [float(params[budget]) for budget in BUDGETS if budget in params]


def _clean(name: str) -> str:
    """On one line, with nothing in it that a terminal would obey."""
    return visible(" ".join(name.split()))
