"""Identity terms found and swapped: grammar, case, articles, ambiguous words, pairs, and any text at all."""

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairness.counterfactual.swapping import Mention, Swapper
from fairness.counterfactual.term_set import TermSet
from fairness.counterfactual.terms import AXES, load_terms

SWAPPER = Swapper(load_terms())


def swapped(text: str, axis: str, new: str | None = None) -> list[str]:
    """The swaps of a text along an axis, in favour of the group ``new`` if any is named."""
    found = [swap for swap in SWAPPER.swaps(text) if swap.axis == axis and new in (None, swap.new)]
    assert all(isinstance(swap.text, str) for swap in found)
    return [str(swap.text) for swap in found]


def named(text: str, axis: str) -> list[str]:
    return [text[each.start : each.end] for each in SWAPPER.mentions(text) if each.axis == axis]


# Gender.


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("He gave her his book and she gave him hers.", "She gave him her book and he gave her his."),
        ("I saw her leave.", "I saw him leave."),
        ("Let her go, it is her turn.", "Let him go, it is his turn."),
        ("They took her home.", "They took him home."),
        ("They love her home.", "They love his home."),
        ("I love her very much.", "I love him very much."),
        ("It is her very own dog.", "It is his very own dog."),
        ("Her newly painted house", "His newly painted house"),
        ("They called her quietly.", "They called him quietly."),
        ("her lovely house", "his lovely house"),
        ("I like her.", "I like him."),
        ("The book is his.", "The book is hers."),
        ("his and hers", "hers and his"),
        ("She hurt herself, he says.", "He hurt himself, she says."),
        ("She's late; he'll wait.", "He's late; she'll wait."),
        ("He’s a king.", "She’s a queen."),
        ("my mother-in-law's husband", "my father-in-law's wife"),
        ("HE IS HERE", "SHE IS HERE"),
        ("I am an actor.", "I am an actress."),
        ("an heir and a hero", "an heir and a heroine"),
        ("Mr. Jones and Miss Smith", "Ms. Jones and Mr Smith"),
        ("Yes, sir", "Yes, madam"),
        ("'her' (she)", "'him' (he)"),
    ],
)
def test_both_genders_change_places_with_their_grammar(text: str, other: str) -> None:
    assert swapped(text, "gender") == [other]


@pytest.mark.parametrize(
    "text",
    [
        "The hé, heir, he_man, he2 and x'he",
        "I miss you",
        "Man, that hurts",
        "oh man",
        "man-made",
        "X-Men he-man",
        "by Burger King",
        "Dr. King spoke",
        "the Warner Brothers studio",
        "http://he.com/she @he #she <she>",
        "Mary-Ann",
        "Queen Latifah",
    ],
)
def test_what_is_no_word_for_a_gender_stays(text: str) -> None:
    assert swapped(text, "gender") == []


def test_first_names_change_with_the_pronouns_that_belong_to_them() -> None:
    (other,) = swapped("Emily lost her keys, and Emily looks for them.", "gender")
    name = other.split()[0]
    assert other == f"{name} lost his keys, and {name} looks for them."
    (mention, *_) = SWAPPER.mentions(other)
    assert (mention.axis, mention.group) == ("gender", "men")


def test_a_name_of_an_origin_keeps_its_gender_and_pronouns() -> None:
    found = swapped("Lakisha lost her keys.", "names")
    assert found == [
        "Emily lost her keys.",
        "Guadalupe lost her keys.",
        "Khadija lost her keys.",
    ]
    assert swapped("The name is Todd Brad.", "names", "Arabic") == ["The name is Yusuf Brad."]


# Other axes.


