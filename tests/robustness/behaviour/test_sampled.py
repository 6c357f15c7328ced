"""Tests that draw: typing and reading errors, names, places and numbers."""

import math
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA, Levenshtein

from robustness.behaviour import registry
from robustness.behaviour.tables.names import FIRST_NAMES
from robustness.behaviour.tables.places import PLACES
from robustness.behaviour.tables.spelling import AMERICAN_TO_BRITISH
from robustness.behaviour.transformations.ocr import CONFUSIONS
from robustness.behaviour.transformations.typos import neighbours
from robustness.behaviour.words import words

MANY = 300
"""Draws that meet every one of a handful of possibilities."""


def drawn(name: str, text: str, **params: Any) -> set[Any]:
    """All that comes of a text in many draws."""
    (found,) = registry.build(name, {"samples": MANY, **params}).variants([text], [0])
    return set(found)


def test_the_neighbours_of_a_key_are_those_that_touch_it() -> None:
    keys = neighbours("qwerty", 1.3)
    assert set(keys["g"]) == set("ftyhvb")
    assert set(keys["s"]) == set("awedxz")
    assert set(keys["p"]) == set("ol")
    assert set(keys["q"]) == set("wa")
    assert keys["g"]["h"] == 1
    assert keys["g"]["t"] == pytest.approx(math.hypot(0.25, 1))
    assert set(neighbours("qwertz", 1.3)["t"]) == set("rzfg")
    assert set(neighbours("azerty", 1.3)["a"]) == set("zq")


@pytest.mark.parametrize("layout", ["qwerty", "qwertz", "azerty"])
def test_neighbours_are_mutual(layout: str) -> None:
    keys = neighbours(layout, 1.3)
    for letter, others in keys.items():
        assert letter not in others
        assert all(keys[other][letter] == distance for other, distance in others.items())


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("swap", {"godo"}),
        ("deletion", {"god", "goo"}),
        ("doubling", {"goood", "goodd"}),
        (
            "neighbour",
            {f"g{o}od" for o in "ipkl"} | {f"go{o}d" for o in "ipkl"} | {f"goo{d}" for d in "sfercx"},
        ),
    ],
)
def test_every_typing_error_of_a_word_and_no_other(error: str, expected: set[str]) -> None:
    assert drawn("typos", "good", error=error) == expected
    assert drawn("typos", "GOOD", error=error) == {word.upper() for word in expected}


def test_all_kinds_of_typing_errors_are_drawn() -> None:
    assert drawn("typos", "good") >= {"godo", "god", "goood", "goof"}


def test_nearer_keys_are_hit_more_often() -> None:
    # Of "xaßß" only the a can slip: the x is the first letter, and ß is no key.
    test = registry.build("typos", {"error": "neighbour", "samples": 1})
    hits: Counter[str] = Counter()
    for seed in range(4000):
        ((found,),) = test.variants(["xaßß"], [seed])
        assert isinstance(found, str)
        hits[found[1]] += 1
    weights = {letter: distance**-2 for letter, distance in neighbours("qwerty", 1.3)["a"].items()}
    assert set(hits) == set("sqzw")
    for letter, weight in weights.items():
        # Four standard deviations of a share in 4,000 draws are at most 0.032.
        assert hits[letter] / 4000 == pytest.approx(weight / sum(weights.values()), abs=0.032)


@pytest.mark.parametrize(
    "text", ["", "a cat sat", "123 456", "привет мир", "😀😀😀😀", "@handle http://a.com"]
)
def test_no_typing_errors_where_there_is_no_place(text: str) -> None:
    assert drawn("typos", text) == set()


def test_short_words_get_typing_errors_when_they_may() -> None:
    assert drawn("typos", "a cat", min_letters=3, error="deletion") == {"a ct", "a ca"}
    assert drawn("typos", "a", min_letters=1, error="deletion") == set()


