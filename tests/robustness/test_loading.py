"""What can be loaded, what is refused, and what a refusal says."""

import json
import os
import random
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from attacks.errors import AssayError
from robustness.loading import check_source, load_classifier, load_encoder, with_labels
from tests.robustness.tiny import tiny_folder

CPU = torch.device("cpu")
WORDS = "bert.embeddings.word_embeddings.weight"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("good"), layers=3)


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(good, tmp_path / "model"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection is refused, as on a machine without network; the hub's cache is empty."""

    def refuse(self: socket.socket, address: Any) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: refuse(None, None))  # type: ignore[arg-type]
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


def edit_config(folder: Path, **changes: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def drop_head(folder: Path) -> None:
    model = transformers.AutoModel.from_pretrained(folder)
    model.save_pretrained(folder)


def pickle_weights(folder: Path) -> None:
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")


def truncate_weights(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])


def drop_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)


def enlarge_vocabulary(folder: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["filmography"])
    tokenizer.save_pretrained(folder)


def drop_padding(folder: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    backend = tokenizer.backend_tokenizer
    transformers.PreTrainedTokenizerFast(tokenizer_object=backend).save_pretrained(folder)


def nest(folder: Path) -> None:
    shutil.copytree(folder, folder / "checkpoint-20")
    (folder / "config.json").unlink()


BAD_FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda folder: shutil.rmtree(folder), "no such folder"),
    "a file": (lambda folder: (shutil.rmtree(folder), folder.write_text("")), "got a file"),
    "no config.json": (lambda folder: (folder / "config.json").unlink(), r"no config\.json"),
    "one level too high": (nest, r"no config\.json.*Did you mean .*checkpoint-20\?"),
    "no weights": (
        lambda folder: (folder / "model.safetensors").unlink(),
        r"no weights; .*model\.safetensors",
    ),
    "pickled weights": (pickle_weights, "pickled.*can run any code.*allow_pickle = true"),
    "an encoder without head": (drop_head, r"classifier\.bias.*encoder = \.\.\. with train"),
    "damaged weights": (truncate_weights, "could not be loaded.*Check that the folder is complete"),
    "no tokenizer": (drop_tokenizer, "its tokenizer has no vocabulary|could not be loaded"),
    "the tokenizer of another model": (enlarge_vocabulary, "gives ids up to .* word embeddings"),
    "a tokenizer that cannot pad": (drop_padding, "no padding token"),
    "config.json is no JSON": (
        lambda folder: (folder / "config.json").write_text("{"),
        "could not be loaded",
    ),
    "unknown model type": (
        lambda folder: edit_config(folder, model_type="bort"),
        "could not be loaded.*bort",
    ),
    "regression": (lambda folder: edit_config(folder, problem_type="regression"), "got.*'regression'"),
    "one label": (
        lambda folder: edit_config(folder, id2label={"0": "x"}, label2id={"x": 0}),
        "at least 2 classes, got 1 label",
    ),
    "multi-label": (
        lambda folder: edit_config(folder, problem_type="multi_label_classification"),
        "got.*'multi_label_classification'",
    ),
    "more labels than the head has": (
        lambda folder: edit_config(folder, id2label={"0": "a", "1": "b", "2": "c"}, label2id={}),
        "could not be loaded",
    ),
    "two labels of one name": (
        lambda folder: edit_config(folder, id2label={"0": "x", "1": "x"}, label2id={"x": 1}),
        "expected distinct label names",
    ),
    "labels numbered from 1": (
        lambda folder: edit_config(folder, id2label={"1": "x", "2": "y"}, label2id={"x": 1, "y": 2}),
        "columns 0 to 1",
    ),
}


