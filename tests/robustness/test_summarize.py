"""Rates of an attack, worked by hand from eight outcomes."""

import numpy as np
import pytest

from attacks.embedding.fgsm import FGSM
from robustness.estimate import wilson
from robustness.outcomes import Outcome
from robustness.results import AttackResult
from robustness.summarize import attack_result, worst_case_accuracy

ATTACK = FGSM(epsilon=0.1)


def outcome(label: int, prediction: int, *, skipped: bool = False, queries: int = 1) -> Outcome:
    return Outcome(
        "x", label, prediction, (0.5, 0.5), skipped=skipped, queries=0 if skipped else queries, seconds=0.25
    )


HELD, TURNED, SKIPPED = outcome(1, 1), outcome(1, 0, queries=4), outcome(1, 0, skipped=True)
OUTCOMES = [HELD, HELD, HELD, TURNED, TURNED, SKIPPED, SKIPPED, SKIPPED]
GROUPS = {
    "gender": np.array(["w", "w", "m", "m", "m", "w", "m", "x"]),
    "domain": np.array(["film"] * 8),
}


def result(outcomes: list[Outcome], groups: dict[str, np.ndarray] | None = None) -> AttackResult:
    return attack_result(ATTACK, outcomes, groups or {}, radius=0.02, confidence=0.9)


def test_rates_by_hand() -> None:
    whole = result(OUTCOMES, GROUPS)
    assert (whole.n, whole.skipped) == (8, 3)
    # Skipped examples are wrong under attack, and were never attacked.
    assert whole.accuracy_under_attack == wilson(3, 8, 0.9)
    assert whole.attack_success_rate == wilson(2, 5, 0.9)
    assert whole.mean_queries.value == (3 * 1 + 2 * 4) / 5
    assert whole.mean_queries.n == 5
    assert whole.seconds == 5 * 0.25
    assert (whole.name, whole.params, whole.epsilon_absolute) == ("fgsm", ATTACK.params(), 0.02)
    assert whole.threat_model == ATTACK.threat_model


def test_rates_by_group_by_hand() -> None:
    by_group = result(OUTCOMES, GROUPS).by_group
    assert {name: list(rows) for name, rows in by_group.items()} == {
        "gender": ["m", "w", "x"],
        "domain": ["film"],
    }
    men, women, others = (by_group["gender"][value] for value in "mwx")
    assert (men.n, women.n, others.n) == (4, 3, 1)
    assert men.accuracy_under_attack == wilson(1, 4, 0.9)
    assert men.attack_success_rate == wilson(2, 3, 0.9)
    assert women.accuracy_under_attack == wilson(2, 3, 0.9)
    assert women.attack_success_rate == wilson(0, 2, 0.9)
    assert others.accuracy_under_attack == wilson(0, 1, 0.9)
    assert others.attack_success_rate.reason == "no example was attacked: all were misclassified already"
    assert by_group["domain"]["film"].accuracy_under_attack == wilson(3, 8, 0.9)


def test_an_attack_on_nothing_is_undefined_with_its_reason() -> None:
    nothing = result([SKIPPED, SKIPPED])
    assert nothing.accuracy_under_attack.value == 0
    for estimate in (nothing.attack_success_rate, nothing.mean_queries):
        assert estimate.value is None
        assert estimate.reason == "no example was attacked: all were misclassified already"
    assert nothing.seconds == 0


def test_worst_case_counts_what_no_attack_turned() -> None:
    clean = [outcome(1, prediction) for prediction in (1, 1, 1, 1, 0)]
    first = [outcome(1, prediction) for prediction in (1, 0, 1, 1, 0)]
    second = [outcome(1, prediction) for prediction in (1, 1, 0, 1, 0)]
    assert worst_case_accuracy(clean, [first, second], 0.9) == wilson(2, 5, 0.9)
    assert worst_case_accuracy(clean, [], 0.9) == wilson(4, 5, 0.9)


def test_worst_case_of_a_lucky_example_is_still_wrong_when_it_was_wrong_on_clean_text() -> None:
    assert worst_case_accuracy([outcome(1, 0)], [[outcome(1, 1)]], 0.9).value == 0


@pytest.mark.parametrize("attacks", [[], [[]], [[], []]])
def test_worst_case_of_no_examples_is_undefined(attacks: list[list[Outcome]]) -> None:
    assert worst_case_accuracy([], attacks, 0.9).reason == "no examples"