@pytest.mark.parametrize(("params", "expected"), [({"errors": 2}, 2), ({"errors": 9}, 5), ({"rate": 0.4}, 2)])
def test_as_many_words_get_a_typing_error_as_asked(params: dict[str, Any], expected: int) -> None:
    text = "these seven words have errors in it"
    for each in drawn("typos", text, **params):
        assert sum(a != b for a, b in zip(text.split(), each.split(), strict=True)) == expected


def test_a_low_rate_is_still_one_error() -> None:
    assert all(
        OSA.distance("two words here", each) == 1 for each in drawn("typos", "two words here", rate=0.01)
    )


@given(st.text(alphabet="abcdeéßжñ XY'-@.😀1", max_size=40), st.integers(0, 2**63 - 1), st.integers(1, 4))
def test_typing_errors_stay_within_their_budget(text: str, seed: int, errors: int) -> None:
    test = registry.build("typos", {"errors": errors, "min_letters": 2})
    for variant in test.variants([text], [seed])[0]:
        assert isinstance(variant, str)
        assert 1 <= OSA.distance(text, variant) <= errors
        before, after = words(text), words(variant)
        assert [word.text[0] for word in before] == [word.text[0] for word in after]
        assert re.sub(r"[^\W\d_]", "", text) == re.sub(r"[^\W\d_]", "", variant)


@given(st.integers(0, 2**63 - 1))
def test_a_typing_error_can_be_made_undone_by_another(seed: int) -> None:
    ((variant, *_),) = registry.build("typos", {}).variants(["keyboard"], [seed])
    undone = {variant[:i] + variant[i + 1 :] for i in range(len(variant))}
    undone |= {variant[:i] + variant[i : i + 2][::-1] + variant[i + 2 :] for i in range(len(variant))}
    undone |= {variant[:i] + c + variant[i:] for i in range(len(variant) + 1) for c in "keyboard"}
    undone |= {variant[:i] + c + variant[i + 1 :] for i in range(len(variant)) for c in "keyboard"}
    assert "keyboard" in undone


def test_shapes_are_read_as_others() -> None:
    assert drawn("ocr", "modern") == {"rnodern", "m0dern", "moclern", "modcrn", "modem"}
    assert drawn("ocr", "lO1") == {"1O1", "IO1", "l01", "lOl", "lOI"}
    assert drawn("ocr", "clvv") == {"dvv", "clw"}


def test_confusions_change_the_text_and_shapes_go_both_ways_where_that_is_said() -> None:
    for shape, others in CONFUSIONS.items():
        assert shape not in others
        assert len(set(others)) == len(others)
    for pair, single in (("rn", "m"), ("cl", "d"), ("vv", "w")):
        assert CONFUSIONS[pair] == (single,)
        assert CONFUSIONS[single] == (pair,)


@pytest.mark.parametrize("text", ["", "xyz", "@modern", "https://modern.com", "жжж", "😀"])
def test_no_reading_errors_where_there_is_no_place(text: str) -> None:
    assert drawn("ocr", text) == set()


@given(st.text(alphabet="abcdlmnrvwO01I @.é😀", max_size=30), st.integers(0, 2**63 - 1), st.integers(1, 4))
def test_reading_errors_stay_within_their_budget(text: str, seed: int, errors: int) -> None:
    for variant in registry.build("ocr", {"errors": errors}).variants([text], [seed])[0]:
        assert isinstance(variant, str)
        # A pair of letters read as one, or one as a pair, is two edits.
        assert 1 <= Levenshtein.distance(text, variant) <= 2 * errors


def test_a_name_becomes_another_of_its_group() -> None:
    found = drawn("names", "Mary's film", samples=3000)
    assert {each.removesuffix("'s film") for each in found} == set(FIRST_NAMES["women"]) - {"Mary"}
    assert {each.removeprefix("by ") for each in drawn("names", "by John")} <= set(FIRST_NAMES["men"])


