"""The checks on models whose answers are known: healthy ones, and ones that hide their weakness."""

import copy
import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attacks.threat_model import Norm
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.loading import load_classifier
from robustness.objectives.fgsm import FGSMTraining
from robustness.objectives.standard import Standard
from robustness.outcomes import MemoryStore
from robustness.probing import HeldOut, Probe, StoreOf, Surrogate, sample_of
from robustness.results import ValidityCheck, ValidityResult
from robustness.training import train
from robustness.validity import CHECKS, LEAST, PASSES, check_validity
from tests.robustness.judging import CPU, by_hand, clean_of
from tests.robustness.small_training import LEARNING
from tests.robustness.tiny import tiny_dataset, tiny_folder

DATA, HELD_OUT = tiny_dataset(64, seed=5), HeldOut("validation examples", tiny_dataset(60, seed=9))
EPSILON = 1.0


def trained(folder: Path, seed: int, *, hardened: bool = False) -> Classifier:
    classifier = load_classifier(str(tiny_folder(folder, seed=seed)), device=CPU)
    objective = FGSMTraining(epsilon=0.2) if hardened else Standard()
    train(
        classifier, tiny_dataset(96, seed=1), tiny_dataset(40, seed=2), objective, LEARNING, folder / "state"
    )
    return classifier


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return trained(tmp_path_factory.mktemp("healthy"), seed=4)


