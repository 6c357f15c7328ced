import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from attacks.errors import AssayError
from robustness import epochs, training
from robustness.classifier import Classifier
from robustness.loading import load_classifier
from robustness.objectives.base import Step
from robustness.objectives.fgsm import FGSMTraining
from robustness.objectives.standard import Standard
from robustness.precision import fastest_precision, mixed_precision
from robustness.results import EpochRecord
from robustness.schedule import learning_rate_factor
from robustness.training import TrainSettings, train
from tests.robustness.small_training import (
    FAST,
    FGSM,
    LEARNING,
    TRAIN,
    VALIDATION,
    Killed,
    assert_equal,
    killer,
    weights,
)
from tests.robustness.tiny import tiny_folder


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Classifier]:
    """Makes the same untrained classifier at each call."""
    source = str(tiny_folder(tmp_path))
    return lambda: load_classifier(source, device=torch.device("cpu"))


@pytest.mark.parametrize("objective", [Standard(), FGSM], ids=["standard", "fgsm"])
def test_training_learns_what_can_be_learnt(objective: Any, fresh: Any, tmp_path: Path) -> None:
    classifier, advanced = fresh(), []
    outcome = train(classifier, TRAIN, VALIDATION, objective, LEARNING, tmp_path / "state", advanced.append)
    first, *_, last = outcome.history
    assert [record.epoch for record in outcome.history] == [1, 2, 3, 4, 5, 6]
    assert last.loss < 0.5 * first.loss
    assert last.validation_accuracy > max(0.9, first.validation_accuracy)
    assert last.validation_loss < first.validation_loss
    assert not outcome.collapsed
    assert sum(advanced) == 6 * len(TRAIN)
    assert not classifier.model.training
    # The kept model is the one that the record speaks of.
    right = classifier.predict_proba(VALIDATION.inputs).argmax(axis=1) == VALIDATION.labels
    assert outcome.history[outcome.best_epoch - 1].validation_accuracy == right.mean()


def test_adversarial_training_is_validated_under_its_own_attack(fresh: Any, tmp_path: Path) -> None:
    hardened = train(fresh(), TRAIN, VALIDATION, FGSM, FAST, tmp_path / "a").history
    plain = train(fresh(), TRAIN, VALIDATION, Standard(), FAST, tmp_path / "b").history
    assert all(record.validation_accuracy_under_attack <= record.validation_accuracy for record in hardened)
    assert [record.validation_accuracy_under_attack for record in plain] == [None] * 3
    assert [record.epsilon for record in plain] == [None] * 3


