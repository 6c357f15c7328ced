"""A Hugging Face sequence classifier as the victim of text and gradient attacks."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attacks.errors import AssayError
from attacks.victims import EmbeddingScale, Encoding, Piece, TextInput, Vocabulary
from robustness.batching import by_token_budget, halving
from robustness.first_token import FirstToken, first_token
from robustness.tokens import UNLIMITED, Tokens, collate, pieces, tokenize, vocabulary

DESCRIPTIVE = (
    "_name_or_path",
    "architectures",
    "dtype",
    "id2label",
    "label2id",
    "problem_type",
    "torch_dtype",
    "transformers_version",
)
"""Entries of a model's configuration that say where it came from or what its columns are called."""


@dataclass
class Classifier:
    """A model, its tokenizer and the order of labels that assay speaks in.

    model: any ``AutoModelForSequenceClassification``; in eval mode except while it is trained.
    label_names: k names; column j of every output is label_names[j].
    columns: the model's own output column for each label name.
    max_length: tokens after which a text is truncated.
    source: where the model came from, as the user named it.
    """

    model: Any
    tokenizer: Any
    label_names: tuple[str, ...]
    columns: tuple[int, ...]
    device: torch.device
    max_length: int
    source: str

    @property
    def token_budget(self) -> int:
        """Tokens per batch. Small on a CPU, whose caches hold no more: 2,048 were slower than 1,024."""
        return 1024 if self.device.type == "cpu" else 65536

    @property
    def num_parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def embedding_scale(self) -> EmbeddingScale:
        """Scale of the word-embedding matrix, the padding row left out."""
        weight = self.model.get_input_embeddings().weight.detach().float()
        keep = torch.ones(len(weight), dtype=torch.bool, device=weight.device)
        if self.tokenizer.pad_token_id is not None:
            keep[self.tokenizer.pad_token_id] = False
        weight = weight[keep]
        return EmbeddingScale(l2=float(weight.norm(dim=1).mean()), linf=float(weight.square().mean().sqrt()))

    def fingerprint(self) -> str:
        """SHA-256 (hex) of everything that decides an answer.

        That is the weights, the architecture, the tokenizer, the labels in their order, and max_length.
        """
        digest = hashlib.sha256()
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        settings = [
            self.label_names,
            self.columns,
            self.max_length,
            _architecture(self.model.config),
            _tokenizer_settings(self.tokenizer),
        ]
        digest.update(json.dumps(settings, sort_keys=True).encode())
        return digest.hexdigest()

    # Text in, probabilities out.

    def predict_proba(
        self, texts: Sequence[TextInput], advance: Callable[[int], None] = lambda count: None
    ) -> np.ndarray:
        """Class probabilities (n, k) in the order of ``label_names``; rows sum to 1.

        Raises AssayError when the model answers NaN or infinity. ``advance`` is told of every batch.
        """
        tokens = self.tokenize_all(texts)
        answer = np.zeros((len(texts), len(self.label_names)))
        for batch in self.batches(tokens):
            answer[batch] = self.predict_batch([tokens[i] for i in batch])
            advance(len(batch))
        return answer

    def predict_batch(self, batch: Sequence[Tokens]) -> np.ndarray:
        """Class probabilities (b, k), float64, of one batch of tokenised examples."""

        def run(part: Sequence[Tokens]) -> list[np.ndarray]:
            encoding = self.collate(part)
            with torch.inference_mode():
                return list(probabilities(self._forward(encoding)))

        answers: list[np.ndarray] = halving(run, batch)
        return np.stack(answers)

    def tokenize_all(self, texts: Sequence[TextInput]) -> list[Tokens]:
        return tokenize(self.tokenizer, texts, self.max_length)

    def batches(self, tokens: Sequence[Tokens]) -> list[list[int]]:
        return by_token_budget([len(example) for example in tokens], self.token_budget)

    def collate(self, batch: Sequence[Tokens]) -> Encoding:
        return collate(self.tokenizer, batch, self.device)

    def text_logits(self, texts: Sequence[TextInput]) -> Tensor:
        """Logits (n, k), float32, of texts; in batches by token budget. Not for use with gradients."""
        return self.token_logits(self.tokenize_all(texts))

    def token_logits(self, tokens: Sequence[Tokens]) -> Tensor:
        """The same of texts that are tokenised already."""
        answer = torch.zeros((len(tokens), len(self.label_names)), device=self.device)
        for batch in self.batches(tokens):
            answer[batch] = torch.stack(halving(self._answers, [tokens[i] for i in batch]))
        return answer

    @cached_property
    def _first_token(self) -> FirstToken | None:
        return first_token(self.model)

    def _answers(self, batch: Sequence[Tokens]) -> list[Tensor]:
        """Logits (k,) of each example, by the shorter way where there is one."""
        encoding = self.collate(batch)
        if self._first_token is None or self.model.training:
            return list(self._forward(encoding))
        return list(self._named(self._first_token(**encoding.inputs)))

    def token_ids(self, texts: Sequence[TextInput]) -> list[list[int]]:
        """The token ids of each text, not truncated."""
        return [example.inputs["input_ids"] for example in tokenize(self.tokenizer, texts, UNLIMITED)]

    # Tokens as characters of a text.

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The v tokens that have a word embedding; raises AssayError for a slow tokenizer."""
        return vocabulary(self.tokenizer, self.model.get_input_embeddings().num_embeddings, self.source)

    @property
    def embedding_matrix(self) -> Tensor:
        """Word embeddings (v, d), float32: what the layer looks up, which some models scale."""
        layer = self.model.get_input_embeddings()
        with torch.no_grad():
            rows: Tensor = layer(torch.arange(layer.num_embeddings, device=self.device))
        return rows.float()

    def pieces(self, texts: Sequence[TextInput]) -> list[list[Piece]]:
        """The tokens of each truncated text that stand for whole characters of it."""
        return pieces(self.tokenizer, texts, self.max_length)

    # Embeddings in, logits out.

    def tokenize(self, texts: Sequence[TextInput]) -> Encoding:
        return self.collate(self.tokenize_all(texts))

    def embed(self, encoding: Encoding) -> Tensor:
        """Word embeddings (b, t, d), before positions are added."""
        embeddings: Tensor = self.model.get_input_embeddings()(encoding.inputs["input_ids"])
        return embeddings

    def logits(self, encoding: Encoding, embeddings: Tensor) -> Tensor:
        """Logits (b, k), float32, with ``embeddings`` (b, t, d) in place of the word embeddings.

        The output of the embedding layer is replaced rather than ``inputs_embeds`` passed, because
        some architectures derive positions from the token ids (RoBERTa). Raises AssayError for a model
        that does not use its input embeddings exactly once.
        """
        calls = 0

        def replace(module: Any, inputs: Any, output: Tensor) -> Tensor:
            nonlocal calls
            calls += 1
            return embeddings.to(output.dtype)

        handle = self.model.get_input_embeddings().register_forward_hook(replace)
        try:
            logits = self._forward(encoding)
        finally:
            handle.remove()
        if calls != 1:
            raise AssayError(
                f"{self.source}: expected a model that looks up its word embeddings once per pass, "
                f"got {calls} look-ups; embedding attacks cannot run on it."
            )
        return logits

    def _forward(self, encoding: Encoding) -> Tensor:
        return self._named(self.model(**encoding.inputs).logits)

    def _named(self, output: Tensor) -> Tensor:
        """The model's own columns in the order of ``label_names``, float32."""
        if output.ndim != 2 or output.shape[1] != len(self.columns):
            raise AssayError(
                f"{self.source}: expected logits of shape (batch, {len(self.columns)}) for the labels "
                f"{list(self.label_names)}, got {tuple(output.shape)}."
            )
        return output.float()[:, list(self.columns)]


def probabilities(logits: Tensor) -> np.ndarray:
    """Softmax of logits (b, k) in float64; raises AssayError where they are not finite."""
    if not bool(torch.isfinite(logits).all()):
        raise AssayError(
            "the model answered NaN or infinity: expected finite logits. "
            "Its weights are damaged or overflow in this precision; check the training or load it in fp32."
        )
    answer: np.ndarray = torch.softmax(logits.double().cpu(), dim=1).numpy()
    return answer


def _architecture(config: Any) -> dict[str, Any]:
    """The settings that shape the computation: weights alone do not tell the number of attention heads."""
    return {key: value for key, value in config.to_dict().items() if key not in DESCRIPTIVE}


def _tokenizer_settings(tokenizer: Any) -> Any:
    """Whatever decides how text becomes ids, without the state that calls leave behind."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return [type(tokenizer).__name__, sorted(tokenizer.get_vocab().items())]
    settings = json.loads(backend.to_str())
    return {key: value for key, value in settings.items() if key not in ("truncation", "padding")}
