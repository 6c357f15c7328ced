"""Homoglyphs: letters exchanged for those of other scripts that look the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from attacks.character.base import CharacterAttack
from attacks.character.sites import Family, Injection, Site

CLASSES = (
    *("AΑА", "BΒВ", "CϹС", "EΕЕ", "HΗН", "IΙІӀ", "JͿЈ", "KΚК", "MΜМ", "NΝ", "OΟО", "PΡР", "SЅ", "TΤТ"),
    *("XΧХ", "YΥҮ", "ZΖ", "aа", "cϲс", "dԁ", "eе", "hһ", "iі", "jϳј", "oοо", "pр", "qԛ", "sѕ", "wԝ", "xх"),
    *("yу", "!ǃ", "ÆӔ", "æӕ", "ƏӘ", "əә", "ΓГ", "ΠП"),
)
"""Characters drawn alike, a class in each string: the Latin one first, then Greek, then Cyrillic."""

FOLD = str.maketrans({character: members[0] for members in CLASSES for character in members[1:]})
OTHERS = {
    character: tuple(other for other in members if other != character)
    for members in CLASSES
    for character in members
}


def fold(text: str) -> str:
    """``text`` with one character, the first, for all those of a class."""
    return text.translate(FOLD)


def sites(text: str) -> list[Site]:
    """Every character that has a lookalike."""
    return [Site(i, OTHERS[character]) for i, character in enumerate(text) if character in OTHERS]


def exchange(text: str, injections: Sequence[Injection]) -> str:
    """``text`` with each choice in the place of the character at its position; the last one where several."""
    characters = list(text)
    for injection in injections:
        characters[injection.position] = injection.choice
    return "".join(characters)


def injections(original: str, perturbed: str) -> int | None:
    """How many characters were exchanged; None where one is no lookalike of what was there."""
    if fold(original) != fold(perturbed):
        return None
    return sum(before != after for before, after in zip(original, perturbed, strict=True))


@dataclass(frozen=True, kw_only=True)
class Homoglyphs(CharacterAttack):
    """Homoglyphs: letters exchanged for Latin, Greek or Cyrillic ones that look the same.

    Boucher et al. 2022, "Bad Characters: Imperceptible NLP Attacks". The paper takes its pairs from
    Unicode's list ``intentional.txt`` (UTS 39): characters that are designed to be drawn alike. Departure:
    here are that list's pairs for the characters of English text and a few more, with q, w and the letters
    of the third script that are drawn alike too (Α, А beside A); any member of such a class may become
    any other, so that Greek and Cyrillic texts can be attacked as well.

    Neither the normalisers of tokenizers nor Unicode's NFKC undo them: a word becomes unknown or falls into
    other pieces (WordPiece, SentencePiece) or into bytes (RoBERTa, GPT-2).
    """

    name: ClassVar[str] = "homoglyphs"
    family: ClassVar[Family] = Family(sites, exchange, injections)
