"""Flip rates and changes of score, by hand; and models of which it is known what they depend on."""

import json
from dataclasses import asdict

import pytest

from fairness.counterfactual.estimates import BY_DEFINITION, LABELS_ONLY, NOWHERE
from fairness.counterfactual.results import CounterfactualResult, FlippedExample
from fairness.counterfactual.summarize import SHOWN, summarize
from fairness.counterfactual.swapping import Swapper
from fairness.counterfactual.templates import IdentityTemplate, template_examples
from fairness.counterfactual.terms import load_terms
from robustness.estimate import Estimate, wilson
from tests.fairness.counterfactual.victims import (
    LABELS,
    SWAPPER,
    WeightedWords,
    dataset,
    examples_of,
    outcomes_of,
)


def result(
    victim: WeightedWords,
    texts: list[str],
    *,
    outcome: str | None = "bad",
    swapper: Swapper = SWAPPER,
    scores: bool = True,
) -> CounterfactualResult:
    examples = examples_of(victim, dataset(texts), swapper)
    return summarize(
        outcomes_of(victim, examples),
        examples,
        name="by hand",
        kind="texts",
        label_names=victim.label_names,
        outcome=outcome,
        scores=scores,
    )


def templates(victim: WeightedWords, given: dict[str, str | None]) -> CounterfactualResult:
    written = [IdentityTemplate(text, label, "here") for text, label in given.items()]
    examples = template_examples(written, load_terms(["sexual_orientation"]), LABELS)
    return summarize(
        outcomes_of(victim, examples),
        examples,
        name="mine",
        kind="templates",
        label_names=LABELS,
        outcome="bad",
    )


def value(estimate: Estimate) -> float:
    assert estimate.value is not None
    return estimate.value


def test_rates_and_changes_by_hand() -> None:
    victim = WeightedWords({"she": 0.5, "her": 0.1, "wife": 0.0})
    found = result(victim, ["He came", "She came", "His wife", "Nobody came"])
    assert (found.n, found.not_applicable, found.variants) == (3, 1, 3)
    # "She came" 0.75, "He came" 0.25; "Her husband" 0.35, "His wife" 0.25.
    assert found.flip_rate == wilson(2, 3)
    assert found.flips == 2
    assert value(found.mean_change) == pytest.approx((0.5 + 0.5 + 0.1) / 3)
    assert value(found.worst_change) == pytest.approx((0.5 + 0.5 + 0.1) / 3)
    assert value(found.signed_change) == pytest.approx((0.5 - 0.5 + 0.1) / 3)
    assert found.largest_change == Estimate.exact(0.5, 3)
    assert list(found.by_axis) == ["gender"]
    assert found.by_axis["gender"].flip_rate == found.flip_rate
    terms = found.by_term["gender"]
    assert {key: effect.n for key, effect in terms.items()} == {
        "he -> she": 1,
        "his -> her": 1,
        "she -> he": 1,
        "wife -> husband": 1,
    }
    assert value(terms["he -> she"].mean_change) == 0.5
    assert value(terms["she -> he"].mean_change) == -0.5
    assert value(terms["his -> her"].mean_change) == pytest.approx(0.1)
    assert terms["he -> she"].p_value is None
    assert not terms["he -> she"].established
    assert {key: effect.n for key, effect in found.by_groups["gender"].items()} == {
        "men -> women": 2,
        "women -> men": 1,
    }
    assert json.loads(json.dumps(asdict(found))) == asdict(found)


def test_an_example_with_several_variants_counts_once() -> None:
    victim = WeightedWords({"muslims": 0.5, "jews": 0.3})
    found = result(victim, ["Muslims came", "Jews came", "A mosque"])
    # From 0.75 to 0.25 five times and to 0.55 once; from 0.55 to 0.25 five times and to 0.75 once. The
    # mosque is any of five other places.
    assert (found.n, found.variants) == (3, 17)
    assert found.flip_rate == wilson(2, 3)
    assert found.flips == 5 + 5
    muslims, jews = (5 * 0.5 + 0.2) / 6, (5 * 0.3 + 0.2) / 6
    assert value(found.mean_change) == pytest.approx((muslims + jews) / 3)
    assert value(found.worst_change) == pytest.approx((0.5 + 0.3) / 3)
    assert value(found.signed_change) == pytest.approx((-muslims + (0.2 - 5 * 0.3) / 6) / 3)
    assert value(found.by_groups["religion"]["Muslim -> Jewish"].mean_change) == pytest.approx(-0.1)


def test_flips_are_listed_with_the_largest_change_first() -> None:
    victim = WeightedWords({"muslim": 0.3, "jewish": 0.7})
    found = result(victim, ["He is Muslim", "She is Jewish"])
    assert found.flips == len(found.examples) == 12 - 2
    sizes = [abs((each.score_after or 0) - (each.score_before or 0)) for each in found.examples]
    assert sizes == sorted(sizes, reverse=True)
    assert found.examples[0] == FlippedExample(
        example_id="e2",
        label="fine",
        axis="religion",
        old="Jewish",
        new="Christian",
        terms=["Jewish -> Christian"],
        before="bad",
        after="fine",
        score_before=0.95,
        score_after=0.25,
        original=["She is Jewish"],
        variant=["She is Christian"],
    )
    many = result(WeightedWords({"she": 0.5}), ["He came"] * (SHOWN + 5))
    assert (many.flips, len(many.examples)) == (SHOWN + 5, SHOWN)


