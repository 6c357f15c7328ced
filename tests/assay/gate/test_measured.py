"""The names that a saved run knows."""

from dataclasses import replace
from typing import Any

import pytest

from assay.config_models import GateConfig
from assay.gate.measured import check_measured, groups_of
from attacks.errors import AssayError
from tests.reports.behaviour_example import behaviours
from tests.reports.example import GROUPS, N, example_report


def report() -> Any:
    whole = example_report()
    first = whole.candidates[0]
    robustness = replace(first.robustness, behaviours=behaviours("plain", N, GROUPS))
    return replace(whole, candidates=[replace(first, robustness=robustness), *whole.candidates[1:]])


REPORT = report()
FIRST = REPORT.candidates[0].robustness
ATTACK = next(each for each in FIRST.attacks if each.threat_model.epsilon is not None)


def check(**more: Any) -> GateConfig:
    return GateConfig(metric="accuracy_under_attack", min=0.1, **more)


def test_names_that_the_run_knows_are_taken() -> None:
    budget = ATTACK.threat_model.epsilon
    assert budget is not None
    check_measured(
        [
            check(),
            check(attack=ATTACK.name),
            check(attack=ATTACK.name, epsilon=budget * (1 + 1e-12)),
            check(behaviour=FIRST.behaviours[0].name),
            *(check(group=grouping) for grouping in groups_of(REPORT)),
        ],
        REPORT,
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"attack": ATTACK.name[:-1]},
            rf'gate\.1\.attack: the run has no attack .* Did you mean "{ATTACK.name}"',
        ),
        ({"attack": ATTACK.name, "epsilon": 77.0}, r"gate\.1\.epsilon: the attack .* was not run at 77"),
        ({"behaviour": "typoes"}, r"gate\.1\.behaviour: the run has no behaviour \"typoes\""),
        ({"group": "gendr"}, r"gate\.1\.group: .*There are: .* This is the second \[\[gate\]\]"),
    ],
)
def test_another_name_is_refused_with_those_that_are_there(given: dict[str, Any], words: str) -> None:
    with pytest.raises(AssayError, match=words):
        check_measured([check(), check(**given)], REPORT)


def test_groups_are_those_of_columns_and_of_what_the_assessment_made_of_them() -> None:
    found = groups_of(REPORT)
    for column, counts in REPORT.data.groups.items():
        assert set(counts) <= set(found[column])
    for candidate in REPORT.candidates:
        for grouping, assessed in candidate.fairness.groups.items() if candidate.fairness else ():
            assert set(assessed.by_group) <= set(found[grouping])
    crossed = replace(REPORT.candidates[0].fairness, groups={"a & b": assessed})
    crossed_report = replace(REPORT, candidates=[replace(REPORT.candidates[0], fairness=crossed)])
    assert groups_of(crossed_report)["a & b"] == list(assessed.by_group)
