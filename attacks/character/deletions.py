"""Deletions: a character and the backspace that takes it away again."""

from dataclasses import dataclass
from typing import ClassVar

from attacks.character.base import CharacterAttack
from attacks.character.sites import BACKSPACE, Family, Site, boundaries, insert

DELETED = tuple(chr(code) + BACKSPACE for code in range(ord("!"), ord("~") + 1))
PAIRS = frozenset(DELETED)


def sites(text: str) -> list[Site]:
    """Every boundary of the text."""
    return [Site(position, DELETED) for position in boundaries(text)]


def injections(original: str, perturbed: str) -> int | None:
    """How many deleted characters were put in; None where anything else was done.

    A text may have backspaces of its own, so that all ways to read the perturbed one are followed.
    """
    arrived = {0: {0}}  # where in the perturbed text one can be, and how much of the original is then read
    for i, character in enumerate(perturbed):
        for read in arrived.pop(i, set()):
            if original[read : read + 1] == character:
                arrived.setdefault(i + 1, set()).add(read + 1)
            if perturbed[i : i + 2] in PAIRS:
                arrived.setdefault(i + 2, set()).add(read)
    whole = len(original) in arrived.get(len(perturbed), set())
    return (len(perturbed) - len(original)) // 2 if whole else None


@dataclass(frozen=True, kw_only=True)
class Deletions(CharacterAttack):
    """Deletions: visible characters, each followed by the backspace that takes it away again.

    Boucher et al. 2022, "Bad Characters: Imperceptible NLP Attacks": U+0008 after one of the printable ASCII
    characters. Departure: none is put inside a sign of several characters.

    What is shown depends on the reader's program: terminals apply a backspace, most browsers and editors do
    not, and then the character is seen. BERT's normaliser drops the backspace and keeps the character, and
    so do the NMT rules of SentencePiece (XLM-R, T5); byte-level tokenizers (RoBERTa, GPT-2) read both.
    """

    name: ClassVar[str] = "deletions"
    family: ClassVar[Family] = Family(sites, insert, injections)
