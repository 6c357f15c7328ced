"""Universal triggers: a few tokens that turn any text they are put in front of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from attacks.errors import AssayError
from attacks.goals import Goal, ce
from attacks.parameters import require_positive
from attacks.token.base import LearnedTokenAttack, TokenAttack
from attacks.token.edits import Change, is_same_word, rewrite, surviving
from attacks.token.flips import Lexicon, best_flips
from attacks.token.queries import ask, ask_gradients
from attacks.victims import TextInput, TokenVictim

SPARE = 4
"""How many flips are written down for each candidate wanted: not all survive being tokenised again."""


@dataclass(frozen=True)
class Trigger:
    """Words to put in front of a text, and the mean loss (higher is better) of the texts that have them."""

    text: str
    loss: float


@dataclass(frozen=True, kw_only=True)
class UniversalTrigger(LearnedTokenAttack):
    """Universal trigger: the same few tokens put in front of every text of a class.

    Wallace et al. 2019, "Universal adversarial triggers for attacking and analyzing NLP", section 2: starting
    from "the the the", the gradient averaged over the texts proposes tokens for each place (by HotFlip's
    estimate), and what raises the mean cross-entropy most is kept, place after place. Departures:
    one fixed set of texts instead of a new batch in each round, so that no round makes it worse; candidates
    must survive being tokenised again.

    It is put in front of the first text of a pair. Where the tokenizer spells the first word of a text in its
    own way (RoBERTa), that word changes too, and the trigger is one token shorter. Learning costs, for each
    text it uses, at most 1 + rounds * (1 + max_tokens * beam * candidates) forward passes; using it none.
    """

    name: ClassVar[str] = "universal-trigger"

    rounds: int = field(default=3, metadata={"help": "times each place is gone through, at most"})
    candidates: int = field(default=20, metadata={"help": "tokens tried at each place; the paper takes 40"})
    beam: int = field(default=1, metadata={"help": "triggers that are followed at once"})
    examples: int = field(default=32, metadata={"help": "texts of each class to learn on, at most"})

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in ("rounds", "candidates", "beam", "examples"):
            require_positive(self.name, key, getattr(self, key))

    # Within this class, because the registry takes every attack of a module for one that can be asked for.
    @dataclass(frozen=True, kw_only=True)
    class Learned(TokenAttack):
        """Triggers that were learned, by true class."""

        name: ClassVar[str] = "universal-trigger"

        triggers: dict[int, str] = field(metadata={"help": "what to put in front of a text of each class"})

        def perturb(
            self, victim: TokenVictim, texts: Sequence[TextInput], goal: Goal, seeds: Sequence[int]
        ) -> list[TextInput]:
            """As in the base; a class without a trigger is left alone, and so is a text of which more than
            ``max_tokens`` tokens would change."""
            proposals = [
                prefixed(self.triggers[y], text) if y in self.triggers else text
                for text, y in zip(texts, goal.y.tolist(), strict=True)
            ]
            changed = changed_tokens(victim, texts, proposals)
            return [
                proposal if count <= self.max_tokens else text
                for text, proposal, count in zip(texts, proposals, changed, strict=True)
            ]

    def learn(self, victim: TokenVictim, texts: Sequence[TextInput], goal: Goal, seed: int) -> TokenAttack:
        """Triggers for each class in ``goal.y``; which of many texts are used is drawn from ``seed``.

        Raises AssayError when ``max_tokens`` leaves no room for a trigger.
        """
        lexicon = Lexicon(victim)
        triggers = {}
        for label in sorted(set(goal.y.tolist())):
            rows = torch.nonzero(goal.y == label)[:, 0]
            drawn = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
            rows = rows[drawn[: self.examples].sort().values.to(rows.device)]
            own = [texts[row] for row in rows.tolist()]
            triggers[label] = self._learned(victim, lexicon, own, goal.take(rows)).text
        return self.Learned(max_tokens=self.max_tokens, target=self.target, triggers=triggers)

    def _learned(
        self, victim: TokenVictim, lexicon: Lexicon, texts: Sequence[TextInput], goal: Goal
    ) -> Trigger:
        """The trigger for ``texts``, all of one class."""
        first = self._first(victim, lexicon, texts)
        best = Trigger(first, float(_losses(victim, [first], texts, goal)))
        for _ in range(self.rounds):
            better = self._round(victim, lexicon, texts, goal, best)
            if better.loss <= best.loss:
                break
            best = better
        return best

    def _first(self, victim: TokenVictim, lexicon: Lexicon, texts: Sequence[TextInput]) -> str:
        """A word, as often as fits into the budget of most of the texts: "the", or another where that is no
        token."""
        spellings = lexicon.vocabulary.spellings
        usable = torch.nonzero(~lexicon.vocabulary.continues & lexicon.vocabulary.words)[:, 0].tolist()
        for length in range(self.max_tokens, 0, -1):
            words = (str(word) for word in ("the", *(spellings[token] for token in usable)))
            trigger = next(
                (" ".join([w] * length) for w in words if _is_made_of(victim, lexicon, w, length)), None
            )
            if trigger is not None:
                costs = changed_tokens(victim, texts, [prefixed(trigger, text) for text in texts])
                if sorted(costs)[len(costs) // 2] <= self.max_tokens:
                    return trigger
        raise AssayError(
            f'Attack "{self.name}": max_tokens = {self.max_tokens} leaves no room for a trigger: with this '
            "tokenizer, putting a word in front of a text changes more tokens than that. Raise max_tokens."
        )

    def _round(
        self,
        victim: TokenVictim,
        lexicon: Lexicon,
        texts: Sequence[TextInput],
        goal: Goal,
        trigger: Trigger,
    ) -> Trigger:
        """The best trigger after each place was gone through once; ``trigger`` where none is better."""
        every = [prefixed(trigger.text, text) for text in texts]
        _, gradients = ask_gradients(victim, every, goal, self.name, loss=ce)
        (pieces,) = victim.pieces([trigger.text])
        positions = [piece.position for piece in pieces]
        gradient = torch.stack([each[positions] for each in gradients]).mean(dim=0)
        _, tokens = best_flips(
            lexicon, lexicon.places([trigger.text], [pieces]), gradient, SPARE * self.candidates
        )
        beam = [trigger]
        for place, best in enumerate(tokens.tolist()):
            options = [text for each in beam for text in self._options(victim, lexicon, each, place, best)]
            options = [text for text in dict.fromkeys(options) if text not in {each.text for each in beam}]
            if options:
                losses = _losses(victim, options, texts, goal).tolist()
                beam += [Trigger(text, loss) for text, loss in zip(options, losses, strict=True)]
                beam = sorted(beam, key=lambda each: each.loss, reverse=True)[: self.beam]
        return beam[0]

    def _options(
        self, victim: TokenVictim, lexicon: Lexicon, trigger: Trigger, place: int, tokens: Sequence[int]
    ) -> list[str]:
        """``trigger`` with each of the first ``candidates`` of ``tokens`` that survive there."""
        (pieces,) = victim.pieces([trigger.text])
        changes = [Change(pieces[place], token) for token in tokens]
        changes = [each for each in changes if not is_same_word(trigger.text, each, lexicon.vocabulary)]
        options = [str(rewrite(trigger.text, [each], lexicon.vocabulary)) for each in changes]
        before = victim.token_ids([trigger.text]) * len(options)
        after = surviving(victim, before, options, [[each] for each in changes])
        survivors = [text for text, ids in zip(options, after, strict=True) if ids is not None]
        return survivors[: self.candidates]


def prefixed(trigger: str, text: TextInput) -> TextInput:
    """``text``, or the first text of a pair, after ``trigger`` and a space."""
    if isinstance(text, str):
        return f"{trigger} {text}"
    return f"{trigger} {text[0]}", text[1]


def changed_tokens(victim: TokenVictim, before: Sequence[TextInput], after: Sequence[TextInput]) -> list[int]:
    """At most how many tokens differ between the texts, as ``changed_span`` counts."""
    return [
        changed_span(old, new)
        for old, new in zip(victim.token_ids(before), victim.token_ids(after), strict=True)
    ]


def changed_span(old: Sequence[int], new: Sequence[int]) -> int:
    """Tokens from the first that differs to the last: at least the edit distance that the judge measures."""
    shorter = min(len(old), len(new))
    start = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    rest = shorter - start
    end = next((i for i in range(rest) if old[-1 - i] != new[-1 - i]), rest)
    return max(len(old), len(new)) - start - end


def _is_made_of(victim: TokenVictim, lexicon: Lexicon, word: str, length: int) -> bool:
    """Whether ``word``, said ``length`` times, is as many tokens, which may all be exchanged."""
    (pieces,) = victim.pieces([" ".join([word] * length)])
    return len(pieces) == length and all(lexicon.kinds[piece.token] >= 0 for piece in pieces)


def _losses(victim: TokenVictim, triggers: Sequence[str], texts: Sequence[TextInput], goal: Goal) -> Tensor:
    """The mean loss (c,) of all texts with each of c triggers."""
    logits = ask(victim, [prefixed(trigger, text) for trigger in triggers for text in texts])
    every = torch.arange(len(texts), device=goal.y.device).repeat(len(triggers))
    return ce(logits, goal.take(every)).view(len(triggers), len(texts)).mean(dim=1)
