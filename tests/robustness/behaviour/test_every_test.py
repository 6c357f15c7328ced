"""What every behavioural test keeps to, whatever it does to a text."""

import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attacks.errors import AssayError
from robustness.behaviour import registry
from robustness.behaviour.words import protected_spans

NAMES = sorted(registry.available())

SENTENCE = (
    "Mary said it isn't the color of 25 cafés in Paris, and John will not be here; see "
    "http://a.b/mary's-25-color "
    "or ask @john_mary in [PARIS] of <user> 😀"
)
ODD = [
    "",
    " ",
    "😀🎉",
    "\u200d\u0301",
    "это не так",
    "これは本です。",
    "مرحبا",
    "a",
    "'",
    "n't",
    "...",
    "\ud800 odd",
    "not",
    "I",
]

pieces = st.sampled_from(
    [
        *SENTENCE.split(" "),
        "don't",
        "It's",
        "is",
        "not",
        "n't",
        "'s",
        "good,bad",
        "U.S.",
        "3.5",
        ":)",
        "I",
        "AM",
        "é",
        "ﬁ",
    ]
)
texts = st.one_of(st.lists(pieces, max_size=12).map(" ".join), st.text(max_size=30))
seeds = st.integers(0, 2**63 - 1)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(text=texts, seed=seeds)
def test_variants_differ_from_the_text_and_from_each_other(name: str, text: str, seed: int) -> None:
    (found,) = registry.build(name, {}).variants([text], [seed])
    assert text not in found
    assert len(set(found)) == len(found)
    assert all(isinstance(each, str) for each in found)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(text=texts, seed=seeds)
def test_addresses_handles_and_placeholders_stay(name: str, text: str, seed: int) -> None:
    kept = [text[start:end] for start, end in protected_spans(text)]
    for each in registry.build(name, {}).variants([text], [seed])[0]:
        assert isinstance(each, str)
        at = 0
        for stretch in kept:
            # They stand in every variant, in the same order.
            at = each.index(stretch, at) + len(stretch)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_draws_the_same_whatever_else_is_asked(name: str) -> None:
    test = registry.build(name, {})
    given_texts: Sequence[str] = [SENTENCE, "Another fine film, isn't it?", *ODD]
    numbers = list(range(100, 100 + len(given_texts)))
    together = test.variants(given_texts, numbers)
    assert together == test.variants(given_texts, numbers)
    assert together == test.variants(given_texts[::-1], numbers[::-1])[::-1]
    assert together == [test.variants([t], [s])[0] for t, s in zip(given_texts, numbers, strict=True)]


@pytest.mark.parametrize("name", NAMES)
def test_every_test_applies_to_an_ordinary_sentence_and_not_to_an_empty_one(name: str) -> None:
    found, nothing = registry.build(name, {}).variants([SENTENCE, ""], [1, 1])
    assert found
    assert nothing == []


@pytest.mark.parametrize("name", ["typos", "ocr", "names", "places", "numbers", "distractors"])
def test_other_seeds_draw_other_variants(name: str) -> None:
    test = registry.build(name, {})
    assert len({tuple(test.variants([SENTENCE], [seed])[0]) for seed in range(10)}) > 1


@pytest.mark.parametrize("name", NAMES)
def test_of_a_pair_one_text_is_changed_as_it_would_be_alone(name: str) -> None:
    pair = (SENTENCE, f"And {SENTENCE}")
    (alone,) = registry.build(name, {}).variants([pair[0]], [7])
    assert registry.build(name, {}).variants([pair], [7]) == [[(each, pair[1]) for each in alone]]
    (alone,) = registry.build(name, {}).variants([pair[1]], [7])
    assert registry.build(name, {"part": "second"}).variants([pair], [7]) == [
        [(pair[0], each) for each in alone]
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_single_text_has_no_second_part(name: str) -> None:
    with pytest.raises(AssayError, match='part = "second" needs pairs of texts'):
        registry.build(name, {"part": "second"}).variants(["alone"], [0])


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_text_takes_no_longer_than_its_length(name: str) -> None:
    # What grows with the square of the length would take minutes for texts of a megabyte.
    hostile = ("a" * 25_000, ". " * 12_500, " " * 25_000, "a.b-" * 6_250, "is, " * 6_250, "@a " * 8_000)
    test = registry.build(name, {})
    started = time.process_time()
    for text in hostile:
        test.variants([text], [0])
    assert time.process_time() - started < 4
