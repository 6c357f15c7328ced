"""From outcomes to rates, worked out by hand."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy.stats import norm

from attacks.victims import TextInput
from robustness.behaviour.base import BehaviouralTest
from robustness.behaviour.outcomes import BehaviouralOutcome
from robustness.behaviour.results import BehaviouralResult, FailingExample
from robustness.behaviour.run import run
from robustness.behaviour.summarize import LABELS_ONLY, NOWHERE, OTHER_LABEL, SHOWN, summarize
from robustness.behaviour.transformations.casing import Casing
from robustness.behaviour.transformations.negation import Negation
from robustness.estimate import Estimate, wilson
from robustness.outcomes import Outcome
from robustness.paired import paired_difference
from tests.robustness.behaviour.victims import KeywordVictim, dataset


def outcome(
    label: int,
    before: float,
    right: int,
    failed: int,
    variants: int = 2,
    change: float = 0.1,
    after: float = 0.3,
) -> BehaviouralOutcome:
    """before, after: the probability of "positive" of the text and of its worst variant."""
    return BehaviouralOutcome(
        "", label, (1 - before, before), 2, failed, right, change, "worst", (1 - after, after)
    )  # fmt: skip


NOT_APPLICABLE = BehaviouralOutcome("", 1, (0.2, 0.8))

OUTCOMES = [
    outcome(1, 0.9, right=2, failed=0, change=0.1),  # right and stays right
    outcome(1, 0.8, right=1, failed=1, change=0.5),  # right, one variant turned
    outcome(1, 0.3, right=1, failed=1, change=0.3),  # wrong, one variant by luck right
    outcome(0, 0.7, right=0, failed=0, change=0.0),  # wrong and stays wrong
    NOT_APPLICABLE,
]
GROUPS = {"who": ["a", "a", "b", "b", "c"]}


def result(
    outcomes: Sequence[BehaviouralOutcome],
    test: BehaviouralTest | None = None,
    groups: dict[str, Sequence[str]] | None = None,
    pairs: Sequence[str] | None = None,
    scores: bool = True,
) -> BehaviouralResult:
    data = dataset(
        [f"text {i}" for i in range(len(outcomes))],
        [each.label for each in outcomes],
        pairs=pairs,
        groups=groups,
    )
    named = [replace(each, example_id=id_) for id_, each in zip(data.ids, outcomes, strict=True)]
    # The order in which outcomes come does not matter.
    return summarize(named[::-1], data, test or Casing(), confidence=0.9, scores=scores)


def test_rates_by_hand() -> None:
    found = result(OUTCOMES)
    assert (found.name, found.kind, found.nature) == ("casing", "invariance", "natural noise")
    assert found.params == {"part": "first", "to": "each", "samples": 1}
    assert (found.n, found.not_applicable, found.variants, found.failures) == (4, 1, 8, 2)
    assert found.failure_rate == wilson(2, 4, 0.9)
    assert found.failure_rate_if_right == wilson(1, 2, 0.9)
    assert found.accuracy_clean == wilson(2, 4, 0.9)
    assert found.accuracy_worst == wilson(1, 4, 0.9)


def test_means_by_hand() -> None:
    found = result(OUTCOMES)
    z = norm.ppf(0.95)
    shares = [1, 0.5, 0.5, 0]
    half = z * np.std(shares, ddof=1) / 2
    assert found.accuracy_mean.value == 0.5
    assert found.accuracy_mean.low == pytest.approx(0.5 - half)
    assert found.accuracy_mean.high == pytest.approx(0.5 + half)
    assert found.mean_change.value == pytest.approx(0.225)
    assert found.mean_change.n == 4
    assert found.mean_change.low is not None
    assert 0 <= found.mean_change.low < 0.225


def test_the_change_of_accuracy_is_paired() -> None:
    right, wrong = Outcome("", 1, 1, (0.0, 1.0)), Outcome("", 1, 0, (1.0, 0.0))
    # On the worst variant only the first text is right; as they are, the first two.
    expected = paired_difference([right, wrong, wrong, wrong], [right, right, wrong, wrong], 0.9)
    assert result(OUTCOMES).accuracy_change == expected
    assert expected.value == -0.25


def test_groups_count_the_texts_that_the_test_applies_to() -> None:
    by_group = result(OUTCOMES, groups=GROUPS).by_group["who"]
    assert {value: each.n for value, each in by_group.items()} == {"a": 2, "b": 2, "c": 0}
    assert by_group["a"].failure_rate == wilson(1, 2, 0.9)
    assert by_group["b"].failure_rate == wilson(1, 2, 0.9)
    assert by_group["c"].failure_rate == Estimate.undefined("the test applies to no text of the group")


def test_failing_examples_carry_their_worst_variant() -> None:
    first, second = result(OUTCOMES).examples
    assert first == FailingExample(
        "e2", "positive", "positive", "negative", 0.8, 0.3, ["text 1"], ["worst"]
    )  # fmt: skip
    assert (second.example_id, second.before, second.probability_before) == ("e3", "negative", 0.7)


def test_pairs_are_shown_as_pairs() -> None:
    worst: TextInput = ("x", "y")
    (example,) = result([replace(OUTCOMES[1], worst=worst)], pairs=["second"]).examples
    assert (example.original, example.variant) == (["text 0", "second"], ["x", "y"])


def test_of_many_failures_some_are_shown_and_all_are_counted() -> None:
    found = result([OUTCOMES[1]] * (SHOWN + 5))
    assert (found.failures, len(found.examples)) == (SHOWN + 5, SHOWN)


def test_a_test_that_applies_nowhere_is_undefined_with_its_reason() -> None:
    found = result([NOT_APPLICABLE, NOT_APPLICABLE])
    assert (found.n, found.not_applicable) == (0, 2)
    for estimate in (found.failure_rate, found.accuracy_clean, found.accuracy_mean, found.accuracy_change,
                     found.accuracy_worst, found.mean_change):  # fmt: skip
        assert estimate == Estimate.undefined(NOWHERE)
    assert found.failure_rate_if_right.reason == "no text that the test applies to was classified correctly"


def test_no_texts_at_all_are_undefined_too() -> None:
    assert result([]).failure_rate.reason == NOWHERE


def test_a_model_that_is_always_wrong_has_no_failure_rate_among_the_right() -> None:
    found = result([OUTCOMES[3]])
    assert found.failure_rate_if_right.value is None
    assert found.failure_rate.value == 0
    assert found.accuracy_mean == Estimate.exact(0.0, 1)


def test_what_changes_the_meaning_has_no_accuracy() -> None:
    found = result(OUTCOMES, Negation())
    assert found.failure_rate == wilson(2, 4, 0.9)
    assert found.mean_change.value == pytest.approx(0.225)
    for estimate in (found.accuracy_clean, found.accuracy_worst, found.accuracy_mean, found.accuracy_change):
        assert estimate.reason == OTHER_LABEL


@pytest.mark.parametrize("declared", [True, False])
def test_a_direction_is_undefined_where_there_are_labels_only(declared: bool) -> None:
    labels = outcome(1, 1.0, right=0, failed=1, after=0.0)
    if declared:
        found = result(OUTCOMES, Negation(), groups=GROUPS, scores=False)
        assert found.by_group["who"]["a"].failure_rate.reason == LABELS_ONLY
    else:
        found = result([labels], Negation())
    assert found.failure_rate.reason == found.failure_rate_if_right.reason == LABELS_ONLY
    assert found.mean_change.reason == LABELS_ONLY
    assert (found.failures, found.examples) == (0, [])


def test_labels_among_probabilities_are_probabilities() -> None:
    sure = outcome(1, 1.0, right=0, failed=1, after=0.0)
    assert result([sure, OUTCOMES[0]], Negation()).failure_rate == wilson(1, 2, 0.9)


def test_outcomes_of_other_texts_are_refused() -> None:
    data = dataset(["a", "b"], [0, 1])
    some = [BehaviouralOutcome("e1", 0, (0.5, 0.5))]
    for wrong in (some, some * 2, [*some, BehaviouralOutcome("e3", 0, (0.5, 0.5))]):
        with pytest.raises(ValueError, match="one outcome for each text"):
            summarize(wrong, data, Casing())


def test_a_result_goes_through_json() -> None:
    found = result(OUTCOMES, groups=GROUPS)
    assert json.loads(json.dumps(asdict(found))) == asdict(found)


def test_a_keyword_model_by_hand_from_texts_to_rates() -> None:
    texts = ["it is good", "it is dull", "a good day", "this was not good", "plain"]
    data = dataset(texts, [1, 0, 1, 0, 0], groups={"who": ["a", "a", "b", "b", "b"]})
    victim = KeywordVictim()
    found = run(victim, data, victim.predict_proba(texts), Negation(tolerance=0.05), seed=3, confidence=0.9)
    # "it is not good": 0.9 to 0.8, down as expected. "it is not dull": negative from 0.8 to 0.9, up: fails.
    # "this was good": positive from 0.8 to 0.9, up: fails. The others have no verb to negate.
    assert victim.calls[1] == ["it is not good", "it is not dull", "this was good"]
    assert (found.n, found.not_applicable, found.failures) == (3, 2, 2)
    assert found.failure_rate == wilson(2, 3, 0.9)
    # The third is predicted positive and is labelled negative.
    assert found.failure_rate_if_right == wilson(1, 2, 0.9)
    assert found.mean_change.value == pytest.approx(0.1)
    assert [each.example_id for each in found.examples] == ["e2", "e4"]
    assert found.examples[0].probability_after == pytest.approx(0.9)


def test_a_constant_model_is_invariant_and_blind_to_negation() -> None:
    class Constant(KeywordVictim):
        def positive(self, text: TextInput) -> float:
            return 0.7

    data = dataset(["it is good", "it is dull"], [1, 0])
    victim = Constant()
    clean = victim.predict_proba(data.inputs)
    assert run(victim, data, clean, Casing(), seed=0).failure_rate.value == 0
    assert run(victim, data, clean, Negation(), seed=0).failure_rate.value == 1
    assert run(victim, data, clean, Negation(strict=False), seed=0).failure_rate.value == 0
