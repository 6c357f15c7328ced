"""What happened to each example, and where it is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Outcome:
    """One example under one attack (or under none), judged.

    probabilities: k class probabilities of the last answer that counts: on the perturbed input, or on
        the clean one when the example was skipped.
    skipped: the model was wrong from the start, so nothing was attacked.
    queries: forward passes that the attack spent on it (the judge's own are not counted).
    distance: norm of the perturbation, absolute; None when there was none.
    seconds: this example's share of the batch's wall time.
    """

    example_id: str
    label: int
    prediction: int
    probabilities: tuple[float, ...]
    skipped: bool = False
    queries: int = 0
    distance: float | None = None
    seconds: float = 0.0
    truncated: bool = False


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
