"""Many examples attacked at once by TextAttack's unmodified ``Attack.attack``, with one thread.

Each example's attack runs in a greenlet of its own, which is left whenever the attack asks the model. What
all of them want to know is asked together, each text once, and then they go on one after the other: on a
model, one long batch costs far less than many short ones. Nothing that one example does is seen by another.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import greenlet
import torch

from attacks.black_box import Ending, Proposal
from attacks.errors import AssayError
from attacks.goals import Goal
from attacks.textattack import randomness
from attacks.victims import TextInput

Ask = Callable[[list[TextInput]], torch.Tensor]
"""From distinct texts (n of them) to probabilities (n, k)."""

COLUMNS = ("premise", "hypothesis")
"""What the two texts of a pair are called, as in TextAttack: some recipes leave the premise alone."""

_one_round_at_a_time = threading.RLock()
"""Random states and exchanged functions belong to the process."""


@dataclass(frozen=True)
class RecipeProposal(Proposal):
    """A proposal with TextAttack's own count: num_queries counts every candidate, also those that were
    asked before or are known from its cache. ``max_queries`` bounds this number."""

    num_queries: int = 0


@dataclass
class _Run:
    """One example under attack.

    asks: what it wants to know now; answered: what it was told before, row by row.
    """

    row: int
    text: TextInput
    attack: Any
    state: randomness.State
    thread: greenlet.greenlet
    asks: list[TextInput] = field(default_factory=list)
    answered: dict[TextInput, torch.Tensor] = field(default_factory=dict)
    seconds: float = 0.0
    result: Any = None

    @property
    def new(self) -> list[TextInput]:
        return [text for text in dict.fromkeys(self.asks) if text not in self.answered]


def wanted(texts: list[TextInput]) -> torch.Tensor:
    """Called inside an example's attack: leaves it until the answers to ``texts``, (n, k), are there."""
    parent = greenlet.getcurrent().parent
    if parent is None:
        raise AssayError("A recipe asked its model while it was built; it may do so in an attack only.")
    answers: torch.Tensor = parent.switch(texts)
    return answers


