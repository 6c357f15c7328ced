"""What an epoch came to on the validation data, and which one is the best."""

import time
from collections.abc import Sequence

import numpy as np

from robustness import evaluate
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.objectives.base import Objective
from robustness.outcomes import MemoryStore, Outcome
from robustness.results import EpochRecord


def predict(classifier: Classifier, dataset: TextDataset) -> list[Outcome]:
    return evaluate.predict(classifier, dataset, MemoryStore())


def validated(
    classifier: Classifier,
    validation: TextDataset,
    objective: Objective,
    seed: int,
    *,
    epoch: int,
    loss: float,
    epsilon: float | None,
    started: float,
) -> EpochRecord:
    """The record of an epoch: validation on clean text and under the objective's own attack.

    started: ``time.perf_counter()`` at its start; validation counts.
    """
    clean = predict(classifier, validation)
    attack = objective.attack()
    attacked = (
        None
        if attack is None
        else evaluate.attack(classifier, validation, clean, attack, MemoryStore(), seed=seed)
    )
    likelihood = [max(outcome.probabilities[outcome.label], 1e-12) for outcome in clean]
    return EpochRecord(
        epoch=epoch,
        loss=loss,
        validation_accuracy=evaluate.accuracy(clean),
        validation_loss=float(-np.mean(np.log(likelihood))),
        validation_accuracy_under_attack=None if attacked is None else evaluate.accuracy(attacked),
        epsilon=epsilon,
        seconds=time.perf_counter() - started,
    )


def best(history: Sequence[EpochRecord]) -> EpochRecord:
    """The epoch of the highest score; of equal ones that with the lower validation loss."""
    return max(history, key=lambda record: (record.score, -record.validation_loss))


def out_of_patience(history: Sequence[EpochRecord], patience: int | None) -> bool:
    return patience is not None and bool(history) and len(history) - best(history).epoch >= patience
