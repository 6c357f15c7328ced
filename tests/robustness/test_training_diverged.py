"""A training that diverges is told with its step, its learning rate and what is left of it."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from attacks.errors import AssayError
from robustness import updates
from robustness.classifier import Classifier
from robustness.loading import load_classifier
from robustness.objectives.standard import Standard
from robustness.training import train
from robustness.updates import Update, Updates
from tests.robustness.small_training import FAST, TRAIN, VALIDATION
from tests.robustness.tiny import tiny_folder

REMEDY = "Try a lower learning_rate, a smaller epsilon, or a longer warmup or ramp."
SETTINGS = dataclasses.replace(FAST, warmup=0.0)
"""Six updates an epoch, 18 in all; the rate falls linearly from 0.003."""


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Classifier]:
    """Makes the same untrained classifier at each call."""
    source = str(tiny_folder(tmp_path))
    return lambda: load_classifier(source, device=torch.device("cpu"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Breaking(Standard):
    """Multiplies the loss or a gradient at one pass, counted from 1; later it may complain as attacks do.

    The factors are texts, since a parameter of an objective is a finite number.
    """

    name = "breaking"
    at: int
    loss: str = "1"
    gradient: str = "1"
    complains: bool = False

    def backward(self, victim: Any, encoding: Any, y: Tensor, step: Any) -> Tensor:
        COUNT[0] += 1
        if self.complains and COUNT[0] > self.at:
            raise AssayError("a perturbation is not finite")
        loss = super().backward(victim, encoding, y, step)
        if COUNT[0] == self.at:
            victim.model.classifier.weight.grad *= float(self.gradient)
            return loss * float(self.loss)
        return loss


COUNT = [0]


@pytest.fixture(autouse=True)
def from_the_start() -> None:
    COUNT[0] = 0


def diverged(fresh: Any, objective: Breaking, folder: Path) -> str:
    with pytest.raises(AssayError) as error:
        train(fresh(), TRAIN, VALIDATION, objective, SETTINGS, folder)
    return str(error.value)


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_loss_that_is_not_finite_is_told_at_its_step(value: str, fresh: Any, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    assert diverged(fresh, Breaking(at=9, loss=value), folder) == (
        f"training diverged: the loss is {value} at step 9 (learning rate 0.0017). {REMEDY} "
        f"The last good state, after epoch 1, is kept in {folder}."
    )
    assert sorted(path.name for path in folder.iterdir()) == ["best.safetensors", "state.pt"]


def test_a_gradient_that_is_not_finite_is_told_though_the_loss_is(fresh: Any, tmp_path: Path) -> None:
    assert diverged(fresh, Breaking(at=3, gradient="inf"), tmp_path / "state") == (
        f"training diverged: the gradient is inf at step 3 (learning rate 0.0027). {REMEDY} "
        "No epoch was complete yet, so there is no earlier state."
    )


def test_in_fp16_an_overflowing_gradient_is_skipped_by_the_loss_scale(fresh: Any, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, precision="fp16")
    objective = Breaking(at=3, gradient="inf")
    outcome = train(fresh(), TRAIN, VALIDATION, objective, settings, tmp_path / "state")
    assert len(outcome.history) == 3


def test_weights_that_the_last_update_of_an_epoch_spoilt_are_told(
    fresh: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, calls = torch.optim.AdamW.step, [0]

    def spoiling(self: Any, *arguments: Any) -> Any:
        calls[0] += 1
        answer = step(self, *arguments)
        if calls[0] == 12:
            with torch.no_grad():
                self.param_groups[1]["params"][0][0] = math.inf
        return answer

    monkeypatch.setattr(torch.optim.AdamW, "step", spoiling)
    with pytest.raises(AssayError, match=r"a weight is NaN or infinite after step 12\. .* after epoch 1, is"):
        train(fresh(), TRAIN, VALIDATION, Standard(), SETTINGS, tmp_path / "state")


@pytest.mark.parametrize("complains", [False, True])
def test_where_losses_are_read_in_groups_the_step_is_the_right_one_all_the_same(
    complains: bool, fresh: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Updates.__init__

    def grouped(self: Any, *arguments: Any) -> None:
        made(self, *arguments)
        self._every = 4  # as on an accelerator

    monkeypatch.setattr(Updates, "__init__", grouped)
    message = diverged(fresh, Breaking(at=9, loss="nan", complains=complains), tmp_path / "state")
    assert message.startswith("training diverged: the loss is nan at step 9 (learning rate 0.0017). ")


def test_another_complaint_of_an_objective_is_not_taken_for_divergence(fresh: Any, tmp_path: Path) -> None:
    message = diverged(fresh, Breaking(at=2, complains=True), tmp_path / "state")
    assert message == "a perturbation is not finite"


def test_on_an_accelerator_losses_are_read_in_groups_and_none_is_lost() -> None:
    told: list[Update] = []
    kept = Updates(torch.device("meta"), told.append, "")
    for step in range(1, 21):
        kept.add(step, torch.tensor(step / 2), torch.tensor(1.0), learning_rate=0.1, epsilon=None)
        assert len(told) == step // updates.READ_EVERY * updates.READ_EVERY
    kept.read()
    assert [update.step for update in told] == list(range(1, 21))
    assert kept.losses == [step / 2 for step in range(1, 21)]
    kept.read()
    assert len(told) == 20
