"""Finds identity terms in a text, and says the same text of another group.

A swap along one axis takes every mention of one group and puts in its place the term of another group
that has the same grammatical slot. Nothing else is changed but the articles "a" and "an" before it. A
group that the text names already is not swapped in ("Jews fear Muslims" would become "Jews fear Jews"),
nor is one without a term for a slot of the text. Both genders change places at once. This is the
counterfactual of Garg et al. 2019 ("Counterfactual fairness in text classification through robustness"),
but for one axis and one group at a time and with grammar.

Addresses, handles and hashtags are left alone.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fairness.counterfactual.casing import in_case_of, with_articles
from fairness.counterfactual.term_set import TermSet
from robustness.behaviour.words import PROTECTED, Edit, apply, is_free

if TYPE_CHECKING:
    from attacks.victims import TextInput

_MARKS = "\u0300-\u036f"
"""Combining marks: a letter with one is another letter, and "hé" no "he"."""
_WORD = re.compile(rf"[\w{_MARKS}]+")
_MAYBE_PROTECTED = re.compile(r"[/@#<\[{&]|www\.|\.\w")
_PREFIX = re.compile(r"(?:\A|[^\w-])(?:anti|non|pro|ex|all|half|great|step|self|fellow)-\Z", re.IGNORECASE)
_CLITIC = re.compile(r"['’](?:s|ll|d|re|ve|m)(?![\w-])", re.IGNORECASE)


@dataclass(frozen=True)
class Mention:
    """An identity term: characters ``start`` to ``end`` of text ``part`` (1: the second of a pair).

    term: as the table writes it. slot, position: where it stands among the terms of ``group``.
    """

    axis: str
    group: str
    term: str
    start: int
    end: int
    slot: str
    position: int = 0
    part: int = 0


@dataclass(frozen=True)
class Swap:
    """A text, or both texts of a pair, with the mentions of group ``old`` said of group ``new``.

    terms: the distinct pairs (term, term in its place), as tables write them, in the order of the text. Where
    both groups changed places, ``old`` is the one that the text names first.
    """

    text: "TextInput"
    axis: str
    old: str
    new: str
    terms: tuple[tuple[str, str], ...]


class Swapper:
    """Swaps the terms of several axes, one at a time. The same text always gives the same swaps.

    Raises ValueError where two term sets have the same axis.
    """

    def __init__(self, terms: Sequence[TermSet]) -> None:
        axes = [each.axis for each in terms]
        if len(set(axes)) != len(axes):
            raise ValueError(f"expected each axis once, got {', '.join(axes)}")
        self._sets = {each.axis: each for each in terms}
        self._index = _index(terms)

    @property
    def axes(self) -> tuple[str, ...]:
        return tuple(self._sets)

    def mentions(self, text: "TextInput") -> list[Mention]:
        """The identity terms in a text, or in both texts of a pair, in their order; by axis none overlap."""
        parts = [text] if isinstance(text, str) else list(text)
        return [mention for number, part in enumerate(parts) for mention in self._mentions(part, number)]

    def swaps(self, text: "TextInput") -> list[Swap]:
        """All swaps of a text or pair, axis by axis; none equals the text or another swap of its axis."""
        found = self.mentions(text)
        return [
            swap
            for axis, terms in self._sets.items()
            for swap in _swaps(text, terms, [mention for mention in found if mention.axis == axis])
        ]

    def _mentions(self, text: str, part: int) -> Iterator[Mention]:
        protected = (
            [match.span() for match in PROTECTED.finditer(text)] if _MAYBE_PROTECTED.search(text) else []
        )
        until: dict[str, int] = {}
        for word in _WORD.finditer(text):
            for pattern, terms, places in self._index.get(word.group().lower(), ()):
                start = word.start()
                if start < until.get(terms.axis, 0):
                    continue
                whole = pattern.match(text, start)
                if whole is None or not is_free(start, whole.end(), protected):
                    continue
                mention = _mention(text, start, whole.end(), terms, places, part)
                if mention is not None:
                    until[terms.axis] = mention.end
                    yield mention


_Place = tuple[str, str, int]
_Entry = tuple[re.Pattern[str], TermSet, dict[str, _Place]]


def _index(sets: Iterable[TermSet]) -> dict[str, list[_Entry]]:
    """{first word in lower case: its terms with that word, longest first, with their places by slot}."""
    found: dict[str, list[tuple[int, _Entry]]] = {}
    for terms in sets:
        for term, places in terms.places().items():
            # Apostrophes and spaces are written in several ways.
            pattern = re.escape(term).replace(r"\ ", r"[^\S\n]+").replace("'", "['’]")
            entry = re.compile(pattern, re.IGNORECASE), terms, {place[0]: place for place in places}
            first = _WORD.match(term)
            if first is None:
                raise ValueError(
                    f'axis {terms.axis}: expected a term that starts with a letter, got "{term}"'
                )
            found.setdefault(first.group(), []).append((len(term), entry))
    return {
        word: [entry for _, entry in sorted(entries, key=lambda each: -each[0])]
        for word, entries in found.items()
    }


def _mention(
    text: str, start: int, end: int, terms: TermSet, places: dict[str, _Place], part: int
) -> Mention | None:
    if not _stands_alone(text, start, end, terms):
        return None
    slot, group, position = next(iter(places.values()))
    written = terms.slots[slot][group][position]
    term = written.lower()
    if term in terms.capitalised and not text[start].isupper():
        return None
    if rule := terms.rules.get(term):
        decided = rule(text, start, end)
        if decided is None or decided not in places:
            return None
        slot, group, position = places[decided]
        written = terms.slots[slot][group][position]
    return Mention(terms.axis, group, written, start, end, slot, position, part)


def _stands_alone(text: str, start: int, end: int, terms: TermSet) -> bool:
    """Whether these characters are a word of their own, or the part of a compound that counts."""
    before, after = text[max(0, start - 12) : start], text[end : end + 8]
    if before[-1:] in ("'", "’") and before[-2:-1].isalnum():
        return False
    if before[-1:] == "-" and not _PREFIX.search(before):
        return False
    if after[:1] == "-" and after[1:2].isalnum() and not terms.in_compounds:
        return after.startswith("-in-law")
    if after[:1] in ("'", "’") and after[1:2].isalnum():
        return _CLITIC.match(after) is not None
    return _WORD.match(after) is None


def _swaps(text: "TextInput", terms: TermSet, mentions: Sequence[Mention]) -> Iterator[Swap]:
    named = list(dict.fromkeys(mention.group for mention in mentions))
    seen = {text}
    for old in named[:1] if terms.exchange else named:
        for new in terms.groups:
            if new == old or (new in named and not terms.exchange):
                continue
            chosen = [mention for mention in mentions if terms.exchange or mention.group == old]
            targets = {old: new, new: old}
            pairs = [
                (mention, terms.counterpart(mention.slot, mention.position, targets[mention.group]))
                for mention in chosen
            ]
            replaced = [(mention, target) for mention, target in pairs if target is not None]
            if len(replaced) < len(pairs):
                continue
            swapped = _replaced(text, replaced)
            if swapped not in seen:
                seen.add(swapped)
                exchanged = dict.fromkeys((mention.term, target) for mention, target in replaced)
                yield Swap(swapped, terms.axis, old, new, tuple(exchanged))


def _replaced(text: "TextInput", pairs: Sequence[tuple[Mention, str]]) -> "TextInput":
    if isinstance(text, str):
        return _replaced_in(text, pairs)
    first, second = (
        _replaced_in(part, [pair for pair in pairs if pair[0].part == number])
        for number, part in enumerate(text)
    )
    return first, second


def _replaced_in(text: str, pairs: Sequence[tuple[Mention, str]]) -> str:
    lower = text.islower()
    edits = [
        Edit(each.start, each.end, in_case_of(text, each.start, each.end, each.term, target, lower=lower))
        for each, target in pairs
    ]
    return apply(text, with_articles(text, edits))
