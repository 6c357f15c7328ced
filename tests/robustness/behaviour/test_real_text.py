"""What the tests that keep the label do to real sentences, as far as it can be counted.

The texts themselves are never shown: a failing assertion names the rows.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from rapidfuzz.distance import OSA, Levenshtein

from robustness.behaviour import registry
from robustness.behaviour.tables.names import FIRST_NAMES
from robustness.behaviour.tables.places import PLACES
from robustness.behaviour.transformations.contractions import expand
from robustness.behaviour.words import protected_spans

DATA = Path(__file__).parents[4] / "shared" / "data"
FILES = {"sst2": DATA / "sst2" / "dev.tsv", "hatecheck": DATA / "hatecheck" / "test_suite_cases.csv"}
TRAIN = DATA / "sst2" / "train.tsv"
ROWS = 600

CORPORA = [
    pytest.param(name, marks=pytest.mark.skipif(not file.is_file(), reason=f"shared/data/{name} is not here"))
    for name, file in FILES.items()
]


@cache
def corpus(name: str) -> list[str]:
    """At most ``ROWS`` texts, spread over the file."""
    with FILES[name].open(encoding="utf-8", newline="") as file:
        if name == "sst2":
            texts = [line.rsplit("\t", 1)[0] for line in file]
        else:
            texts = [row["test_case"] for row in csv.DictReader(file)]
    return texts[:: max(1, len(texts) // ROWS)][:ROWS]


@cache
def changed(test: str, name: str) -> list[tuple[int, str, str]]:
    """(row, text, variant) of every variant of the texts."""
    texts = corpus(name)
    found = registry.build(test, {}).variants(texts, range(len(texts)))
    return [(row, texts[row], str(variant)) for row, mine in enumerate(found) for variant in mine]


def violations(test: str, name: str, keeps: Callable[[str, str], bool]) -> list[int]:
    """Rows with a variant that does not keep what it must."""
    return [row for row, text, variant in changed(test, name) if not keeps(text, variant)]


def letters(text: str) -> Counter[str]:
    """The words, whatever their case, as runs of letters."""
    return Counter(re.findall(r"[^\W\d_]+", text.casefold()))


PLAUSIBLE = {
    # The least and the most share of sentences that a test should apply to: SST-2 is lower-case English
    # reviews with an "it" or a "not" in many, HateCheck short English posts with capitals.
    "sst2": {
        "casing": (1.0, 1.0),
        "punctuation": (0.99, 1.0),
        "whitespace": (1.0, 1.0),
        "distractors": (1.0, 1.0),
        "typos": (0.99, 1.0),
        "ocr": (0.99, 1.0),
        "contractions": (0.15, 0.5),
        "negation": (0.25, 0.7),
        "spelling": (0.01, 0.15),
        "accents": (0.0, 0.1),
        "numbers": (0.0, 0.05),
        "names": (0.0, 0.0),
        "places": (0.0, 0.0),
    },
    "hatecheck": {
        "casing": (1.0, 1.0),
        "punctuation": (0.99, 1.0),
        "whitespace": (0.99, 1.0),
        "distractors": (1.0, 1.0),
        "typos": (0.99, 1.0),
        "ocr": (0.99, 1.0),
        "contractions": (0.15, 0.5),
        "negation": (0.25, 0.7),
        "spelling": (0.0, 0.05),
        "accents": (0.0, 0.05),
        "numbers": (0.0, 0.05),
        "names": (0.0, 0.05),
        "places": (0.0, 0.05),
    },
}


@pytest.mark.parametrize("name", CORPORA)
@pytest.mark.parametrize("test", sorted(registry.available()))
def test_it_applies_to_a_plausible_share(test: str, name: str) -> None:
    low, high = PLAUSIBLE[name][test]
    assert low <= len({row for row, _, _ in changed(test, name)}) / len(corpus(name)) <= high


@pytest.mark.parametrize("name", CORPORA)
@pytest.mark.parametrize("test", ["casing", "punctuation", "whitespace"])
def test_the_words_stay(test: str, name: str) -> None:
    assert violations(test, name, lambda text, variant: letters(text) == letters(variant)) == []


@pytest.mark.parametrize("name", CORPORA)
def test_contractions_say_the_same_when_written_out(name: str) -> None:
    def plain(text: str) -> Counter[str]:
        return letters(expand(text).replace("can not", "cannot"))

    # What is not written out, such as n't before its subject, stands in both.
    assert violations("contractions", name, lambda text, variant: plain(text) == plain(variant)) == []


@pytest.mark.parametrize("name", CORPORA)
def test_contractions_leave_possessives(name: str) -> None:
    def possessives(text: str) -> list[str]:
        found = re.findall(r"(\w+) ?['’]s\b", text.casefold())
        pronouns = ["it", "that", "there", "here", "he", "she", "what", "where", "who", "how", "let"]
        return [word for word in found if word not in pronouns]

    assert (
        violations("contractions", name, lambda text, variant: possessives(text) == possessives(variant))
        == []
    )


@pytest.mark.parametrize("name", CORPORA)
def test_distractors_keep_the_whole_text(name: str) -> None:
    assert violations("distractors", name, lambda text, variant: variant.startswith(text.rstrip())) == []


@pytest.mark.parametrize("name", CORPORA)
def test_noise_is_one_error(name: str) -> None:
    assert violations("typos", name, lambda text, variant: OSA.distance(text, variant) == 1) == []
    assert violations("ocr", name, lambda text, variant: Levenshtein.distance(text, variant) <= 2) == []


@pytest.mark.parametrize("name", CORPORA)
def test_a_negation_is_one_not_more_or_one_less(name: str) -> None:
    def written_out(text: str) -> Counter[str]:
        return letters(re.sub(r"n['’]t\b", " not", text.casefold()).replace("cannot", "can not"))

    def one_toggled(text: str, variant: str) -> bool:
        before, after = written_out(text), written_out(variant)
        # The stem of "won't" is "wo" until it is "will".
        irregular = {"wo": "will", "ca": "can", "sha": "shall"}
        added, removed = after - before, before - after
        if added == Counter(["not"]):
            return not removed
        gone = Counter([irregular.get(word, word) for word in removed.elements()])
        return gone - added == Counter(["not"]) and sum(added.values()) <= 1

    assert violations("negation", name, one_toggled) == []


@pytest.mark.parametrize("name", CORPORA)
def test_names_and_places_are_replaced_by_names_and_places_only(name: str) -> None:
    names = {word.casefold() for group in FIRST_NAMES.values() for word in group}
    places = {word.casefold() for kind in PLACES.values() for place in kind for word in place.split()}

    def only(allowed: set[str]) -> Callable[[str, str], bool]:
        def kept(text: str, variant: str) -> bool:
            before, after = letters(text), letters(variant)
            return set(before - after) | set(after - before) <= allowed

        return kept

    assert violations("names", name, only(names)) == []
    assert violations("places", name, only(places)) == []


@pytest.mark.parametrize("name", CORPORA)
@pytest.mark.parametrize("test", sorted(registry.available()))
def test_addresses_handles_and_placeholders_stay(test: str, name: str) -> None:
    def kept(text: str, variant: str) -> bool:
        return all(text[start:end] in variant for start, end in protected_spans(text))

    assert violations(test, name, kept) == []


@pytest.mark.skipif(not TRAIN.is_file(), reason="shared/data/sst2 is not here")
@pytest.mark.parametrize("test", ["names", "places"])
def test_names_and_places_are_found_in_sentences_that_get_their_capitals_back(test: str) -> None:
    table = FIRST_NAMES if test == "names" else PLACES
    capital = {word.casefold(): word for words in table.values() for word in words}
    pattern = re.compile(rf"(?<![\w'-])(?:{'|'.join(capital)})(?![\w-])")
    with TRAIN.open(encoding="utf-8") as file:
        texts = [pattern.sub(lambda match: capital[match.group()], line.rsplit("\t", 1)[0]) for line in file]
    kind_of = {word: kind for kind, words in table.items() for word in words}
    known = re.compile(rf"\b(?:{'|'.join(sorted(kind_of, key=len, reverse=True))})\b")
    found = registry.build(test, {}).variants(texts, range(len(texts)))
    assert 0.002 <= sum(map(bool, found)) / len(texts) <= 0.1
    for text, mine in zip(texts, found, strict=True):
        for variant in map(str, mine):
            # Between the names everything stays, and each gives way to one of its own kind.
            assert known.split(text) == known.split(variant)
            before, after = known.findall(text), known.findall(variant)
            assert before != after
            assert [kind_of[each] for each in before] == [kind_of[each] for each in after]