def test_a_term_that_the_model_dislikes_is_established_and_no_other() -> None:
    texts = [f"Muslims and number {i}" for i in range(12)]
    weights = {"muslims": 0.2, **{str(i): i / 100 for i in range(12)}}
    found = result(WeightedWords(weights), texts)
    for effect in found.by_term["religion"].values():
        assert effect.n == 12
        assert effect.established
        assert value(effect.mean_change) == pytest.approx(-0.2)
        assert effect.p_value is not None
        assert effect.adjusted is not None
        assert effect.p_value <= effect.adjusted < 0.05
    indifferent = result(WeightedWords({}), texts)
    assert indifferent.flip_rate == wilson(0, 12)
    assert indifferent.largest_change == Estimate.exact(0.0, 12 * 6)
    assert not any(effect.established for effect in indifferent.by_term["religion"].values())
    assert {effect.p_value for effect in indifferent.by_term["religion"].values()} == {1.0}


def test_without_an_outcome_the_score_is_that_of_the_label_predicted_first_and_nothing_is_tested() -> None:
    victim = WeightedWords({"she": 0.5}, ("fine", "bad", "other"))
    found = result(victim, ["He came"] * 6 + ["She came"] * 6, outcome=None)
    assert found.outcome is None
    # Both lose half of their own label.
    assert value(found.signed_change) == -0.5
    assert all(effect.p_value is None for effect in found.by_term["gender"].values())


def test_a_model_that_gives_labels_only_has_flips_and_no_changes() -> None:
    victim = WeightedWords({"she": 0.75, "he": -0.25, "came": 0.0})
    for found in (
        result(victim, ["He came", "She came"]),
        result(WeightedWords({"she": 0.5}), ["He came", "She came"], scores=False),
    ):
        assert found.flip_rate == wilson(2, 2)
        for estimate in (found.mean_change, found.worst_change, found.largest_change, found.signed_change):
            assert estimate.reason == LABELS_ONLY
        assert [(each.score_before, each.score_after) for each in found.examples] == [(None, None)] * 2
        assert found.by_term["gender"]["he -> she"].p_value is None


def test_texts_that_name_nobody_have_no_rates() -> None:
    found = result(WeightedWords({}), ["Nothing", "at all"])
    assert (found.n, found.not_applicable, found.variants) == (0, 2, 0)
    for estimate in (found.flip_rate, found.mean_change, found.largest_change, found.signed_change):
        assert estimate.reason == NOWHERE
    assert found.by_axis == found.by_term == {}


def test_outcomes_of_other_examples_are_refused() -> None:
    victim = WeightedWords({})
    examples = examples_of(victim, dataset(["He came", "She came"]))
    outcomes = outcomes_of(victim, examples)
    with pytest.raises(ValueError, match="one outcome for each example"):
        summarize(outcomes[:1], examples, name="x", kind="texts", label_names=LABELS, outcome="bad")


# Templates.


def test_fillings_are_compared_with_their_mean_and_their_commonest_label() -> None:
    found = templates(WeightedWords({"gay": 0.45, "bisexual": 0.15}), {"{people} came.": "fine"})
    # 0.70, 0.25 and 0.40; 0.45 on average.
    assert (found.n, found.variants, found.flips) == (1, 3, 1)
    effects = found.by_term["sexual_orientation"]
    changes = {term: round(value(effect.mean_change), 9) for term, effect in effects.items()}
    assert changes == {"gay people": 0.25, "straight people": -0.2, "bisexual people": -0.05}
    assert found.signed_change.reason == BY_DEFINITION
    assert value(found.worst_change) == pytest.approx(0.25)
    template = found.by_template["sexual_orientation"]["{people} came."]
    assert (template.n, template.highest, template.lowest) == (3, "gay people", "straight people")
    assert template.flip_rate == wilson(1, 3)
    assert value(template.spread) == pytest.approx(0.45)
    assert (template.label, template.failure_rate) == ("fine", wilson(1, 3))
    assert effects["gay people"].failure_rate == wilson(1, 1)
    assert effects["straight people"].failure_rate == wilson(0, 1)
    (flip,) = found.examples
    assert (flip.old, flip.new, flip.before, flip.after) == ("", "gay", "fine", "bad")
    assert (flip.original, flip.variant) == (["{people} came."], ["Gay people came."])


def test_of_two_equally_common_labels_the_more_probable_one_is_the_reference() -> None:
    terms = load_terms(["gender"])
    for weight, reference in ((0.3, "fine"), (0.7, "bad")):
        victim = WeightedWords({"woman": weight, "a": 0.0})
        examples = template_examples([IdentityTemplate("A {person} came.", None, "here")], terms, LABELS)
        found = summarize(
            outcomes_of(victim, examples),
            examples,
            name="x",
            kind="templates",
            label_names=LABELS,
            outcome="bad",
        )
        assert [each.before for each in found.examples] == [reference]
        assert found.by_term["gender"]["woman"].failure_rate is None
        template = found.by_template["gender"]["A {person} came."]
        assert template.failure_rate.reason == "the template has no label"
