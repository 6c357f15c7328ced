"""Sentence vectors of tiny random encoders: pooling by hand, padding, truncation, refused folders."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from attacks.errors import AssayError
from robustness.quality import similarity as module
from robustness.quality.encoders import load_sentence_encoder
from robustness.quality.pretrained import LoadOptions
from robustness.quality.similarity import SentenceEncoder
from tests.robustness.tiny import tiny_folder

CPU = LoadOptions(torch.device("cpu"))
TEXTS = [
    "the film was great",
    "a",
    "",
    "The plot, and the actor, and the music: very dull and very poor!",
    "a fine film",
    "horrid",
]
LONG = "the film was very good and " * 20


def in_layout(
    folder: Path,
    *,
    pooling: object = None,
    types: tuple[str, ...] = ("Transformer", "Pooling", "Normalize"),
    inside: str = "",
    **sentence: object,
) -> Path:
    """``folder`` made one of sentence-transformers; the transformer moved ``inside`` where that is named."""
    if inside:
        whole = folder.with_name(folder.name + "-whole")
        whole.mkdir()
        shutil.move(folder, whole / inside)
        folder = whole
    paths = {"Transformer": inside, "Pooling": "1_Pooling"}
    modules = [
        {"idx": i, "name": str(i), "path": paths.get(name, f"{i}_{name}"), "type": f"some.models.{name}"}
        for i, name in enumerate(types)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    settings = pooling if pooling is not None else {"pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(settings))
    (folder / inside / "sentence_bert_config.json").write_text(json.dumps(sentence))
    return folder


def loaded(folder: Path) -> SentenceEncoder:
    return load_sentence_encoder(str(folder), CPU)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> SentenceEncoder:
    return loaded(tiny_folder(tmp_path_factory.mktemp("bare"), seed=1))


def hidden_alone(encoder: SentenceEncoder, text: str) -> np.ndarray:
    """The last layer's vectors (t, d) of one text, special tokens with them."""
    inputs = encoder.tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        answer: np.ndarray = encoder.model(**inputs).last_hidden_state[0].double().numpy()
    return answer


def unit(vector: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = vector / np.linalg.norm(vector)
    return scaled


def test_a_bare_encoder_is_mean_pooled_over_the_tokens_of_each_text(encoder: SentenceEncoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 32)
    for text, vector in zip(TEXTS, vectors, strict=True):
        assert vector == pytest.approx(unit(hidden_alone(encoder, text).mean(axis=0)), abs=1e-5)


@pytest.mark.parametrize(
    ("settings", "by_hand"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, lambda h: h.mean(axis=0)),
        ({"pooling_mode_cls_token": True, "word_embedding_dimension": 32}, lambda h: h[0]),
        ({"pooling_mode_max_tokens": True}, lambda h: h.max(axis=0)),
        ({"pooling_mode": "cls"}, lambda h: h[0]),
        ({"pooling_mode": ["max"]}, lambda h: h.max(axis=0)),
    ],
)
def test_the_pooling_of_the_folder_is_used(tmp_path: Path, settings: Any, by_hand: Any) -> None:
    encoder = loaded(in_layout(tiny_folder(tmp_path), pooling=settings))
    for text, vector in zip(TEXTS, encoder.encode(TEXTS), strict=True):
        assert vector == pytest.approx(unit(by_hand(hidden_alone(encoder, text))), abs=1e-5)


def test_a_vector_depends_on_its_own_text_alone(encoder: SentenceEncoder) -> None:
    together = encoder.encode([*TEXTS, LONG])
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(len(TEXTS) + 1), abs=1e-5)
    for text, vector in zip([*TEXTS, LONG], together, strict=True):
        assert np.abs(encoder.encode([text])[0] - vector).max() < 1e-5


