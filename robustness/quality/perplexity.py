"""How fluent a text is, by a causal language model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from attacks.errors import AssayError
from attacks.token.language_model import looks_ahead
from attacks.victims import TextInput
from robustness.batching import by_token_budget, halving
from robustness.packaged import resolve
from robustness.quality.parts import any_truncated, flat
from robustness.quality.pretrained import LoadOptions, load_pretrained
from robustness.tokens import Tokens, collate

IGNORED = -100


@dataclass(frozen=True, eq=False)
class Perplexity:
    """A causal language model and its tokenizer.

    bos: the token that every text starts with, not predicted itself; None where the model has none, and the
    first token of a text is then not predicted. max_length: tokens, ``bos`` with them, that are read.
    """

    model: Any
    tokenizer: Any
    bos: int | None
    max_length: int
    device: torch.device
    source: str

    def perplexity(self, texts: Sequence[TextInput]) -> np.ndarray:
        """Perplexities (n,), float64: e to the mean negative log-likelihood, in nats, of a token.

        Of a pair: over the tokens of both parts, each of which is read by itself. NaN where no token is
        predicted: for an empty text, and for one of a single token where there is no ``bos``.
        Raises AssayError when the model answers NaN or infinity.
        """
        each, rows = flat(texts)
        tokens = self._tokenize(each)
        sums, counts = np.zeros(len(texts)), np.zeros(len(texts))
        predicted = [i for i, text in enumerate(tokens) if len(text) > 1]
        for batch in by_token_budget([len(tokens[i]) for i in predicted], self._budget):
            chosen = [predicted[i] for i in batch]
            for i, loss in zip(chosen, halving(self._losses, [tokens[i] for i in chosen]), strict=True):
                sums[rows[i]] += loss
                counts[rows[i]] += len(tokens[i]) - 1
        if not np.isfinite(sums).all():
            raise AssayError(
                f"{self.source}: the language model answered NaN or infinity: expected finite logits. "
                "Its weights are damaged; load it anew or name another one."
            )
        mean = np.divide(sums, counts, out=np.full(len(texts), np.nan), where=counts > 0)
        answer: np.ndarray = np.exp(mean)
        return answer

    def truncated(self, texts: Sequence[TextInput]) -> np.ndarray:
        """(n,) bool: whether the text, or one of a pair, is longer than what the model reads."""
        return any_truncated(texts, self._tokenize)

    @property
    def _budget(self) -> int:
        """Tokens of a batch, whose logits over the whole vocabulary take 256 MiB, or 4 GiB on a GPU."""
        logits = 2**26 if self.device.type == "cpu" else 2**30
        return max(1, logits // int(self.model.get_input_embeddings().num_embeddings))

    def _tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        if not texts:
            return []
        start = [] if self.bos is None else [self.bos]
        # Without the tokenizer's own special tokens: an end of text is no part of what somebody wrote.
        rows = self.tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return [_tokens(start + row, self.max_length) for row in rows]

    def _losses(self, batch: Sequence[Tokens]) -> list[float]:
        """The sum of the negative log-likelihoods of each text's tokens after the first."""
        encoding = collate(self.tokenizer, batch, self.device)
        following = encoding.inputs["input_ids"].masked_fill(~encoding.real, IGNORED).roll(-1, dims=1)
        following[:, -1] = IGNORED
        with torch.inference_mode():
            logits = self.model(**encoding.inputs).logits.float()
            losses = cross_entropy(
                logits.flatten(0, 1), following.flatten(), reduction="none", ignore_index=IGNORED
            )
            sums: list[float] = losses.view(following.shape).double().sum(dim=1).tolist()
        return sums


def load_perplexity(source: str, load: LoadOptions) -> Perplexity:
    """A causal language model from a folder, the hub or ``package:NAME``, in fp32.

    Raises AssayError as ``load_pretrained`` does, for a model that lacks weights, and for one that looks at
    the tokens that it is to predict, as BERT does.
    """
    source = resolve(source)
    loaded = load_pretrained("AutoModelForCausalLM", source, load)
    if loaded.missing:
        raise AssayError(
            f"{source}: weights are missing ({', '.join(loaded.missing[:3])}): expected a causal language "
            "model such as GPT-2, with its head."
        )
    if looks_ahead(loaded.model, load.device):
        raise AssayError(
            f"{source}: expected a causal language model, but what it answers at a token depends on the "
            "tokens after it. For a BERT decoder set is_decoder in its config.json."
        )
    # Keys and values of a text that is read once would only take memory.
    loaded.model.config.use_cache = False
    return Perplexity(
        model=loaded.model,
        tokenizer=loaded.tokenizer,
        bos=loaded.tokenizer.bos_token_id,
        max_length=loaded.limit,
        device=load.device,
        source=source,
    )


def _tokens(ids: list[int], limit: int) -> Tokens:
    kept = ids[:limit]
    inputs = {"input_ids": kept, "attention_mask": [1] * len(kept)}
    return Tokens(inputs, special=[0] * len(kept), truncated=len(ids) > limit)
