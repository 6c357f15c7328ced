"""The command line in processes of its own, forked from one that has imported torch already."""

import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import FrameType
from typing import Any

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "assay.audit",
        "assay.cli",
        "assay.listing",
        "fairlearn.metrics",
        "robustness.objectives.registry",
        "tests.assay.processes",
        "tests.robustness.tiny",
        "transformers.models.bert.modeling_bert",
        "vl_convert",
    ]
)
WATCHED = ("assay", "attacks", "fairness", "reports", "robustness", "safetensors", "torch/nn", "torch/optim")
WATCHED += ("torch/serialization.py",)
LIMIT = 120
"""Seconds after which a command is taken to hang."""


@dataclass(frozen=True)
class Done:
    """A command that has ended. ``calls``: calls of functions of WATCHED, where they were counted."""

    code: int | None
    stdout: str
    stderr: str
    calls: int = 0


@dataclass(frozen=True)
class Running:
    process: ForkServerProcess
    folder: Path

    def wait(self) -> Done:
        self.process.join(LIMIT)
        assert self.process.exitcode is not None, "the command hangs"
        stdout, stderr, calls = (self.folder / name for name in ("stdout", "stderr", "calls"))
        return Done(
            self.process.exitcode,
            stdout.read_text(encoding="utf-8"),
            stderr.read_text(encoding="utf-8"),
            int(calls.read_text()) if calls.exists() else 0,
        )


def start(
    arguments: Sequence[str],
    folder: Path,
    *,
    die_after: int | None = None,
    count: bool = False,
    largest_file: int | None = None,
) -> Running:
    """Start ``assay ARGUMENTS`` in ``folder``, where what it writes goes to ``stdout`` and ``stderr``.

    die_after: kill -9 itself at that call of a function of WATCHED. count: count those calls.
    largest_file: bytes; writing more to a file fails, as it does on a full disk.
    """
    process = FORKS.Process(target=_command, args=(list(arguments), folder, die_after, count, largest_file))
    process.start()
    return Running(process, folder)


def run(arguments: Sequence[str], folder: Path, **options: Any) -> Done:
    return start(arguments, folder, **options).wait()


def _command(
    arguments: list[str], folder: Path, die_after: int | None, count: bool, largest_file: int | None
) -> None:
    os.chdir(folder)
    # Where the tests run in the background of a shell, Ctrl-C is ignored and so is what inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    sys.argv = ["assay", *arguments]
    import torch

    import assay.cli

    calls = 0
    roots = Path(assay.cli.__file__).parents[1], Path(torch.__file__).parents[1]
    watched = tuple(f"{root}/{name}" for root in roots for name in WATCHED)

    def on_call(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        if event != "call" or not frame.f_code.co_filename.startswith(watched):
            return
        calls += 1
        if calls == die_after:
            os.kill(os.getpid(), signal.SIGKILL)

    if die_after is not None or count:
        sys.setprofile(on_call)
    try:
        assay.cli.main()
    finally:
        sys.setprofile(None)
        if count:
            (folder / "calls").write_text(str(calls))
