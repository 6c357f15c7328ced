"""LoRA: what is trained, that it ends as a plain model, and that mistakes are named before training."""

import dataclasses
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from attacks.embedding import fgsm
from attacks.errors import AssayError
from robustness import evaluate, lora
from robustness.classifier import Classifier
from robustness.loading import load_classifier
from robustness.lora import Lora
from robustness.objectives.standard import Standard
from robustness.outcomes import MemoryStore
from robustness.training import identity, train
from tests.robustness.small_training import (
    FAST,
    FGSM,
    LEARNING,
    TRAIN,
    VALIDATION,
    Killed,
    assert_equal,
    killer,
    timeless,
    weights,
)
from tests.robustness.tiny import tiny_folder

CPU = torch.device("cpu")
KINDS = ["bert", "roberta", "distilbert", "deberta-v2", "electra"]
SETTINGS = dataclasses.replace(FAST, lora=Lora(r=4, alpha=8.0))


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Classifier]:
    """Makes the same untrained classifier at each call."""
    source = str(tiny_folder(tmp_path))
    return lambda: load_classifier(source, device=CPU)


def test_adapters_learn_what_can_be_learnt(fresh: Any, tmp_path: Path) -> None:
    everywhere = Lora(r=8, target_modules=("query", "key", "value", "dense"))
    settings = dataclasses.replace(LEARNING, epochs=8, learning_rate=1e-2, lora=everywhere)
    history = train(fresh(), TRAIN, VALIDATION, Standard(), settings, tmp_path / "state").history
    # The word embeddings are random and stay so, which makes it harder than training all weights.
    assert history[-1].loss < 0.6 * history[0].loss
    assert max(record.validation_accuracy for record in history) > 0.75


def test_a_training_with_adapters_ends_as_a_plain_model(fresh: Any, tmp_path: Path) -> None:
    classifier = fresh()
    before, model = weights(classifier), classifier.model
    outcome = train(classifier, TRAIN, VALIDATION, FGSM, SETTINGS, tmp_path / "state")

    # Two layers, query and value, of 32 by 32 each; and the head.
    assert outcome.trained_parameters == 2 * 2 * 2 * 4 * 32 + (2 * 32 + 2)
    assert classifier.model is model
    assert all(parameter.requires_grad for parameter in model.parameters())
    after = weights(classifier)
    assert after.keys() == before.keys()
    changed = {name for name in before if not torch.equal(after[name], before[name])}
    adapted = {
        f"bert.encoder.layer.{i}.attention.self.{what}.weight" for i in (0, 1) for what in ("query", "value")
    }
    assert changed == adapted | {"classifier.weight", "classifier.bias"}

    # What is saved needs no peft, and answers the same.
    folder = tmp_path / "saved"
    model.save_pretrained(folder, safe_serialization=True)
    classifier.tokenizer.save_pretrained(folder)
    assert sorted(path.name for path in folder.iterdir() if "adapter" in path.name) == []
    with safe_open(folder / "model.safetensors", "pt") as stored:
        assert not [name for name in stored.keys() if "lora" in name or "original" in name]  # noqa: SIM118
    assert "peft" not in json.dumps(json.loads((folder / "config.json").read_text()))
    again = load_classifier(str(folder), device=CPU)
    assert (again.predict_proba(VALIDATION.inputs) == classifier.predict_proba(VALIDATION.inputs)).all()


def test_the_merged_change_is_alpha_over_r_times_a_product_of_rank_r(fresh: Any, tmp_path: Path) -> None:
    classifier = fresh()
    before = weights(classifier)
    train(classifier, TRAIN, VALIDATION, Standard(), SETTINGS, tmp_path / "state")
    kept = safe_open(tmp_path / "state" / "best.safetensors", "pt")
    name = "bert.encoder.layer.1.attention.self.query"
    a = kept.get_tensor(f"{name}.lora_A.default.weight")
    b = kept.get_tensor(f"{name}.lora_B.default.weight")
    change = weights(classifier)[f"{name}.weight"] - before[f"{name}.weight"]
    torch.testing.assert_close(change, 8.0 / 4 * b @ a, atol=1e-6, rtol=0)
    assert torch.linalg.matrix_rank(b @ a) == 4


def test_only_what_is_trained_is_kept_after_each_epoch(fresh: Any, tmp_path: Path) -> None:
    classifier = fresh()
    outcome = train(classifier, TRAIN, VALIDATION, Standard(), SETTINGS, tmp_path / "state")
    with safe_open(tmp_path / "state" / "best.safetensors", "pt") as kept:
        sizes = [kept.get_tensor(name).numel() for name in kept.keys()]  # noqa: SIM118
    assert sum(sizes) == outcome.trained_parameters < 0.2 * classifier.num_parameters


