"""Several processes train one model: the same updates as in one process, and no process waits for ever."""

import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from attacks.errors import AssayError
from robustness import distributed
from robustness.checkpoint import Checkpoint
from robustness.classifier import Classifier
from robustness.distributed import ALONE, Processes, join
from robustness.loading import load_classifier
from robustness.lora import Lora
from robustness.objectives.adversarial_head import AdversarialHead
from robustness.objectives.fgm import FGMTraining
from robustness.objectives.group_dro import GroupDRO
from robustness.objectives.standard import Standard
from robustness.training import train
from tests.robustness.processes import together
from tests.robustness.small_training import (
    FAST,
    TRAIN,
    VALIDATION,
    Killed,
    assert_equal,
    killer,
    timeless,
    weights,
)
from tests.robustness.tiny import tiny_folder

FEW = TRAIN.take(range(33))
"""Batches of 8 leave one example for the last of them."""

SETTINGS = dataclasses.replace(FAST, epochs=2, batch_size=8, learning_rate=1e-3)
OBJECTIVES = {
    "standard": Standard(),
    "fgm": FGMTraining(epsilon=0.1),
    "group-dro": GroupDRO(group="gender", step_size=0.5),
    "adversarial-head": AdversarialHead(group="gender", adversary_learning_rate=1e-2),
}
KINDS: dict[str, tuple[str, Any]] = {
    "standard": ("standard", SETTINGS),
    "fgm in parts": ("fgm", dataclasses.replace(SETTINGS, accumulate=2)),
    "group-dro in parts": ("group-dro", dataclasses.replace(SETTINGS, accumulate=2)),
    "adversarial-head": ("adversarial-head", SETTINGS),
    "lora": ("standard", dataclasses.replace(SETTINGS, lora=Lora(r=2), learning_rate=1e-2)),
}


def classifier_of(source: str) -> Classifier:
    return load_classifier(source, device=torch.device("cpu"))


