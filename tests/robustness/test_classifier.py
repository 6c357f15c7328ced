"""The adapter answers what a plain transformers forward answers, in order and whatever the batch."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from attacks.errors import AssayError
from attacks.victims import TextInput
from robustness.classifier import Classifier, probabilities
from robustness.loading import load_classifier, with_labels
from tests.robustness.tiny import tiny_dataset, tiny_folder

KINDS = ["bert", "roberta", "distilbert", "deberta-v2"]
CPU = torch.device("cpu")
TEXTS: list[TextInput] = [
    "the film was good",
    "awful",
    "a very very dull plot and the actor was poor today and the music was horrid",
    "",
    "lovely music",
]
PAIRS: list[TextInput] = [("good film", "the plot was dull"), ("a", "b"), ("bad bad bad", "")]


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models"), kind=request.param)


@pytest.fixture
def classifier(folder: Path) -> Classifier:
    return load_classifier(str(folder), device=CPU)


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def bert(bert_folder: Path) -> Classifier:
    return load_classifier(str(bert_folder), device=CPU)


def plain_forward(folder: Path, text: TextInput) -> np.ndarray:
    """The probabilities (k,) that transformers gives for one text on its own, nothing of ours between."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    both = (text,) if isinstance(text, str) else text
    # Lists: called with bare strings, the tokenizer drops an empty second text.
    inputs = tokenizer(*([each] for each in both), return_tensors="pt")
    if model.config.model_type == "distilbert":
        inputs.pop("token_type_ids", None)
    with torch.no_grad():
        answer: np.ndarray = model(**inputs).logits[0].softmax(0).numpy()
    return answer


def test_rows_sum_to_one(classifier: Classifier) -> None:
    answer = classifier.predict_proba(TEXTS)
    assert answer.shape == (len(TEXTS), 2)
    np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize("texts", [TEXTS, PAIRS], ids=["texts", "pairs"])
def test_equals_a_plain_forward_of_each_text_in_the_order_given(
    classifier: Classifier, folder: Path, texts: list[TextInput]
) -> None:
    expected = np.stack([plain_forward(folder, text) for text in texts])
    assert np.ptp(expected[:, 0]) > 1e-4, "texts that all get the same answer would hide a wrong order"
    np.testing.assert_allclose(classifier.predict_proba(texts), expected, rtol=0, atol=1e-6)