@pytest.mark.parametrize(("damage", "message"), BAD_FOLDERS.values(), ids=BAD_FOLDERS)
def test_a_bad_folder_is_refused_by_name(
    folder: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(folder)
    with pytest.raises(AssayError, match=f"(?s){message}") as refusal:
        load_classifier(str(folder), device=CPU)
    assert str(folder) in str(refusal.value)


def test_no_folder_is_refused_before_it_is_undamaged(folder: Path) -> None:
    """The table above damages a folder that loads."""
    assert load_classifier(str(folder), device=CPU).label_names == ("negative", "positive")


@pytest.mark.parametrize("source", ["/no/such", "./no", "../no", "~/no", "a/b/no-such/folder"])
def test_what_looks_like_a_path_is_not_taken_for_a_hub_name(source: str) -> None:
    with pytest.raises(AssayError, match="no such folder"):
        check_source(source, offline=False, allow_pickle=False)


def test_pickled_weights_load_with_the_flag_to_the_same_answers(folder: Path, good: Path) -> None:
    pickle_weights(folder)
    loaded = load_classifier(str(folder), device=CPU, allow_pickle=True)
    safe = load_classifier(str(good), device=CPU)
    np.testing.assert_array_equal(loaded.predict_proba(["good film"]), safe.predict_proba(["good film"]))


def test_safetensors_are_preferred_to_a_pickle_beside_them(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"not even a pickle")
    load_classifier(str(folder), device=CPU)
    load_classifier(str(folder), device=CPU, allow_pickle=True)


@pytest.mark.parametrize("max_length", [0, 4, 65])
def test_max_length_must_leave_room_and_fit(good: Path, max_length: int) -> None:
    with pytest.raises(AssayError, match=f"expected max_length from 5 to 64 tokens, got {max_length}"):
        load_classifier(str(good), device=CPU, max_length=max_length)


@pytest.mark.parametrize("max_length", [5, 64])
def test_max_length_at_its_limits_is_kept(good: Path, max_length: int) -> None:
    classifier = load_classifier(str(good), device=CPU, max_length=max_length)
    assert classifier.predict_proba(["film " * 100, ""]).shape == (2, 2)
    assert classifier.tokenize(["film " * 100]).real.shape == (1, max_length)


@pytest.mark.parametrize("kind", ["roberta", "distilbert", "deberta-v2"])
def test_the_longest_text_fits_every_position_table(tmp_path: Path, kind: str) -> None:
    folder = tiny_folder(tmp_path, kind=kind)
    settings = folder / "tokenizer_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"model_max_length": 10**30}))
    classifier = load_classifier(str(folder), device=CPU)
    assert classifier.max_length == 64
    assert classifier.predict_proba(["film " * 500]).shape == (1, 2)


# Hub names.


@pytest.mark.parametrize("source", ["bert-base-uncased", "someone/model"])
def test_a_hub_name_is_refused_offline(source: str) -> None:
    with pytest.raises(AssayError, match=f'"{source}" is no local folder.*offline.*hf download {source}'):
        check_source(source, offline=True, allow_pickle=False)


@pytest.mark.parametrize("value", ["1", "true", "ON", "yes"])
def test_the_hub_s_own_variable_forbids_the_network_too(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    with pytest.raises(AssayError, match="offline mode"):
        load_classifier("someone/model", device=CPU)


def test_a_hub_name_in_the_cache_may_be_used_offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def lookup(repository: str, file: str, revision: str | None = None) -> str | None:
        asked.append((repository, file, revision))
        return str(tmp_path / file)

    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lookup)
    check_source("someone/model", offline=True, allow_pickle=False, revision="v2")
    assert asked == [("someone/model", "config.json", "v2")]


def test_an_impossible_hub_name_is_refused_offline() -> None:
    with pytest.raises(AssayError, match="is no local folder"):
        check_source("what a model!", offline=True, allow_pickle=False)


@pytest.mark.parametrize(
    "load",
    [
        lambda source: load_classifier(source, device=CPU),
        lambda source: load_encoder(source, ["a", "b"], device=CPU, seed=0),
    ],
    ids=["classifier", "encoder"],
)
def test_a_hub_that_cannot_be_reached_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, load: Callable[[str], object]
) -> None:
    def unreachable(*names: Any, **options: Any) -> Any:
        raise OSError("We couldn't connect to 'https://huggingface.co' to load the files.\nCheck it.")

    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", unreachable)
    with pytest.raises(AssayError) as refusal:
        load("someone/model")
    assert str(refusal.value) == (
        "someone/model: could not be loaded (We couldn't connect to 'https://huggingface.co' to load the "
        "files.). If there is no network here, download it elsewhere and give the local folder."
    )


def test_a_local_folder_never_touches_the_network(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: called.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **k: called.append(address))
    load_classifier(str(good), device=CPU).predict_proba(["good"])
    load_encoder(str(good), ["a", "b"], device=CPU, seed=0)
    assert called == []


def test_loading_is_quiet_and_leaves_the_verbosity_alone(
    good: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    logging = transformers.utils.logging
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    load_classifier(str(good), device=CPU)
    load_encoder(str(good), ["a", "b", "c"], device=CPU, seed=0, layers=1)
    assert capfd.readouterr() == ("", "")
    assert [str(warning.message) for warning in recwarn] == []
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_weights_in_half_precision_are_computed_in_fp32(folder: Path) -> None:
    transformers.AutoModelForSequenceClassification.from_pretrained(folder).half().save_pretrained(folder)
    classifier = load_classifier(str(folder), device=CPU)
    assert {value.dtype for value in classifier.model.parameters()} == {torch.float32}


# Encoders.


def encoder(source: Path, seed: int = 0, **options: Any) -> dict[str, torch.Tensor]:
    classifier = load_encoder(str(source), ["a", "b", "c"], device=CPU, seed=seed, **options)
    assert classifier.label_names == ("a", "b", "c")
    assert not classifier.model.training
    state: dict[str, torch.Tensor] = classifier.model.state_dict()
    return state


def test_the_head_depends_on_the_seed_and_the_encoder_does_not(good: Path) -> None:
    first, again, other = encoder(good, 7), encoder(good, 7), encoder(good, 8)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert [name for name in first if not torch.equal(first[name], other[name])] == ["classifier.weight"]
    trained = load_classifier(str(good), device=CPU).model.state_dict()
    assert all(torch.equal(first[name], trained[name]) for name in first if name.startswith("bert."))


def test_a_trained_head_is_not_kept_even_where_it_would_fit(good: Path) -> None:
    trained = load_classifier(str(good), device=CPU).model.state_dict()["classifier.weight"]
    fresh = load_encoder(str(good), ["a", "b"], device=CPU, seed=1).model.state_dict()["classifier.weight"]
    assert fresh.shape == trained.shape
    assert not torch.equal(fresh, trained)


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "deberta-v2"])
def test_encoders_of_every_architecture_keep_their_weights(tmp_path: Path, kind: str) -> None:
    folder = tiny_folder(tmp_path, kind=kind)
    trained = load_classifier(str(folder), device=CPU).model.base_model.state_dict()
    loaded = load_encoder(str(folder), ["a", "b", "c"], device=CPU, seed=0).model.base_model.state_dict()
    assert loaded.keys() == trained.keys()
    assert all(torch.equal(loaded[name], trained[name]) for name in trained)


