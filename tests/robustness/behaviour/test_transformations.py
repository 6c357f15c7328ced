"""What each test makes of a text, written out by hand."""

from typing import Any

import pytest

from robustness.behaviour import registry


def variants(name: str, text: str, seed: int = 0, **params: Any) -> list[Any]:
    (found,) = registry.build(name, params).variants([text], [seed])
    return found


ALL_CASES: list[tuple[str, dict[str, Any], str, list[str]]] = [
    # Casing: addresses, handles and placeholders stay; so do letters that have no other case alone.
    ("casing", {"to": "upper"}, "Don't miss it!", ["DON'T MISS IT!"]),
    ("casing", {"to": "lower"}, "NASA and Ælfric", ["nasa and ælfric"]),
    ("casing", {"to": "title"}, "it's a one-off, don't", ["It's A One-Off, Don't"]),
    ("casing", {"to": "title"}, "it 's 'quoted' NASA", ["It 's 'Quoted' NASA"]),
    ("casing", {"to": "upper"}, "die straße", ["DIE STRAßE"]),
    ("casing", {"to": "upper"}, "see http://a.b/c, @bob", ["SEE http://a.b/c, @bob"]),
    ("casing", {"to": "upper"}, "hi <user> [NAME] {slot}", ["HI <user> [NAME] {slot}"]),
    ("casing", {}, "ok", ["OK", "Ok"]),
    ("casing", {}, "42 :-)", []),
    # Punctuation.
    ("punctuation", {"change": "add"}, "fine film", ["fine film."]),
    ("punctuation", {"change": "add"}, "fine film \n", ["fine film. \n"]),
    ("punctuation", {"change": "add"}, "really?", []),
    ("punctuation", {"change": "add"}, "see www.a.org/b", []),
    ("punctuation", {"change": "remove"}, "fine film .", ["fine film"]),
    ("punctuation", {"change": "remove"}, "fine film!!! ", ["fine film "]),
    ("punctuation", {"change": "remove"}, "is it fine?", []),
    ("punctuation", {"change": "remove"}, "from the U.S.", []),
    ("punctuation", {"change": "remove"}, "...", []),
    ("punctuation", {"change": "double"}, "why?", ["why??"]),
    ("punctuation", {"change": "double"}, "fine film .", ["fine film .."]),
    ("punctuation", {"change": "double"}, "fine film", []),
    ("punctuation", {"change": "strip"}, "well, (it) is: fine.", ["well it is fine"]),
    ("punctuation", {"change": "strip"}, "good,bad—ugly", ["good bad ugly"]),
    ("punctuation", {"change": "strip"}, "a , b\n; c", ["a b c"]),
    ("punctuation", {"change": "strip"}, "it's 3.5, at 10:30 :)", ["it's 3.5 at 10:30 :)"]),
    ("punctuation", {"change": "strip"}, "the U.S. way, why?", ["the U.S. way why?"]),
    ("punctuation", {"change": "strip"}, "a.b@c.org, see https://x.y/z.", ["a.b@c.org see https://x.y/z"]),
    ("punctuation", {"change": "strip"}, "...!", []),
    ("punctuation", {}, "Fine, yes.", ["Fine, yes", "Fine, yes..", "Fine yes"]),
    # Contractions written out.
    ("contractions", {"change": "expand"}, "I don't know.", ["I do not know."]),
    ("contractions", {"change": "expand"}, "Don't go!", ["Do not go!"]),
    ("contractions", {"change": "expand"}, "DON'T GO", ["DO NOT GO"]),
    ("contractions", {"change": "expand"}, "we won't, can't, shan't", ["we will not, cannot, shall not"]),
    ("contractions", {"change": "expand"}, "It's fine and I'm glad", ["It is fine and I am glad"]),
    ("contractions", {"change": "expand"}, "I'M GLAD, IT'S FINE", ["I AM GLAD, IT IS FINE"]),
    ("contractions", {"change": "expand"}, "they're here, we'll see", ["they are here, we will see"]),
    ("contractions", {"change": "expand"}, "I’ve seen it isn’t so", ["I have seen it is not so"]),
    ("contractions", {"change": "expand"}, "Let's go", ["Let us go"]),
    ("contractions", {"change": "expand"}, "it 's bad , do n't go", ["it is bad , do not go"]),
    ("contractions", {"change": "expand"}, "i ca n't , you 've", ["i cannot , you have"]),
    ("contractions", {"change": "expand"}, "it's been great", []),
    ("contractions", {"change": "expand"}, "she's already gone, it's changed", []),
    ("contractions", {"change": "expand"}, "he'd go, it ain't", []),
    ("contractions", {"change": "expand"}, "John's film, the dog's tail, else's", []),
    ("contractions", {"change": "expand"}, "don't you think, isn't it", []),
    ("contractions", {"change": "expand"}, "see http://a.b/it's", []),
    # Words contracted.
    ("contractions", {"change": "contract"}, "It is fine.", ["It's fine."]),
    ("contractions", {"change": "contract"}, "I am sure you will go", ["I'm sure you'll go"]),
    ("contractions", {"change": "contract"}, "They cannot go", ["They can't go"]),
    ("contractions", {"change": "contract"}, "will not, can not, do not", ["won't, can't, don't"]),
    ("contractions", {"change": "contract"}, "Do not go, it is not on", ["Don't go, it's not on"]),
    ("contractions", {"change": "contract"}, "WE ARE READY", ["WE'RE READY"]),
    ("contractions", {"change": "contract"}, "we’d say it is so", ["we’d say it’s so"]),
    ("contractions", {"change": "contract"}, "they have been here", ["they've been here"]),
    ("contractions", {"change": "contract"}, "they have a car", []),
    ("contractions", {"change": "contract"}, "that is what it is.", ["that's what it is."]),
    ("contractions", {"change": "contract"}, "not what it is, as it was", []),
    ("contractions", {"change": "contract"}, "we can not only go", []),
    ("contractions", {"change": "contract"}, "there is n't any, it is made up", []),
    ("contractions", {}, "It is what I don't like", ["It is what I do not like", "It's what I don't like"]),
    # Negations: one verb, added or taken away.
    ("negation", {}, "The film is good.", ["The film is not good."]),
    ("negation", {}, "The film is not good.", ["The film is good."]),
    ("negation", {}, "I don't like it and won't stay", ["I do like it and won't stay"]),
    ("negation", {}, "We won't stay", ["We will stay"]),
    ("negation", {}, "Won't do. It cannot end", ["Will do. It cannot end"]),
    ("negation", {}, "They cannot act", ["They can act"]),
    ("negation", {}, "it 's not bad", ["it 's bad"]),
    ("negation", {}, "it 's a joy", ["it 's not a joy"]),
    ("negation", {}, "I'm happy with it", ["I'm not happy with it"]),
    ("negation", {}, "i do n't care", ["i do care"]),
    ("negation", {}, "THIS IS GREAT", ["THIS IS NOT GREAT"]),
    ("negation", {}, "That is good", ["That is not good"]),
    ("negation", {}, "All that is good was here", ["All that is good was not here"]),
    ("negation", {}, "His free will is strong", ["His free will is not strong"]),
    ("negation", {}, "It has been fun", ["It has not been fun"]),
    ("negation", {}, "You will love it, it is fun", ["You will not love it, it is fun"]),
    ("negation", {}, "Is it good?", []),
    ("negation", {}, "It is never good", []),
    ("negation", {}, "It is not only good", []),
    ("negation", {}, "Then Will said so", []),
    ("negation", {}, "A fine film", []),
    ("negation", {"change": "add"}, "It is not on. It was fun", ["It is not on. It was not fun"]),
    ("negation", {"change": "remove"}, "The film is good.", []),
    # Spelling.
    ("spelling", {"to": "uk"}, "The Color of HUMOR", ["The Colour of HUMOUR"]),
    ("spelling", {"to": "us"}, "a grey theatre", ["a gray theater"]),
    ("spelling", {}, "coloured gray", ["coloured grey", "colored gray"]),
    ("spelling", {}, "a tire program", []),
    # Accents.
    ("accents", {}, "Café Zoë, naïve", ["Cafe Zoe, naive"]),
    ("accents", {}, "cafe\u0301", ["cafe"]),
    ("accents", {}, "Straße, Łódź, œuvre", ["Strasse, Lodz, oeuvre"]),
    ("accents", {}, "café http://a.b/café", ["cafe http://a.b/café"]),
    ("accents", {}, "привет, й", []),
    # Whitespace.
    ("whitespace", {"change": "double"}, "a fine  film", ["a  fine  film"]),
    ("whitespace", {"change": "pad"}, "fine", ["  fine "]),
    ("whitespace", {"change": "newline"}, "a fine film", ["a\nfine\nfilm"]),
    ("whitespace", {}, " \t", []),
]


