"""What a person sees of a text with imperceptible characters."""

from attacks.character.homoglyphs import fold
from attacks.character.invisible import INVISIBLE
from attacks.character.reorderings import unswapped
from attacks.character.sites import BACKSPACE

UNSEEN = str.maketrans(dict.fromkeys(INVISIBLE))


def rendered(text: str) -> str:
    """``text`` with backspaces applied, our swaps undone, zero-width characters gone, and lookalikes folded.

    Texts that differ by imperceptible injections only are the same then. It is no renderer: of the
    bidirectional controls it knows the pattern of ``reorderings``, and the joiners of an emoji go too.
    """
    shown: list[str] = []
    for character in text:
        if character != BACKSPACE:
            shown.append(character)
        elif shown:
            shown.pop()
    return fold(unswapped("".join(shown)).translate(UNSEEN))
