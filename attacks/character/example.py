"""One example under a search: what is asked for it, what is known by then, and how it ends."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from attacks.black_box import Ending, Proposal
from attacks.character.search import Search
from attacks.character.sites import Field
from attacks.goals import Goal, margin
from attacks.victims import TextInput, TextVictim


@dataclass(frozen=True)
class Answer:
    """reached: whether the attacker has what he wants. lead: of the wanted class, in log-probabilities."""

    reached: bool
    lead: float


class Example:
    """One example on the way: what it wants to know, what it knows, and what that has cost."""

    def __init__(self, row: int, where: Field, search: Search, max_queries: int | None) -> None:
        self.row = row
        self.where = where
        self.search = search
        self.max_queries = max_queries
        self.wanted: list[TextInput] = [where.original]
        self.known: dict[TextInput, Answer] = {}
        self.seconds = 0.0
        self.started = False

    def questions(self) -> list[TextInput]:
        """The wanted texts that are not known, as many as may still be asked."""
        new = list(dict.fromkeys(text for text in self.wanted if text not in self.known))
        return new if self.max_queries is None else new[: self.max_queries - len(self.known)]

    def next(self, max_seconds: float | None) -> Proposal | None:
        """Goes on to the next texts, or says how it ended."""
        began = time.perf_counter()
        best = self._best()
        ending: Ending | None = None
        if best is not None:
            ending = "succeeded"
        elif any(text not in self.known for text in self.wanted):
            ending = "out of queries"
        elif max_seconds is not None and self.seconds >= max_seconds:
            ending = "out of time"
        elif not self._went_on():
            ending = "failed"
        self.seconds += time.perf_counter() - began
        if ending is None:
            return None
        text = self.where.original if best is None else best
        return Proposal(self.row, text, len(self.known), ending, self.seconds)

    def _best(self) -> TextInput | None:
        reaching = [text for text in self.wanted if text in self.known and self.known[text].reached]

        def cost(text: TextInput) -> tuple[float, float]:
            made = self.where.injections(text)
            return math.inf if made is None else made, -self.known[text].lead

        return min(reaching, key=cost, default=None)

    def _went_on(self) -> bool:
        leads = np.array([self.known[text].lead for text in self.wanted])
        try:
            self.wanted = self.search.send(leads) if self.started else next(self.search)
        except StopIteration:
            return False
        self.started = True
        return True


def ask(victim: TextVictim, examples: Sequence[Example], goal: Goal) -> None:
    """Answers what the examples want to know, in one call; without one where nothing is new."""
    asked = [(example, text) for example in examples for text in example.questions()]
    if not asked:
        return
    began = time.perf_counter()
    answers = torch.from_numpy(np.asarray(victim.predict_proba([text for _, text in asked]), dtype=float))
    each = (time.perf_counter() - began) / len(asked)
    wanted = goal.take(torch.tensor([example.row for example, _ in asked]))
    reached = wanted.reached(answers).tolist()
    leads = margin(answers.clamp_min(np.finfo(float).tiny).log(), wanted).tolist()
    for (example, text), *answer in zip(asked, reached, leads, strict=True):
        example.known[text] = Answer(*answer)
        example.seconds += each
