"""Several processes that train one model together, each on its share of every batch.

Gradients are added up after all backward passes of an update, so objectives that need several passes work as
they do in one process. A launcher (``torchrun``, ``accelerate launch``) starts the processes and says in
environment variables how many there are; accelerate makes them a group.
"""

import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor

from attacks.errors import AssayError
from robustness.device import resolve_device

Value = TypeVar("Value")

SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""Where torchrun and the kinds of MPI say how many processes there are."""

PATIENCE = timedelta(hours=6)
"""How long a process waits for the others: they wait while the main one validates under attack. A process
that stops is noticed at once, by its closed connection or by the launcher."""

BUCKET = 2**25
"""Numbers that are added up in one message."""


@dataclass(frozen=True)
class Processes:
    """One process that has nobody to wait for; ``Group`` is several. rank: 0 is the main process."""

    rank: int = 0
    count: int = 1

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def share(self, batch: Sequence[int]) -> list[int]:
        """This process's part of a batch; empty where there are more processes than examples."""
        return list(batch[self.rank :: self.count])

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes; all must give the same shapes in one order."""
        return

    def from_main(self, make: Callable[[], Value]) -> Value:
        """What ``make`` returns in the main process, which alone calls it; any picklable value.

        Raises AssayError in all processes where ``make`` raises it.
        """
        return make()

    def require_same(self, what: str, value: Any) -> None:
        """Raise AssayError in every process whose ``value`` is not that of the main one."""
        return

    def leave(self) -> None:
        """The last thing to do with a group."""
        return


ALONE = Processes()


class Group(Processes):
    """Raises AssayError from every method when another process has stopped."""

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        operations: Any = importlib.import_module("accelerate.utils")
        with _connected(self):
            for bucket in _buckets(tensors):
                flat = operations.reduce(torch.cat([tensor.flatten() for tensor in bucket]), reduction="sum")
                for tensor, part in zip(
                    bucket, flat.split([tensor.numel() for tensor in bucket]), strict=True
                ):
                    tensor.copy_(part.view_as(tensor))

    def from_main(self, make: Callable[[], Value]) -> Value:
        answer: list[Any] = [None, False]
        if self.is_main:
            try:
                answer = [make(), True]
            except BaseException:
                self._broadcast(answer)
                raise
        value, made = self._broadcast(answer)
        if not made:
            raise AssayError("the main process has stopped: its message says why.")
        done: Value = value
        return done

    def require_same(self, what: str, value: Any) -> None:
        main = self.from_main(lambda: value)
        if main != value:
            raise AssayError(
                f"{what} is not the same as in the main process: expected {main!r}, got {value!r}. Give all "
                "processes the same configuration, data and models, and a run folder that all of them see."
            )

    def leave(self) -> None:
        accelerate: Any = importlib.import_module("accelerate")
        accelerate.PartialState().destroy_process_group()

    def _broadcast(self, answer: list[Any]) -> list[Any]:
        operations: Any = importlib.import_module("accelerate.utils")
        with _connected(self):
            received: list[Any] = operations.broadcast_object_list(answer)
        return received


def announced() -> int:
    """How many processes the launcher of this one has started; 1 without a launcher."""
    for name in SIZES:
        if os.environ.get(name, "").isdecimal():
            return max(1, int(os.environ[name]))
    return 1


def join(device: str) -> tuple[Processes, str]:
    """The processes that train together, this one among them, and the device that this one computes on.

    device: as in a configuration; ``cuda`` and ``auto`` give each process a GPU of its own.
    Raises AssayError for a device that several processes cannot share, for more processes than GPUs, where
    accelerate is not installed, and where `accelerate launch --cpu` was to start several processes and
    started one.
    """
    count = announced()
    if count == 1:
        if "ACCELERATE_USE_CPU" in os.environ and "MASTER_PORT" in os.environ:
            # Without MPI it starts one process and sets no number: a training would take twice as long as
            # was meant and nobody would be told.
            raise AssayError(
                "several processes were asked for, but `accelerate launch --cpu` has started one: it needs "
                "MPI for more. Start them with `torchrun --nproc_per_node 2 -m assay train ...`."
            )
        return ALONE, device
    if device not in ("auto", "cpu", "cuda"):
        raise AssayError(
            f'device: {count} processes train together, so each needs a device of its own, got "{device}". '
            'Use device = "auto", "cuda" (a GPU for each process) or "cpu".'
        )
    on_cpu = resolve_device(device).type != "cuda"
    here = int(os.environ.get("LOCAL_WORLD_SIZE", count))
    if not on_cpu and here > torch.cuda.device_count():
        raise AssayError(
            f"expected at most one process for each GPU, got {here} processes and "
            f"{torch.cuda.device_count()} GPU(s) on this machine. Start fewer."
        )
    try:
        accelerate: Any = importlib.import_module("accelerate")
    except ImportError as error:
        raise AssayError(
            "training in several processes needs accelerate, which is not installed. "
            'Run: pip install "assay[distributed]"'
        ) from error
    state = accelerate.PartialState(cpu=on_cpu, timeout=PATIENCE)
    group = Group(rank=state.process_index, count=state.num_processes)
    return group, "cpu" if on_cpu else str(state.device)


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """The tensors in lists of one type and at most BUCKET numbers, or of a single tensor."""
    for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
        bucket: list[Tensor] = []
        for tensor in tensors:
            if tensor.dtype != dtype:
                continue
            if bucket and sum(each.numel() for each in bucket) + tensor.numel() > BUCKET:
                yield bucket
                bucket = []
            bucket.append(tensor)
        yield bucket


@contextmanager
def _connected(group: Processes) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # what torch raises when a connection is closed
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise AssayError(
            f"process {group.rank} of {group.count} has lost the others ({first}). One of them has stopped: "
            "its own message, or the launcher's, says why. The last complete epoch is kept; start again to "
            "go on from there."
        ) from error
