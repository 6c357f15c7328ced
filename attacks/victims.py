"""What an attack may ask of a model: two protocols, and the batch they speak about."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from attacks.threat_model import Norm

TextInput = str | tuple[str, str]
"""One example: a text, or a pair (text, text_pair)."""


@dataclass(frozen=True)
class Encoding:
    """A tokenised, right-padded batch of ``b`` examples and at most ``t`` tokens, on the victim's device.

    inputs: the keyword arguments of the model (``input_ids``, ``attention_mask``, ...), each (b, t).
    real: (b, t) bool, False on padding.
    special: (b, t) bool, True on [CLS], [SEP] and the like (not on padding).
    truncated: (b,) bool, True where the text was longer than the model's maximum.
    """

    inputs: dict[str, Tensor]
    real: Tensor
    special: Tensor
    truncated: Tensor

    def __len__(self) -> int:
        return int(self.real.shape[0])

    def take(self, rows: Tensor) -> "Encoding":
        """The examples ``rows`` (bool (b,) or indices), as wide as before."""
        return Encoding(
            inputs={name: values[rows] for name, values in self.inputs.items()},
            real=self.real[rows],
            special=self.special[rows],
            truncated=self.truncated[rows],
        )


@dataclass(frozen=True)
class EmbeddingScale:
    """The size of a model's own word embeddings, by which relative epsilons are multiplied.

    l2: mean Euclidean norm of the rows of the embedding matrix.
    linf: root mean square of its components.
    """

    l2: float
    linf: float

    def of(self, norm: Norm) -> float:
        return self.linf if norm == "linf" else self.l2


class TextVictim(Protocol):
    """Anything that classifies text. Enough for black-box attacks."""

    @property
    def label_names(self) -> tuple[str, ...]: ...

    def predict_proba(self, texts: Sequence[TextInput]) -> np.ndarray:
        """Class probabilities (n, k), rows summing to 1; raises AssayError for anything else."""
        ...


class GradientVictim(Protocol):
    """A model whose logits are differentiable with respect to its word embeddings."""

    @property
    def embedding_scale(self) -> EmbeddingScale: ...

    def tokenize(self, texts: Sequence[TextInput]) -> Encoding: ...

    def embed(self, encoding: Encoding) -> Tensor:
        """Word embeddings (b, t, d) before positions are added."""
        ...

    def logits(self, encoding: Encoding, embeddings: Tensor) -> Tensor:
        """Logits (b, k), float32, with ``embeddings`` (b, t, d) in place of the word embeddings."""
        ...


@dataclass(frozen=True)
class Piece:
    """One token of a text where it stands: characters ``start`` to ``end`` of part ``part`` of the input.

    token: its id. position: its index in the tokenised, truncated example. part: 0, or 1 for the second text
    of a pair. The characters are without the spaces around them.
    """

    token: int
    position: int
    part: int
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The v tokens that have a word embedding.

    tokens: the tokenizer's own names for them; None for embeddings that no token uses.
    spellings: the characters that each puts into a text; None where it must not be put there: special and
        added tokens, unused ones, and those that are not whole, visible characters.
    continues: (v,) bool, on the CPU: tokens that go on with a word (``##ing``) instead of starting one.
    lowercases: whether the tokenizer makes everything lower case.
    """

    tokens: tuple[str | None, ...]
    spellings: tuple[str | None, ...]
    continues: Tensor
    lowercases: bool

    @cached_property
    def words(self) -> Tensor:
        """(v,) bool, on the CPU: tokens with a letter or a digit that may be put into a text."""
        return torch.tensor([any(map(str.isalnum, spelling or "")) for spelling in self.spellings])


class TokenVictim(GradientVictim, Protocol):
    """A gradient victim whose tokens can be exchanged in the text itself.

    ``batches`` and ``collate`` take what ``tokenize_all`` returns: one object for each text.
    """

    @property
    def vocabulary(self) -> Vocabulary:
        """Raises AssayError where the tokenizer cannot tell where in the text a token stands."""
        ...

    @property
    def embedding_matrix(self) -> Tensor:
        """Word embeddings (v, d) of the whole vocabulary, float32, detached, on the victim's device."""
        ...

    def token_ids(self, texts: Sequence[TextInput]) -> list[list[int]]:
        """The token ids of each text, special ones with them, not truncated."""
        ...

    def pieces(self, texts: Sequence[TextInput]) -> list[list[Piece]]:
        """The tokens of each (truncated) text that stand for whole characters of it, in order.

        Special tokens are left out, and so are tokens that share a character with another.
        """
        ...

    def tokenize_all(self, texts: Sequence[TextInput]) -> Sequence[Any]: ...

    def batches(self, tokens: Sequence[Any]) -> list[list[int]]:
        """Indices into ``tokens`` in batches of similar length that fit into memory."""
        ...

    def collate(self, tokens: Sequence[Any]) -> Encoding: ...