@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_is_adapted_trained_attacked_and_merged(kind: str, tmp_path: Path) -> None:
    classifier = load_classifier(str(tiny_folder(tmp_path, kind=kind)), device=CPU)
    before = weights(classifier)
    settings = dataclasses.replace(SETTINGS, epochs=1, learning_rate=1e-2)
    train(classifier, TRAIN, VALIDATION, FGSM, settings, tmp_path / "state")
    after = weights(classifier)
    assert after.keys() == before.keys()
    changed = [name for name in before if not torch.equal(after[name], before[name])]
    inside = [name for name in changed if name.startswith(f"{classifier.model.base_model_prefix}.")]
    # Query and value of both layers; peft knows nothing of DistilBERT, whose whole attention is adapted.
    assert len(inside) == (8 if kind == "distilbert" else 4)
    # The whole head is trained, also where it has a layer of its own before the last one.
    outside = [name for name in before if not name.startswith(f"{classifier.model.base_model_prefix}.")]
    assert set(changed) - set(inside) == set(outside)
    clean = evaluate.predict(classifier, VALIDATION, MemoryStore())
    evaluate.attack(classifier, VALIDATION, clean, fgsm.FGSM(epsilon=0.1), MemoryStore(), seed=0)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_killed_training_goes_on_to_the_same_bits(dropout: float, fresh: Any, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, lora=Lora(r=4, dropout=dropout))
    undisturbed, resumed = fresh(), fresh()
    expected = train(undisturbed, TRAIN, VALIDATION, FGSM, settings, tmp_path / "whole")
    with pytest.raises(Killed):
        train(fresh(), TRAIN, VALIDATION, FGSM, settings, tmp_path / "killed", killer(96 + 40))
    found = train(resumed, TRAIN, VALIDATION, FGSM, settings, tmp_path / "killed")
    assert timeless(found.history) == timeless(expected.history)
    assert_equal(weights(resumed), weights(undisturbed))


def test_the_seed_draws_the_adapters_and_global_random_state_stays(fresh: Any) -> None:
    def drawn(seed: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        before = torch.get_rng_state()
        state = lora.adapt(fresh().model, Lora(), seed, CPU).state_dict()
        assert torch.equal(torch.get_rng_state(), before)
        return {name: value.detach().clone() for name, value in state.items()}

    first = drawn(1)
    assert_equal(drawn(1), first)
    other = drawn(2)
    assert [name for name in first if not torch.equal(other[name], first[name])] == [
        name for name in first if "lora_A" in name
    ]


def test_the_state_of_other_adapters_is_refused(fresh: Any) -> None:
    state = lora.adapt(fresh().model, Lora(), 0, CPU).state_dict()
    other = lora.adapt(fresh().model, Lora(target_modules=("key",)), 0, CPU)
    with pytest.raises(RuntimeError, match="other adapters"):
        other.load_state_dict(state)


@pytest.mark.parametrize(
    ("named", "found"),
    [
        (("key",), [f"bert.encoder.layer.{i}.attention.self.key" for i in (0, 1)]),
        (("attention.output.dense",), [f"bert.encoder.layer.{i}.attention.output.dense" for i in (0, 1)]),
        (("bert.encoder.layer.1.output.dense",), ["bert.encoder.layer.1.output.dense"]),
    ],
)
def test_modules_are_named_by_the_end_of_their_names(
    named: tuple[str, ...], found: list[str], fresh: Any
) -> None:
    assert lora.targets(fresh().model, Lora(target_modules=named)) == found


def test_an_architecture_that_peft_does_not_know_has_its_attention_adapted(tmp_path: Path) -> None:
    classifier = load_classifier(str(tiny_folder(tmp_path, kind="distilbert")), device=CPU)
    classifier.model.config.model_type = "a-new-kind"
    assert lora.targets(classifier.model, Lora()) == [
        f"distilbert.transformer.layer.{i}.attention.{what}_lin"
        for i in (0, 1)
        for what in ("q", "k", "v", "out")
    ]


@pytest.mark.parametrize("missing", ["quary", "classifier", "word_embeddings", "uery", ""])
def test_a_module_that_is_not_there_is_named_with_those_that_are(missing: str, fresh: Any) -> None:
    with pytest.raises(AssayError) as error:
        lora.targets(fresh().model, Lora(target_modules=("value", missing)))
    hint = ' Did you mean "query"?' if "uery" in missing or missing == "quary" else ""
    assert str(error.value) == (
        f'lora.target_modules: the model has no linear module "{missing}".{hint} '
        "There are: query, key, value, dense."
    )


def test_without_peft_the_message_says_how_to_get_it(
    fresh: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "peft" else find(name))
    with pytest.raises(AssayError, match=r'pip install "assay\[lora\]"'):
        train(fresh(), TRAIN, VALIDATION, Standard(), SETTINGS, tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_adapters_and_parts_belong_to_the_identity_of_a_training(fresh: Any) -> None:
    def made_of(**changes: Any) -> str:
        settings = dataclasses.replace(FAST, **changes)
        return json.dumps(identity(fresh(), TRAIN, VALIDATION, Standard(), settings), sort_keys=True)

    kinds = [{}, {"accumulate": 2}, {"lora": Lora()}, {"lora": Lora(r=4)}, {"lora": Lora(dropout=0.1)}]
    kinds.append({"lora": Lora(target_modules=("query",))})
    assert len({made_of(**changes) for changes in kinds}) == len(kinds)
    assert made_of(lora=Lora()) == made_of(lora=Lora())
