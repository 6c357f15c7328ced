"""How near in meaning two texts are, by a sentence encoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from attacks.errors import AssayError
from attacks.victims import TextInput
from robustness.batching import by_token_budget, halving
from robustness.quality.parts import any_truncated, parts
from robustness.tokens import Tokens, collate, tokenize

Pooling = Literal["mean", "cls", "max"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)


@dataclass(frozen=True, eq=False)
class SentenceEncoder:
    """A transformer whose token vectors are pooled into one vector for each text.

    pooling: over all real tokens, the special ones with them, as sentence-transformers does it.
    max_length: tokens after which a text is truncated. lowercase: whether texts are lowercased first.
    """

    model: Any
    tokenizer: Any
    pooling: Pooling
    max_length: int
    lowercase: bool
    device: torch.device
    source: str

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (n, d), float32, of length 1; zero for a text without a token.

        Also of length 1 where the encoder's own are not, as only their cosines are taken.
        Raises AssayError when the encoder answers NaN or infinity.
        """
        return self._vectors(self._tokenize(texts))

    def similarity(self, a: Sequence[TextInput], b: Sequence[TextInput]) -> np.ndarray:
        """Cosines (n,) of the texts ``a`` with the texts ``b``, float64 in [-1, 1]; of pairs, the lesser one.

        Each part of a pair is encoded by itself, and what an attack left alone cannot make up for what it
        changed. The same text is 1. NaN where two texts differ only beyond ``max_length``, unseen.
        Raises ValueError where ``a`` and ``b`` are not as many, or a text meets a pair.
        """
        couples = [list(zip(parts(one), parts(other), strict=True)) for one, other in zip(a, b, strict=True)]
        changed = [
            text for example in couples for couple in example if couple[0] != couple[1] for text in couple
        ]
        row = {text: i for i, text in enumerate(dict.fromkeys(changed))}
        tokens = self._tokenize(list(row))
        vectors = self._vectors(tokens).astype(np.float64)

        def cosine(one: str, other: str) -> float:
            if one == other:
                return 1.0
            i, j = row[one], row[other]
            if (tokens[i].truncated or tokens[j].truncated) and tokens[i].inputs == tokens[j].inputs:
                return float("nan")
            return float(np.clip(vectors[i] @ vectors[j], -1, 1))

        # np.min, unlike min, is NaN where one of them is.
        return np.array([np.min([cosine(*couple) for couple in example]) for example in couples], dtype=float)

    def truncated(self, texts: Sequence[TextInput]) -> np.ndarray:
        """(n,) bool: whether the text, or one of a pair, is longer than what the encoder reads."""
        return any_truncated(texts, self._tokenize)

    def _tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        lowered = [text.lower() for text in texts] if self.lowercase else texts
        return tokenize(self.tokenizer, lowered, self.max_length)

    def _vectors(self, tokens: Sequence[Tokens]) -> np.ndarray:
        answer = np.zeros((len(tokens), int(self.model.config.hidden_size)), dtype=np.float32)
        filled = [i for i, text in enumerate(tokens) if len(text)]
        budget = 2048 if self.device.type == "cpu" else 65536
        for batch in by_token_budget([len(tokens[i]) for i in filled], budget):
            rows = [filled[i] for i in batch]
            answer[rows] = halving(self._forward, [tokens[i] for i in rows])
        if not np.isfinite(answer).all():
            raise AssayError(
                f"{self.source}: the sentence encoder answered NaN or infinity: expected finite vectors. "
                "Its weights are damaged; load it anew or name another one."
            )
        return answer

    def _forward(self, batch: Sequence[Tokens]) -> list[np.ndarray]:
        encoding = collate(self.tokenizer, batch, self.device)
        with torch.inference_mode():
            hidden = self.model(**encoding.inputs).last_hidden_state.float()
            return list(normalize(_pool(hidden, encoding.real, self.pooling), dim=1).cpu().numpy())


def _pool(hidden: Tensor, real: Tensor, pooling: Pooling) -> Tensor:
    """Token vectors (b, t, d) to one for each text (b, d); ``real`` (b, t) is False on padding."""
    if pooling == "cls":
        return hidden[:, 0]
    if pooling == "max":
        return hidden.masked_fill(~real[:, :, None], -torch.inf).amax(dim=1)
    return (hidden * real[:, :, None]).sum(dim=1) / real.sum(dim=1, keepdim=True)