@pytest.mark.parametrize(
    ("text", "axis", "new", "other"),
    [
        ("A Muslim woman in a mosque", "religion", "Jewish", "A Jewish woman in a synagogue"),
        ("A Muslim.", "religion", "Jewish", "A Jew."),
        ("She is Muslim.", "religion", "Jewish", "She is Jewish."),
        ("A Muslim and I", "religion", "atheist", "An atheist and I"),
        ("An atheist", "religion", "Muslim", "A Muslim"),
        ("An ATHEIST", "religion", "Muslim", "A MUSLIM"),
        ("a muslim", "religion", "atheist", "an atheist"),
        ("Muslims are here. So are muslims.", "religion", "atheist", "Atheists are here. So are atheists."),
        ("MUSLIMS' RIGHTS", "religion", "Jewish", "JEWS' RIGHTS"),
        ("the Qur’an", "religion", "Jewish", "the Torah"),
        ("anti-Muslim, Muslim-majority", "religion", "Jewish", "anti-Jewish, Jewish-majority"),
        ("a Mexican", "nationality", "Chinese", "a Chinese person"),
        ("a Mexican man", "nationality", "Indian", "an Indian man"),
        ("two Chinese people", "nationality", "Polish", "two Poles"),
        ("went to Turkey", "nationality", "Indian", "went to India"),
        ("a German", "nationality", "American", "an American"),
        ("I saw black women", "ethnicity", "Asian", "I saw Asian women"),
        ("Black women", "ethnicity", "white", "White women"),
        ("She is black.", "ethnicity", "white", "She is white."),
        ("the blacks", "ethnicity", "white", "the whites"),
        ("an African-American", "ethnicity", "Hispanic", "a Hispanic"),
        ("gay couples", "sexual_orientation", "straight", "straight couples"),
        ("homosexuals", "sexual_orientation", "straight", "heterosexuals"),
        ("trans women", "gender_identity", "cisgender", "cis women"),
        ("a blind student", "disability", "autistic", "an autistic student"),
        ("wheelchair users", "disability", "deaf", "deaf people"),
        ("an old lady", "age", "young", "a young lady"),
    ],
)  # fmt: skip
def test_a_term_gets_the_counterpart_of_its_slot(text: str, axis: str, new: str, other: str) -> None:
    assert swapped(text, axis, new) == [other]


@pytest.mark.parametrize(
    ("text", "axis"),
    [
        ("the black cat, the White House and a black day", "ethnicity"),
        ("He is black and blue", "ethnicity"),
        ("egg whites", "ethnicity"),
        ("I love turkey. Turkey is tasty.", "nationality"),
        ("a polish for shoes on a pole", "nationality"),
        ("she speaks German", "nationality"),
        ("a Native American, an African American in South America", "nationality"),
        ("go straight on, he is straight up wrong", "sexual_orientation"),
        ("blind faith, a deaf ear, he disabled the alarm", "disability"),
        ("the old house, a five year old boy", "age"),
        ("Christian Bale", "religion"),
        ("#muslim @muslim muslim.com http://a.b/muslim", "religion"),
        ("Georgia may chase a bill", "names"),
        ("brad and lakisha", "names"),
        ("Mr. Todd", "names"),
    ],
)
def test_an_ambiguous_word_counts_only_where_its_neighbours_tell(text: str, axis: str) -> None:
    assert named(text, axis) == []


@pytest.mark.parametrize(
    ("text", "axis", "found"),
    [
        ("black and white people", "ethnicity", ["black", "white people"]),
        ("gay or straight men", "sexual_orientation", ["gay", "straight"]),
        ("an American Indian is no Indian", "nationality", ["Indian"]),
        ("a Christian. Nothing else", "religion", ["Christian"]),
    ],
)
def test_words_that_share_a_noun_or_end_a_sentence_are_found(text: str, axis: str, found: list[str]) -> None:
    assert named(text, axis) == found


def test_a_group_that_is_named_already_is_not_swapped_in() -> None:
    found = [swap for swap in SWAPPER.swaps("Jews fear Muslims") if swap.axis == "religion"]
    assert {(swap.old, swap.new) for swap in found} == {
        (old, new)
        for old in ("Jewish", "Muslim")
        for new in ("Christian", "Hindu", "Buddhist", "Sikh", "atheist")
    }


def test_a_group_without_a_term_for_a_slot_of_the_text_is_left_out() -> None:
    assert {swap.new for swap in SWAPPER.swaps("Muslims read the Quran")} == {"Christian", "Jewish"}


def test_the_pairs_that_were_exchanged_are_told() -> None:
    (swap,) = SWAPPER.swaps("He and his wife. His wife!")
    assert (swap.old, swap.new) == ("men", "women")
    assert swap.terms == (("he", "she"), ("his", "her"), ("wife", "husband"))


def test_mentions_say_where_they_are() -> None:
    assert SWAPPER.mentions("The imam is Muslim") == [
        Mention("religion", "Muslim", "Muslim", 12, 18, "adjective", 0, 0)
    ]
    first, second = SWAPPER.mentions(("a Muslim", "Is she Jewish?"))[0:3:2]
    assert (first.part, first.start, second.part, second.term) == (0, 2, 1, "Jewish")


