"""What a model is asked: every distinct variant once, in chunks that a resumed run forms again."""

from collections.abc import Sequence

import numpy as np
import pytest

from attacks.errors import AssayError
from attacks.victims import TextInput
from fairness.counterfactual.examples import text_examples
from fairness.counterfactual.run import iter_outcomes
from tests.fairness.counterfactual.victims import SWAPPER, WeightedWords, dataset, examples_of

TEXTS = ["He is here", "Nobody", "She is here", "He is here", "His wife"]
DATA = dataset(TEXTS)


def test_variants_of_a_chunk_are_asked_in_one_call_each_once() -> None:
    victim = WeightedWords({"she": 0.5})
    told: list[int] = []
    found = list(iter_outcomes(victim, examples_of(victim, DATA), chunk=4, advance=told.append))
    assert victim.calls == [["She is here", "He is here"], ["Her husband"]]
    assert told == [4, 1]
    assert [each.example_id for each in found] == list(DATA.ids)
    assert [len(each.swaps) for each in found] == [1, 0, 1, 1, 1]
    assert found[0].before == (0.75, 0.25)
    assert found[0].answers == ((0.25, 0.75),)
    assert found[1].answers == ()


@pytest.mark.parametrize("done", [1, 3, 4, 5])
def test_what_is_known_is_not_asked_again(done: int) -> None:
    victim = WeightedWords({"she": 0.5})
    examples = examples_of(victim, DATA)
    everything = list(iter_outcomes(victim, examples, chunk=2))
    again = WeightedWords(victim.weights)
    rest = list(iter_outcomes(again, examples, known=DATA.ids[:done], chunk=2))
    assert rest == everything[done:]
    assert again.calls == [call for call in victim.calls if call in again.calls]
    assert (again.calls == []) == (done == 5)


def test_of_a_text_with_many_swaps_some_are_drawn_by_its_id_alone() -> None:
    texts = [f"Muslims {word}" for word in "abcdef"]
    data, clean = dataset(texts), np.full((6, 2), 0.5)
    few = list(text_examples(data, clean, SWAPPER, seed=3, max_variants=2))
    assert [len(each.swaps) for each in few] == [2] * 6
    assert few == list(text_examples(data, clean, SWAPPER, seed=3, max_variants=2))
    part = list(text_examples(data.take([4, 1]), clean[:2], SWAPPER, seed=3, max_variants=2))
    assert part == [few[4], few[1]]
    groups = {tuple(swap.new for swap in each.swaps) for each in few}
    assert len(groups) > 1
    every = list(text_examples(data, clean, SWAPPER, seed=3, max_variants=6))
    assert all(len(each.swaps) == 6 for each in every)


def test_clean_answers_of_other_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 5 clean answers, got 2"):
        list(text_examples(DATA, np.zeros((2, 2)), SWAPPER, seed=0))


def test_answers_that_are_no_probabilities_are_refused() -> None:
    class Broken(WeightedWords):
        def predict_proba(self, texts: Sequence[TextInput]) -> np.ndarray:
            return np.full((len(texts), 2), np.nan)

    class Short(WeightedWords):
        def predict_proba(self, texts: Sequence[TextInput]) -> np.ndarray:
            return np.zeros((1, 3))

    for model in (Broken({}), Short({})):
        with pytest.raises(AssayError, match="expected 2 finite probabilities for each of 3 texts"):
            list(iter_outcomes(model, examples_of(WeightedWords({}), DATA)))