@pytest.fixture
def steady(tmp_path: Path) -> str:
    """The folder of an untrained model without dropout."""
    folder = tiny_folder(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


# What the processes do.


def trained(source: str, kind: str, folder: str) -> Any:
    """Train and keep the weights; each process in a file of its own."""
    processes, device = join("auto")
    classifier = classifier_of(source)
    name, settings = KINDS[kind]
    state = Path(folder) / "state"
    outcome = train(classifier, FEW, VALIDATION, OBJECTIVES[name], settings, state, processes=processes)
    save_file(weights(classifier), Path(folder) / f"{processes.rank}.safetensors")
    processes.leave()
    history = [dataclasses.asdict(each) for each in timeless(outcome.history)]
    return [device, processes.rank, processes.count, outcome.best_epoch, history]


class Sum:
    """A memory: the sum of the losses that this process has seen."""

    def __init__(self) -> None:
        self.total = torch.zeros(())

    def state_dict(self) -> dict[str, Tensor]:
        return {"total": self.total}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.total = state["total"].clone()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Remembering(Standard):
    """What it remembers weighs in the loss, so that a memory that is not the same ends in other weights."""

    name = "remembering"

    def memory(self, victim: Any, strata: Any = None) -> Sum:
        return Sum()

    def backward(self, victim: Any, encoding: Any, y: Tensor, step: Any) -> Tensor:
        weight = 1 + step.memory.total.item()
        scaled = dataclasses.replace(step, backward=lambda loss: step.backward(loss * weight))
        loss = super().backward(victim, encoding, y, scaled)
        step.memory.total += loss
        return loss * weight


def interrupted(source: str, folder: str, kill_after: int) -> Any:
    """Train with dropout; where told, all processes are killed at the same batch."""
    processes, _ = join("cpu")
    classifier = classifier_of(source)
    advance = killer(kill_after) if kill_after else lambda count: None
    saved, save = [], Checkpoint.save

    def counted(self: Any, *arguments: Any, **options: Any) -> None:
        saved.append(1)
        save(self, *arguments, **options)

    Checkpoint.save = counted  # type: ignore[method-assign]
    try:
        train(
            classifier, FEW, VALIDATION, Remembering(), SETTINGS, Path(folder), advance, processes=processes
        )
    except Killed:
        return ["killed", len(saved)]
    save_file(weights(classifier), Path(folder) / f"{processes.rank}.safetensors")
    return ["done", len(saved)]


def added() -> Any:
    distributed.BUCKET = 5
    processes, _ = join("cpu")
    rank = processes.rank
    tensors = [
        torch.full((2, 3), 1.0 + rank),
        torch.full((4,), 10.0 * (rank + 1), dtype=torch.float64),
        torch.tensor(0.5),
        torch.arange(3.0),
    ]
    shares = [tensor.clone() for tensor in tensors]
    processes.add_up(tensors)
    return [[each.tolist() for each in shares], [each.tolist() for each in tensors]]


def told_by_main() -> Any:
    processes, _ = join("cpu")
    calls: list[int] = []
    answers = [processes.from_main(lambda: calls.append(1) or {"rank": processes.rank})]
    processes.require_same("the seed", 3)
    for action in (
        lambda: processes.require_same("the data", processes.rank),
        lambda: processes.from_main(mistake),
    ):
        try:
            action()
            answers.append("went on")
        except AssayError as error:
            answers.append(str(error))
    return [answers, len(calls)]


def mistake() -> None:
    raise AssayError("the validation data are spoilt")


def deserted(how: str) -> Any:
    """The second of the processes stops in the middle; the others want to go on."""
    processes, _ = join("cpu")
    processes.from_main(lambda: None)
    if processes.rank == 1:
        os._exit(7)
    try:
        if how == "add":
            processes.add_up([torch.ones(3)])
        else:
            processes.require_same("the seed", 0)
            processes.from_main(lambda: None)
            processes.add_up([torch.ones(3)])
    except AssayError as error:
        return str(error)
    return "went on"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Drawing(Standard):
    """Keeps what it draws at each pass."""

    name = "drawing"

    def backward(self, victim: Any, encoding: Any, y: Tensor, step: Any) -> Tensor:
        DRAWN.append(float(torch.rand(())))
        return super().backward(victim, encoding, y, step)


DRAWN: list[float] = []


def drawn(source: str, folder: str) -> Any:
    processes, _ = join("cpu")
    settings = dataclasses.replace(SETTINGS, epochs=1)
    train(classifier_of(source), FEW, VALIDATION, Drawing(), settings, Path(folder), processes=processes)
    return DRAWN


def exploding(source: str, folder: str) -> Any:
    """The loss of one process alone is NaN at its second update."""
    processes, _ = join("cpu")
    objective = Spoilt(rank=processes.rank)
    try:
        train(classifier_of(source), FEW, VALIDATION, objective, SETTINGS, Path(folder), processes=processes)
    except AssayError as error:
        return str(error)
    return "went on"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spoilt(Standard):
    name = "spoilt"
    rank: int

    def params(self) -> dict[str, Any]:
        return {}

    def backward(self, victim: Any, encoding: Any, y: Tensor, step: Any) -> Tensor:
        loss = super().backward(victim, encoding, y, step)
        return loss * float("nan") if self.rank == 1 and step.progress > 0 else loss


def without_dropout_noise(found: dict[str, Tensor], expected: dict[str, Tensor]) -> dict[str, float]:
    """The largest difference of each weight but the biases of the keys.

    Softmax does not see a bias that all keys share: its gradient is 0 but for rounding, which Adam blows up.
    """
    assert found.keys() == expected.keys()
    return {
        name: float((found[name] - expected[name]).abs().max())
        for name in expected
        if not name.endswith("key.bias")
    }


@pytest.mark.parametrize(
    ("kind", "count"),
    [("standard", 2), ("fgm in parts", 3), ("group-dro in parts", 3), ("adversarial-head", 2), ("lora", 2)],
)
def test_the_updates_are_those_of_one_process(kind: str, count: int, steady: str, tmp_path: Path) -> None:
    alone = classifier_of(steady)
    before = weights(alone)
    name, settings = KINDS[kind]
    outcome = train(alone, FEW, VALIDATION, OBJECTIVES[name], settings, tmp_path / "alone")
    answers = together(trained, count, tmp_path / "answers", steady, kind, str(tmp_path))
    expected = weights(alone)
    moved = [float((expected[name] - before[name]).abs().max()) for name in before]
    assert max(moved) > 1e-3
    for rank in range(count):
        device, found_rank, found_count, best, history = answers[rank]
        assert (device, found_rank, found_count) == ("cpu", rank, count)
        differences = without_dropout_noise(load_file(tmp_path / f"{rank}.safetensors"), expected)
        assert max(differences.values()) < 1e-5, differences
        assert best == outcome.best_epoch
        for one, other in zip(history, timeless(outcome.history), strict=True):
            assert one == pytest.approx(dataclasses.asdict(other), abs=1e-5)
    first, second = (load_file(tmp_path / f"{rank}.safetensors") for rank in (0, 1))
    assert_equal(first, second)


def test_killed_processes_go_on_to_the_same_bits_and_one_writes(tmp_path: Path) -> None:
    source = str(tiny_folder(tmp_path))
    whole = together(interrupted, 2, tmp_path / "a", source, str(tmp_path / "whole"), 0)
    assert whole == [["done", 2], ["done", 0]]
    folder = str(tmp_path / "killed")
    assert together(interrupted, 2, tmp_path / "b", source, folder, 33 + 10) == [["killed", 1], ["killed", 0]]
    assert together(interrupted, 2, tmp_path / "c", source, folder, 0) == [["done", 1], ["done", 0]]
    for rank in range(2):
        found = load_file(tmp_path / "killed" / f"{rank}.safetensors")
        assert_equal(found, load_file(tmp_path / "whole" / f"{rank}.safetensors"))
    # The best epoch may be the first; the last one depends on what every process remembers.
    last = [torch.load(tmp_path / each / "state.pt", weights_only=True) for each in ("whole", "killed")]
    assert_equal(last[1]["model"], last[0]["model"])
    assert_equal(last[1]["memory"], last[0]["memory"])


def test_tensors_of_any_type_and_shape_are_added_up(tmp_path: Path) -> None:
    answers = together(added, 3, tmp_path)
    for position, (shares, sums) in enumerate(answers):
        for number, total in enumerate(sums):
            expected = sum(torch.tensor(answer[0][number]) for answer in answers)
            torch.testing.assert_close(torch.tensor(total), expected)
        assert shares == answers[position][0]
    assert answers[0][1][0] == [[6.0] * 3] * 2


def test_the_main_process_speaks_for_all_also_of_its_mistakes(tmp_path: Path) -> None:
    main, other = together(told_by_main, 2, tmp_path)
    assert main == [[{"rank": 0}, "went on", "the validation data are spoilt"], 1]
    (answer, refused, stopped), calls = other
    assert (answer, calls) == ({"rank": 0}, 0)
    assert refused.startswith("the data is not the same as in the main process: expected 0, got 1. Give all")
    assert stopped == "the main process has stopped: its message says why."


@pytest.mark.parametrize("how", ["add", "broadcast"])
def test_a_process_that_dies_leaves_nobody_waiting(how: str, tmp_path: Path) -> None:
    main, dead = together(deserted, 2, tmp_path, how)
    assert dead == "exit code 7"
    assert main.startswith("process 0 of 2 has lost the others (")
    assert main.endswith("The last complete epoch is kept; start again to go on from there.")


def test_each_process_draws_for_itself(steady: str, tmp_path: Path) -> None:
    first, second = together(drawn, 2, tmp_path / "answers", steady, str(tmp_path / "state"))
    assert len(first) == len(second) == 5
    assert not set(first) & set(second)
    # The main process draws what a process alone draws.
    DRAWN.clear()
    settings = dataclasses.replace(SETTINGS, epochs=1)
    train(classifier_of(steady), FEW, VALIDATION, Drawing(), settings, tmp_path / "alone")
    assert first == DRAWN


def test_a_loss_that_is_nan_in_one_process_is_told_by_all_at_its_step(steady: str, tmp_path: Path) -> None:
    answers = together(exploding, 2, tmp_path / "answers", steady, str(tmp_path / "state"))
    assert answers[0] == answers[1]
    assert answers[0].startswith("training diverged: the loss is nan at step 2 ")


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_every_example_of_a_batch_is_in_one_share(count: int) -> None:
    batch = [5, 3, 9, 1, 4]
    shares = [Processes(rank, count).share(batch) for rank in range(count)]
    assert sorted(each for share in shares for each in share) == sorted(batch)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert shares[0] == batch[::count]


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the variables of a launcher; none is set before."""
    for name in (*distributed.SIZES, "RANK", "LOCAL_WORLD_SIZE", "ACCELERATE_USE_CPU", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)

    def launch(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return launch


def test_without_a_launcher_a_process_is_alone_and_needs_no_accelerate(
    launched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    assert join("cuda:3") == (ALONE, "cuda:3")
    launched(WORLD_SIZE="1", RANK="0")
    assert join("auto") == (ALONE, "auto")


def test_without_accelerate_the_message_says_how_to_get_it(
    launched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched(WORLD_SIZE="2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(AssayError, match=r'pip install "assay\[distributed\]"'):
        join("cpu")


@pytest.mark.parametrize("device", ["cuda:0", "mps"])
def test_several_processes_cannot_share_a_named_device(device: str, launched: Any) -> None:
    launched(WORLD_SIZE="2")
    with pytest.raises(AssayError, match=f'2 processes train together.* got "{device}"'):
        join(device)


def test_more_processes_than_gpus_are_refused(launched: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    launched(WORLD_SIZE="8", LOCAL_WORLD_SIZE="4")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(AssayError, match=r"got 4 processes and 2 GPU\(s\) on this machine"):
        join("auto")


def test_an_accelerate_launch_that_started_one_process_of_several_is_told(launched: Any) -> None:
    # What `accelerate launch --cpu --num_processes 2` sets where there is no MPI.
    launched(ACCELERATE_USE_CPU="True", MASTER_PORT="29500")
    with pytest.raises(AssayError, match=r"has started one: it needs MPI.* `torchrun --nproc_per_node 2"):
        join("cpu")
    launched(WORLD_SIZE="1")
