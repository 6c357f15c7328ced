"""What a check speaks of in one candidate, in a form that another audit can be asked for too."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.config_models import GateConfig
from assay.outcome_table import attack_subject, behaviour_subject
from reports.highlights import label_among
from reports.model import CandidateResult
from robustness.behaviour.results import BehaviouralResult
from robustness.results import AttackResult


@dataclass(frozen=True)
class Subject:
    """A metric of all examples or of a group, on clean text or under one attack.

    metric: as ``METRICS`` names it, ``tpr[hate]`` for one class of several. attack, behaviour: name of an
    attack or of a behavioural test; params: everything else that it is, None where it was not run. group,
    value: a grouping and one of its groups.
    """

    metric: str
    attack: str | None = None
    params: dict[str, Any] | None = None
    group: str | None = None
    value: str | None = None
    behaviour: str | None = None

    def attack_in(self, candidate: CandidateResult) -> AttackResult | None:
        """The attack's result on the candidate; None on clean text and where it was not run with these
        parameters, those read from a file being the same."""
        if self.attack is None or self.params is None:
            return None
        wanted = attack_subject(self.attack, self.params)
        attacks = candidate.robustness.attacks
        return next((each for each in attacks if attack_subject(each.name, each.params) == wanted), None)

    def behaviour_in(self, candidate: CandidateResult) -> BehaviouralResult | None:
        """The behavioural test's result on the candidate, as ``attack_in``."""
        if self.behaviour is None or self.params is None:
            return None
        wanted = behaviour_subject(self.behaviour, self.params)
        tests = candidate.robustness.behaviours
        return next((each for each in tests if behaviour_subject(each.name, each.params) == wanted), None)

    def named(self, candidate: CandidateResult) -> str:
        """``tpr of gender = woman under fgsm at epsilon 0.03``; no two subjects of a candidate alike."""
        attack = self.attack_in(candidate)
        group = f" of {self.group}" if self.group else ""
        group += f" = {self.value}" if self.value is not None else ""
        under = f" under {self.attack}" if self.attack else ""
        if attack is not None:
            alike = [each for each in candidate.robustness.attacks if each.label == attack.label]
            under = f" under {label_among([candidate], attack) if len(alike) > 1 else attack.label}"
        if self.behaviour is not None:
            tests = candidate.robustness.behaviours
            alike_tests = [each.params for each in tests if each.name == self.behaviour]
            under += f" of {behaviour_label(self.behaviour, self.params or {}, alike_tests)}"
        return f"{self.metric}{group}{under}"


def behaviour_label(test: str, params: Mapping[str, Any], alike: Sequence[Mapping[str, Any]]) -> str:
    """``typos (errors 3)``: its name, with the parameters in which it differs from others of that name.

    alike: the parameters of all tests of that name, its own may be among them.
    """
    differing = [
        f"{key} {value}" for key, value in params.items() if any(each.get(key) != value for each in alike)
    ]
    return f"{test} ({', '.join(differing)})" if differing else test


def subjects(check: GateConfig, candidate: CandidateResult) -> list[Subject]:
    """What the check speaks of: one subject for each budget of its attack, where it names none, and for each
    test of the name of its behavioural test."""
    runs: list[dict[str, Any] | None] = [
        attack.params
        for attack in candidate.robustness.attacks
        if attack.name == check.attack and _is_budget(check.epsilon, attack.threat_model.epsilon)
    ]
    runs += [test.params for test in candidate.robustness.behaviours if test.name == check.behaviour]
    return [
        Subject(check.metric, check.attack, params, check.group, check.value, check.behaviour)
        for params in runs or [None]
    ]


def _is_budget(asked: float | None, used: float | None) -> bool:
    return asked is None or (used is not None and math.isclose(asked, used))
