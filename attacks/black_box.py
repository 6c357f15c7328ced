"""What an attack is that only asks a model for its answers."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from attacks.base import Attack
from attacks.goals import Goal
from attacks.parameters import require_positive
from attacks.victims import TextInput, TextVictim

Ending = Literal["succeeded", "failed", "maximized", "out of queries", "out of time"]
"""How an attack on one example ended, by its own account: the judge decides whether the model was fooled.

``maximized`` is a search without a point at which it is done (input reduction): it went as far as it could.
"""


@dataclass(frozen=True)
class Proposal:
    """What an attack made of one example.

    row: which of the texts it was given. text: what it proposes; the text itself where it found nothing.
    queries: answers that it asked for, those that were known already left out.
    seconds: time that was spent on this example alone; answers that examples share count in parts.
    """

    row: int
    text: TextInput
    queries: int
    ending: Ending
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class QueryAttack(Attack):
    """An attack on texts that needs nothing but answers: class probabilities, or labels alone.

    ``access`` says which. Such an attack runs on anything that classifies text.

    blind: the parameter with which an attack that goes by scores needs labels alone, as in a configuration.
    keeps_prediction: an attack that wants the answer to stay while it takes the text apart; no measure of
    robustness, so that it counts in no worst case.
    """

    keeps_prediction: ClassVar[bool] = False
    blind: ClassVar[str] = ""

    max_queries: int | None = field(
        default=None, metadata={"help": "the most answers that may be asked for one example"}
    )
    max_seconds: float | None = field(
        default=None,
        metadata={"help": "the most seconds for one example; what is found in time does not repeat"},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("max_queries", "max_seconds"):
            value = getattr(self, name)
            if value is not None:
                require_positive(self.name, name, value)

    @property
    def bounded(self) -> bool:
        """Constraints limit it, also where no number says by how much."""
        return not self.keeps_prediction

    @property
    def most_queries(self) -> int | None:
        """The most answers that one example can cost; None where nothing limits them."""
        return self.max_queries

    def check(self) -> None:
        """Raises AssayError, in one line, where something that the attack needs is missing here."""

    def distance(self, original: TextInput, proposal: TextInput) -> float | None:
        """What ``threat_model.epsilon`` limits, counted; None where nothing is counted.

        With a limit, None says that the proposal is none that this attack may make.
        """
        return None

    @abstractmethod
    def perturb(
        self, victim: TextVictim, texts: Sequence[TextInput], goal: Goal, seeds: Sequence[int]
    ) -> Iterator[Proposal]:
        """One proposal for each of ``texts`` (b of them), in any order, each as soon as it is there.

        goal: the true classes (b,), and the target where there is one. seeds: one per example; what an
        example draws depends on its own seed only, so that neither the other texts nor their order change
        its proposal. The answers come from ``victim.predict_proba``; every text given to it is one query of
        the example it was asked for.
        """
