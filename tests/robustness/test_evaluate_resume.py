"""An evaluation that was stopped goes on where it was, and ends as if undisturbed."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from torch import Tensor

from attacks.embedding.fgsm import FGSM
from attacks.embedding.pgd import PGD
from robustness import evaluate
from robustness.classifier import Classifier
from robustness.outcomes import MemoryStore, Outcome
from tests.robustness.judging import clean_of, half_right, undecided, untimed
from tests.robustness.tiny import tiny_dataset


@pytest.fixture
def classifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classifier:
    monkeypatch.setattr(Classifier, "token_budget", 40)
    return undecided(tmp_path)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Counted(PGD):
    """PGD that remembers the sizes of the batches it was asked to perturb."""

    calls: ClassVar[list[int]] = []

    def perturb(self, *arguments: Any, **more: Any) -> Tensor:
        answer = super().perturb(*arguments, **more)
        Counted.calls.append(len(answer))
        return answer


@pytest.fixture(autouse=True)
def forget_calls() -> None:
    Counted.calls.clear()


class KilledError(Exception):
    pass


class FailingStore(MemoryStore):
    """Fails at the ``last``-th batch, as a process does that is killed there."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.left = last

    def add(self, outcomes: Sequence[Outcome]) -> None:
        if self.left == 0:
            raise KilledError
        self.left -= 1
        super().add(outcomes)


@pytest.mark.parametrize("stopped_after", [0, 1, 2, 4])
def test_a_stopped_attack_goes_on_and_ends_as_if_undisturbed(
    classifier: Classifier, stopped_after: int
) -> None:
    dataset = half_right(classifier, tiny_dataset(40))
    clean = clean_of(classifier, dataset)
    attack = Counted(epsilon=0.5, steps=2, random_start=True)
    undisturbed = evaluate.attack(classifier, dataset, clean, attack, MemoryStore(), seed=5)
    batches = list(Counted.calls)
    assert len(batches) > 4

    Counted.calls.clear()
    store = FailingStore(stopped_after)
    with pytest.raises(KilledError):
        evaluate.attack(classifier, dataset, clean, attack, store, seed=5)
    Counted.calls.clear()
    store.left = -1
    resumed = evaluate.attack(classifier, dataset, clean, attack, store, seed=5)
    assert untimed(resumed) == untimed(undisturbed)
    # The first thing that is kept are the skipped ones, so one batch less than was stored is done.
    assert Counted.calls == batches[max(0, stopped_after - 1) :]
    Counted.calls.clear()
    assert evaluate.attack(classifier, dataset, clean, attack, store, seed=5) == resumed
    assert Counted.calls == []


def test_a_stopped_prediction_goes_on_and_ends_as_if_undisturbed(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = tiny_dataset(40)
    undisturbed = clean_of(classifier, dataset)
    store = FailingStore(2)
    with pytest.raises(KilledError):
        evaluate.predict(classifier, dataset, store)
    done = set(store.load())
    assert 0 < len(done) < 40
    store.left = -1
    predict_batch, asked = Classifier.predict_batch, []

    def counting(self: Classifier, batch: Sequence[Any]) -> np.ndarray:
        asked.append(len(batch))
        return predict_batch(self, batch)

    monkeypatch.setattr(Classifier, "predict_batch", counting)
    assert untimed(evaluate.predict(classifier, dataset, store)) == untimed(undisturbed)
    assert sum(asked) == 40 - len(done)


def test_progress_reaches_every_example_in_fresh_and_resumed_runs(classifier: Classifier) -> None:
    dataset = half_right(classifier, tiny_dataset(20))
    store, attacked = MemoryStore(), MemoryStore()
    for _ in range(2):
        told: list[int] = []
        clean = evaluate.predict(classifier, dataset, store, told.append)
        assert sum(told) == 20
        told.clear()
        evaluate.attack(classifier, dataset, clean, FGSM(epsilon=0.1), attacked, seed=0, advance=told.append)
        assert sum(told) == 20


def test_outcomes_of_other_data_in_the_store_are_left_alone(classifier: Classifier) -> None:
    store = MemoryStore()
    evaluate.predict(classifier, tiny_dataset(20), store)
    part = tiny_dataset(20).take([3, 1])
    assert [outcome.example_id for outcome in evaluate.predict(classifier, part, store)] == list(part.ids)