def test_both_texts_of_a_pair_are_swapped_alike() -> None:
    found = [each.text for each in SWAPPER.swaps(("He is ill.", "His wife is not."))]
    assert found == [("She is ill.", "Her husband is not.")]
    one_sided = [each.text for each in SWAPPER.swaps(("Nobody.", "his dog"))]
    assert one_sided == [("Nobody.", "her dog")]


def test_a_text_without_identities_has_no_swaps() -> None:
    for text in ("", " ", "The weather is fine.", "\u200b\ud800", ("", "")):
        assert SWAPPER.swaps(text) == []
        assert SWAPPER.mentions(text) == []


def test_an_axis_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="each axis once, got age, age"):
        Swapper(load_terms(["age"]) * 2)


# Any text.

WORDS = sorted({term for terms in load_terms() for term in terms.places()})
BETWEEN = ["a", "An", "people", ".", ",", "is", "-", "’s", "\n"]
GENDERED = ["he", "she", "himself", "herself", "men", "women", "his-x", "king", "wife", "they", "talk", "."]
texts = st.lists(
    st.one_of(st.sampled_from(WORDS), st.sampled_from(BETWEEN), st.text()),
    max_size=12,
).flatmap(lambda parts: st.sampled_from(["", " ", "  "]).map(lambda space: space.join(parts)))  # fmt: skip


@given(texts)
def test_swaps_differ_are_distinct_and_always_the_same(text: str) -> None:
    found = SWAPPER.swaps(text)
    assert SWAPPER.swaps(text) == found
    for axis in AXES:
        mine = [swap.text for swap in found if swap.axis == axis]
        assert text not in mine
        assert len(set(mine)) == len(mine)


@given(texts)
def test_mentions_lie_in_the_text_in_order_and_apart(text: str) -> None:
    for axis in AXES:
        mine = [each for each in SWAPPER.mentions(text) if each.axis == axis]
        assert all(one.end <= other.start for one, other in pairwise(mine))
        for each in mine:
            found = " ".join(re.sub("’", "'", text[each.start : each.end]).lower().split())
            assert found == each.term.lower()


@given(texts)
def test_nothing_but_the_mentions_and_the_articles_before_them_changes(text: str) -> None:
    for swap in SWAPPER.swaps(text):
        mine = [each for each in SWAPPER.mentions(text) if each.axis == swap.axis]
        if swap.axis != "gender":
            mine = [each for each in mine if each.group == swap.old]
        kept, at = [], 0
        for each in mine:
            kept.append(re.sub(r"\b[aA][nN]?\s+[\"'“‘(]?\Z", "", text[at : each.start]))
            at = each.end
        kept.append(text[at:])
        assert all(part in str(swap.text) for part in kept)


@given(st.lists(st.sampled_from(GENDERED), max_size=10))
def test_exchanging_genders_twice_gives_the_text_again(words: list[str]) -> None:
    text = " ".join(words)
    for once in swapped(text, "gender"):
        assert swapped(once, "gender") == [text]


@pytest.mark.parametrize("piece", ["her ", "(her ", "Muslim-", "Mr ", "a an ", "(“'"])
def test_hostile_texts_take_work_in_proportion_to_their_length(piece: str) -> None:
    """Sixteen times the text takes about sixteen times the time; quadratic work would take 256 times."""

    def seconds(length: int) -> float:
        started = time.process_time()
        SWAPPER.swaps(piece * length)
        return time.process_time() - started

    short = min(seconds(500) for _ in range(3))
    assert min(seconds(8_000) for _ in range(2)) < 100 * max(short, 0.0005)


def test_a_term_set_is_checked() -> None:
    with pytest.raises(ValueError, match="two groups or more"):
        TermSet("x", {"s": {"a": ("one",)}})
    with pytest.raises(ValueError, match="two groups to exchange"):
        TermSet("x", {"s": {"a": ("one",), "b": ("two",), "c": ("three",)}}, exchange=True)
    with pytest.raises(ValueError, match="in a slot for two groups"):
        TermSet("x", {"s": {"a": ("one",), "b": ("One",)}})
    with pytest.raises(ValueError, match="a rule must tell them apart"):
        TermSet("x", {"s": {"a": ("one",), "b": ("two",)}, "t": {"a": ("one",), "b": ("three",)}})
