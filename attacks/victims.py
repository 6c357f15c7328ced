"""What an attack may ask of a model: two protocols, and the batch they speak about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
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


@dataclass(frozen=True)
class EmbeddingScale:
    """The size of a model's own word embeddings, by which relative epsilons are multiplied.

    l2: mean Euclidean norm of the rows of the embedding matrix.
    linf: root mean square of its components.
    """

    l2: float
    linf: float

    def of(self, norm: Norm) -> float:
        return self.l2 if norm == "l2" else self.linf


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
