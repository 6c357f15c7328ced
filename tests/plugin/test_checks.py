"""The checks of a gate as tests: which there are, and what they are called."""

from pathlib import Path

import pytest

from assay.config import build_config
from assay.config_models import AuditConfig
from assay.plugin.checks import planned

LIMIT = {"min": 0.5}


def config(*gate: dict[str, object], attacks: tuple[dict[str, object], ...] = ()) -> AuditConfig:
    raw = {
        "data": {"path": "data.csv", "groups": ["gender"]},
        "candidates": [{"name": name, "model": "m:f"} for name in ("plain", "hardened")],
        "attacks": list(attacks),
        "behaviours": [{"name": "typos"}],
        "gate": [{**LIMIT, **check} for check in gate],
    }
    return build_config(raw, Path("/nowhere"), source="assay.toml", name="assay")


FGSM = {"name": "fgsm", "epsilon": [0.01, 0.03]}


@pytest.mark.parametrize(
    ("check", "ids"),
    [
        ({"metric": "accuracy"}, ["accuracy[plain]", "accuracy[hardened]"]),
        ({"metric": "accuracy", "candidate": "hardened"}, ["accuracy[hardened]"]),
        (
            {"metric": "accuracy_under_attack", "attack": "fgsm"},
            [
                "accuracy_under_attack[fgsm-0.01][plain]",
                "accuracy_under_attack[fgsm-0.03][plain]",
                "accuracy_under_attack[fgsm-0.01][hardened]",
                "accuracy_under_attack[fgsm-0.03][hardened]",
            ],
        ),
        (
            {"metric": "accuracy_under_attack", "attack": "fgsm", "epsilon": 0.03, "candidate": "plain"},
            ["accuracy_under_attack[fgsm-0.03][plain]"],
        ),
        (
            {"metric": "tpr[hate]", "group": "gender", "value": "woman", "candidate": "plain"},
            ["tpr[hate][gender=woman][plain]"],
        ),
        (
            {
                "metric": "tpr_ratio",
                "group": "gender",
                "attack": "fgsm",
                "epsilon": 0.01,
                "candidate": "plain",
            },
            ["tpr_ratio[gender-fgsm-0.01][plain]"],
        ),
        (
            {"metric": "failure_rate", "behaviour": "typos", "candidate": "plain"},
            ["failure_rate[typos][plain]"],
        ),
    ],
)
def test_a_test_is_named_after_what_is_checked(check: dict[str, object], ids: list[str]) -> None:
    assert [each.id for each in planned(config(check, attacks=(FGSM,)))] == ids


def test_a_budget_is_the_same_however_its_last_digit_was_rounded() -> None:
    """0.1 + 0.2 is not 0.3 to a computer, and a configuration may come from a program."""
    attack = {"name": "fgsm", "epsilon": [0.1 + 0.2, 0.5]}
    check = {"metric": "accuracy_under_attack", "attack": "fgsm", "epsilon": 0.3, "candidate": "plain"}
    assert [each.id for each in planned(config(check, attacks=(attack,)))] == [
        "accuracy_under_attack[fgsm-0.3][plain]"
    ]


def test_attacks_of_one_name_and_budget_are_told_apart_by_what_differs() -> None:
    runs = tuple({"name": "pgd", "epsilon": 0.1, "steps": steps, "step_size": 0.25} for steps in (3, 10))
    checks = planned(
        config({"metric": "attack_success_rate", "attack": "pgd", "candidate": "plain"}, attacks=runs)
    )
    assert [each.id for each in checks] == [
        "attack_success_rate[pgd-0.1-steps=3][plain]",
        "attack_success_rate[pgd-0.1-steps=10][plain]",
    ]


def test_a_second_check_of_the_same_thing_has_a_number_and_limits_change_no_name() -> None:
    both = config(
        {"metric": "accuracy", "candidate": "plain"},
        {"metric": "accuracy", "candidate": "plain", "min": None, "max": 0.9},
    )
    assert [each.id for each in planned(both)] == ["accuracy[plain]", "accuracy[plain][2]"]
    assert [each.check.max for each in planned(both)] == [None, 0.9]


def test_a_name_from_the_data_cannot_reach_the_terminal() -> None:
    (check,) = planned(
        config({"metric": "tpr", "group": "gender", "value": "a\x1b[31m\n b\u202e", "candidate": "plain"})
    )
    assert check.id == "tpr[gender=a\\u001b[31m b\\u202e][plain]"


def test_no_checks_are_no_tests() -> None:
    assert planned(config()) == []


def test_an_attack_without_a_budget_is_one_test_for_each_candidate() -> None:
    checks = planned(config({"metric": "minimal_norm", "attack": "fmn"}, attacks=({"name": "fmn"},)))
    assert [each.id for each in checks] == ["minimal_norm[fmn][plain]", "minimal_norm[fmn][hardened]"]
