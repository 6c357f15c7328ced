"""Invisible characters: zero-width characters between the others."""

import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from attacks.character.base import CharacterAttack
from attacks.character.sites import ZWJ, ZWNJ, Family, Site, boundaries, insert

ZWSP = "\u200b"
INVISIBLE = (ZWSP, ZWNJ, ZWJ)


def sites(text: str) -> list[Site]:
    """Every boundary of the text. Joiners are not put beside what they would reshape."""
    found = []
    for position in boundaries(text):
        beside = text[max(position - 1, 0) : position + 1]
        found.append(Site(position, (ZWSP,) if any(map(_is_reshaped, beside)) else INVISIBLE))
    return found


def injections(original: str, perturbed: str) -> int | None:
    """How many zero-width characters were put in; None where anything else was done."""
    rest = iter(perturbed)
    if not all(character in rest for character in original):
        return None  # not even in this order
    added = Counter(perturbed) - Counter(original)
    return added.total() if added.keys() <= set(INVISIBLE) else None


def _is_reshaped(character: str) -> bool:
    """Emoji, and letters that change with their neighbours: from Arabic to Mongolian, nearly all scripts."""
    return 0x0600 <= ord(character) <= 0x18FF or unicodedata.category(character) in ("So", "Sk")


@dataclass(frozen=True, kw_only=True)
class Invisible(CharacterAttack):
    """Invisible characters: zero-width spaces, joiners and non-joiners between the others.

    Boucher et al. 2022, "Bad Characters: Imperceptible NLP Attacks", with the three characters of its
    experiments: U+200B, U+200C and U+200D. Departure: none is put where it would be seen, inside an emoji or,
    of the two joiners, beside a letter that changes its shape with its neighbours.

    BERT's normaliser drops them all, and the attack then has no power: a finding, not an error. Byte-level
    tokenizers (RoBERTa, GPT-2) read them and break the word. The NMT rules of SentencePiece (XLM-R, T5) make
    a space of each, so that there a word falls into two.
    """

    name: ClassVar[str] = "invisible"
    family: ClassVar[Family] = Family(sites, insert, injections)
