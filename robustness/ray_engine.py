"""Black-box attacks in many processes, on one machine or a cluster, by Ray."""

import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any

from attacks.black_box import QueryAttack
from attacks.errors import AssayError
from robustness.asking import Engine, attacked_here
from robustness.dataset import TextDataset
from robustness.models import Model
from robustness.outcomes import Outcome

SHARD = 32
"""Examples that one worker attacks at a time: enough to batch their queries, few enough to lose."""
RESTARTS = 3
"""How often a worker that was killed is started again, and its shard done again."""
PATIENCE = 10.0
"""Seconds that a cluster has to answer."""


class Worker:
    """A process with its own model, which is loaded there when the first examples come.

    Nothing is given to it before: an error in an actor's constructor would reach its caller as a death of the
    process, and Ray does not keep what a constructor was given for a process that is started again.
    """

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def attack(
        self,
        load: Callable[[], Model],
        dataset: TextDataset,
        seed: int,
        attack: QueryAttack,
        rows: Sequence[int],
    ) -> list[Outcome]:
        """What became of the examples ``rows``; ``load`` makes the model."""
        if self._engine is None:
            self._engine = partial(attacked_here, load(), dataset, seed)
        return [outcome for outcomes in self._engine(attack, rows) for outcome in outcomes]


@contextmanager
def cluster(address: str | None, workers: int | None) -> Iterator["Cluster"]:
    """A connection to the Ray cluster at ``address``, or to one that is started on this machine.

    workers: processes; None for one for each CPU core, or for each GPU where there are some.
    Raises AssayError where Ray is not installed or the address does not answer.
    """
    if find_spec("ray") is None:
        raise AssayError('the engine "ray" is not installed. Run `pip install "assay[ray]"`.')
    import ray

    options: dict[str, Any] = {"address": address} if address else {"num_cpus": workers}
    try:
        if address:
            _check_answers(address)
        ray.init(**options, log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        where = address or "this machine"
        raise AssayError(
            f"Ray cannot be started on {where}: {error}. Check the address, or leave it out."
        ) from error
    try:
        yield Cluster(ray, workers)
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Raises OSError where nothing answers at ``host:port``: Ray itself would try again for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()


class Cluster:
    """A running Ray, which makes engines. Made by ``cluster``."""

    def __init__(self, ray: Any, workers: int | None) -> None:
        self._ray = ray
        resources = ray.cluster_resources()
        self._gpus = int(resources.get("GPU", 0))
        self.workers = workers or self._gpus or max(1, int(resources.get("CPU", 1)))

    @contextmanager
    def engine(self, load: Callable[[], Model], dataset: TextDataset, seed: int) -> Iterator[Engine]:
        """An engine whose workers each ``load`` the model; they end with the context.

        A worker that dies is started again and does its shard again: Ray sees to that.
        """
        remote = self._ray.remote(
            num_cpus=1,
            num_gpus=min(1.0, self._gpus / self.workers) if self._gpus else 0,
            max_restarts=RESTARTS,
            max_task_retries=RESTARTS,
        )(Worker)
        given = self._ray.put(load), self._ray.put(dataset), seed
        actors = [remote.remote() for _ in range(self.workers)]
        try:
            yield partial(self._attacked, actors, given)
        finally:
            for actor in actors:
                self._ray.kill(actor)

    def _attacked(
        self, actors: Sequence[Any], given: tuple[Any, Any, int], attack: QueryAttack, rows: Sequence[int]
    ) -> Iterator[list[Outcome]]:
        from ray.util import ActorPool

        size = min(SHARD, -(-len(rows) // len(actors)))
        shards = [rows[first : first + size] for first in range(0, len(rows), size)]
        pool = ActorPool(list(actors))
        try:
            yield from pool.map_unordered(
                lambda actor, shard: actor.attack.remote(*given, attack, shard), shards
            )
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise (cause if isinstance(cause, AssayError) else error) from error
        except self._ray.exceptions.RayError as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            raise AssayError(
                f"attack {attack.name}: a worker was lost {RESTARTS + 1} times ({reason}). What was judged "
                "before is kept. Is its memory enough for the model?"
            ) from error
