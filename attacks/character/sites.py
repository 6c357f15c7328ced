"""Where something can be injected into a text unseen, what, and the text that comes of it."""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from attacks.victims import TextInput

ZWNJ = "\u200c"
ZWJ = "\u200d"
BACKSPACE = "\b"


@dataclass(frozen=True)
class Site:
    """A place in a text and what may be injected there, at least one choice.

    position: a character of the text, or, for what is put in, the character before which it comes.
    """

    position: int
    choices: tuple[str, ...]


@dataclass(frozen=True)
class Injection:
    """One choice at one position of the original text."""

    position: int
    choice: str


@dataclass(frozen=True)
class Family:
    """One kind of injections.

    sites: all places of a text, in order. inject: the text with some injections made, whatever their order,
    where they leave no choice. injections: how many of them separate a perturbed text from its original, None
    where something else does.
    """

    sites: Callable[[str], list[Site]]
    inject: Callable[[str, Sequence[Injection]], str]
    injections: Callable[[str, str], int | None]


@dataclass(frozen=True)
class Field:
    """The sites of one example, those of both texts of a pair one after the other; none spans the two."""

    family: Family
    original: TextInput

    @cached_property
    def sites(self) -> list[tuple[int, Site]]:
        """Each site with the part of the example it is in: 0, or 1 for the second text of a pair."""
        return [
            (part, site) for part, text in enumerate(parts(self.original)) for site in self.family.sites(text)
        ]

    def text(self, chosen: Iterable[tuple[int, int]]) -> TextInput:
        """The example with an injection for each pair of indices, of a site and of a choice there."""
        texts = parts(self.original)
        made: list[list[Injection]] = [[] for _ in texts]
        for index, choice in chosen:
            part, site = self.sites[index]
            made[part].append(Injection(site.position, site.choices[choice]))
        new = [self.family.inject(text, own) for text, own in zip(texts, made, strict=True)]
        return new[0] if isinstance(self.original, str) else (new[0], new[1])

    def injections(self, perturbed: TextInput) -> int | None:
        """How many injections were made in all; None where something else was changed."""
        if isinstance(self.original, str) != isinstance(perturbed, str):
            return None
        pairs = zip(parts(self.original), parts(perturbed), strict=True)
        counts = [self.family.injections(before, after) for before, after in pairs]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None


def parts(text: TextInput) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else text


def boundaries(text: str) -> list[int]:
    """Positions, 0 to len(text), between characters that are shown on their own.

    Inside an emoji of several characters, or between a letter and its accent, an injection would be seen, and
    a backspace of the text's own would take it away instead of what it should: none comes before the last.
    Coarser than the grapheme clusters of Unicode (UAX 29): it may hold together what could be parted.
    """
    first = text.rfind(BACKSPACE) + 1
    inside = [i for i in range(first + 1, len(text)) if not _held_together(text[i - 1], text[i])]
    return [first, *inside, len(text)] if text[first:] else [first]


def insert(text: str, injections: Sequence[Injection]) -> str:
    """``text`` with every choice put in before the character at its position; at one position in order."""
    pieces, end = [], 0
    for injection in sorted(injections, key=lambda injection: (injection.position, injection.choice)):
        pieces += [text[end : injection.position], injection.choice]
        end = injection.position
    return "".join([*pieces, text[end:]])


def _held_together(before: str, after: str) -> bool:
    if before == ZWJ or after in (ZWJ, ZWNJ) or before + after == "\r\n":
        return True
    if unicodedata.category(after).startswith("M"):
        return True
    code = ord(after)
    if 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F:
        return True  # skin tones, and the letters of flags such as Scotland's
    return any(_is_in(block, before) and _is_in(block, after) for block in COMPOSED)


COMPOSED = (((0x1F1E6, 0x1F1FF),), ((0x1100, 0x11FF), (0xA960, 0xA97F), (0xAC00, 0xD7FF)))
"""Characters that make one sign with each other: the letters of flags; the letters of Korean syllables."""


def _is_in(block: tuple[tuple[int, int], ...], character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in block)
