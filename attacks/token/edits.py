"""Replacing tokens where they stand in a text, and whether the new text has the tokens that were meant."""

from collections.abc import Sequence
from dataclasses import dataclass

from attacks.victims import Piece, TextInput, TokenVictim, Vocabulary


@dataclass(frozen=True)
class Change:
    """The token at ``piece`` becomes the token ``new`` (an id)."""

    piece: Piece
    new: int


def characters(text: TextInput, piece: Piece) -> str:
    """What a piece stands for."""
    part = text if isinstance(text, str) else text[piece.part]
    return part[piece.start : piece.end]


def rewrite(text: TextInput, changes: Sequence[Change], vocabulary: Vocabulary) -> TextInput:
    """``text`` with the characters of each changed piece replaced, and everything else as it was.

    Where the tokenizer ignores case, a word keeps that of the word it replaces. The new tokens must be such
    that have a spelling.
    """
    parts = [text] if isinstance(text, str) else list(text)
    # From the back, so that the places of the others stay where they are.
    for change in sorted(changes, key=lambda change: change.piece.position, reverse=True):
        piece, spelling = change.piece, vocabulary.spellings[change.new]
        if spelling is None:
            raise ValueError(f"token {change.new} must not be put into a text")
        if vocabulary.lowercases:
            spelling = _in_case_of(characters(text, piece), spelling)
        part = parts[piece.part]
        parts[piece.part] = part[: piece.start] + spelling + part[piece.end :]
    return parts[0] if isinstance(text, str) else (parts[0], parts[1])


def is_same_word(text: TextInput, change: Change, vocabulary: Vocabulary) -> bool:
    """Whether a change leaves the token as it is, or puts the same characters there in another case."""
    spelling = vocabulary.spellings[change.new]
    if change.new == change.piece.token or spelling is None:
        return True
    return characters(text, change.piece).casefold() == spelling.casefold()


def surviving(
    victim: TokenVictim,
    before: Sequence[Sequence[int]],
    proposals: Sequence[TextInput],
    changes: Sequence[Sequence[Change]],
) -> list[list[int] | None]:
    """The token ids of each proposal where they are exactly those intended, else None.

    before: the ids (untruncated) of the text that each proposal was made from, by its ``changes``. A new word
    may merge with what stands beside it, or be split otherwise: then other tokens result than were meant.
    """
    return [
        after if _differences(ids, after) == _intended(made_by) else None
        for ids, after, made_by in zip(before, victim.token_ids(proposals), changes, strict=True)
    ]


def _intended(changes: Sequence[Change]) -> list[tuple[int, int]]:
    ordered = sorted(changes, key=lambda change: change.piece.position)
    return [(change.piece.token, change.new) for change in ordered]


def _differences(before: Sequence[int], after: Sequence[int]) -> list[tuple[int, int]] | None:
    if len(before) != len(after):
        return None
    return [(old, new) for old, new in zip(before, after, strict=True) if old != new]


def _in_case_of(word: str, spelling: str) -> str:
    if len(word) > 1 and word.isupper():
        return spelling.upper()
    return spelling[:1].upper() + spelling[1:] if word[:1].isupper() else spelling
