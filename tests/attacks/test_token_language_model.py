"""The language model's terms against transformers' own loss and by hand, and what it must be to be used."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

from attacks.errors import AssayError
from attacks.token.gbda import GBDA
from attacks.token.gumbel import SoftTokens
from attacks.token.language_model import LanguageModel, bert_score, load, negative_log_likelihood
from attacks.victims import Encoding
from robustness.classifier import Classifier
from tests.attacks.token_victims import scoring, word_piece

SCORES = {"good": 2.0, "fine": 1.0, "film": 0.0, "the": 0.0, "bad": -1.0, "awful": -3.0, "!": 0.5, "?": -9.0}
CPU = torch.device("cpu")


@pytest.fixture
def victim(tmp_path: Path) -> Classifier:
    return scoring(tmp_path, SCORES)


def gpt2(folder: Path, tokens: list[str], rows: int | None = None) -> str:
    folder.mkdir()
    tokenizer = word_piece(folder, tokens)
    config = GPT2Config(
        vocab_size=rows or len(tokenizer),
        n_positions=64,
        n_embd=16,
        n_layer=1,
        n_head=2,
        initializer_range=0.5,
        bos_token_id=2,
        eos_token_id=3,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def bert(folder: Path, tokens: list[str], *, is_decoder: bool) -> str:
    folder.mkdir()
    tokenizer = word_piece(folder, tokens)
    config = AutoConfig.for_model(
        "bert",
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        initializer_range=0.5,
        is_decoder=is_decoder,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return gpt2(tmp_path / "lm", list(SCORES))


@pytest.fixture
def model(folder: str, victim: Classifier) -> LanguageModel:
    return load(folder, victim.vocabulary, CPU)


def certain(encoding: Encoding, rows: list[int], positions: list[int], size: int) -> SoftTokens:
    """Mixtures that are the tokens which stand there, in two samples."""
    ids = encoding.inputs["input_ids"][rows, positions]
    weights = torch.nn.functional.one_hot(ids, size).float().expand(2, -1, -1)
    return SoftTokens(torch.tensor(rows), torch.tensor(positions), weights)


def test_the_likelihood_of_a_certain_text_is_the_model_s_own_loss(
    model: LanguageModel, victim: Classifier
) -> None:
    encoding = victim.tokenize(["the good film !", "awful"])
    soft = certain(encoding, [0, 0, 1], [2, 4, 1], len(victim.embedding_matrix))
    with torch.no_grad():
        ours = negative_log_likelihood(model.read(encoding, soft)[0], encoding, soft)
        theirs = []
        for ids, real in zip(encoding.inputs["input_ids"], encoding.real, strict=True):
            own = ids[real][None]
            theirs.append(model.model(input_ids=own, labels=own).loss)
    torch.testing.assert_close(ours, torch.stack(theirs).expand(2, 2))


def test_the_likelihood_of_a_mixture_is_the_mean_over_its_tokens(
    model: LanguageModel, victim: Classifier
) -> None:
    encoding = victim.tokenize(["good film"])
    good, bad = victim.tokenizer.convert_tokens_to_ids(["good", "bad"])
    weights = torch.zeros(1, 1, len(victim.embedding_matrix))
    weights[0, 0, good], weights[0, 0, bad] = 0.25, 0.75
    # A made-up answer: only what is said of the next tokens counts here.
    said = torch.randn(1, 4, weights.shape[2], generator=torch.Generator().manual_seed(0)).log_softmax(2)
    soft = SoftTokens(torch.tensor([0]), torch.tensor([1]), weights)
    ids = encoding.inputs["input_ids"][0]
    mixture = 0.25 * said[0, 0, good] + 0.75 * said[0, 0, bad]
    expected = -(mixture + said[0, 1, ids[2]] + said[0, 2, ids[3]]) / 3
    torch.testing.assert_close(negative_log_likelihood(said, encoding, soft), expected.view(1, 1))


def test_a_first_token_that_nothing_precedes_has_no_likelihood(victim: Classifier) -> None:
    encoding = victim.tokenize(["good film"])
    size = len(victim.embedding_matrix)
    said = torch.randn(2, 4, size, generator=torch.Generator().manual_seed(0)).log_softmax(2)
    as_it_is = negative_log_likelihood(said, encoding, certain(encoding, [0], [2], size))
    other = torch.full((2, 1, size), 1 / size)
    first = SoftTokens(torch.tensor([0]), torch.tensor([0]), other)
    torch.testing.assert_close(negative_log_likelihood(said, encoding, first), as_it_is)
    later = SoftTokens(torch.tensor([0]), torch.tensor([2]), other)
    assert not torch.allclose(negative_log_likelihood(said, encoding, later), as_it_is)


def test_likeness_by_hand(victim: Classifier) -> None:
    encoding = victim.tokenize(["good film", "bad"])
    # [CLS], two words, [SEP]; and one word with padding.
    reference = torch.tensor([[[9.0, 9], [1, 0], [0, 2], [9, 9]], [[9, 9], [1, 1], [9, 9], [5, 0]]])
    assert bert_score(reference, reference, encoding).tolist() == [[pytest.approx(1), pytest.approx(1)]]
    other = torch.tensor([[[1.0, 0], [3, 3], [4, 3], [0, 1]], [[1, 1], [0, 1], [1, 1], [1, 1]]])
    # "good": cosines 0.7071 and 0.8; "film": 0.7071 and 0.6; "bad": only its own place, 0.7071.
    expected = [(0.8 + 0.5**0.5) / 2, 0.5**0.5]
    assert bert_score(reference, other, encoding)[0].tolist() == pytest.approx(expected)


def test_without_weight_the_model_changes_nothing(victim: Classifier, folder: str) -> None:
    texts = ["the good film", "fine film good"]
    plain = GBDA(max_tokens=1, steps=40, samples=2, final_samples=10)
    mute = GBDA(**plain.params() | {"language_model": folder, "lambda_lm": 0.0, "lambda_sim": 0.0})
    goal = plain.goal(torch.tensor([1, 1]), victim.label_names)
    expected = plain.perturb(victim, texts, goal, [0, 1])
    assert expected != texts
    assert mute.perturb(victim, texts, goal, [0, 1]) == expected


def test_likeness_alone_keeps_the_text(victim: Classifier, folder: str) -> None:
    goal_free = {"max_tokens": 1, "steps": 40, "samples": 2, "language_model": folder, "lambda_lm": 0.0}
    goal = GBDA().goal(torch.tensor([1]), victim.label_names)
    assert GBDA(**goal_free, lambda_sim=0.0).perturb(victim, ["good film"], goal, [0]) == ["awful film"]
    assert GBDA(**goal_free, lambda_sim=1e5).perturb(victim, ["good film"], goal, [0]) == ["good film"]


def test_fluency_steers_towards_what_the_model_expects(
    victim: Classifier, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two words that are equally bad, the one that the language model expects is taken."""
    model = load(folder, victim.vocabulary, CPU)
    bad, awful = victim.tokenizer.convert_tokens_to_ids(["bad", "awful"])
    with torch.no_grad():
        victim.model.words.weight[bad] = victim.model.words.weight[awful]
    goal = GBDA().goal(torch.tensor([1]), victim.label_names)
    for expected in ("bad", "awful"):

        def read(encoding: Encoding, soft: Any = None, expected: str = expected) -> Any:
            samples = 1 if soft is None else len(soft.weights)
            shape = samples * len(encoding), encoding.real.shape[1], len(victim.embedding_matrix)
            said = torch.zeros(shape)
            said[..., victim.tokenizer.convert_tokens_to_ids(expected)] = 5.0
            return said.log_softmax(2), torch.zeros(*shape[:2], 3)

        monkeypatch.setattr(model, "read", read)
        attack = GBDA(
            max_tokens=1, steps=60, samples=2, final_samples=20, language_model=folder, lambda_lm=5.0
        )
        assert attack.perturb(victim, ["good film"], goal, [0]) == [f"{expected} film"]


