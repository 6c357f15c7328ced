"""Small trainings that can be killed, and how their results are compared."""

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from robustness.classifier import Classifier
from robustness.objectives.fgsm import FGSMTraining
from robustness.results import EpochRecord
from robustness.training import TrainSettings
from tests.robustness.tiny import tiny_dataset

TRAIN, VALIDATION = tiny_dataset(96, seed=1), tiny_dataset(40, seed=2)
FAST = TrainSettings(epochs=3, batch_size=16, learning_rate=3e-3, precision="fp32")
LEARNING = TrainSettings(epochs=6, batch_size=8, learning_rate=5e-3, precision="fp32")
FGSM = FGSMTraining(epsilon=0.1)


def weights(classifier: Classifier) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in classifier.model.state_dict().items()}


def assert_equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert [name for name in expected if not torch.equal(found[name], expected[name])] == []


def timeless(history: tuple[EpochRecord, ...]) -> list[EpochRecord]:
    return [dataclasses.replace(record, seconds=0.0) for record in history]


class Killed(BaseException):
    """Stands for a killed process: nothing of ours catches it."""


def killer(after: int) -> Callable[[int], None]:
    """An ``advance`` that kills at the first batch beyond ``after`` examples."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if done > after:
            raise Killed

    return advance
