"""Gradient accumulation changes how much memory an update takes, and nothing else."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from robustness import training
from robustness.classifier import Classifier
from robustness.distributed import ALONE, Processes
from robustness.loading import load_classifier
from robustness.objectives.adversarial_head import AdversarialHead
from robustness.objectives.fgm import FGMTraining
from robustness.objectives.group_dro import GroupDRO
from robustness.objectives.standard import Standard
from robustness.training import train
from tests.robustness.small_training import FAST, TRAIN, VALIDATION, Killed, assert_equal, killer, weights
from tests.robustness.tiny import tiny_folder

SETTINGS = dataclasses.replace(FAST, epochs=1)
OBJECTIVES = [
    Standard(),
    FGMTraining(epsilon=0.1),
    GroupDRO(group="gender"),
    AdversarialHead(group="gender", adversary_learning_rate=1e-2),
]


@pytest.fixture
def steady(tmp_path: Path) -> Callable[[], Classifier]:
    """Makes the same untrained classifier at each call, one without dropout."""
    folder = tiny_folder(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return lambda: load_classifier(str(folder), device=torch.device("cpu"))


@pytest.fixture
def gradients(monkeypatch: pytest.MonkeyPatch) -> list[list[Tensor]]:
    """The gradients that each update is made with, after clipping; the weights are not updated."""
    seen: list[list[Tensor]] = []

    def watched(self: Any, *arguments: Any) -> None:
        parameters = [p for group in self.param_groups for p in group["params"]]
        seen.append([p.grad.clone() for p in parameters if p.grad is not None])

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    return seen


@pytest.mark.parametrize("objective", OBJECTIVES, ids=[each.name for each in OBJECTIVES])
@pytest.mark.parametrize("accumulate", [2, 3, 7, 16])
def test_the_gradients_are_those_of_the_whole_batch(
    objective: Any, accumulate: int, steady: Any, gradients: list[Any], tmp_path: Path
) -> None:
    # Seven batches of 14 examples, the last of 12: most do not divide evenly.
    whole = dataclasses.replace(SETTINGS, batch_size=14)
    parts = dataclasses.replace(whole, accumulate=min(accumulate, 14))
    expected = train(steady(), TRAIN, VALIDATION, objective, whole, tmp_path / "whole").history
    found = train(steady(), TRAIN, VALIDATION, objective, parts, tmp_path / "parts").history
    assert len(gradients) == 2 * 7
    for one, other in zip(gradients[:7], gradients[7:], strict=True):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            torch.testing.assert_close(a, b, atol=1e-6, rtol=0)
    assert found[0].loss == pytest.approx(expected[0].loss, abs=1e-6)


def test_a_plain_mean_over_uneven_parts_would_be_another_gradient(
    steady: Any, gradients: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = dataclasses.replace(SETTINGS, batch_size=14, accumulate=4)
    train(steady(), TRAIN, VALIDATION, Standard(), settings, tmp_path / "weighted")
    cut = training._parts

    def unweighted(*arguments: Any) -> Any:
        parts = cut(*arguments)
        return [(part, 1 / len(parts)) for part, _ in parts]

    monkeypatch.setattr(training, "_parts", unweighted)
    train(steady(), TRAIN, VALIDATION, Standard(), settings, tmp_path / "unweighted")
    differences = [float((a - b).abs().max()) for a, b in zip(gradients[0], gradients[7], strict=True)]
    assert max(differences) > 1e-4


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_parts_add_up_in_mixed_precision_too(
    precision: Any, steady: Any, gradients: list[Any], tmp_path: Path
) -> None:
    whole = dataclasses.replace(SETTINGS, precision=precision)
    parts = dataclasses.replace(whole, accumulate=3)
    train(steady(), TRAIN, VALIDATION, Standard(), whole, tmp_path / "whole")
    train(steady(), TRAIN, VALIDATION, Standard(), parts, tmp_path / "parts")
    one, other = (torch.cat([each.flatten() for each in gradients[i]]) for i in (0, 6))
    assert float((one - other).norm() / one.norm()) < 0.05


def test_no_pass_is_given_more_examples_than_its_part(steady: Any, tmp_path: Path) -> None:
    sizes: list[int] = []
    classifier = steady()
    collate = classifier.collate
    classifier.collate = lambda batch: sizes.append(len(batch)) or collate(batch)
    settings = dataclasses.replace(SETTINGS, accumulate=5)
    advanced: list[int] = []
    train(classifier, TRAIN, VALIDATION.take(range(3)), Standard(), settings, tmp_path / "s", advanced.append)
    # 16 in five parts, six times; then the few of the validation.
    assert sizes[:30] == [4, 3, 3, 3, 3] * 6
    assert advanced[1:] == [16] * 6


def test_a_killed_training_in_parts_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    source = str(tiny_folder(tmp_path))  # with dropout

    def fresh() -> Classifier:
        return load_classifier(source, device=torch.device("cpu"))

    settings = dataclasses.replace(FAST, accumulate=3)
    undisturbed, resumed = fresh(), fresh()
    train(undisturbed, TRAIN, VALIDATION, Standard(), settings, tmp_path / "whole")
    with pytest.raises(Killed):
        train(fresh(), TRAIN, VALIDATION, Standard(), settings, tmp_path / "killed", killer(96 + 20))
    train(resumed, TRAIN, VALIDATION, Standard(), settings, tmp_path / "killed")
    assert_equal(weights(resumed), weights(undisturbed))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 20])
@pytest.mark.parametrize("accumulate", [1, 2, 4])
def test_the_parts_of_all_processes_are_the_batch_each_example_weighing_the_same(
    count: int, accumulate: int
) -> None:
    batch = list(range(100, 113))
    parts = [
        part
        for rank in range(count)
        for part in training._parts(batch, accumulate, Processes(rank, count) if count > 1 else ALONE)
    ]
    weighed = [(example, share / len(part)) for part, share in parts for example in part if share > 0]
    assert sorted(example for example, _ in weighed) == batch
    assert [weight for _, weight in weighed] == pytest.approx([1 / 13] * 13)
    # A process without an example has a pass to make all the same, which weighs nothing.
    idle = [part for part, share in parts if share == 0]
    assert len(idle) == max(0, count - 13)
    assert all(len(part) == 1 for part in idle)