@pytest.mark.parametrize(("name", "params", "text", "expected"), ALL_CASES)
def test_a_text_becomes_these_variants(
    name: str, params: dict[str, Any], text: str, expected: list[str]
) -> None:
    assert variants(name, text, **params) == expected


def test_expanding_and_contracting_undo_each_other() -> None:
    long = "It is late, I am tired, you are not, we will go and they cannot stay."
    (short,) = variants("contractions", long, change="contract")
    assert short == "It's late, I'm tired, you're not, we'll go and they can't stay."
    assert variants("contractions", short, change="expand") == [long]


def test_a_negation_that_was_added_is_found_and_removed() -> None:
    for text in ("The film is good.", "it 's a joy", "You could see it", "WE ARE READY"):
        (negated,) = variants("negation", text)
        assert variants("negation", negated) == [text]


def test_random_capitals_change_case_only_and_draw_as_often_as_asked() -> None:
    text = "a fairly long sentence, see http://a.b/c"
    found = variants("casing", text, to="random", samples=4)
    assert len(set(found)) == 4
    assert {each.lower() for each in found} == {text}
    assert all("http://a.b/c" in each for each in found)


@pytest.mark.parametrize("seed", range(20))
def test_distractors_leave_the_text_as_it_is(seed: int) -> None:
    for text in ("A fine film", "A fine film."):
        stop = "" if text.endswith(".") else "."
        for each in variants("distractors", text, seed, add="phrase"):
            assert each.startswith(f"{text}{stop} ")
        (link,) = variants("distractors", text, seed, add="url", samples=1)
        assert link[: -len("abcdef")] == f"{text} https://example.org/"
        (handle,) = variants("distractors", text, seed, add="handle", samples=1)
        assert handle[: -len("abcdef")] == f"{text} @"
        assert all(letter not in "aeiou" for letter in handle[-6:] + link[-6:])
        (start,) = variants("distractors", text, seed, where="start", samples=1)
        assert start.endswith(f" {text}")


def test_a_phrase_does_not_run_into_an_address() -> None:
    for seed in range(5):
        (found,) = variants("distractors", "See http://a.b/c", seed, add="phrase", samples=1)
        assert found.startswith("See http://a.b/c ")


def test_nothing_is_added_to_an_empty_text() -> None:
    assert variants("distractors", "  ") == []
