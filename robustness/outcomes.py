"""What happened to each example, and where it is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from attacks.victims import TextInput


@dataclass(frozen=True)
class Outcome:
    """One example under one attack (or under none), judged.

    probabilities: k class probabilities of the last answer that counts: on the perturbed input, or on
        the clean one when the example was skipped.
    skipped: the model was wrong from the start (or the true class is the one the attack wants), so nothing
        was attacked.
    success: the attack reached its goal.
    queries: forward passes that the attack spent on it, its share of its batch's (the judge's own are not
        counted).
    distance: size of the perturbation: its norm, absolute, or the number of changed tokens; None when there
        was none.
    seconds: this example's share of the batch's wall time.
    text: what the attack made of the text; None where it is unchanged or only embeddings were attacked.
    reached: False where a budget for all examples ended before this one's turn: the rest is then the clean
        outcome, and no rate counts it.
    """

    example_id: str
    label: int
    prediction: int
    probabilities: tuple[float, ...]
    skipped: bool = False
    success: bool = False
    queries: float = 0.0
    distance: float | None = None
    seconds: float = 0.0
    truncated: bool = False
    text: TextInput | None = None
    reached: bool = True


class OutcomeStore(Protocol):
    """Outcomes of one model on one data set under one attack; what is added survives a crash."""

    def load(self) -> dict[str, Outcome]:
        """All outcomes so far by example id."""
        ...

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Keep the outcomes of one batch, all or none."""
        ...


class MemoryStore:
    """An OutcomeStore that lasts as long as the process: for tests and for use as a library."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Outcome] = {}

    def load(self) -> dict[str, Outcome]:
        return dict(self._outcomes)

    def add(self, outcomes: Sequence[Outcome]) -> None:
        self._outcomes.update({outcome.example_id: outcome for outcome in outcomes})