def test_a_decoder_with_word_pieces_is_a_language_model(victim: Classifier, tmp_path: Path) -> None:
    source = bert(tmp_path / "decoder", list(SCORES), is_decoder=True)
    attack = GBDA(max_tokens=1, steps=40, samples=2, language_model=source, lambda_sim=1.0)
    goal = attack.goal(torch.tensor([1]), victim.label_names)
    assert attack.perturb(victim, ["good film"], goal, [0]) == ["awful film"]


def test_more_embeddings_than_tokens_do_no_harm(victim: Classifier, tmp_path: Path) -> None:
    source = gpt2(tmp_path / "padded", list(SCORES), rows=32)
    attack = GBDA(max_tokens=1, steps=40, samples=2, language_model=source, lambda_sim=1.0)
    goal = attack.goal(torch.tensor([1]), victim.label_names)
    assert attack.perturb(victim, ["good film"], goal, [0]) == ["awful film"]


def test_another_vocabulary_is_an_error(victim: Classifier, tmp_path: Path) -> None:
    source = gpt2(tmp_path / "other", [*list(SCORES)[1:], "good"])
    with pytest.raises(
        AssayError, match=r"expected the vocabulary of the attacked model \(13 tokens\), .*13"
    ):
        load(source, victim.vocabulary, CPU)


def test_a_model_that_looks_ahead_is_an_error(victim: Classifier, tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"expected a causal language model, .* tokens after it"):
        load(bert(tmp_path / "encoder", list(SCORES), is_decoder=False), victim.vocabulary, CPU)


def test_a_folder_that_is_no_model_is_an_error(victim: Classifier, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(AssayError, match="empty: could not be loaded"):
        load(str(tmp_path / "empty"), victim.vocabulary, CPU)
