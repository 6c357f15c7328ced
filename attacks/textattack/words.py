"""TextAttack's work on words with less Python: the same answers, remembered or found in fewer steps.

A few functions take most of TextAttack's own time. ``words_from_text`` is asked for the words of every word
of every candidate text; ``AttackedText.generate_new_attacked_text`` looks for all words again to replace one;
and WordNet's synonyms are put together at every look-up. They are pure, so that answers can be kept; they are
exchanged in the ``faster`` context only and put back after it.

Where a function makes a list of a set of words, whose order changes with PYTHONHASHSEED, the list is sorted.
``Attack.get_transformations`` sorts its candidates by text, so that no recipe notices; a custom recipe that
draws from such a list itself would.
"""

import gc
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from typing import Any

CHINESE = re.compile("[\u4e00-\u9fff]")
MANY = 2**17
"""How many words are remembered: some 20 MB."""

SETS_OF_WORDS = (
    ("textattack.transformations.word_swaps.word_swap_wordnet", "WordSwapWordNet", "_get_replacement_words"),
    (
        "textattack.transformations.word_swaps.word_swap_inflections",
        "WordSwapInflections",
        "_get_replacement_words",
    ),
    (
        "textattack.transformations.word_insertions.word_insertion_random_synonym",
        "WordInsertionRandomSynonym",
        "_get_synonyms",
    ),
)
"""Methods that make a list of a set of words: module, class, method."""


class Exchange:
    """What stands in the place of TextAttack's own functions, made once for a process.

    hash_order: leave lists made of sets as they come, to compare answers with TextAttack's own.
    """

    def __init__(self, hash_order: bool = False) -> None:
        strings = import_module("textattack.shared.utils.strings")
        utils = import_module("textattack.shared.utils")
        text_module = import_module("textattack.shared.attacked_text")
        words = _words_from_text(strings.words_from_text)
        self._places: list[tuple[Any, str, Any]] = [
            (where, "words_from_text", words) for where in (strings, utils, text_module)
        ]
        text_class = text_module.AttackedText
        replacement = Replacement(text_class, words)
        self._places.append((text_class, "generate_new_attacked_text", replacement.of_words))
        self._places.append((text_class, "replace_word_at_index", replacement.of_word))
        self._places.append((text_class, "text", _text(text_class.text)))
        wordnet = import_module(SETS_OF_WORDS[0][0]).WordSwapWordNet
        self._places.append((wordnet, SETS_OF_WORDS[0][2], _synonyms(wordnet, hash_order)))
        if not hash_order:
            for module, name, method in SETS_OF_WORDS[1:]:
                owner = getattr(import_module(module), name)
                self._places.append((owner, method, _in_order(getattr(owner, method))))

    @contextmanager
    def faster(self) -> Iterator[None]:
        """Ours in the place of theirs, which are put back at the end.

        Python's garbage collector is kept from looking through what was there before: with torch and
        TextAttack loaded that takes a second, again and again, for a few thousand candidate texts.
        """
        theirs = [(where, name, vars(where)[name]) for where, name, _ in self._places]
        for where, name, ours in self._places:
            setattr(where, name, ours)
        frozen = gc.get_freeze_count() == 0
        if frozen:
            gc.freeze()
        try:
            yield
        finally:
            if frozen:
                gc.unfreeze()
            for where, name, before in theirs:
                setattr(where, name, before)


