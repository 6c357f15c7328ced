"""Reorderings: characters stored in another order than they are shown in."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from attacks.character.base import CharacterAttack
from attacks.character.sites import Family, Injection, Site, boundaries

PDF, LRO, RLO, LRI, PDI = "\u202c", "\u202d", "\u202e", "\u2066", "\u2069"

OPEN = LRO + LRI + RLO + LRI
BETWEEN = PDI + LRI
CLOSE = PDI + PDF + PDI + PDF
SWAP = "\u21c4"
"""The one choice at a site; it stands for the swap and comes into no text."""

MAX_DEPTH = 20
"""Swaps within swaps: each takes 6 of the 125 levels of embedding that a program must follow (UAX 9, BD2)."""

NOT_LEFT_TO_RIGHT = frozenset(
    ("R", "AL", "AN", "LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
)
NOT_MOVED = frozenset(("B", "S", "WS", "BN"))
"""Bidirectional classes of ends of paragraphs and segments, of spaces, and of what is not shown.

A space that is moved to the end of a line is shown there.
"""

RUN = re.compile(f"((?:{OPEN}.{BETWEEN})*)(.)", re.DOTALL)
SHOWN = f"[^{PDF}{LRO}{RLO}{LRI}{PDI}]"
INNERMOST = re.compile(f"{OPEN}({SHOWN}){BETWEEN}({SHOWN}+){CLOSE}")


def sites(text: str) -> list[Site]:
    """Every pair of neighbours, by its first, that are shown as one character each and left to right.

    A text with anything that runs from right to left, or is told to, has no site: what surrounds a swap
    would then decide how it is shown.
    """
    directions = [unicodedata.bidirectional(character) for character in text]
    if not NOT_LEFT_TO_RIGHT.isdisjoint(directions):
        return []
    apart = set(boundaries(text))
    return [
        Site(i, (SWAP,))
        for i in range(len(text) - 1)
        if apart.issuperset((i, i + 1, i + 2)) and NOT_MOVED.isdisjoint(directions[i : i + 2])
    ]


def swap(text: str, injections: Sequence[Injection]) -> str:
    """``text`` with the neighbours at each position stored in the other order and shown as before.

    From left to right: after a swap its result is the neighbour, so that swaps in a row carry each character
    to the front of those before it. More than ``MAX_DEPTH`` in a row are not made.
    """
    positions = {injection.position for injection in injections}
    pieces, current, depth = [], text[:1], 0
    for i, character in enumerate(text[1:]):
        if i in positions and depth < MAX_DEPTH:
            current = OPEN + character + BETWEEN + current + CLOSE
            depth += 1
        else:
            pieces.append(current)
            current, depth = character, 0
    return "".join([*pieces, current])


def injections(original: str, perturbed: str) -> int | None:
    """How many swaps were made; None where anything else was done, or a swap where none may be."""
    if original == perturbed:
        return 0
    allowed = {site.position for site in sites(original)}
    count = read = at = 0
    while run := RUN.match(perturbed, at):
        moved, first = run[1][len(OPEN) :: len(OPEN) + 1 + len(BETWEEN)], run[2]
        depth = len(moved)
        at = run.end() + depth * len(CLOSE)
        if (
            original[read : read + depth + 1] != first + moved[::-1]
            or perturbed[run.end() : at] != depth * CLOSE
            or not allowed.issuperset(range(read, read + depth))
            or depth > MAX_DEPTH
        ):
            return None
        read += depth + 1
        count += depth
    return count if read == len(original) else None


def unswapped(text: str) -> str:
    """``text`` as it is shown: every swap of this module undone."""
    before = None
    while text != before:
        before, text = text, INNERMOST.sub(r"\2\1", text)
    return text


@dataclass(frozen=True, kw_only=True)
class Reorderings(CharacterAttack):
    """Reorderings: neighbours stored in the other order, and shown as before by direction controls.

    Boucher et al. 2022, "Bad Characters: Imperceptible NLP Attacks": around each swap stand the overrides and
    isolates of Unicode's bidirectional algorithm (UAX 9) that turn it round again on the screen; swaps may
    contain swaps, which gives n characters 2^(n-1) orders. Departures: texts with characters that run from
    right to left are left alone, accents and emoji of several characters stay whole, spaces stay where they
    are (at the end of a line they would be seen), and no more swaps are nested than a program must be able
    to show.

    BERT's normaliser drops the controls and is left with the other order, which hits it as a typing error
    would. The NMT rules of SentencePiece (XLM-R, T5) and byte-level tokenizers (RoBERTa, GPT-2) keep the
    controls as well, ten for each swap.
    """

    name: ClassVar[str] = "reorderings"
    family: ClassVar[Family] = Family(sites, swap, injections)