@pytest.fixture(scope="module")
def hardened(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return trained(tmp_path_factory.mktemp("hardened"), seed=6, hardened=True)


def altered(classifier: Classifier, change: Callable[[Any], object]) -> Classifier:
    """A copy whose model was changed in place."""
    model = copy.deepcopy(classifier.model)
    change(model)
    return dataclasses.replace(classifier, model=model)


def stores() -> StoreOf:
    """Memory that lasts from one call to the next, as a ledger does."""
    kept: dict[tuple[str, str, str], MemoryStore] = {}

    def store_of(data: TextDataset, name: str, params: Mapping[str, Any]) -> MemoryStore:
        return kept.setdefault((data.fingerprint, name, repr(sorted(params.items()))), MemoryStore())

    return store_of


def probe_of(
    classifier: Classifier,
    *,
    data: TextDataset = DATA,
    n: int = 40,
    norm: Norm = "linf",
    epsilon: float = EPSILON,
    store_of: StoreOf | None = None,
) -> Probe:
    sample, clean = sample_of(data, clean_of(classifier, data), n, seed=0)
    return Probe(classifier, sample, clean, norm, epsilon, 0, 0.95, store_of or stores())


def checked(classifier: Classifier, *others: Classifier, **options: Any) -> ValidityResult:
    surrogates = [Surrogate(f"other {i}", f"sha {i}", other) for i, other in enumerate(others)]
    return check_validity(probe_of(classifier, **options), HELD_OUT, surrogates)


def by_id(result: ValidityResult) -> dict[str, ValidityCheck]:
    return {check.id: check for check in result.checks}


def failed(result: ValidityResult) -> set[str]:
    return {check.id for check in result.checks if check.passed is False}


# Models that hide their weakness.


def loud(model: Any) -> None:
    """Logits so large that the softmax saturates and its gradient is exactly 0."""
    model.classifier.register_forward_hook(lambda module, inputs, output: 1e4 * output)


def rounded(model: Any) -> None:
    """Embeddings on a grid that is finer than the attacks: rounding has no gradient."""
    layer = model.bert.embeddings.LayerNorm
    layer.register_forward_pre_hook(lambda module, inputs: (inputs[0].mul(1e4).round().div(1e4),))


class Backwards(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return -gradient


def misleading(model: Any) -> None:
    """Gradients that point the wrong way."""
    layer = model.bert.embeddings.LayerNorm
    layer.register_forward_pre_hook(lambda module, inputs: (Backwards.apply(inputs[0]),))


def dropping(model: Any) -> None:
    """Dropout that was left on."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.3
    model.train()


def constant(model: Any) -> None:
    """A classifier that gives every text the same answer."""
    nn.init.zeros_(model.classifier.weight)


@pytest.mark.parametrize("norm", ["linf", "l2", "l2_per_token"])
@pytest.mark.parametrize("epsilon", [0.05, EPSILON])
def test_a_healthy_model_passes_every_check(
    healthy: Classifier, hardened: Classifier, norm: Norm, epsilon: float
) -> None:
    result = checked(healthy, hardened, norm=norm, epsilon=epsilon)
    assert [(check.id, check.message) for check in result.checks if not check.passed] == []
    assert [check.id for check in result.checks] == list(CHECKS)
    assert (result.n, result.norm, result.epsilon) == (40, norm, epsilon)


def test_a_hardened_model_passes_every_check(healthy: Classifier, hardened: Classifier) -> None:
    result = checked(hardened, healthy)
    assert [(check.id, check.message) for check in result.checks if not check.passed] == []


def test_confidence_that_hides_gradients_is_seen_and_its_true_robustness_told(healthy: Classifier) -> None:
    honest, loudest = checked(healthy), checked(altered(healthy, loud))
    assert {"zero_gradient", "loss_rises", "noise_is_weaker", "confidence_hides_nothing"} <= failed(loudest)
    assert honest.calibration is not None
    assert loudest.calibration is not None
    # The same model: attacked as it is, it looks perfect; calibrated, it is what it is.
    assert loudest.calibration.as_is.value == 1.0
    true = honest.calibration.as_is.value
    assert true is not None
    assert true < 0.5
    assert loudest.calibration.calibrated.value == pytest.approx(true, abs=0.05)
    assert loudest.calibration.temperature == pytest.approx(1e4 * honest.calibration.temperature, rel=0.01)
    assert by_id(loudest)["confidence_hides_nothing"].message.startswith("PGD is stronger on the calibrated")


def test_an_honest_model_is_the_same_calibrated(healthy: Classifier) -> None:
    calibration = checked(healthy).calibration
    assert calibration is not None
    assert 0.5 < calibration.temperature < 2
    # With two classes the direction of the gradient does not depend on the scale of the logits.
    assert calibration.as_is == calibration.calibrated
    assert calibration.difference.value == 0
    assert (calibration.n_fit, calibration.held_out) == (60, "validation examples")


def test_rounded_embeddings_have_no_gradient_and_attacks_from_elsewhere_work(healthy: Classifier) -> None:
    result = checked(altered(healthy, rounded), healthy)
    assert {"zero_gradient", "no_bound_breaks", "transfer_is_weaker"} <= failed(result)
    zero = by_id(result)["zero_gradient"]
    assert zero.observed.value == 1.0
    assert zero.message.endswith("(40 of 40 examples).")
    assert "Perturbations made on other 0 turn more examples" in by_id(result)["transfer_is_weaker"].message


def test_gradients_that_point_the_wrong_way_are_worse_than_noise(healthy: Classifier) -> None:
    result = checked(altered(healthy, misleading), healthy)
    assert {"loss_rises", "noise_is_weaker", "transfer_is_weaker"} <= failed(result)
    assert {"deterministic", "zero_gradient"} & failed(result) == set()


def test_dropout_that_was_left_on_is_seen(healthy: Classifier) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        result = checked(altered(healthy, dropping), epsilon=0.05)
    assert "deterministic" in failed(result)


def test_a_constant_classifier_is_not_called_robust(healthy: Classifier) -> None:
    result = checked(altered(healthy, constant))
    assert {"zero_gradient", "loss_rises", "no_bound_breaks"} <= failed(result)
    assert "gives every text the same answer" in by_id(result)["zero_gradient"].message
    assert "deterministic" not in failed(result)


@pytest.mark.parametrize("n", [1, LEAST - 1])
def test_a_few_examples_decide_nothing(healthy: Classifier, n: int) -> None:
    result = checked(altered(healthy, loud), healthy, n=n)
    assert [check.passed for check in result.checks] == [None] * len(CHECKS)
    assert [check.id for check in result.checks] == list(CHECKS)
    assert result.checks[0].message.startswith(f"Not checked: {n} correctly classified example")
    assert result.calibration is None


def test_without_enough_held_out_examples_no_temperature_is_fitted(healthy: Classifier) -> None:
    few = HeldOut("test examples outside the sample", tiny_dataset(49))
    result = check_validity(probe_of(healthy), few)
    assert result.calibration is None
    check = by_id(result)["confidence_hides_nothing"]
    assert check.passed is None
    assert check.message == (
        "Not checked: 49 held-out examples are too few to fit a temperature (at least 50)."
    )
    assert by_id(result)["loss_rises"].passed is True


def test_other_models_are_asked_only_where_they_understand(healthy: Classifier, tmp_path: Path) -> None:
    smaller = load_classifier(str(tiny_folder(tmp_path, hidden=16)), device=CPU)
    roberta = load_classifier(str(tiny_folder(tmp_path, kind="roberta")), device=CPU)
    shorter = dataclasses.replace(healthy, max_length=10)
    check = by_id(checked(healthy, smaller, roberta, shorter))["transfer_is_weaker"]
    assert check.passed is None
    assert check.message.startswith("Not checked: no other candidate is of the same kind and size")
    result = by_id(checked(healthy, smaller, healthy))
    assert "PGD on other 1" in result["transfer_is_weaker"].message
    # Made on its own twin, the perturbations are the same.
    assert result["transfer_is_weaker"].observed.value == 0


class Count:
    """Examples that a model was asked about, forwards and backwards."""

    def __init__(self, classifier: Classifier) -> None:
        self.forward = self.backward = 0
        self._handle = classifier.model.register_forward_hook(self._asked)

    def _asked(self, module: Any, inputs: Any, output: Any) -> None:
        self.forward += len(output.logits)
        if output.logits.requires_grad:
            output.logits.register_hook(self._differentiated)

    def _differentiated(self, gradient: Tensor) -> None:
        self.backward += len(gradient)

    def stop(self) -> tuple[int, int]:
        self._handle.remove()
        return self.forward, self.backward


def test_it_costs_what_it_says_and_a_second_time_nothing(healthy: Classifier, hardened: Classifier) -> None:
    advanced: list[int] = []
    kept = stores()
    probe = dataclasses.replace(probe_of(healthy, n=20, store_of=kept), advance=advanced.append)
    own, other = Count(healthy), Count(hardened)
    first = check_validity(probe, HELD_OUT, [Surrogate("hardened", "sha", hardened)])
    forward, backward = own.stop()
    assert (forward - len(HELD_OUT.dataset), backward) == (20 * 51, 20 * 41)
    assert other.stop() == (20 * 10, 20 * 10)
    assert sum(advanced) == PASSES * 20 + len(HELD_OUT.dataset)

    own = Count(healthy)
    again = probe_of(healthy, n=20, store_of=kept)
    own_clean = own.forward
    assert check_validity(again, HELD_OUT, [Surrogate("hardened", "sha", hardened)]) == first
    assert own.stop() == (own_clean, 0)


def test_the_sample_is_of_right_examples_and_does_not_depend_on_their_order(healthy: Classifier) -> None:
    clean = clean_of(healthy, DATA)
    wrong = [dataclasses.replace(o, prediction=1 - o.label) if i % 2 else o for i, o in enumerate(clean)]
    sample, outcomes = sample_of(DATA, wrong, 10, seed=3)
    assert len(sample) == 10
    assert all(outcome.prediction == outcome.label for outcome in outcomes)
    assert list(sample.ids) == [outcome.example_id for outcome in outcomes]
    backwards = np.arange(len(DATA))[::-1]
    other, _ = sample_of(DATA.take(backwards), [wrong[i] for i in backwards], 10, seed=3)
    assert set(other.ids) == set(sample.ids)
    assert set(sample_of(DATA, wrong, 10, seed=4)[0].ids) != set(sample.ids)
    assert sample_of(DATA, wrong, 0, seed=3)[1] == []


def test_the_budgets_of_a_model_by_hand() -> None:
    # Logits (0, s), s the sum of the first components: "p" is 1 and "n" is -1. Both tokens are moved by
    # epsilon times the scale, 0.454: at 1.5 by 1.36 in all, which turns no text, and at 3.0 by 2.7.
    classifier, data = by_hand(["pp", "nn"] * 6, [1, 0] * 6)
    sample, clean = sample_of(data, clean_of(classifier, data), 12, seed=0)
    probe = Probe(classifier, sample, clean, "linf", 1.5, 0, 0.95, stores())
    found = by_id(check_validity(probe, HeldOut("none", data.take([]))))
    assert found["more_budget_is_stronger"].observed.value == -1
    assert found["more_steps_are_stronger"].observed.value == 0
    assert found["no_bound_breaks"].observed.value == 0
    beyond = dataclasses.replace(probe, epsilon=3.0)
    found = by_id(check_validity(beyond, HeldOut("none", data.take([]))))
    assert found["more_budget_is_stronger"].observed.value == 0
    assert found["noise_is_weaker"].observed.value == 0
