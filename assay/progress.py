"""Progress of long work: bars with rate and time left on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.progress import TimeRemainingColumn as TimeLeft
from rich.text import Text

PLAIN_INTERVAL = 20.0
"""Seconds between two plain lines about the same task."""


class Reporter:
    """Says on standard error what the audit is doing; standard output stays for results."""

    def __init__(self, console: Console | None = None) -> None:
        # FORCE_COLOR, which many CI systems set, asks for colours and not for bars in a log file.
        interactive = None if sys.stderr.isatty() else False
        self.console = console or Console(stderr=True, highlight=False, force_interactive=interactive)

    def say(self, message: str) -> None:
        """One line; markup in ``message`` is shown, not obeyed."""
        self.console.print(message, markup=False, emoji=False, soft_wrap=True)

    @contextmanager
    def task(self, description: str, total: int) -> Iterator[Callable[[int], None]]:
        """Report one task of ``total`` examples; yields the function to call with the examples done."""
        if self.console.is_interactive:
            with self._bars() as bars:
                task = bars.add_task(description, total=total)
                yield lambda count: bars.advance(task, count)
        else:
            plain = _PlainTask(self, description, total)
            yield plain.advance
            plain.finish()

    def _bars(self) -> Progress:
        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            _Rate(),
            TimeLeft(),
            console=self.console,
        )


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


class _PlainTask:
    def __init__(self, reporter: Reporter, description: str, total: int) -> None:
        self._reporter, self._description, self._total = reporter, description, total
        self._done, self._started = 0, time.perf_counter()
        self._said = self._started

    def advance(self, count: int) -> None:
        self._done += count
        now = time.perf_counter()
        if now - self._said >= PLAIN_INTERVAL and 0 < self._done < self._total:
            self._said = now
            rate = self._done / (now - self._started)
            left = (self._total - self._done) / rate
            self._reporter.say(
                f"{self._description}: {self._done}/{self._total}, {rate:,.0f}/s, {left:,.0f} s left"
            )

    def finish(self) -> None:
        seconds = time.perf_counter() - self._started
        self._reporter.say(f"{self._description}: {self._done} in {seconds:.1f} s")
