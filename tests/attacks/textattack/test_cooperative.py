"""How examples are run together: budgets, errors, early ends, and what is left untouched."""

import random
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from attacks.errors import AssayError
from attacks.goals import Goal
from attacks.textattack import randomness
from attacks.textattack.attack import RecipeAttack
from attacks.victims import TextInput
from tests.attacks.textattack.test_same_answers import recipe_attack
from tests.attacks.textattack.victims import TEXTS, NoisyVictim, StubbornVictim, attacked


def places(ta: ModuleType) -> list[object]:
    """TextAttack's functions that ours take the place of."""
    return [
        ta.shared.attacked_text.words_from_text,
        ta.shared.AttackedText.generate_new_attacked_text,
        ta.shared.AttackedText.text,
        ta.transformations.WordSwapWordNet._get_replacement_words,
    ]


def running(attack: RecipeAttack, victim: Any, texts: tuple[TextInput, ...] = TEXTS) -> Any:
    y = victim.labels(texts)
    return attack._scheduled(victim, False).run(texts, Goal(y), range(len(texts)))


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), float(torch.rand(()))


def test_the_processs_random_states_and_TextAttacks_functions_are_its_own_again_at_each_proposal(
    ta: ModuleType,
) -> None:
    before = places(ta)
    randomness.seed_all(5)
    expected = [draws() for _ in range(6)]
    randomness.seed_all(5)
    found = [draws()]
    for _ in running(recipe_attack("deepwordbug", live=2), NoisyVictim()):
        assert places(ta) == before
        found.append(draws())
    assert found == expected


def test_closed_early_it_ends_all_attacks_and_asks_no_more(ta: ModuleType) -> None:
    victim, before = NoisyVictim(), places(ta)
    randomness.seed_all(5)
    expected = draws()
    randomness.seed_all(5)
    run = running(recipe_attack("deepwordbug", live=5), victim)
    next(run)
    asked = len(victim.asked)
    run.close()
    assert len(victim.asked) == asked
    assert draws() == expected
    assert places(ta) == before
    assert list(run) == []


def test_proposals_come_as_examples_end_and_only_live_ones_are_asked_for(ta: ModuleType) -> None:
    victim = StubbornVictim()
    run = running(recipe_attack("deepwordbug", live=1), victim)
    first = next(run)
    assert first.row == 0
    assert all(text != TEXTS[1] for batch in victim.asked for text in batch)


def test_what_several_examples_want_to_know_is_asked_once(ta: ModuleType) -> None:
    victim, same = StubbornVictim(), (TEXTS[2],) * 3
    together = attacked(recipe_attack("deepwordbug"), victim, same, [1, 1, 1], seeds=[4, 4, 4])
    texts = [text for batch in victim.asked for text in batch]
    assert len(texts) == len(set(texts)) == together[0].queries
    assert len({(each.text, each.queries) for each in together}) == 1


def test_the_query_budget_bounds_what_is_asked(ta: ModuleType) -> None:
    free = attacked(recipe_attack("pruthi"), StubbornVictim(), TEXTS[:2], [1, 1])
    bound = attacked(recipe_attack("pruthi", max_queries=20), StubbornVictim(), TEXTS[:2], [1, 1])
    assert all(each.num_queries > 20 for each in free)
    assert [(each.num_queries, each.ending) for each in bound] == [(20, "out of queries")] * 2
    assert all(each.queries <= 20 for each in bound)


@pytest.mark.parametrize("budget", [1, 2, 9, 10, 11, 30])
@pytest.mark.parametrize("name", ["deepwordbug", "input-reduction", "bad-characters"])
def test_no_budget_makes_a_recipe_fail(ta: ModuleType, name: str, budget: int) -> None:
    found = attacked(recipe_attack(name, max_queries=budget), StubbornVictim(), TEXTS[:2], [1, 1])
    assert all(each.num_queries <= budget for each in found)
    assert {each.ending for each in found} <= {"out of queries", "failed", "maximized", "succeeded"}


