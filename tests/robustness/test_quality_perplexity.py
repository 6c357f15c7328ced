"""Perplexities of a tiny random GPT-2, against a token-by-token computation and transformers' own loss."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    BertTokenizerFast,
    GPT2TokenizerFast,
)

from attacks.errors import AssayError
from robustness.quality import perplexity as module
from robustness.quality.perplexity import Perplexity, load_perplexity
from robustness.quality.pretrained import LoadOptions
from tests.robustness.tiny import BAD, FILLER, GOOD, tiny_folder

CPU = LoadOptions(torch.device("cpu"))
END = "<|endoftext|>"
TEXTS = [
    "the film was great",
    "a",
    "!",
    "What a plot! Very, very dull and a very poor actor.",
    "good good good",
]
LONG = "the film was very good and " * 20


def gpt2_folder(folder: Path, *, bos: bool = True, positions: int = 32) -> Path:
    """A random GPT-2 of two small layers and a byte-level vocabulary, without a padding token."""
    folder.mkdir()
    learner = ByteLevelBPETokenizer()
    learner.train_from_iterator(
        [" ".join((*GOOD, *BAD, *FILLER, "!!"))] * 5,
        vocab_size=400,
        special_tokens=[END],
        show_progress=False,
    )
    learner.save_model(str(folder))
    ends = {"bos_token": END if bos else None, "eos_token": END, "unk_token": END}
    files = str(folder / "vocab.json"), str(folder / "merges.txt")
    GPT2TokenizerFast(*files, model_max_length=positions, **ends).save_pretrained(folder)
    save_random("gpt2", folder, vocab_size=400, n_positions=positions, n_embd=32, n_layer=2, n_head=4)
    return folder


def save_random(kind: str, folder: Path, auto: Any = AutoModelForCausalLM, **shape: Any) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = AutoConfig.for_model(kind, initializer_range=0.2, **shape)
        auto.from_config(config).save_pretrained(folder, safe_serialization=True)


@pytest.fixture(scope="module")
def lm(tmp_path_factory: pytest.TempPathFactory) -> Perplexity:
    return load_perplexity(str(gpt2_folder(tmp_path_factory.mktemp("lm") / "gpt2")), CPU)


@pytest.fixture(scope="module")
def without_bos(tmp_path_factory: pytest.TempPathFactory) -> Perplexity:
    return load_perplexity(str(gpt2_folder(tmp_path_factory.mktemp("lm") / "gpt2", bos=False)), CPU)


def surprisals(lm: Perplexity, text: str) -> list[float]:
    """The negative log-likelihood of each predicted token, from a pass over what is before it."""
    ids = [*([] if lm.bos is None else [lm.bos]), *lm.tokenizer.encode(text, add_special_tokens=False)]
    answer = []
    for position in range(1, min(len(ids), lm.max_length)):
        with torch.no_grad():
            logits = lm.model(torch.tensor([ids[:position]])).logits[0, -1].double().numpy()
        shifted = logits - logits.max()
        answer.append(float(np.log(np.exp(shifted).sum()) - shifted[ids[position]]))
    return answer


def test_perplexity_is_that_of_the_tokens_one_by_one(lm: Perplexity) -> None:
    assert lm.bos is not None
    expected = [math.exp(np.mean(surprisals(lm, text))) for text in TEXTS]
    assert lm.perplexity(TEXTS) == pytest.approx(expected, rel=1e-5)
    assert max(expected) > 1.5 * min(expected)


def test_without_a_first_token_the_first_of_the_text_is_not_predicted(without_bos: Perplexity) -> None:
    assert without_bos.bos is None
    found = without_bos.perplexity(["a plot", "a", ""])
    assert found[0] == pytest.approx(math.exp(np.mean(surprisals(without_bos, "a plot"))), rel=1e-5)
    assert np.isnan(found[1:]).all()


def test_perplexity_is_that_of_transformers_loss(lm: Perplexity) -> None:
    for text in TEXTS:
        ids = torch.tensor([[lm.bos, *lm.tokenizer.encode(text, add_special_tokens=False)]])
        with torch.no_grad():
            loss = lm.model(ids, labels=ids).loss
        assert lm.perplexity([text])[0] == pytest.approx(math.exp(loss), rel=1e-5)


def test_a_text_alone_is_as_perplexing_as_in_a_batch(lm: Perplexity) -> None:
    together = lm.perplexity([*TEXTS, LONG])
    alone = [lm.perplexity([text])[0] for text in [*TEXTS, LONG]]
    assert together == pytest.approx(alone, rel=1e-5)


def test_a_model_that_knows_nothing_is_as_perplexed_as_its_vocabulary_is_large(tmp_path: Path) -> None:
    lm = load_perplexity(str(gpt2_folder(tmp_path / "gpt2")), CPU)
    with torch.no_grad():
        lm.model.get_input_embeddings().weight[:] = 0
    assert lm.perplexity(TEXTS) == pytest.approx([400] * len(TEXTS), rel=1e-5)


def test_an_empty_text_has_no_perplexity(lm: Perplexity) -> None:
    assert np.isnan(lm.perplexity(["", ("", "")])).all()
    assert lm.perplexity([]).shape == lm.truncated([]).shape == (0,)
    one = lm.perplexity(["the plot"])[0]
    assert lm.perplexity([("the plot", "")])[0] == pytest.approx(one, rel=1e-6)


def test_the_tokens_of_a_pair_count_alike(lm: Perplexity) -> None:
    parts = [*surprisals(lm, "the film was great"), *surprisals(lm, "dull")]
    found = lm.perplexity([("the film was great", "dull"), ("dull", "the film was great")])
    assert found == pytest.approx([math.exp(np.mean(parts))] * 2, rel=1e-5)


def test_a_long_text_is_read_to_the_limit_and_said_to_be_truncated(lm: Perplexity) -> None:
    assert lm.max_length == 32
    assert len(surprisals(lm, LONG)) == 31
    assert lm.perplexity([LONG])[0] == pytest.approx(math.exp(np.mean(surprisals(lm, LONG))), rel=1e-5)
    assert lm.truncated([LONG, "short", ("short", LONG)]).tolist() == [True, False, True]
    # 32 tokens with the first one are read whole.
    fits = lm.tokenizer.decode(lm.tokenizer.encode(LONG)[:31])
    assert lm.truncated([fits, fits + " good"]).tolist() == [False, True]


def test_padding_leaves_the_tokens_of_a_text_as_they_were(lm: Perplexity, tmp_path: Path) -> None:
    untouched = GPT2TokenizerFast.from_pretrained(gpt2_folder(tmp_path / "same"))
    assert lm.tokenizer.pad_token_id is not None
    text = "a good !! film!"  # " !!" is one token, "!" is one of its own
    assert "Ġ!!" in untouched.tokenize(text)
    assert lm.tokenizer(text)["input_ids"] == untouched(text)["input_ids"]


def test_batches_keep_to_the_size_of_the_vocabulary(lm: Perplexity, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    original = module.collate

    def spy(tokenizer: Any, batch: Any, device: torch.device) -> Any:
        sizes.append(len(batch) * max(len(tokens) for tokens in batch))
        return original(tokenizer, batch, device)

    monkeypatch.setattr(module, "collate", spy)
    monkeypatch.setattr(Perplexity, "_budget", 100)
    found = lm.perplexity([*TEXTS, LONG] * 5)
    assert len(sizes) > 1
    assert max(sizes) <= 100
    monkeypatch.undo()
    assert found == pytest.approx(np.tile(lm.perplexity([*TEXTS, LONG]), 5), rel=1e-5)
    assert lm._budget * 400 <= 2**26 < (lm._budget + 1) * 400


def test_a_model_that_answers_nan_is_an_error(tmp_path: Path) -> None:
    lm = load_perplexity(str(gpt2_folder(tmp_path / "gpt2")), CPU)
    with torch.no_grad():
        lm.model.get_input_embeddings().weight[:] = float("nan")
    with pytest.raises(AssayError, match="answered NaN or infinity"):
        lm.perplexity(["good"])


def masked_model(tmp_path: Path) -> Path:
    """BERT as a masked language model: its weights fit a causal one, which looks ahead."""
    folder = tiny_folder(tmp_path)
    size = len(BertTokenizerFast.from_pretrained(folder))
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    save_random("bert", folder, AutoModelForMaskedLM, vocab_size=size, **shape)
    return folder


def of_another_vocabulary(tmp_path: Path) -> Path:
    folder = gpt2_folder(tmp_path / "gpt2")
    save_random("gpt2", folder, vocab_size=50, n_positions=32, n_embd=32, n_layer=2, n_head=4)
    return folder


def pickled(tmp_path: Path) -> Path:
    folder = gpt2_folder(tmp_path / "gpt2")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    return folder


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (masked_model, "depends on the tokens after it"),
        (tiny_folder, r"weights are missing .*with its head"),
        (of_another_vocabulary, "the model has 50 word embeddings"),
        (pickled, "expected safetensors"),
        (lambda tmp_path: tmp_path / "nowhere", "no such folder"),
    ],
)
def test_what_is_no_causal_language_model_is_refused(
    tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    with pytest.raises(AssayError, match=message):
        load_perplexity(str(make(tmp_path)), CPU)


def test_a_hub_name_is_refused_offline() -> None:
    with pytest.raises(AssayError, match="offline mode forbids"):
        load_perplexity("nobody/no-model", LoadOptions(CPU.device, offline=True))