def test_answers_do_not_depend_on_the_rest_of_the_batch(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = list(tiny_dataset(24).texts)
    together = classifier.predict_proba(texts)
    backwards = classifier.predict_proba(texts[::-1])[::-1]
    monkeypatch.setattr(Classifier, "token_budget", 1)
    assert len(classifier.batches(classifier.tokenize_all(texts))) == len(texts)
    alone = classifier.predict_proba(texts)
    np.testing.assert_allclose(together, backwards, rtol=0, atol=1e-6)
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("texts", [TEXTS, PAIRS], ids=["texts", "pairs"])
def test_logits_from_own_embeddings_are_the_model_s_logits(
    classifier: Classifier, texts: list[TextInput]
) -> None:
    encoding = classifier.tokenize(texts)
    assert not encoding.real.all(), "padding is part of the case"
    with torch.no_grad():
        through_hook = classifier.logits(encoding, classifier.embed(encoding))
        plain = classifier.model(**encoding.inputs).logits
    torch.testing.assert_close(through_hook, plain, rtol=0, atol=1e-6)


def test_logits_depend_on_the_embeddings_that_are_given(classifier: Classifier) -> None:
    encoding = classifier.tokenize(TEXTS)
    embeddings = classifier.embed(encoding).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(classifier.logits(encoding, embeddings)[:, 0].sum(), embeddings)
    assert (gradient.abs().sum(dim=2)[encoding.real] > 0).all()
    assert not gradient[~encoding.real].any()


def test_the_hook_is_removed_even_after_an_error(bert: Classifier) -> None:
    encoding = bert.tokenize(TEXTS)
    before = bert.predict_proba(TEXTS)
    with pytest.raises(RuntimeError):
        bert.logits(encoding, torch.zeros(1, 1, 7))
    np.testing.assert_array_equal(bert.predict_proba(TEXTS), before)


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_the_model_is_given_only_inputs_that_it_knows(tmp_path: Path, kind: str) -> None:
    """A DistilBERT saved with BERT's tokenizer is not given token types."""
    classifier = load_classifier(str(tiny_folder(tmp_path, kind=kind)), device=CPU)
    types = {"token_type_ids"} if kind == "bert" else set()
    assert classifier.tokenize(["good"]).inputs.keys() == {"input_ids", "attention_mask"} | types


def test_special_tokens_and_padding_are_told_apart(bert: Classifier) -> None:
    encoding = bert.tokenize(["good film", "good"])
    assert encoding.real.tolist() == [[True] * 4, [True] * 3 + [False]]
    assert encoding.special.tolist() == [[True, False, False, True], [True, False, True, False]]


def test_no_texts_give_no_rows(bert: Classifier) -> None:
    assert bert.predict_proba([]).shape == (0, 2)


def test_single_texts_and_pairs_in_one_call_are_refused(bert: Classifier) -> None:
    with pytest.raises(ValueError, match="either single texts or pairs"):
        bert.predict_proba(["good", ("good", "bad")])


def test_progress_is_told_of_every_text(bert: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Classifier, "token_budget", 20)
    told: list[int] = []
    bert.predict_proba(TEXTS, told.append)
    assert len(told) > 1
    assert sum(told) == len(TEXTS)


# Truncation: each word of the tiny vocabulary is one token, and [CLS] and [SEP] are two more.


@pytest.mark.parametrize(
    ("words", "truncated"), [(1, False), (61, False), (62, False), (63, True), (300, True)]
)
def test_only_a_text_longer_than_the_maximum_is_truncated(
    bert: Classifier, words: int, truncated: bool
) -> None:
    assert bert.max_length == 64
    encoding = bert.tokenize(["film " * words])
    assert encoding.truncated.tolist() == [truncated]
    assert encoding.inputs["input_ids"].shape == (1, min(words + 2, 64))


def test_truncation_of_pairs_counts_both_texts(bert: Classifier) -> None:
    pairs: list[TextInput] = [("film " * 30, "plot " * 31), ("film " * 30, "plot " * 32)]
    assert bert.tokenize(pairs).truncated.tolist() == [False, True]


def test_long_texts_give_no_warning(
    bert_folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    load_classifier(str(bert_folder), device=CPU, max_length=8).predict_proba(["film " * 600, "good"])
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


# Tokens in the text.


def test_the_embedding_matrix_is_what_is_looked_up(classifier: Classifier) -> None:
    encoding = classifier.tokenize(TEXTS)
    rows = classifier.embedding_matrix
    assert rows.shape[0] == len(classifier.vocabulary.tokens)
    assert not rows.requires_grad
    torch.testing.assert_close(rows[encoding.inputs["input_ids"]], classifier.embed(encoding).detach())


def test_the_embedding_matrix_is_scaled_where_the_model_scales(bert: Classifier) -> None:
    class Scaled(torch.nn.Embedding):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return 3 * super().forward(ids)

    weight = bert.model.get_input_embeddings().weight.detach().clone()
    bert.model.set_input_embeddings(Scaled.from_pretrained(weight))
    torch.testing.assert_close(bert.embedding_matrix, 3 * weight)


def test_half_precision_embeddings_are_given_in_single(bert: Classifier) -> None:
    expected = bert.embedding_matrix
    bert.model.bfloat16()
    assert bert.embedding_matrix.dtype == torch.float32
    torch.testing.assert_close(bert.embedding_matrix, expected, rtol=1e-2, atol=1e-3)


def test_pieces_stand_where_the_tokens_of_the_encoding_do(classifier: Classifier) -> None:
    for texts in (TEXTS, PAIRS):
        encoding = classifier.tokenize(texts)
        for row, own in enumerate(classifier.pieces(texts)):
            ids = encoding.inputs["input_ids"][row]
            assert [int(ids[piece.position]) for piece in own] == [piece.token for piece in own]
            assert not any(encoding.special[row, piece.position] for piece in own)
    assert [len(own) for own in classifier.pieces(["the " * 300])] == [62]


def test_token_ids_are_not_truncated(bert: Classifier) -> None:
    assert [len(ids) for ids in bert.token_ids(["good " * 300, ""])] == [302, 2]


# A broken model.


@pytest.mark.parametrize("damage", [float("nan"), float("inf")])
def test_a_model_that_answers_nan_or_infinity_is_an_error(bert: Classifier, damage: float) -> None:
    with torch.no_grad():
        bert.model.classifier.bias[0] = damage
    with pytest.raises(AssayError, match="NaN or infinity"):
        bert.predict_proba(["good"])


def test_a_wrong_number_of_logits_is_an_error(bert: Classifier) -> None:
    bert.model.classifier = torch.nn.Linear(32, 3)
    bert.model.num_labels = 3
    with pytest.raises(AssayError, match=r"expected logits of shape \(batch, 2\).*got \(1, 3\)"):
        bert.predict_proba(["good"])


@pytest.mark.parametrize("times", [0, 2])
def test_a_model_that_looks_up_embeddings_not_exactly_once_is_an_error(
    bert: Classifier, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    encoding = bert.tokenize(["good"])
    words, forward = bert.model.get_input_embeddings(), bert.model.forward

    def odd(input_ids: torch.Tensor, **inputs: torch.Tensor) -> Any:
        if times:
            words(input_ids)
            return forward(input_ids=input_ids, **inputs)
        return forward(inputs_embeds=words.weight[input_ids], **inputs)

    monkeypatch.setattr(bert.model, "forward", odd)
    with pytest.raises(AssayError, match=f"got {times} look-ups"):
        bert.logits(encoding, bert.embed(encoding))


def test_softmax_by_hand() -> None:
    answer = probabilities(torch.tensor([[0.0, float(np.log(3))], [1000.0, 0.0]]))
    np.testing.assert_allclose(answer, [[0.25, 0.75], [1, 0]], rtol=1e-6)
    assert answer.dtype == np.float64


# Scale and identity.


def test_embedding_scale_by_hand_leaves_the_padding_row_out(bert: Classifier) -> None:
    weight = torch.zeros(3, 2)
    weight[bert.tokenizer.pad_token_id] = 100.0
    weight[1], weight[2] = torch.tensor([3.0, 4.0]), torch.tensor([0.0, 1.0])
    bert.model.set_input_embeddings(torch.nn.Embedding.from_pretrained(weight))
    assert bert.embedding_scale.l2 == pytest.approx((5 + 1) / 2)
    assert bert.embedding_scale.linf == pytest.approx((26 / 4) ** 0.5)


def test_fingerprint_is_the_same_after_saving_and_loading_and_after_calls(
    classifier: Classifier, tmp_path: Path
) -> None:
    before = classifier.fingerprint()
    classifier.predict_proba(["film " * 100, "good"])
    encoding = classifier.tokenize(TEXTS)
    classifier.logits(encoding, classifier.embed(encoding))
    assert classifier.fingerprint() == before
    classifier.model.save_pretrained(tmp_path)
    classifier.tokenizer.save_pretrained(tmp_path)
    assert load_classifier(str(tmp_path), device=CPU).fingerprint() == before


def nudge(classifier: Classifier) -> Classifier:
    with torch.no_grad():
        classifier.model.base_model.encoder.layer[0].output.dense.bias[0] += 1e-6
    return classifier


def other_tokenizer(classifier: Classifier) -> Classifier:
    classifier.tokenizer.add_tokens(["film!"])
    return classifier


def other_heads(classifier: Classifier) -> Classifier:
    classifier.model.config.num_attention_heads = 2
    return classifier


CHANGES: dict[str, Callable[[Classifier], Classifier]] = {
    "a weight": nudge,
    "label order": lambda classifier: with_labels(classifier, ["positive", "negative"]),
    "label names": lambda classifier: dataclasses.replace(classifier, label_names=("no", "yes")),
    "max_length": lambda classifier: dataclasses.replace(classifier, max_length=32),
    "tokenizer": other_tokenizer,
    "attention heads": other_heads,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_fingerprint_changes_with_whatever_decides_an_answer(
    bert: Classifier, change: Callable[[Classifier], Classifier]
) -> None:
    before = bert.fingerprint()
    assert change(bert).fingerprint() != before


def test_fingerprint_does_not_depend_on_where_the_model_lies(bert_folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bert_folder, tmp_path / "elsewhere"))
    one, other = (load_classifier(str(folder), device=CPU) for folder in (bert_folder, copy))
    assert one.source != other.source
    assert one.fingerprint() == other.fingerprint()


def test_number_of_parameters_is_counted(bert: Classifier) -> None:
    assert bert.num_parameters == sum(value.numel() for _, value in bert.model.named_parameters())


def test_out_of_memory_halves_the_batch_and_keeps_the_answer(
    bert: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = bert.predict_proba(TEXTS)
    forward, sizes = bert.model.forward, []

    def small_gpu(**inputs: torch.Tensor) -> Any:
        sizes.append(len(inputs["input_ids"]))
        if sizes[-1] > 2:
            raise torch.OutOfMemoryError("out of memory")
        return forward(**inputs)

    monkeypatch.setattr(bert.model, "forward", small_gpu)
    np.testing.assert_allclose(bert.predict_proba(TEXTS), expected, rtol=0, atol=1e-6)
    assert sizes == [5, 2, 3, 1, 2]
