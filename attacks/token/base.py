"""What an attack is that changes tokens and ends in real text."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from attacks.base import Attack
from attacks.goals import Goal
from attacks.parameters import require_positive
from attacks.threat_model import Space, ThreatModel
from attacks.victims import TextInput, TokenVictim


@dataclass(frozen=True, kw_only=True)
class TokenBudgetAttack(Attack):
    """An attack whose budget is a number of tokens, whether it is used as it is or learned first."""

    space: ClassVar[Space] = "token"

    max_tokens: int = field(default=3, metadata={"help": "the most tokens that may differ from the original"})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "max_tokens", self.max_tokens)

    @property
    def threat_model(self) -> ThreatModel:
        return ThreatModel(
            access=self.access,
            space=self.space,
            norm=None,
            epsilon=float(self.max_tokens),
            target=self.target,
        )


@dataclass(frozen=True, kw_only=True)
class TokenAttack(TokenBudgetAttack):
    """An attack that replaces or inserts tokens and proposes texts.

    The judge tokenises what is proposed again and classifies that, so only what survives decoding counts.
    """

    @abstractmethod
    def perturb(
        self, victim: TokenVictim, texts: Sequence[TextInput], goal: Goal, seeds: Sequence[int]
    ) -> list[TextInput]:
        """Propose one text for each of ``texts`` (b of them); the text itself where nothing was found.

        goal: the true classes (b,), and the target where there is one, on the victim's device. seeds: one
        per example, for attacks that draw; an example's proposal depends on its own seed only. Must not be
        called in ``torch.inference_mode``; ``torch.no_grad`` is fine.
        """


@dataclass(frozen=True, kw_only=True)
class LearnedTokenAttack(TokenBudgetAttack):
    """A token attack that is learned on some texts before it is used on others.

    The judge learns it on one half of the examples and uses it on the other, and the reverse, so that no
    example is attacked with what was learned on it.
    """

    @abstractmethod
    def learn(self, victim: TokenVictim, texts: Sequence[TextInput], goal: Goal, seed: int) -> TokenAttack:
        """The attack that is to be used, learned on ``texts`` (n of them) and their classes.

        Draws from ``seed`` only. Where to call it is as for ``TokenAttack.perturb``.
        """