def _words_from_text(theirs: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """``words_from_text``, which works on what stands between spaces, one by one: so these are remembered.

    Texts with Chinese characters, which are cut by a dictionary, are left to ``theirs``.
    """

    @lru_cache(maxsize=MANY)
    def words_of(chunk: str) -> tuple[str, ...]:
        return tuple(theirs(chunk))

    def words_from_text(s: str, words_to_ignore: Sequence[str] = ()) -> list[str]:
        if words_to_ignore or not (s.isascii() or CHINESE.search(s) is None):
            return theirs(s, list(words_to_ignore))
        return [word for chunk in s.split() for word in words_of(chunk)]

    return words_from_text


def _text(theirs: property) -> property:
    """``AttackedText.text``, joined once: a text never changes, and is compared some twenty times."""

    def text(self: Any) -> str:
        known: str | None = self.__dict__.get("_assay_text")
        if known is None:
            known = self._assay_text = theirs.__get__(self)
        return known

    return property(text)


class Replacement:
    """``AttackedText`` with one word of one text exchanged.

    Where the words stand in the text is found once for all candidates that come from it. Everything else
    (pairs, several words at once, words that are not one word by themselves) is left to TextAttack's own.
    """

    def __init__(self, text_class: Any, words_from_text: Callable[[str], list[str]]) -> None:
        split: str = text_class.SPLIT_TOKEN
        their_word, their_words = text_class.replace_word_at_index, text_class.generate_new_attacked_text

        def replace_word_at_index(self: Any, index: int, new_word: str) -> Any:
            places = _spans(self, split, words_from_text)
            if (
                places is None
                or not isinstance(new_word, str)
                or not 0 <= index < len(places)
                or split in new_word
                or new_word == self.words[index]
            ):
                return their_word(self, index, new_word)
            return _replaced(self, index, new_word, places[index], words_from_text)

        def generate_new_attacked_text(self: Any, new_words: Sequence[str]) -> Any:
            places = _spans(self, split, words_from_text)
            pairs = zip(self.words, new_words, strict=False)
            changed = [i for i, (old, new) in enumerate(pairs) if old != new]
            if places is None or len(changed) != 1 or split in new_words[changed[0]]:
                return their_words(self, new_words)
            (i,) = changed
            return _replaced(self, i, new_words[i], places[i], words_from_text)

        self.of_word, self.of_words = replace_word_at_index, generate_new_attacked_text


def _spans(
    text: Any, split: str, words_from_text: Callable[[str], list[str]]
) -> list[tuple[int, int]] | None:
    """Where each word of an ``AttackedText`` stands; None where this is not the simple case. Kept with it."""
    found: list[tuple[int, int]] | None
    if "_assay_spans" in text.__dict__:
        found = text._assay_spans
        return found
    found = []
    whole, end = text.text, 0
    if len(text._text_input) > 1 or split in whole:
        found = None
    else:
        for word in text.words:
            start = whole.find(word, end)
            if start < 0 or words_from_text(word) != [word]:
                found = None
                break
            end = start + len(word)
            found.append((start, end))
    text._assay_spans = found
    return found


def _replaced(
    text: Any, i: int, new: str, place: tuple[int, int], words_from_text: Callable[[str], list[str]]
) -> Any:
    """``text`` with ``new`` in the place of word ``i``, and TextAttack's bookkeeping of it."""
    whole, (start, end) = text.text, place
    before, after = whole[:start], whole[end:]
    attrs, made_of = text.attack_attrs, words_from_text(new)
    count = len(made_of)
    if count == 0 and after:
        if i == 0:
            after = after.removeprefix(" ")
        else:
            before = before.removesuffix(" ")
    modified, index_map = attrs["modified_indices"].copy(), attrs["original_index_map"].copy()
    more = count - 1
    if more:
        modified = {j if j < i else j + more for j in modified if j != i}
        if more == -1:
            index_map[index_map == i] = -1
        index_map[index_map > i] += more
        if more > 0 and text.words[i] != made_of[0]:
            index_map[index_map == i] += more
    modified.update(range(i, i + count))
    made = {"label_names": attrs["label_names"]} if "label_names" in attrs else {}
    made |= {
        "newly_modified_indices": set(range(i, i + count)),
        "previous_attacked_text": text,
        "modified_indices": modified,
        "original_index_map": index_map,
    }
    key = next(iter(text._text_input))
    return type(text)(OrderedDict([(key, before + new + after)]), attack_attrs=made)


def _synonyms(wordnet: Any, hash_order: bool) -> Callable[..., list[str]]:
    """``WordSwapWordNet._get_replacement_words``, with the synonyms of each word read once."""
    theirs = wordnet._get_replacement_words

    @lru_cache(maxsize=MANY)
    def synonyms(language: str, word: str) -> tuple[str, ...]:
        reader = wordnet.__new__(wordnet)
        reader.language = language
        found = theirs(reader, word)
        return tuple(found if hash_order else sorted(found))

    def replacement_words(self: Any, word: str, random: bool = False) -> list[str]:
        return list(synonyms(self.language, word))

    return replacement_words


def _in_order(theirs: Callable[..., list[str]]) -> Callable[..., list[str]]:
    def in_order(self: Any, *args: Any) -> list[str]:
        return sorted(theirs(self, *args))

    return in_order


@lru_cache(maxsize=2)
def exchange(hash_order: bool = False) -> Exchange:
    """The process's own exchange, so that what is remembered serves all attacks."""
    return Exchange(hash_order)
