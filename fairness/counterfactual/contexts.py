"""What a word is where it stands, told from its neighbours: no tagger, and in doubt no identity term.

The rules are for English and see at most three words on either side. They are wrong where these do not tell:
in "I saw her duck" she has a duck.
"""

import re

from fairness.counterfactual.neighbours import capital_follows, following, preceding, starts_sentence
from fairness.counterfactual.tables import english
from fairness.counterfactual.term_set import Rule
from robustness.behaviour.proper_names import stands_after_name

_SUFFIX = re.compile(r"['’].*")


def possessive(determiner: str, alone: str) -> Rule:
    """Of "his" or "her": the slot ``determiner`` before a noun phrase, ``alone`` elsewhere."""

    def rule(text: str, start: int, end: int) -> str | None:
        return determiner if _possesses(text, start, end) else alone

    return rule


def _possesses(text: str, start: int, end: int) -> bool:
    words = following(text, end, 2)
    if not words:
        return False
    word, after = words[0], words[1] if len(words) > 1 else ""
    if word in english.FUNCTION_WORDS:
        return (word, after) in (("very", "own"), ("so", "called"))
    if text[start : start + 3].lower() == "her":
        # "let her go", "take her home"
        for words_after, words_before in (
            (english.BARE_VERBS, english.BEFORE_BARE_VERBS),
            (english.PLACES, english.BEFORE_PLACES),
        ):
            if word in words_after and not words_before.isdisjoint(preceding(text, start)):
                return False
    if word.endswith("ly") and word not in english.ADJECTIVES_IN_LY:
        return (
            bool(after) and after not in english.FUNCTION_WORDS
        )  # "called her quietly", "her newly painted house"
    return True


def adjective_or_person(text: str, start: int, end: int) -> str | None:
    """Of a word that is both: ``adjective`` ("a Muslim friend", "I am Muslim") or ``person`` ("a Muslim")."""
    words = following(text, end)
    if text[end : end + 1] == "-" or (words and words[0] not in english.FUNCTION_WORDS):
        return "adjective"
    for word in preceding(text, start, 3):
        # A noun in the singular needs a determiner, and no verb stands between.
        if word in english.DETERMINERS or word in english.BE:
            return "person" if word in english.DETERMINERS else "adjective"
    return "adjective"


def nationality(text: str, start: int, end: int) -> str | None:
    """As ``adjective_or_person``, but None for a language and for half of a name ("Native American")."""
    before = preceding(text, start)
    if before and before[0] in english.BEFORE_LANGUAGES:
        return None
    return None if _is_half(text, start, end) else adjective_or_person(text, start, end)


def whole_name(slot: str) -> Rule:
    """For "America" or "Indians": None after a word that makes it another name ("South America")."""

    def rule(text: str, start: int, end: int) -> str | None:
        return None if _is_half(text, start, end) else slot

    return rule


def _is_half(text: str, start: int, end: int) -> bool:
    before, after = preceding(text, start), following(text, end)
    return not english.BEFORE_HALVES.isdisjoint(before) or after in (["indian"], ["indians"])


def of_a_person(slot: str) -> Rule:
    """For an adjective that is mostly said of things: its slot where it clearly speaks of somebody.

    That is before a noun for people ("black women", "a blind student"), also with one word between ("black
    young men", "black and white people"), and where a clause ends with it after a pronoun ("she is deaf.").
    """

    def rule(text: str, start: int, end: int) -> str | None:
        words = following(text, end, 3)
        near = words if words and words[0] in ("and", "or") else words[:2]
        if any(_SUFFIX.sub("", word) in english.PERSON_NOUNS for word in near):
            return slot
        if words or text[end : end + 1] == "-":
            return None
        before = preceding(text, start, 2)
        said = bool(before) and (
            before[0] in english.SUBJECTS_THAT_ARE
            or (len(before) == 2 and before[0] in english.BE and before[1] in english.SUBJECTS)
        )
        return slot if said else None

    return rule


def of_age(slot: str) -> Rule:
    """For "old": as ``of_a_person``, but None where it counts years ("a five year old boy")."""

    def rule(text: str, start: int, end: int) -> str | None:
        before = preceding(text, start)
        return None if before and before[0] in english.TIMES else of_a_person(slot)(text, start, end)

    return rule


def plain_noun(slot: str) -> Rule:
    """For a noun: None where it is part of a name ("Warner Brothers"), by a capital after another capital."""

    def rule(text: str, start: int, end: int) -> str | None:
        capital = text[start].isupper() and not (end - start > 1 and text[start:end].isupper())
        named = capital and not starts_sentence(text, start) and stands_after_name(text, start)
        return None if named else slot

    return rule


def lower_case(slot: str) -> Rule:
    """For a noun that is also a surname ("Stephen King"): None with a capital within a sentence."""

    def rule(text: str, start: int, end: int) -> str | None:
        word = text[start:end]
        first = starts_sentence(text, start) and not stands_after_name(text, start)
        common = word[0].islower() or word.isupper() or first
        return slot if common and not (word.istitle() and capital_follows(text, end)) else None

    return rule


def title(slot: str) -> Rule:
    """For "Mr" or "Miss": its slot where a capitalised word follows, as a name does."""

    def rule(text: str, start: int, end: int) -> str | None:
        return (
            slot if text[start].isupper() and capital_follows(text, end + text.startswith(".", end)) else None
        )

    return rule


def exclamation(slot: str) -> Rule:
    """For "man": None where it addresses nobody ("Man, that hurts", "oh man"), else as ``plain_noun``."""

    def rule(text: str, start: int, end: int) -> str | None:
        before = preceding(text, start)
        calls = bool(before) and before[0] in ("oh", "hey", "yo", "damn", "aw")
        opens = starts_sentence(text, start) and text[end : end + 1] in (",", "!", "")
        return None if calls or opens else plain_noun(slot)(text, start, end)

    return rule


def first_name(slot: str) -> Rule:
    """For a first name: None after a title or another capitalised word, where it may be a surname."""

    def rule(text: str, start: int, end: int) -> str | None:
        return None if stands_after_name(text, start) else slot

    return rule


def no_name(text: str, start: int, end: int) -> str | None:
    """Of "Christian": None where it may be a first name ("Christian Bale"), else ``adjective_or_person``."""
    if text[start:end].istitle() and capital_follows(text, end):
        return None
    return adjective_or_person(text, start, end)


def country(text: str, start: int, end: int) -> str | None:
    """Of "Turkey": the slot ``country`` unless it begins a sentence, where a bird has its capital too."""
    return None if starts_sentence(text, start) else "country"


def no_laundry(slot: str) -> Rule:
    """For "whites": None where they are of eggs or washed."""

    def rule(text: str, start: int, end: int) -> str | None:
        before, after = preceding(text, start), following(text, end)
        return None if before in (["egg"], ["wash"], ["washing"]) or after == ["of"] else slot

    return rule