@dataclass(frozen=True)
class Scheduler:
    """What attacks many examples at once.

    name: of the attack, for messages. new_attack: a ``textattack.Attack`` for one example at a time, whose
    model wrapper calls ``wanted``. ask: from distinct texts to probabilities. during: what surrounds
    TextAttack's own work, see ``words``. live: how many examples are under attack at once.
    """

    name: str
    new_attack: Callable[[], Any]
    ask: Ask
    during: Callable[[], AbstractContextManager[None]]
    live: int
    max_queries: int | None = None
    max_seconds: float | None = None

    def run(self, texts: Sequence[TextInput], goal: Goal, seeds: Sequence[int]) -> Iterator[RecipeProposal]:
        """One proposal for each text, each as soon as it is there.

        An example is given up (``out of time``, nothing proposed) at the first question after its
        ``max_seconds``, of which it is charged its own work and its part of the answers.
        Raises AssayError where TextAttack fails on an example. Closing the iterator ends all attacks.
        """
        waiting = deque(range(len(texts)))
        idle: list[Any] = []
        runs: list[_Run] = []
        try:
            while waiting or runs:
                ended: list[RecipeProposal] = []
                # The process gets its own random state and functions back before anything leaves this block.
                with _one_round_at_a_time, randomness.process_state_kept(), self.during():
                    for run in tuple(runs):
                        self._go_on(run, torch.stack([run.answered[text] for text in run.asks]))
                        self._sort_out(run, runs, ended, idle)
                    while waiting and len(runs) < self.live:
                        row = waiting.popleft()
                        attack = idle.pop() if idle else self.new_attack()
                        run = self._started(row, texts[row], attack, goal, seeds[row])
                        runs.append(run)
                        self._go_on(run)
                        self._sort_out(run, runs, ended, idle)
                yield from ended
                for run in self._late(runs):
                    runs.remove(run)
                    _give_up(run)
                    yield RecipeProposal(
                        run.row,
                        run.text,
                        len(run.answered),
                        "out of time",
                        run.seconds,
                        run.attack.goal_function.num_queries,
                    )
                self._answer(runs)
        finally:
            for run in runs:
                _give_up(run)

    def _started(self, row: int, text: TextInput, attack: Any, goal: Goal, seed: int) -> _Run:
        """An example that is ready to go."""
        attack.clear_cache()
        function, label = attack.goal_function, int(goal.y[row])
        function.query_budget = float("inf") if self.max_queries is None else self.max_queries
        if goal.target is not None:
            function.target_class = int(goal.target[row])
        example = text if isinstance(text, str) else OrderedDict(zip(COLUMNS, text, strict=True))
        thread = greenlet.greenlet(lambda: attack.attack(example, label))
        return _Run(row, text, attack, randomness.seeded(seed), thread)

    def _go_on(self, run: _Run, answers: torch.Tensor | None = None) -> None:
        """Lets an example work until its next question, or to its end."""
        started = time.perf_counter()
        run.thread.parent = greenlet.getcurrent()
        randomness.set_state(run.state)
        try:
            found = run.thread.switch() if answers is None else run.thread.switch(answers)
        except Exception as error:
            function = run.attack.goal_function
            if function.num_queries < function.query_budget:
                raise AssayError(self._failure(run, error)) from error
            # Some of TextAttack's searches do not expect that a budget leaves them without an answer.
            found = None
        run.state = randomness.state()
        run.seconds += time.perf_counter() - started
        run.asks, run.result = ([], found) if run.thread.dead else (found, None)

    def _sort_out(self, run: _Run, runs: list[_Run], ended: list[RecipeProposal], idle: list[Any]) -> None:
        """Takes an example that came to its end out of ``runs``; its attack is free for another."""
        if run.thread.dead:
            runs.remove(run)
            ended.append(self._proposal(run))
            idle.append(run.attack)

    def _failure(self, run: _Run, error: Exception) -> str:
        start = (run.text if isinstance(run.text, str) else " / ".join(run.text))[:60]
        return (
            f'Attack "{self.name}" failed on example {run.row + 1} of its batch, which begins with '
            f"{start!r}: {error!r}. The error is the recipe's own: leave that example out, or this attack."
        )

    def _late(self, runs: Sequence[_Run]) -> list[_Run]:
        return [run for run in runs if self.max_seconds is not None and run.seconds > self.max_seconds]

    def _answer(self, runs: Sequence[_Run]) -> None:
        """Asks what the examples want to know, each text once."""
        started = time.perf_counter()
        news = [run.new for run in runs]
        texts = list(dict.fromkeys(text for new in news for text in new))
        if not texts:
            return
        answers = dict(zip(texts, self.ask(texts).unbind(), strict=True))
        share = (time.perf_counter() - started) / sum(map(len, news))
        for run, new in zip(runs, news, strict=True):
            run.answered.update((text, answers[text]) for text in new)
            run.seconds += share * len(new)

    def _proposal(self, run: _Run) -> RecipeProposal:
        queries, counted = len(run.answered), run.attack.goal_function.num_queries
        if run.result is None:
            return RecipeProposal(run.row, run.text, queries, "out of queries", run.seconds, counted)
        final = run.result.perturbed_result
        spent = self.max_queries is not None and counted >= self.max_queries
        ending = _ending(type(run.result).__name__, run.attack.goal_function.maximizable, spent)
        text = final.attacked_text.tokenizer_input
        return RecipeProposal(run.row, text, queries, ending, run.seconds, counted)


def _ending(result: str, maximizable: bool, spent: bool) -> Ending:
    """From the name of TextAttack's class of result.

    It skips an example whose label is wrong from the start: there is nothing left to do, or, for a search
    that keeps the label, nothing that can be done.
    """
    if result == "SkippedAttackResult":
        return "failed" if maximizable else "succeeded"
    if result == "SuccessfulAttackResult":
        return "succeeded"
    if spent:
        return "out of queries"
    return "maximized" if result == "MaximizedAttackResult" else "failed"


def _give_up(run: _Run) -> None:
    if not run.thread.dead:
        run.thread.parent = greenlet.getcurrent()
        run.thread.throw(greenlet.GreenletExit)
