"""Functions run in several processes at once, as a launcher would start them."""

import json
import multiprocessing
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["accelerate", "robustness.training", "tests.robustness.small_training", "tests.robustness.tiny"]
)
LIMIT = 90
"""Seconds after which a process is taken to hang."""


def together(function: Callable[..., Any], count: int, folder: Path, *arguments: Any) -> list[Any]:
    """What ``function(*arguments)`` returns in each of ``count`` processes, JSON-able; ``exit code N`` where
    a process ended otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []
    for rank in range(count):
        where = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
        where |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": 1}
        answer = folder / f"answer-{rank}.json"
        process = FORKS.Process(target=_run, args=(function, where, answer, arguments))
        process.start()
        started.append((process, answer))
    answers = []
    for process, answer in started:
        process.join(LIMIT)
        assert process.exitcode is not None, "a process hangs"
        answers.append(json.loads(answer.read_text()) if answer.exists() else f"exit code {process.exitcode}")
    return answers


def _run(function: Callable[..., Any], where: dict[str, Any], answer: Path, arguments: Any) -> None:
    os.environ.update({name: str(value) for name, value in where.items()})
    import torch

    torch.set_num_threads(1)
    answer.write_text(json.dumps(function(*arguments)))