def test_the_seed_decides_and_the_global_random_state_is_left_alone(fresh: Any, tmp_path: Path) -> None:
    settings = dataclasses.replace(FAST, epochs=1)

    def trained(name: str, seed: int, noise: int) -> dict[str, Tensor]:
        torch.manual_seed(noise)
        np.random.seed(noise)
        before = torch.get_rng_state(), np.random.get_state()[1].tolist()
        classifier = fresh()
        seeded = dataclasses.replace(settings, seed=seed)
        train(classifier, TRAIN, VALIDATION, FGSM, seeded, tmp_path / name)
        assert torch.equal(torch.get_rng_state(), before[0])
        assert np.random.get_state()[1].tolist() == before[1]
        return weights(classifier)

    first = trained("a", seed=0, noise=1)
    assert_equal(trained("b", seed=0, noise=2), first)
    other = trained("c", seed=1, noise=1)
    assert not torch.equal(other["classifier.weight"], first["classifier.weight"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unlearning(Standard):
    """Learns for ``good`` batches; then the labels are turned round."""

    name = "unlearning"
    good: int

    def backward(self, victim: Any, encoding: Any, y: Tensor, step: Any) -> Tensor:
        COUNT[0] += 1
        return super().backward(victim, encoding, y if COUNT[0] <= self.good else 1 - y, step)


COUNT = [0]


@pytest.fixture
def unlearning() -> Unlearning:
    """For four epochs of twelve batches it learns."""
    COUNT[0] = 0
    return Unlearning(good=48)


def test_the_best_epoch_is_kept_and_not_the_last(unlearning: Unlearning, fresh: Any, tmp_path: Path) -> None:
    classifier, settings = fresh(), dataclasses.replace(LEARNING, epochs=8)
    outcome = train(classifier, TRAIN, VALIDATION, unlearning, settings, tmp_path / "state")
    scores = [record.validation_accuracy for record in outcome.history]
    assert outcome.best_epoch <= 4
    assert scores[-1] < max(scores) - 0.2
    right = classifier.predict_proba(VALIDATION.inputs).argmax(axis=1) == VALIDATION.labels
    assert right.mean() == max(scores)
    assert_equal(weights(classifier), load_file(tmp_path / "state" / "best.safetensors"))


def test_patience_stops_after_so_many_epochs_without_a_better_one(
    unlearning: Unlearning, fresh: Any, tmp_path: Path
) -> None:
    settings = dataclasses.replace(LEARNING, epochs=9, patience=2)
    outcome = train(fresh(), TRAIN, VALIDATION, unlearning, settings, tmp_path / "state")
    assert outcome.best_epoch <= 4
    assert len(outcome.history) == outcome.best_epoch + 2
    # Started again it stays stopped.
    assert train(fresh(), TRAIN, VALIDATION, unlearning, settings, tmp_path / "state") == outcome


def record(epoch: int, accuracy: float, loss: float, attacked: float | None = None) -> EpochRecord:
    return EpochRecord(
        epoch=epoch,
        loss=0.0,
        validation_accuracy=accuracy,
        validation_loss=loss,
        validation_accuracy_under_attack=attacked,
        epsilon=None,
        seconds=0.0,
    )


def test_the_best_epoch_weighs_clean_and_attacked_accuracy_and_breaks_ties_by_loss() -> None:
    assert epochs.best([record(1, 0.8, 0.5), record(2, 0.8, 0.4), record(3, 0.8, 0.4)]).epoch == 2
    assert epochs.best([record(1, 0.9, 0.1, 0.2), record(2, 0.7, 0.9, 0.6)]).epoch == 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Exploding(Standard):
    """Its loss is NaN from the ninth batch on."""

    name = "exploding"

    def backward(self, victim: Any, encoding: Any, y: Tensor, step: Any) -> Tensor:
        COUNT[0] += 1
        loss = super().backward(victim, encoding, y, step)
        return loss * math.nan if COUNT[0] == 9 else loss


def test_a_nan_loss_is_an_error_with_step_and_rate_and_the_last_epoch_stays(
    fresh: Any, tmp_path: Path
) -> None:
    COUNT[0] = 0
    settings = dataclasses.replace(FAST, warmup=0.0)
    with pytest.raises(AssayError) as error:
        train(fresh(), TRAIN, VALIDATION, Exploding(), settings, tmp_path / "state")
    # Six batches an epoch, 18 in all: ten are left at the ninth.
    assert str(error.value) == (
        "training diverged: the loss is nan at step 9 (learning rate 0.0017). "
        "Try a lower learning_rate, a smaller epsilon, or a longer warmup or ramp. "
        f"The last good state, after epoch 1, is kept in {tmp_path / 'state'}."
    )
    advanced: list[int] = []
    outcome = train(fresh(), TRAIN, VALIDATION, Exploding(), settings, tmp_path / "state", advanced.append)
    assert advanced[0] == len(TRAIN)
    assert len(outcome.history) == 3


def test_real_divergence_is_an_error_too(fresh: Any, tmp_path: Path) -> None:
    classifier = fresh()
    with torch.no_grad():
        classifier.model.classifier.weight[0].fill_(1e38)
    with pytest.raises(AssayError, match=r"the loss is (nan|inf) at step \d"):
        train(classifier, TRAIN, VALIDATION, Standard(), FAST, tmp_path / "state")


def test_a_collapse_to_one_class_is_noticed(fresh: Any, tmp_path: Path) -> None:
    settings = dataclasses.replace(FAST, epochs=1, learning_rate=3.0, warmup=0.0)
    assert train(fresh(), TRAIN, VALIDATION, Standard(), settings, tmp_path / "a").collapsed
    one_class = VALIDATION.take(np.flatnonzero(VALIDATION.labels == 1))
    assert not train(fresh(), TRAIN, one_class, Standard(), FAST, tmp_path / "b").collapsed


@pytest.mark.parametrize(
    ("ramp", "epsilons"),
    # Six batches an epoch, 18 in all; the budget rises over ramp * 18 batches.
    [(0.0, [0.1, 0.1, 0.1]), (0.5, [0.1 * 6 / 9, 0.1, 0.1]), (1.0, [0.1 * 6 / 18, 0.1 * 12 / 18, 0.1])],
)
def test_the_ramp_reaches_the_full_epsilon(
    ramp: float, epsilons: list[float], fresh: Any, tmp_path: Path
) -> None:
    settings = dataclasses.replace(FAST, ramp=ramp)
    history = train(fresh(), TRAIN, VALIDATION, FGSM, settings, tmp_path / "state").history
    assert [record.epsilon for record in history] == pytest.approx(epsilons)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Watching(FGSMTraining):
    """Keeps the radius of each batch."""

    def backward(self, victim: Any, encoding: Any, y: Tensor, step: Any) -> Tensor:
        RADII.append(step.radius)
        return super().backward(victim, encoding, y, step)


RADII: list[float] = []


def test_the_objective_is_given_the_ramped_radius_of_the_model_as_it_is(fresh: Any, tmp_path: Path) -> None:
    RADII.clear()
    classifier = fresh()
    full = 0.1 * classifier.embedding_scale.linf
    settings = dataclasses.replace(FAST, epochs=1, ramp=0.5)
    train(classifier, TRAIN, VALIDATION, Watching(epsilon=0.1), settings, tmp_path / "state")
    assert pytest.approx([full / 3, full * 2 / 3, full, full, full, full]) == RADII


@pytest.mark.parametrize(
    ("total", "warmup", "factors"),
    [
        (10, 0.2, [0.5, 1, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]),
        (4, 0.0, [1, 3 / 4, 2 / 4, 1 / 4]),
        (4, 1.0, [1 / 4, 2 / 4, 3 / 4, 1]),
        (1, 0.1, [1]),
    ],
)
def test_the_learning_rate_rises_then_falls_linearly(total: int, warmup: float, factors: list[float]) -> None:
    found = [learning_rate_factor(step, total, warmup) for step in range(total)]
    assert found == pytest.approx(factors)


def test_the_learning_rate_is_that_of_the_schedule_at_every_step(
    fresh: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[tuple[float, ...]] = []
    step = torch.optim.AdamW.step

    def watched(self: Any, *args: Any) -> Any:
        rates.append(tuple(group["lr"] for group in self.param_groups))
        return step(self, *args)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    settings = dataclasses.replace(FAST, epochs=2, warmup=0.25)
    with pytest.raises(Killed):
        train(fresh(), TRAIN, VALIDATION, Standard(), settings, tmp_path / "s", killer(96 + 20))
    del rates[6:]
    train(fresh(), TRAIN, VALIDATION, Standard(), settings, tmp_path / "s")
    expected = [1 / 3, 2 / 3, 1, 1, 8 / 9, 7 / 9, 6 / 9, 5 / 9, 4 / 9, 3 / 9, 2 / 9, 1 / 9]
    assert rates == [pytest.approx((3e-3 * factor,) * 2) for factor in expected]


def test_only_matrices_are_decayed(fresh: Any) -> None:
    model = fresh().model
    optimizer = training._optimizer(list(model.parameters()), TrainSettings(weight_decay=0.3))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    by_decay = {
        group["weight_decay"]: {names[id(parameter)] for parameter in group["params"]}
        for group in optimizer.param_groups
    }
    assert by_decay.keys() == {0.3, 0.0}
    assert by_decay[0.3] | by_decay[0.0] == set(names.values())
    assert all(name.endswith(".bias") or "LayerNorm" in name for name in by_decay[0.0])
    assert not any(name.endswith(".bias") or "LayerNorm" in name for name in by_decay[0.3])


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_gradients_are_clipped_to_the_maximum_norm_whatever_the_loss_scale(
    precision: Any, fresh: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    norms: list[float] = []
    step = torch.optim.AdamW.step

    def watched(self: Any, *args: Any) -> Any:
        gradients = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        norms.append(float(torch.stack([gradient.norm() for gradient in gradients]).norm()))
        return step(self, *args)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    settings = dataclasses.replace(FAST, epochs=1, max_grad_norm=0.01, precision=precision)
    train(fresh(), TRAIN, VALIDATION, Standard(), settings, tmp_path / "state")
    assert norms == pytest.approx([0.01] * 6, rel=1e-3)


@pytest.mark.parametrize("objective", [Standard(), FGSM], ids=["standard", "fgsm"])
def test_frozen_embeddings_stay_and_are_freed_again(objective: Any, fresh: Any, tmp_path: Path) -> None:
    classifier = fresh()
    before = weights(classifier)
    settings = dataclasses.replace(FAST, freeze_embeddings=True)
    train(classifier, TRAIN, VALIDATION, objective, settings, tmp_path / "state")
    after = weights(classifier)
    words = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(after[words], before[words])
    assert not torch.equal(after["classifier.weight"], before["classifier.weight"])
    assert all(parameter.requires_grad for parameter in classifier.model.parameters())


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("objective", [Standard(), FGSM], ids=["standard", "fgsm"])
def test_mixed_precision_learns_as_well_and_keeps_fp32_weights(
    precision: Any, objective: Any, fresh: Any, tmp_path: Path
) -> None:
    classifier, settings = fresh(), dataclasses.replace(LEARNING, precision=precision)
    mixed = train(classifier, TRAIN, VALIDATION, objective, settings, tmp_path / "mixed").history
    assert mixed[-1].validation_accuracy > 0.9
    assert {value.dtype for value in weights(classifier).values()} == {torch.float32}

    full = train(fresh(), TRAIN, VALIDATION, objective, LEARNING, tmp_path / "full").history
    assert mixed[0].loss == pytest.approx(full[0].loss, rel=0.02)
    assert mixed[0].loss != full[0].loss


def test_autocast_leaves_the_gradients_of_two_passes_on_the_weights(fresh: Any) -> None:
    classifier = fresh()
    encoding, y = classifier.tokenize(VALIDATION.inputs[:8]), torch.tensor(VALIDATION.labels[:8])

    def gradients(precision: Any) -> Tensor:
        classifier.model.zero_grad()
        autocast, _ = mixed_precision(precision, torch.device("cpu"))
        with autocast():
            FGSM.backward(classifier, encoding, y, Step(0.05, lambda loss: loss.backward()))
        return torch.cat([parameter.grad.flatten() for parameter in classifier.model.parameters()])

    full = gradients("fp32")
    for precision, tolerance in (("bf16", 0.1), ("fp16", 0.05)):
        assert float((gradients(precision) - full).norm() / full.norm()) < tolerance


def test_a_batch_without_enough_memory_says_what_to_lower(
    fresh: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Standard, "backward", full)
    with pytest.raises(AssayError, match=r"train on 16 examples at once\. Raise accumulate"):
        train(fresh(), TRAIN, VALIDATION, Standard(), FAST, tmp_path / "state")


@pytest.mark.parametrize("empty", ["train", "validation"])
def test_a_split_without_examples_is_an_error(empty: str, fresh: Any, tmp_path: Path) -> None:
    nothing = TRAIN.take([])
    data = (nothing, VALIDATION) if empty == "train" else (TRAIN, nothing)
    with pytest.raises(AssayError, match=f"tiny: the {empty} split has no examples"):
        train(fresh(), *data, Standard(), FAST, tmp_path / "state")


def test_labels_in_another_order_are_refused(fresh: Any, tmp_path: Path) -> None:
    turned = TRAIN.with_label_names(("positive", "negative"))
    with pytest.raises(ValueError, match="expected labels in the order"):
        train(fresh(), turned, VALIDATION, Standard(), FAST, tmp_path / "state")


def test_a_misspelt_precision_is_refused(fresh: Any, tmp_path: Path) -> None:
    settings = dataclasses.replace(FAST, precision="bf61")
    with pytest.raises(AssayError, match=r'got "bf61"\. Did you mean "bf16"'):
        train(fresh(), TRAIN, VALIDATION, Standard(), settings, tmp_path / "state")


@pytest.mark.parametrize(("capabilities", "expected"), [({"amx_bf16": True}, "bf16"), ({}, "fp32")])
def test_auto_precision_on_a_cpu_is_bf16_only_with_matrix_units(
    capabilities: dict[str, bool], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert fastest_precision(torch.device("cpu")) == expected
