"""Texts to token ids, and token ids to padded batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from attacks.victims import Encoding, TextInput


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
    encoded = _call(tokenizer, texts, truncation=True, max_length=max_length)
    special = encoded.pop("special_tokens_mask")
    full = [i for i, ids in enumerate(encoded["input_ids"]) if len(ids) >= max_length]
    whole = _call(tokenizer, [texts[i] for i in full], truncation=False)["input_ids"] if full else []
    truncated = {i for i, ids in zip(full, whole, strict=True) if len(ids) > max_length}
    return [
        Tokens({name: values[i] for name, values in encoded.items()}, special[i], i in truncated)
        for i in range(len(texts))
    ]


def _call(tokenizer: Any, texts: Sequence[TextInput], **options: Any) -> dict[str, list[list[int]]]:
    first = [text if isinstance(text, str) else text[0] for text in texts]
    second = [text[1] for text in texts if not isinstance(text, str)]
    if second and len(second) != len(first):
        raise ValueError("expected either single texts or pairs in one call, got both")
    encoded = tokenizer(
        first,
        second or None,
        padding=False,
        return_attention_mask=True,
        return_special_tokens_mask=True,
        verbose=False,
        **options,
    )
    return dict(encoded)


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
