"""Victims small enough for a test: a random BERT and a linear model whose best attack is known."""

import dataclasses

import torch
from torch import Tensor
from transformers import BertConfig, BertForSequenceClassification

from attacks.victims import EmbeddingScale, Encoding

PAD, CLS, SEP = 0, 1, 2


def encode(rows: list[list[int]], device: str = "cpu", width: int | None = None) -> Encoding:
    """Token ids, right-padded to the longest row or to ``width``."""
    width = width or max(map(len, rows))
    ids = torch.tensor([row + [PAD] * (width - len(row)) for row in rows], device=device)
    real = ids != PAD
    return Encoding(
        inputs={"input_ids": ids, "attention_mask": real.long()},
        real=real,
        special=(ids == CLS) | (ids == SEP),
        truncated=torch.zeros(len(rows), dtype=torch.bool, device=device),
    )


def rows_of(encoding: Encoding, *keep: int) -> Encoding:
    """The same padding, but only the examples ``keep``."""
    return dataclasses.replace(
        encoding,
        inputs={key: value[list(keep)] for key, value in encoding.inputs.items()},
        real=encoding.real[list(keep)],
        special=encoding.special[list(keep)],
        truncated=encoding.truncated[list(keep)],
    )


class BertVictim:
    """A two-layer BERT with random weights that counts its passes, and the examples that they were of.

    spread: the weights' standard deviation.
    """

    def __init__(
        self,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        *,
        seed: int = 0,
        num_labels: int = 3,
        spread: float = 0.2,
    ) -> None:
        config = BertConfig(
            vocab_size=50,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            max_position_embeddings=32,
            num_labels=num_labels,
            initializer_range=spread,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = BertForSequenceClassification(config)
        self.model.to(device=device, dtype=dtype).eval()
        self.words = self.model.get_input_embeddings()
        self.forwards = 0
        self.rows = 0
        self.backwards = 0

    @property
    def embedding_scale(self) -> EmbeddingScale:
        weight = self.words.weight.detach().float()
        return EmbeddingScale(l2=float(weight.norm(dim=1).mean()), linf=float(weight.square().mean().sqrt()))

    def embed(self, encoding: Encoding) -> Tensor:
        with torch.no_grad():
            return self.words(encoding.inputs["input_ids"])

    def predict(self, encoding: Encoding) -> Tensor:
        """The classes (b,) of the clean embeddings; counts as no pass."""
        with torch.no_grad():
            classes: Tensor = self.model(**encoding.inputs).logits.argmax(dim=1)
        return classes

    def logits(self, encoding: Encoding, embeddings: Tensor) -> Tensor:
        """Runs the model on its own ids, with a hook putting ``embeddings`` in place of the words'."""
        self.forwards += 1
        self.rows += len(encoding)
        if embeddings.requires_grad:
            embeddings.register_hook(self._count_backward)
        handle = self.words.register_forward_hook(lambda module, inputs, output: embeddings)
        try:
            return self.model(**encoding.inputs).logits.float()
        finally:
            handle.remove()

    def _count_backward(self, gradient: Tensor) -> None:
        self.backwards += 1


class LinearVictim:
    """Logits (<w, e>, 0), with one weight per token position and component: the attack's optimum is known."""

    embedding_scale = EmbeddingScale(l2=2.0, linf=0.5)

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight

    def logits(self, encoding: Encoding, embeddings: Tensor) -> Tensor:
        score = (embeddings.float() * self.weight[: embeddings.shape[1]]).sum(dim=(1, 2))
        return torch.stack([score, torch.zeros_like(score)], dim=1)
