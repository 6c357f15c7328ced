"""What an attack by imperceptible characters is, and how it is run on many examples at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import ClassVar

import numpy as np

from attacks.black_box import Proposal, QueryAttack
from attacks.character.example import Example, ask
from attacks.character.search import Effort, SearchName, start
from attacks.character.sites import Family, Field
from attacks.goals import Goal
from attacks.parameters import require_positive, wrong
from attacks.threat_model import Access, Space, ThreatModel
from attacks.victims import TextInput, TextVictim

ALIVE = 256
"""Examples that are searched at once; each has its population in every call of the model."""

FEWEST = 4
"""Individuals that differential evolution needs: one, the best, and two others."""


@dataclass(frozen=True, kw_only=True)
class CharacterAttack(QueryAttack):
    """An attack by injections of one family, whose budget is their number.

    Boucher et al. 2022, "Bad Characters: Imperceptible NLP Attacks" (IEEE S&P): differential evolution over
    the places and kinds of the injections, 32 individuals and 10 generations. Departures: the population is
    32 in all and not for each parameter, as SciPy counts it; an injection may be left out, so that fewer than
    the budget can be found; the search ends with the generation in which the goal is reached; and what it
    raises is the margin in log-probabilities.

    ``greedy`` adds one injection after another, each the best of a population; ``random`` draws without
    looking at scores, so that labels are enough for it. Texts met again are not asked again.
    """

    access: ClassVar[Access] = "score"
    space: ClassVar[Space] = "character"
    blind: ClassVar[str] = 'search = "random"'
    family: ClassVar[Family]

    max_injections: int = field(default=5, metadata={"help": "the most injections in one example"})
    search: SearchName = field(
        default="evolution", metadata={"help": "how injections are searched for; random needs labels only"}
    )
    population: int = field(default=32, metadata={"help": "texts that are asked of an example at once"})
    generations: int = field(
        default=10, metadata={"help": "how often after the first time, by evolution and random"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("max_injections", "population", "generations"):
            require_positive(self.name, name, getattr(self, name))
        if self.search == "evolution" and self.population < FEWEST:
            expected = f'at least {FEWEST} with search = "evolution"'
            raise wrong(self.name, "population", expected, self.population)

    @property
    def threat_model(self) -> ThreatModel:
        return ThreatModel(
            access="label" if self.search == "random" else self.access,
            space=self.space,
            norm=None,
            epsilon=float(self.max_injections),
            target=self.target,
        )

    @property
    def most_queries(self) -> int:
        """The text itself, and a population for each step of the search, as far as ``max_queries`` goes."""
        steps = self.max_injections if self.search == "greedy" else 1 + self.generations
        most = 1 + self.population * steps
        return most if self.max_queries is None else min(most, self.max_queries)

    def distance(self, original: TextInput, proposal: TextInput) -> int | None:
        """How many injections were made; None where the proposal differs in anything else."""
        return Field(self.family, original).injections(proposal)

    def perturb(
        self, victim: TextVictim, texts: Sequence[TextInput], goal: Goal, seeds: Sequence[int]
    ) -> Iterator[Proposal]:
        """As in the base; the texts that up to ``ALIVE`` examples ask for go into one call of the model.

        Of the texts of one generation that reach the goal, the one with the fewest injections is proposed,
        and of these the one with the largest lead.
        """
        goal = Goal(goal.y.cpu(), None if goal.target is None else goal.target.cpu())
        given = enumerate(zip(texts, seeds, strict=True))
        coming = (self._begun(row, text, seed) for row, (text, seed) in given)
        live: list[Example] = []
        while True:
            live += islice(coming, ALIVE - len(live))
            if not live:
                return
            ask(victim, live, goal)
            going = []
            for example in live:
                proposal = example.next(self.max_seconds)
                if proposal is None:
                    going.append(example)
                else:
                    yield proposal
            live = going

    def _begun(self, row: int, text: TextInput, seed: int) -> Example:
        where = Field(self.family, text)
        effort = Effort(self.max_injections, self.population, self.generations)
        search = start(self.search, where, effort, np.random.default_rng(seed))
        return Example(row, where, search, self.max_queries)