def test_past_its_seconds_an_example_is_given_up_with_its_own_text(ta: ModuleType) -> None:
    found = attacked(recipe_attack("pruthi", max_seconds=1e-9), StubbornVictim(), TEXTS[:2], [1, 1])
    assert [(each.text, each.ending) for each in found] == [(text, "out of time") for text in TEXTS[:2]]
    assert all(each.seconds > 0 for each in found)


def test_an_example_that_is_wrong_from_the_start_costs_one_question(ta: ModuleType) -> None:
    (found,) = attacked(recipe_attack("deepwordbug"), StubbornVictim(), TEXTS[:1], [0])
    assert (found.text, found.ending, found.queries) == (TEXTS[0], "succeeded", 1)


def test_a_target_is_what_the_attack_looks_for(ta: ModuleType) -> None:
    class ThreeClasses(NoisyVictim):
        label_names = ("a", "b", "c")

        def logits(self, texts: Any) -> torch.Tensor:
            noise = super().logits(texts)[:, :1]
            return torch.cat([noise * 1.2, torch.full_like(noise, 1.3), 2 - noise], dim=1)

    victim = ThreeClasses()
    texts = [text for text in TEXTS if victim.logits([text]).argmax() != 2]
    labels = victim.labels(texts).tolist()
    found = attacked(recipe_attack("pruthi", target="c"), victim, texts, labels, target=2)
    assert texts
    for each in found:
        reached = int(victim.logits([each.text]).argmax()) == 2
        assert reached == (each.ending == "succeeded")
    assert any(each.ending == "succeeded" for each in found)


def test_a_search_that_keeps_the_label_has_no_target() -> None:
    with pytest.raises(AssayError, match=r'"textattack:input-reduction": expected no target, got "?\'?c'):
        recipe_attack("input-reduction", target="c")


def test_an_error_in_one_example_names_it_and_ends_the_others(
    ta: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap = ta.transformations.WordSwapNeighboringCharacterSwap
    theirs = swap._get_replacement_words

    def broken(self: Any, word: str) -> list[str]:
        if word == "brave":
            raise IndexError("no such word")
        found: list[str] = theirs(self, word)
        return found

    monkeypatch.setattr(swap, "_get_replacement_words", broken)
    before = places(ta)
    randomness.seed_all(1)
    expected = draws()
    randomness.seed_all(1)
    with pytest.raises(AssayError, match=r"example 3 of its batch.*a quick and clever.*no such word"):
        list(running(recipe_attack("deepwordbug"), StubbornVictim()))
    assert places(ta) == before
    assert draws() == expected


def test_an_error_of_the_victim_passes_through_and_leaves_everything_as_it_was(ta: ModuleType) -> None:
    class Gone(NoisyVictim):
        def text_logits(self, texts: Any) -> torch.Tensor:
            raise AssayError("the model is gone")

    before = places(ta)
    with pytest.raises(AssayError, match=r"^the model is gone$"):
        list(running(recipe_attack("deepwordbug"), Gone()))
    assert places(ta) == before


def test_bad_characters_takes_no_pairs(ta: ModuleType) -> None:
    with pytest.raises(AssayError, match="expected single texts, got pairs"):
        recipe_attack("bad-characters").perturb(
            NoisyVictim(), [("a film", "a plot")], Goal(torch.tensor([1])), [0]
        )


def test_no_texts_make_no_proposals(ta: ModuleType) -> None:
    assert attacked(recipe_attack("deepwordbug"), NoisyVictim(), [], []) == []


@pytest.mark.parametrize("text", ["", "   ", "?!", "\u200b"])
def test_texts_without_words_are_left_as_they_are(ta: ModuleType, text: str) -> None:
    victim = StubbornVictim()
    (found,) = attacked(recipe_attack("deepwordbug"), victim, [text], [1])
    assert (found.text, found.ending) == (text, "failed")
