"""Rates of an attack, worked by hand from eight outcomes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from attacks.base import Attack
from attacks.embedding.fgsm import FGSM
from attacks.embedding.fmn import FMN
from attacks.token.base import TokenAttack
from attacks.victims import EmbeddingScale
from robustness.dataset import TextDataset
from robustness.estimate import wilson
from robustness.outcomes import Outcome
from robustness.results import AdversarialExample, AttackResult
from robustness.summarize import SHOWN, attack_result, worst_case_accuracy

ATTACK = FGSM(epsilon=0.1)
SCALE = EmbeddingScale(l2=2.0, linf=0.2)


class Flips(TokenAttack):
    name = "flips"

    def perturb(self, victim: object, texts: object, goal: object, seeds: object) -> list[object]:  # type: ignore[override]
        raise NotImplementedError


def outcome(label: int, prediction: int, *, skipped: bool = False, queries: int = 1) -> Outcome:
    return Outcome(
        "x",
        label,
        prediction,
        (0.5, 0.5),
        skipped=skipped,
        success=not skipped and prediction != label,
        queries=0 if skipped else queries,
        seconds=0.25,
    )


HELD, TURNED, SKIPPED = outcome(1, 1), outcome(1, 0, queries=4), outcome(1, 0, skipped=True)
OUTCOMES = [HELD, HELD, HELD, TURNED, TURNED, SKIPPED, SKIPPED, SKIPPED]
GROUPS = {
    "gender": np.array(["w", "w", "m", "m", "m", "w", "m", "x"]),
    "domain": np.array(["film"] * 8),
}


def data(n: int, groups: dict[str, np.ndarray] | None = None, pairs: bool = False) -> TextDataset:
    return TextDataset(
        name="data",
        ids=tuple(f"id{i}" for i in range(n)),
        texts=tuple(f"text {i}" for i in range(n)),
        text_pairs=tuple(f"second {i}" for i in range(n)) if pairs else None,
        labels=np.ones(n, dtype=np.int64),
        label_names=("negative", "positive"),
        groups=groups or {},
        splits=np.full(n, "test"),
    )


def clean_of(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """What was right before the attack: all that was not skipped."""
    return [
        replace(each, prediction=each.label, success=False) if not each.skipped else each for each in outcomes
    ]


def result(
    outcomes: list[Outcome],
    groups: dict[str, np.ndarray] | None = None,
    *,
    attack: Attack = ATTACK,
    pairs: bool = False,
) -> AttackResult:
    return attack_result(
        attack,
        data(len(outcomes), groups, pairs),
        clean_of(outcomes),
        outcomes,
        scale=SCALE,
        confidence=0.9,
    )


def test_rates_by_hand() -> None:
    whole = result(OUTCOMES, GROUPS)
    assert (whole.n, whole.skipped) == (8, 3)
    # Skipped examples are wrong under attack, and were never attacked.
    assert whole.accuracy_under_attack == wilson(3, 8, 0.9)
    assert whole.attack_success_rate == wilson(2, 5, 0.9)
    assert whole.mean_queries.value == (3 * 1 + 2 * 4) / 5
    assert whole.mean_queries.n == 5
    assert whole.seconds == 5 * 0.25
    assert (whole.name, whole.params) == ("fgsm", ATTACK.params())
    assert whole.epsilon_absolute == pytest.approx(0.1 * 0.2)
    assert whole.threat_model == ATTACK.threat_model
    assert (whole.successes, whole.examples, whole.minimal_norm) == (2, [], None)


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


def test_success_is_what_the_judge_says_and_not_any_wrong_answer() -> None:
    # With a target among three labels, another wrong label is no success, and is still wrong.
    other = replace(outcome(1, 0), success=False)
    whole = result([HELD, TURNED, other])
    assert whole.accuracy_under_attack == wilson(1, 3, 0.9)
    assert whole.attack_success_rate == wilson(1, 3, 0.9)


def test_the_minimal_norm_is_relative_and_a_median_over_all_examples() -> None:
    found = [replace(TURNED, distance=distance) for distance in (0.1, 0.04, 0.02)]
    whole = result([*found, SKIPPED, HELD], attack=FMN())
    # Relative to 0.2: 0.5, 0.2, 0.1, 0 for what was wrong from the start, and endless.
    assert whole.minimal_norm is not None
    assert whole.minimal_norm.value == pytest.approx(0.2)
    assert whole.minimal_norm.n == 5
    assert whole.epsilon_absolute is None
    halves = result([*found, SKIPPED, HELD], attack=FMN(norm="l2")).minimal_norm
    assert halves is not None
    assert halves.value == pytest.approx(0.02)


def test_changed_texts_are_shown_with_what_was_predicted() -> None:
    texts = [
        replace(TURNED, text="text changed"),
        replace(HELD, text="changed in vain"),
        TURNED,
        SKIPPED,
    ]
    whole = result(texts, attack=Flips())
    assert whole.successes == 2
    assert whole.examples == [
        AdversarialExample("x", "positive", "positive", "negative", ["text 0"], ["text changed"])
    ]
    assert whole.epsilon_absolute is None


def test_pairs_are_shown_as_pairs() -> None:
    (example,) = result([replace(TURNED, text=("text 0", "changed"))], attack=Flips(), pairs=True).examples
    assert (example.original, example.perturbed) == (["text 0", "second 0"], ["text 0", "changed"])


def test_of_many_changed_texts_some_are_shown_and_all_are_counted() -> None:
    many = result([replace(TURNED, text=f"changed {i}") for i in range(SHOWN + 3)], attack=Flips())
    assert (many.successes, len(many.examples)) == (SHOWN + 3, SHOWN)
    assert many.examples[-1].perturbed == [f"changed {SHOWN - 1}"]


def test_the_label_of_a_result_says_budget_and_target() -> None:
    labels = [
        result([HELD], attack=attack).label
        for attack in (ATTACK, FGSM(epsilon=0.1, target="negative"), FMN(), Flips(max_tokens=1), Flips())
    ]
    assert labels == [
        "fgsm at epsilon 0.1",
        "fgsm towards negative at epsilon 0.1",
        "fmn (linf)",
        "flips with at most 1 changed token",
        "flips with at most 3 changed tokens",
    ]


def test_worst_case_counts_what_no_attack_turned() -> None:
    clean = [outcome(1, prediction) for prediction in (1, 1, 1, 1, 0)]
    first = [outcome(1, prediction) for prediction in (1, 0, 1, 1, 0)]
    second = [outcome(1, prediction) for prediction in (1, 1, 0, 1, 0)]
    assert worst_case_accuracy(clean, [first, second], 0.9) == wilson(2, 5, 0.9)
    assert worst_case_accuracy(clean, [], 0.9).reason == "no attack with limits was run on all examples"


def test_worst_case_of_a_lucky_example_is_still_wrong_when_it_was_wrong_on_clean_text() -> None:
    assert worst_case_accuracy([outcome(1, 0)], [[outcome(1, 1)]], 0.9).value == 0


@pytest.mark.parametrize("attacks", [[[]], [[], []]])
def test_worst_case_of_no_examples_is_undefined(attacks: list[list[Outcome]]) -> None:
    assert worst_case_accuracy([], attacks, 0.9).reason == "no examples"
