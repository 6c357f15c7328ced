"""What takes the place of TextAttack's functions gives the same answers."""

import random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from attacks.textattack.words import exchange

STRANGE = (
    "",
    "   ",
    "It's a 'quoted' word, e.g. x@y.com -- and_so on* -dash- a--b",
    "line\nbreak\tand\u00a0space \u2028 end",
    "naïve café, Ελληνικά русский 日本 中文字 mixed中文 text",
    "а homoglyph оf Latin ×уᴢ ˗ˋ ɑЬ",
    "<SPLIT> I am not I",
    "...!?... 12,000.50 $5 50% #tag",
    "don't can't I'm we'll 'tis rock'n'roll",
)


@pytest.mark.parametrize("text", STRANGE)
def test_words_of_a_text(ta: ModuleType, text: str) -> None:
    theirs = ta.shared.utils.words_from_text(text)
    with exchange().faster():
        first = ta.shared.utils.words_from_text(text)
        first.append("changed by its owner")
        assert ta.shared.utils.words_from_text(text) == theirs
    assert ta.shared.utils.words_from_text(text, ["a"]) == [word for word in theirs if word != "a"]


def seen(text: Any) -> tuple[Any, ...]:
    attrs = dict(text.attack_attrs)
    attrs.pop("previous_attacked_text", None)
    attrs["original_index_map"] = attrs["original_index_map"].tolist()
    return text.text, text.words, text.tokenizer_input, attrs


def edited(ta: ModuleType, start: str, seed: int) -> list[tuple[Any, ...]]:
    """A chain of random edits of one word, or two: swaps, deletions, insertions and strange words."""
    rng = random.Random(seed)
    text = ta.shared.AttackedText(start)
    chain = [seen(text)]
    for _ in range(8):
        if not text.words:
            break
        i = rng.randrange(len(text.words))
        new = rng.choice(
            [
                "swap",
                "",
                "two words",
                "!!",
                "a b c",
                text.words[i] + " after",
                "before " + text.words[i],
                "'x'",
            ]
        )
        if rng.random() < 0.2 and len(text.words) > 1:
            pair = rng.sample(range(len(text.words)), 2)
            text = text.replace_words_at_indices(pair, [new, "both"])
        else:
            text = text.replace_word_at_index(i, new)
        chain.append(seen(text))
    return chain


@pytest.mark.parametrize("start", [text for text in STRANGE if text.strip()])
def test_replacing_words_gives_the_same_texts_and_the_same_bookkeeping(ta: ModuleType, start: str) -> None:
    for seed in range(25):
        try:
            theirs: Any = edited(ta, start, seed)
        except (IndexError, ValueError) as error:
            theirs = type(error)
        with exchange().faster():
            try:
                ours: Any = edited(ta, start, seed)
            except (IndexError, ValueError) as error:
                ours = type(error)
        assert ours == theirs


def test_bookkeeping_is_not_shared_between_a_text_and_its_candidates(ta: ModuleType) -> None:
    with exchange().faster():
        text = ta.shared.AttackedText("one two three")
        candidate = text.replace_word_at_index(1, "zwei")
        candidate.attack_attrs["modified_indices"].add(7)
        candidate.attack_attrs["original_index_map"] += 1
    assert text.attack_attrs["modified_indices"] == set()
    assert np.array_equal(text.attack_attrs["original_index_map"], [0, 1, 2])


def test_synonyms_are_WordNets_in_alphabetical_order(ta: ModuleType, wordnet: None) -> None:
    swap = ta.transformations.WordSwapWordNet.__new__(ta.transformations.WordSwapWordNet)
    swap.language = "eng"
    for word in ("film", "brave", "xyzzy", "Run"):
        theirs = swap._get_replacement_words(word)
        with exchange().faster():
            assert swap._get_replacement_words(word) == sorted(theirs)
        with exchange(hash_order=True).faster():
            assert swap._get_replacement_words(word) == theirs