def test_batches_keep_to_the_budget(encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    original = module.collate

    def spy(tokenizer: Any, batch: Any, device: torch.device) -> Any:
        sizes.append(len(batch) * max(len(tokens) for tokens in batch))
        return original(tokenizer, batch, device)

    monkeypatch.setattr(module, "collate", spy)
    encoder.encode([f"{LONG} {i}" for i in range(100)])
    assert len(sizes) > 1
    assert max(sizes) <= 2048


def test_similarity_is_the_cosine_and_one_for_the_same_text(encoder: SentenceEncoder) -> None:
    a, b = ["a good film", "a good film", "", "dull plot"], ["a bad film", "a good film", "", "plot dull"]
    found = encoder.similarity(a, b)
    cosines = (encoder.encode(a).astype(float) * encoder.encode(b)).sum(axis=1)
    assert found == pytest.approx(cosines, abs=1e-6)
    assert found[1] == found[2] == 1.0
    assert found[0] < 1
    assert encoder.similarity(b, a).tolist() == found.tolist()


def test_no_text_has_no_vector(encoder: SentenceEncoder) -> None:
    assert encoder.encode([]).shape == (0, 32)
    assert encoder.similarity([], []).shape == (0,)
    assert encoder.truncated([]).shape == (0,)


def test_a_pair_is_as_similar_as_the_part_that_changed_most(encoder: SentenceEncoder) -> None:
    alone = encoder.similarity(["a good film", "the plot"], ["a bad film", "the music"])
    pairs = [("a good film", "the plot"), ("a good film", "same"), ("same", "the plot")]
    changed = [("a bad film", "the music"), ("a bad film", "same"), ("same", "the music")]
    assert encoder.similarity(pairs, changed) == pytest.approx([alone.min(), alone[0], alone[1]], abs=1e-6)
    assert encoder.similarity([("x", "y")], [("x", "y")]).tolist() == [1.0]


def test_texts_that_do_not_belong_together_are_refused(encoder: SentenceEncoder) -> None:
    with pytest.raises(ValueError, match="zip"):
        encoder.similarity(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="zip"):
        encoder.similarity(["a"], [("a", "b")])


def test_a_long_text_is_truncated_and_said_to_be(encoder: SentenceEncoder) -> None:
    assert encoder.max_length == 64
    assert encoder.truncated([LONG, "short", ("short", LONG), ("short", "too")]).tolist() == [
        True,
        False,
        True,
        False,
    ]
    longer = LONG + "horrid " * 30
    assert encoder.encode([LONG])[0] == pytest.approx(encoder.encode([longer])[0], abs=1e-6)


def test_what_changed_beyond_the_end_of_what_is_read_has_no_similarity(encoder: SentenceEncoder) -> None:
    tokens = encoder.max_length - 2
    full = "good " * tokens
    texts = [LONG, "great " + LONG, full, ("plot", LONG)]
    others = [LONG + "horrid", "bad " + LONG, full + "horrid", ("music", LONG + "horrid")]
    found = encoder.similarity(texts, others)
    assert np.isnan(found).tolist() == [True, False, True, True]
    assert found[1] < 1


def test_texts_that_the_tokenizer_reads_alike_are_the_same(encoder: SentenceEncoder) -> None:
    assert encoder.similarity(["A Good film"], ["a good film"])[0] == pytest.approx(1, abs=1e-6)


def test_the_encoder_s_own_length_and_case_are_kept(tmp_path: Path) -> None:
    folder = in_layout(tiny_folder(tmp_path, kind="roberta"), max_seq_length=8, do_lower_case=True)
    encoder = loaded(folder)
    assert encoder.max_length == 8
    assert encoder.truncated(["the film was great", LONG]).tolist() == [False, True]
    assert encoder.encode(["THE FILM"])[0] == pytest.approx(encoder.encode(["the film"])[0], abs=1e-6)
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 4096}))
    again = loaded(folder)
    assert again.max_length == 64
    assert np.abs(again.encode(["THE FILM"])[0] - again.encode(["the film"])[0]).max() > 1e-3


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "electra"])
def test_encoders_of_several_architectures_are_read(tmp_path: Path, kind: str) -> None:
    encoder = loaded(tiny_folder(tmp_path, kind=kind))
    both = encoder.encode(["the film was great", "a"])
    assert np.abs(encoder.encode(["a"])[0] - both[1]).max() < 1e-5


def test_a_transformer_in_a_folder_of_its_own_is_found(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path)
    expected = loaded(folder).encode(TEXTS)
    moved = in_layout(folder, inside="0_Transformer", max_seq_length=16)
    assert loaded(moved).encode(TEXTS[:3]) == pytest.approx(expected[:3], abs=1e-6)
    assert loaded(moved).max_length == 16


