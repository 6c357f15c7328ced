"""What a check speaks of in one candidate, in a form that another audit can be asked for too."""

import math
from dataclasses import dataclass
from typing import Any

from assay.config_models import GateConfig
from reports.model import CandidateResult
from robustness.results import AttackResult


@dataclass(frozen=True)
class Subject:
    """A metric of all examples or of a group, on clean text or under one attack.

    metric: as ``METRICS`` names it, ``tpr[hate]`` for one class of several. attack: name of an attack;
    params: everything else that it is, None where it was not run. group, value: a grouping and one of its
    groups. behaviour: a behavioural test.
    """

    metric: str
    attack: str | None = None
    params: dict[str, Any] | None = None
    group: str | None = None
    value: str | None = None
    behaviour: str | None = None

    def attack_in(self, candidate: CandidateResult) -> AttackResult | None:
        """The attack's result on the candidate; None on clean text and where it was not run."""
        for attack in candidate.robustness.attacks:
            if (attack.name, attack.params) == (self.attack, self.params):
                return attack
        return None

    def named(self, candidate: CandidateResult) -> str:
        """``tpr of gender = woman under fgsm at epsilon 0.03``."""
        attack = self.attack_in(candidate)
        group = f" of {self.group}" if self.group else ""
        group += f" = {self.value}" if self.value is not None else ""
        under = f" under {attack.label}" if attack else f" under {self.attack}" if self.attack else ""
        under += f" of {self.behaviour}" if self.behaviour else ""
        return f"{self.metric}{group}{under}"


def subjects(check: GateConfig, candidate: CandidateResult) -> list[Subject]:
    """What the check speaks of: one subject for each budget of its attack, where it names none."""
    found = [
        attack
        for attack in candidate.robustness.attacks
        if attack.name == check.attack and _is_budget(check.epsilon, attack.threat_model.epsilon)
    ]
    runs: list[dict[str, Any] | None] = [attack.params for attack in found]
    return [
        Subject(check.metric, check.attack, params, check.group, check.value, check.behaviour)
        for params in runs or [None]
    ]


def _is_budget(asked: float | None, used: float | None) -> bool:
    return asked is None or (used is not None and math.isclose(asked, used))
