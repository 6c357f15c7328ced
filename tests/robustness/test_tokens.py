"""Tokenising and padding, with the tokenizer's own answers as the oracle."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from attacks.victims import TextInput
from robustness.tokens import collate, tokenize
from tests.robustness.tiny import tiny_folder

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["bert", "roberta"])
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tiny_folder(tmp_path_factory.mktemp("tokens"), kind=request.param)
    return transformers.AutoTokenizer.from_pretrained(folder)


TEXTS: list[TextInput] = ["good", "the film was a very dull film", "", "bad plot"]
PAIRS: list[TextInput] = [("good film", "bad plot"), ("a", ""), ("the very dull film was dull", "awful")]


@pytest.mark.parametrize("texts", [TEXTS, PAIRS], ids=["texts", "pairs"])
def test_a_batch_is_what_the_tokenizer_pads_itself(tokenizer: Any, texts: list[TextInput]) -> None:
    ours = collate(tokenizer, tokenize(tokenizer, texts, 64), CPU)
    columns = [texts] if isinstance(texts[0], str) else [list(column) for column in zip(*texts, strict=True)]
    theirs = tokenizer(*columns, padding=True, return_tensors="pt")
    assert ours.inputs.keys() == theirs.keys()
    for name in theirs:
        assert torch.equal(ours.inputs[name], theirs[name]), name
    assert torch.equal(ours.real, theirs["attention_mask"].bool())
    special = torch.isin(theirs["input_ids"], torch.tensor(tokenizer.all_special_ids))
    assert torch.equal(ours.special, special & ours.real)
    assert len(ours) == len(texts)


@pytest.mark.parametrize("max_length", [5, 6, 9, 64])
@pytest.mark.parametrize("texts", [TEXTS, PAIRS], ids=["texts", "pairs"])
def test_truncation_is_marked_where_the_whole_is_longer(
    tokenizer: Any, texts: list[TextInput], max_length: int
) -> None:
    for ours, text in zip(tokenize(tokenizer, texts, max_length), texts, strict=True):
        # Lists: called with bare strings, the tokenizer drops an empty second text and its separator.
        columns = [[text]] if isinstance(text, str) else [[part] for part in text]
        whole = len(tokenizer(*columns)["input_ids"][0])
        assert ours.truncated == (whole > max_length)
        assert len(ours) == min(whole, max_length)


def test_no_texts_are_no_tokens(tokenizer: Any) -> None:
    assert tokenize(tokenizer, [], 64) == []


def test_the_tokenizer_is_asked_once_where_nothing_is_long(tokenizer: Any) -> None:
    calls = []

    def counting(*texts: Any, **options: Any) -> Any:
        calls.append(len(texts[0]))
        return tokenizer(*texts, **options)

    tokenize(counting, TEXTS, 64)
    assert calls == [4]
    tokenize(counting, [*TEXTS, "film " * 100], 64)
    assert calls == [4, 5, 1]