def test_two_names_stay_two_and_one_stays_one() -> None:
    pattern = re.compile(r"(\w+) met (\w+), (\w+) left")
    for each in drawn("names", "John met Paul, John left"):
        match = pattern.fullmatch(each)
        assert match
        assert match[1] == match[3] != match[2]
        assert not {match[1], match[2]} & {"John", "Paul"}


@pytest.mark.parametrize(
    "text",
    [
        "Will and Mark",
        "john met mary",
        "St. John",
        "Mr. Peter left",
        "Jean Paul",
        "Mary-Jane",
        "@John",
        "Johnny",
        "",
    ],
)
def test_what_may_be_no_first_name_stays(text: str) -> None:
    assert drawn("names", text) == set()


def test_a_surname_that_looks_like_a_first_name_stays() -> None:
    assert all(each.endswith(" Paul left") for each in drawn("names", "Kevin Paul left"))
    others = set(FIRST_NAMES["men"]) - {"John"}
    assert drawn("names", "When John left", samples=3000) == {f"When {name} left" for name in others}


def test_places_are_swapped_within_their_kind() -> None:
    assert {each.removeprefix("in ") for each in drawn("places", "in Paris", samples=3000)} == (
        set(PLACES["city"]) - {"Paris"}
    )
    assert {each.removeprefix("in ") for each in drawn("places", "in New Zealand")} <= set(PLACES["country"])
    assert {each.removeprefix("the ") for each in drawn("places", "the Netherlands")} == (
        set(PLACES["country with an article"]) - {"Netherlands"}
    )


def test_two_places_stay_two() -> None:
    for each in drawn("places", "France, Italy, France"):
        first, second, third = each.split(", ")
        assert first == third != second


@pytest.mark.parametrize(
    "text",
    ["Jack London", "the Boston Globe", "New Mexico", "turkey", "in france", "Paris-based", "#Paris", ""],
)
def test_what_may_be_no_place_stays(text: str) -> None:
    assert drawn("places", text) == set()


def test_numbers_keep_their_length() -> None:
    found = drawn("numbers", "25 birds")
    assert all(re.fullmatch(r"[1-9]\d birds", each) for each in found)
    assert len(found) > 50
    for each in drawn("numbers", "it cost 12345 of them 9876."):
        assert re.fullmatch(r"it cost [1-9]\d{4} of them [1-9]\d{3}\.", each)
        assert not re.search(r"them (1\d\d\d|20\d\d)\.", each)


@pytest.mark.parametrize(
    "text",
    ["in 1999", "12/10", "rated 95 %", "35 stars", "$250", "9.25", "10:30", "3 men", "k-19", "911",
     "1,234", "20th", "10 out of 10", "45 percent", "88", "http://a.b/25", ""],
)  # fmt: skip
def test_numbers_that_mean_something_stay(text: str) -> None:
    assert drawn("numbers", text) == set()


def test_no_name_is_in_two_groups_or_twice() -> None:
    everyone = [name for names in FIRST_NAMES.values() for name in names]
    assert len(set(everyone)) == len(everyone)
    assert all(re.fullmatch("[A-Z][a-z]+", name) for name in everyone)
    assert not {"Will", "Rose", "Mark", "Grace", "Hope", "Jordan", "Taylor"} & set(everyone)


def test_no_place_is_of_two_kinds_or_a_first_name() -> None:
    everywhere = [place for places in PLACES.values() for place in places]
    assert len(set(everywhere)) == len(everywhere)
    assert not set(everywhere) & {name for names in FIRST_NAMES.values() for name in names}
    assert not {"Turkey", "Chad", "Jordan", "Georgia"} & set(everywhere)


def test_spellings_pair_off() -> None:
    british = list(AMERICAN_TO_BRITISH.values())
    assert len(set(british)) == len(british)
    assert not set(british) & set(AMERICAN_TO_BRITISH)
