"""A transformer and its tokenizer, loaded to be asked about texts and nothing else."""

from dataclasses import dataclass
from typing import Any

import torch

from robustness.loading import _check_tokenizer, _config, _limit, _options, _reading, _weights, check_source


@dataclass(frozen=True)
class LoadOptions:
    """Where and how to load a model: as ``loading.load_classifier`` takes it."""

    device: torch.device
    offline: bool = False
    allow_pickle: bool = False
    revision: str | None = None

    def options(self, source: str) -> dict[str, Any]:
        """The keyword arguments of ``from_pretrained``; a folder never touches the network."""
        return _options(source, self.offline, False, self.revision)

    def check(self, source: str) -> None:
        """Raises AssayError as ``loading.check_source`` does."""
        check_source(source, offline=self.offline, allow_pickle=self.allow_pickle, revision=self.revision)


@dataclass(frozen=True)
class Pretrained:
    """missing: names of the weights that the source lacks. limit: the most tokens that the model takes."""

    model: Any
    tokenizer: Any
    missing: list[str]
    limit: int


def load_pretrained(auto: str, source: str, load: LoadOptions) -> Pretrained:
    """The model by the transformers class ``auto``, frozen, in fp32 and eval mode, and its tokenizer.

    Raises AssayError as ``check_source`` does, for what transformers cannot load, and for a tokenizer that is
    empty or another model's.
    """
    load.check(source)
    options = load.options(source)
    config = _config(source, options)
    model, missing = _weights(auto, source, config, load.allow_pickle, options)
    with _reading(source):
        import transformers

        auto_tokenizer: Any = transformers.AutoTokenizer
        tokenizer = auto_tokenizer.from_pretrained(source, **options)
    if tokenizer.pad_token_id is None and tokenizer.all_special_tokens:
        # GPT-2 has none. Padding stands on the right and is masked, so that any token would do; but
        # a tokenizer cuts special tokens out of the texts, and must not come to do so with another.
        tokenizer.pad_token = tokenizer.all_special_tokens[0]
    _check_tokenizer(source, tokenizer, model)
    model = model.to(load.device).eval().requires_grad_(False)
    return Pretrained(model, tokenizer, missing, _limit(config, tokenizer))
