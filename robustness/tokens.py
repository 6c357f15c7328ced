"""Texts to token ids, token ids to padded batches, and tokens back to the characters they stand for."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from attacks.errors import AssayError
from attacks.victims import Encoding, Piece, TextInput, Vocabulary

UNLIMITED = 1_000_000
"""A maximum length that truncates nothing."""

RESERVED = re.compile(r"[\[<].+[\]>]|madeupword\d+")
"""Names that stand for no text: ``[unused1]``, ``<0x0A>``, ``madeupword0000``."""

METASPACE = "\u2581"
"""How SentencePiece spells the space before a word."""


@dataclass(frozen=True)
class Tokens:
    """One tokenised example: the model's inputs by name, its special-token mask, and the truncation."""

    inputs: dict[str, list[int]]
    special: list[int]
    truncated: bool

    def __len__(self) -> int:
        return len(self.special)


def tokenize(tokenizer: Any, texts: Sequence[TextInput], max_length: int) -> list[Tokens]:
    """Tokenise without padding; texts longer than ``max_length`` tokens are truncated and marked."""
    if not texts:
        return []
    encoded = dict(_call(tokenizer, texts, truncation=True, max_length=max_length))
    special = encoded.pop("special_tokens_mask")
    full = [i for i, ids in enumerate(encoded["input_ids"]) if len(ids) >= max_length]
    whole = _call(tokenizer, [texts[i] for i in full], truncation=False)["input_ids"] if full else []
    truncated = {i for i, ids in zip(full, whole, strict=True) if len(ids) > max_length}
    return [
        Tokens({name: values[i] for name, values in encoded.items()}, special[i], i in truncated)
        for i in range(len(texts))
    ]


def _call(tokenizer: Any, texts: Sequence[TextInput], **options: Any) -> Any:
    """What the tokenizer answers for texts or pairs, not padded."""
    first = [text if isinstance(text, str) else text[0] for text in texts]
    second = [text[1] for text in texts if not isinstance(text, str)]
    if second and len(second) != len(first):
        raise ValueError("expected either single texts or pairs in one call, got both")
    return tokenizer(
        first,
        second or None,
        padding=False,
        return_attention_mask=True,
        return_special_tokens_mask=True,
        verbose=False,
        **options,
    )


def collate(tokenizer: Any, batch: Sequence[Tokens], device: torch.device) -> Encoding:
    """Pad on the right to the longest example of the batch and move to ``device``."""
    padding = {
        "input_ids": tokenizer.pad_token_id,
        "token_type_ids": getattr(tokenizer, "pad_token_type_id", 0),
    }
    width = max(len(tokens) for tokens in batch)

    def padded(rows: Sequence[list[int]], fill: int) -> torch.Tensor:
        return torch.tensor([row + [fill] * (width - len(row)) for row in rows]).to(device)

    inputs = {
        name: padded([tokens.inputs[name] for tokens in batch], padding.get(name, 0))
        for name in batch[0].inputs
    }
    real = inputs["attention_mask"].bool()
    special = padded([tokens.special for tokens in batch], 0).bool()
    truncated = torch.tensor([tokens.truncated for tokens in batch], device=device)
    return Encoding(inputs=inputs, real=real, special=special & real, truncated=truncated)