def test_a_text_without_a_token_has_the_zero_vector(encoder: SentenceEncoder) -> None:
    class Bare:
        """A tokenizer that adds no special tokens."""

        def __call__(self, *arguments: Any, **options: Any) -> Any:
            return encoder.tokenizer(*arguments, add_special_tokens=False, **options)

        def __getattr__(self, name: str) -> Any:
            return getattr(encoder.tokenizer, name)

    bare = SentenceEncoder(encoder.model, Bare(), "mean", 64, False, CPU.device, "bare")
    assert not bare.encode(["", "good"])[0].any()
    assert bare.similarity(["", ""], ["good", ""]).tolist() == [0.0, 1.0]


def test_an_encoder_that_answers_nan_is_an_error(tmp_path: Path) -> None:
    encoder = loaded(tiny_folder(tmp_path))
    with torch.no_grad():
        encoder.model.get_input_embeddings().weight[:] = float("nan")
    with pytest.raises(AssayError, match="answered NaN or infinity"):
        encoder.encode(["good"])


@pytest.mark.parametrize(
    ("pooling", "types", "message"),
    [
        (None, ("Transformer", "Pooling", "Dense"), r"got Transformer, Pooling, Dense in modules.json"),
        (None, ("WordEmbeddings", "Pooling"), r"expected a sentence encoder of a transformer"),
        (None, ("Transformer",), r"expected a sentence encoder of a transformer"),
        ({"pooling_mode": "weightedmean"}, ("Transformer", "Pooling"), r"mean, cls, max .*got weightedmean"),
        (
            {"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True},
            ("Transformer", "Pooling"),
            r"got mean and max",
        ),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, ("Transformer", "Pooling"), r"got mean_sqrt_len"),
        ({}, ("Transformer", "Pooling"), r"got none"),
    ],
)
def test_what_is_not_computed_here_is_refused(
    tmp_path: Path, pooling: Any, types: tuple[str, ...], message: str
) -> None:
    with pytest.raises(AssayError, match=message):
        loaded(in_layout(tiny_folder(tmp_path), pooling=pooling, types=types))


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="no such folder"):
        load_sentence_encoder(str(tmp_path / "nowhere"), CPU)
    with pytest.raises(AssayError, match=r"no config\.json"):
        load_sentence_encoder(str(tmp_path), CPU)
    with pytest.raises(AssayError, match="offline mode forbids"):
        load_sentence_encoder("nobody/no-encoder", LoadOptions(CPU.device, offline=True))
    damaged = in_layout(tiny_folder(tmp_path))
    (damaged / "modules.json").write_text("{")
    with pytest.raises(AssayError, match="could not be loaded"):
        loaded(damaged)


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    deep, shallow = tiny_folder(tmp_path, layers=3), tiny_folder(tmp_path, layers=2)
    shutil.copy(shallow / "model.safetensors", deep / "model.safetensors")
    with pytest.raises(AssayError, match="lacks weights"):
        loaded(deep)


def test_the_default_names_a_packaged_encoder() -> None:
    from robustness.packaged import ENCODERS
    from robustness.quality.encoders import DEFAULT

    assert DEFAULT.removeprefix("package:") in ENCODERS


@pytest.mark.parametrize("cached", [True, False])
def test_a_file_of_the_hub_is_read_or_known_to_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cached: bool
) -> None:
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    from robustness.quality.encoders import _settings

    file = tmp_path / "modules.json"
    file.write_text("[]")

    def download(source: str, name: str, *, revision: str, local_files_only: bool) -> str:
        assert (source, revision, local_files_only) == ("someone/encoder", "v2", True)
        if name == "modules.json":
            return str(file)
        raise (EntryNotFoundError if cached else LocalEntryNotFoundError)("no such entry")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    load = LoadOptions(CPU.device, offline=True, revision="v2")
    assert _settings("someone/encoder", "modules.json", load) == []
    if cached:
        assert _settings("someone/encoder", "sentence_bert_config.json", load) is None
    else:
        # The cache does not have it; whether the repository does is not known.
        with pytest.raises(AssayError, match="could not be loaded"):
            _settings("someone/encoder", "sentence_bert_config.json", load)
