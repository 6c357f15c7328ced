"""A causal language model of the victim's vocabulary: how fluent a soft text is, how like the original."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from attacks.errors import AssayError
from attacks.token.gumbel import SoftTokens
from attacks.victims import Encoding, Vocabulary


class LanguageModel:
    """A causal language model, asked about soft texts."""

    def __init__(self, model: Any) -> None:
        self.model = model
        layer = model.get_input_embeddings()
        with torch.no_grad():
            every = torch.arange(layer.num_embeddings, device=next(model.parameters()).device)
            self.matrix: Tensor = layer(every).float()

    def read(self, encoding: Encoding, soft: SoftTokens | None = None) -> tuple[Tensor, Tensor]:
        """Log-probabilities (r, t, v) of each next token and last hidden states (r, t, h).

        Of the n texts as they are, or of their s samples (r = s * n).
        """
        embeddings = self.matrix[encoding.inputs["input_ids"]]
        samples = 1
        if soft is not None:
            samples = len(soft.weights)
            embeddings = soft.put(embeddings, self.matrix[: soft.weights.shape[2]])
        answer = self.model(
            inputs_embeds=embeddings,
            attention_mask=encoding.real.long().repeat(samples, 1),
            output_hidden_states=True,
        )
        return answer.logits.float().log_softmax(dim=2), answer.hidden_states[-1].float()


def negative_log_likelihood(log_probabilities: Tensor, encoding: Encoding, soft: SoftTokens) -> Tensor:
    """Mean negative log-likelihood (s, n) of a soft text's tokens after the first (Guo et al. 2021).

    log_probabilities: (s * n, t, v), of each next token. A mixture's is the mean over its tokens.
    """
    samples, n = len(soft.weights), len(encoding)
    ids, counted = encoding.inputs["input_ids"][:, 1:], encoding.real[:, 1:]
    given = log_probabilities.view(samples, n, *log_probabilities.shape[1:])[:, :, :-1]
    likelihood = given.gather(3, ids.expand(samples, *ids.shape)[..., None])[..., 0]
    later = soft.positions > 0
    rows, positions, weights = soft.rows[later], soft.positions[later] - 1, soft.weights[:, later]
    likelihood = likelihood.clone()
    likelihood[:, rows, positions] = (given[:, rows, positions, : weights.shape[2]] * weights).sum(dim=2)
    return -(likelihood * counted).sum(dim=2) / counted.sum(dim=1).clamp_min(1)


def bert_score(reference: Tensor, hidden: Tensor, encoding: Encoding) -> Tensor:
    """Recall of BERTScore (s, n) (Zhang et al. 2020), each token weighing the same.

    The mean, over the tokens of the original, of the largest cosine with a token of the soft text; special
    tokens are left out. reference: (n, t, h). hidden: (s * n, t, h).
    """
    words = encoding.real & ~encoding.special
    samples = len(hidden) // len(reference)
    theirs = normalize(hidden, dim=2).view(samples, *reference.shape)
    cosines = normalize(reference, dim=2) @ theirs.transpose(2, 3)
    nearest = cosines.masked_fill(~words[:, None, :], -1).amax(dim=3)
    return (nearest * words).sum(dim=2) / words.sum(dim=1).clamp_min(1)


def load(source: str, vocabulary: Vocabulary, device: torch.device) -> LanguageModel:
    """The model ``source``, a local folder or a hub id; a folder never touches the network.

    Raises AssayError when it cannot be loaded, when its vocabulary is not the victim's, and when it looks
    ahead.
    """
    model, tokens = _loaded(source, device)
    own = {token: index for index, token in enumerate(vocabulary.tokens) if token is not None}
    if tokens != own or model.matrix.shape[0] <= max(own.values()):
        raise AssayError(
            f"language_model {source}: expected the vocabulary of the attacked model ({len(own)} tokens), "
            f"got {len(tokens)} tokens, {len(tokens.items() & own.items())} of them with the same number. "
            "Use a causal language model that was trained with the same tokenizer."
        )
    return model


@lru_cache(maxsize=1)
def _loaded(source: str, device: torch.device) -> tuple[LanguageModel, dict[str, int]]:
    try:
        try:
            # What is in the hub's cache is read without asking the network.
            tokens, model = _pretrained(source, local_files_only=True)
        except Exception:
            if Path(source).exists():
                raise
            tokens, model = _pretrained(source, local_files_only=False)
    except Exception as error:  # transformers' errors have no base class in common
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise AssayError(
            f"language_model {source}: could not be loaded ({lines[0]}). Expected a folder or hub id of a "
            "causal language model in Hugging Face format, with its tokenizer, in safetensors."
        ) from error
    model.to(device).float().eval().requires_grad_(False)
    if looks_ahead(model, device):
        raise AssayError(
            f"language_model {source}: expected a causal language model, but what it answers at a token "
            "depends on the tokens after it. For a BERT decoder set is_decoder in its config.json."
        )
    return LanguageModel(model), tokens


def _pretrained(source: str, *, local_files_only: bool) -> tuple[dict[str, int], Any]:
    import transformers

    auto: Any = transformers
    tokenizer = auto.AutoTokenizer.from_pretrained(source, local_files_only=local_files_only)
    model = auto.AutoModelForCausalLM.from_pretrained(
        source, local_files_only=local_files_only, use_safetensors=True
    )
    return tokenizer.get_vocab(), model


def looks_ahead(model: Any, device: torch.device) -> bool:
    ends = torch.tensor([[0, 0], [0, 1]], device=device)
    with torch.no_grad():
        one, other = model(input_ids=ends, attention_mask=torch.ones_like(ends)).logits[:, 0]
    return not torch.allclose(one, other, rtol=1e-3, atol=1e-3)