def vocabulary(tokenizer: Any, rows: int, source: str) -> Vocabulary:
    """How the tokens of a fast tokenizer are spelt; ``rows``: as many as there are word embeddings.

    Raises AssayError for a slow tokenizer, which does not know where in the text its tokens stand, and for a
    kind of vocabulary whose spelling is not known here.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise AssayError(
            f"{source}: attacks that replace tokens in a text need a fast tokenizer, which tells the "
            f"characters of each token, got the slow {type(tokenizer).__name__}. "
            "Save a fast one (tokenizer.json) beside the weights, or attack the embeddings instead."
        )
    names: list[str | None] = [None] * rows
    for token, index in tokenizer.get_vocab().items():
        if index < rows:
            names[index] = token
    reserved = {*tokenizer.all_special_ids, *tokenizer.get_added_vocab().values()}
    spelt = _speller(tokenizer.backend_tokenizer, source)
    spellings: list[str | None] = [None] * rows
    continues = torch.zeros(rows, dtype=torch.bool)
    for index, token in enumerate(names):
        if token is not None and index not in reserved and not RESERVED.fullmatch(token):
            spelling, goes_on = spelt(token)
            continues[index] = goes_on
            spellings[index] = spelling if _visible(spelling) else None
    normalizer = tokenizer.backend_tokenizer.normalizer
    lowercases = normalizer is not None and "aa" in normalizer.normalize_str("aA")
    return Vocabulary(tuple(names), tuple(spellings), continues, lowercases)


def pieces(tokenizer: Any, texts: Sequence[TextInput], max_length: int) -> list[list[Piece]]:
    """The tokens of each text that stand for whole characters of it; the tokenizer must be a fast one."""
    if not texts:
        return []
    encoded = _call(tokenizer, texts, truncation=True, max_length=max_length, return_offsets_mapping=True)
    # Somebody may have written "[SEP]" in a text; an unknown word is a word all the same.
    special = {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}
    return [
        _pieces(
            (text,) if isinstance(text, str) else text,
            [None if token in special else token for token in encoded["input_ids"][i]],
            encoded.sequence_ids(i),
            encoded["offset_mapping"][i],
        )
        for i, text in enumerate(texts)
    ]


def _pieces(
    parts: tuple[str, ...],
    ids: Sequence[int | None],
    part_of: Sequence[int | None],
    offsets: Sequence[tuple[int, int]],
) -> list[Piece]:
    found: list[Piece] = []
    for position, (token, part, (start, end)) in enumerate(zip(ids, part_of, offsets, strict=True)):
        if part is not None and token is not None:
            characters = parts[part][start:end]
            start += len(characters) - len(characters.lstrip())
            found.append(Piece(token, position, part, start, start + len(characters.strip())))
    # The bytes of one emoji may be several tokens, each of which claims the whole of it.
    return [
        piece
        for i, piece in enumerate(found)
        if piece.start < piece.end
        and not any(_overlap(piece, other) for other in (*found[max(0, i - 1) : i], *found[i + 1 : i + 2]))
    ]


def _overlap(one: Piece, other: Piece) -> bool:
    return one.part == other.part and one.start < other.end and other.start < one.end


def _visible(spelling: str) -> bool:
    """Whether it is printable, has no space in it, and no character was lost."""
    return bool(spelling) and spelling.isprintable() and " " not in spelling and "\ufffd" not in spelling


def _speller(backend: Any, source: str) -> Callable[[str], tuple[str, bool]]:
    """A function from a token's name to its spelling and whether it goes on with a word."""
    settings = json.loads(backend.to_str())
    model = settings["model"]
    outside = json.dumps([settings["pre_tokenizer"], settings["decoder"]], ensure_ascii=False)
    if model["type"] == "WordPiece":
        mark = model["continuing_subword_prefix"]
        return lambda token: (token.removeprefix(mark), token.startswith(mark))
    if "ByteLevel" in json.dumps(settings["decoder"]):

        def from_bytes(token: str) -> tuple[str, bool]:
            text = backend.decoder.decode([token])
            return text.removeprefix(" "), not text.startswith(" ")

        return from_bytes
    if METASPACE in outside:
        return lambda token: (token.removeprefix(METASPACE), not token.startswith(METASPACE))
    if model["type"] == "WordLevel":
        return lambda token: (token, False)
    raise AssayError(
        f"{source}: attacks that replace tokens in a text know WordPiece, byte-level BPE, SentencePiece and "
        f"whole-word vocabularies, got {model['type']} of another kind. Attack the embeddings instead."
    )
