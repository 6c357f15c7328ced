"""Models whose best exchange of tokens is known: the logits are the sum of what the tokens say."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from torch import Tensor, nn
from transformers import BertTokenizerFast, PreTrainedTokenizerFast

from robustness.classifier import Classifier

CPU = torch.device("cpu")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class SumOfTokens(nn.Module):
    """Logits (b, k): the sum of the embeddings (v, k) of the real tokens."""

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.words = nn.Embedding.from_pretrained(rows)

    def get_input_embeddings(self) -> nn.Embedding:
        return self.words

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        logits = (self.words(input_ids) * attention_mask[..., None]).sum(dim=1)
        return type("Output", (), {"logits": logits})


def word_piece(folder: Path, tokens: Sequence[str]) -> BertTokenizerFast:
    file = folder / "vocab.txt"
    file.write_text("\n".join([*SPECIAL, *tokens]) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast(str(file), do_lower_case=True)
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    return tokenizer


def summing(folder: Path, says: Mapping[str, Sequence[float]], max_length: int = 64) -> Classifier:
    """A classifier whose token ``t`` adds says[t] (k numbers) to the logits; special tokens add nothing."""
    k = len(next(iter(says.values())))
    rows = torch.tensor([[0.0] * k] * len(SPECIAL) + [list(row) for row in says.values()])
    labels = tuple(f"class {column}" for column in range(k))
    tokenizer = word_piece(folder, list(says))
    return Classifier(SumOfTokens(rows), tokenizer, labels, tuple(range(k)), CPU, max_length, "by hand")


def scoring(folder: Path, says: Mapping[str, float], max_length: int = 64) -> Classifier:
    """Two classes: the logits are 0 and the sum of the scores of the tokens."""
    return summing(folder, {token: (0.0, score) for token, score in says.items()}, max_length)


def sentence_piece(pieces: Sequence[str]) -> PreTrainedTokenizerFast:
    """A Unigram vocabulary of ``pieces`` (``▁good`` with the space before it) and of single letters."""
    letters = [letter for letter in "\u2581abcdefghijklmnopqrstuvwxyz" if letter not in pieces]
    scores = [(name, 0.0) for name in SPECIAL]
    scores += [(piece, -1.0) for piece in pieces] + [(letter, -10.0) for letter in letters]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=SPECIAL.index("[UNK]")))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")],
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )
    fast.model_input_names = ["input_ids", "attention_mask"]
    return fast


def scoring_pieces(says: Mapping[str, float], max_length: int = 64) -> Classifier:
    """As ``scoring``, with a vocabulary of ``sentence_piece``; single letters say nothing."""
    tokenizer = sentence_piece(list(says))
    rows = torch.zeros(len(tokenizer), 2)
    for piece, score in says.items():
        rows[tokenizer.convert_tokens_to_ids(piece), 1] = score
    return Classifier(
        SumOfTokens(rows), tokenizer, ("class 0", "class 1"), (0, 1), CPU, max_length, "by hand"
    )