def test_global_random_state_is_left_as_it_was(good: Path) -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # type: ignore[union-attr]
    encoder(good)
    load_classifier(str(good), device=CPU)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # type: ignore[index]
    assert random.getstate() == before[2]


def test_layers_keeps_the_first_ones(good: Path) -> None:
    whole, part = encoder(good), encoder(good, layers=2)
    assert len({name.split(".")[3] for name in part if name.startswith("bert.encoder.layer.")}) == 2
    assert all(torch.equal(part[name], whole[name]) for name in part if name.startswith("bert."))


@pytest.mark.parametrize("layers", [0, 4])
def test_layers_that_are_not_there_are_refused(good: Path, layers: int) -> None:
    with pytest.raises(AssayError, match=f"layers from 1 to 3, as many as the encoder has, got {layers}"):
        encoder(good, layers=layers)


def test_weights_of_something_else_are_not_taken_for_an_encoder(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(folder / "model.safetensors")
    save_file({f"teacher.{name}": value for name, value in state.items()}, folder / "model.safetensors")
    with pytest.raises(AssayError, match="expected the weights of a bert encoder, but some are missing"):
        encoder(folder)


def test_an_encoder_without_pooler_is_fine(folder: Path) -> None:
    transformers.AutoModel.from_pretrained(folder, add_pooling_layer=False).save_pretrained(folder)
    assert all(torch.equal(value, encoder(folder)[name]) for name, value in encoder(folder).items())


def test_an_encoder_s_labels_survive_saving(good: Path, tmp_path: Path) -> None:
    classifier = load_encoder(str(good), ["a", "b", "c"], device=CPU, seed=0)
    classifier.model.save_pretrained(tmp_path)
    classifier.tokenizer.save_pretrained(tmp_path)
    assert load_classifier(str(tmp_path), device=CPU).label_names == ("a", "b", "c")


# Labels.

LABELS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]] = {
    "as they are": (("neg", "pos"), ("neg", "pos"), (0, 1)),
    "the other order": (("neg", "pos"), ("pos", "neg"), (1, 0)),
    "three, turned": (("a", "b", "c"), ("b", "c", "a"), (1, 2, 0)),
    "numbers for generic names": (("LABEL_0", "LABEL_1"), ("1", "0"), (1, 0)),
    "generic names themselves": (("LABEL_0", "LABEL_1"), ("LABEL_1", "LABEL_0"), (1, 0)),
}


@pytest.mark.parametrize(("own", "wanted", "columns"), LABELS.values(), ids=LABELS)
def test_columns_follow_the_labels(
    tmp_path: Path, own: tuple[str, ...], wanted: tuple[str, ...], columns: tuple[int, ...]
) -> None:
    classifier = load_classifier(str(tiny_folder(tmp_path, labels=own)), device=CPU)
    turned = with_labels(classifier, wanted)
    assert (turned.label_names, turned.columns) == (wanted, columns)
    texts = ["good film", "bad"]
    expected = classifier.predict_proba(texts)[:, columns]
    np.testing.assert_allclose(turned.predict_proba(texts), expected, rtol=0, atol=1e-12)


def test_labels_turned_twice_are_back_where_they_were(tmp_path: Path) -> None:
    classifier = load_classifier(str(tiny_folder(tmp_path, labels=("a", "b", "c"))), device=CPU)
    turned = with_labels(with_labels(classifier, ("c", "a", "b")), ("a", "b", "c"))
    assert turned.columns == (0, 1, 2)


BAD_LABELS: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown": (("negative", "neutral"), '"neutral", which the model does not know.*label_map'),
    "misspelt": (("negative", "postive"), 'Did you mean "positive"'),
    "case counts": (("Negative", "positive"), 'Did you mean "negative"'),
    "numbers for real names": (("0", "1"), '"0", which the model does not know'),
    "one left out": (("positive",), r"expected 1 classes.*got a model of 2 classes.*labels = \["),
}


@pytest.mark.parametrize(("wanted", "message"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_labels_that_do_not_fit_are_refused(good: Path, wanted: tuple[str, ...], message: str) -> None:
    with pytest.raises(AssayError, match=message):
        with_labels(load_classifier(str(good), device=CPU), wanted)


def test_no_environment_variable_is_set_by_loading(good: Path) -> None:
    before = dict(os.environ)
    load_classifier(str(good), device=CPU)
    assert dict(os.environ) == before
