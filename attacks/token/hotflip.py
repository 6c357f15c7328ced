"""HotFlip: replace the tokens whose exchange promises most by the gradient."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import ClassVar

import torch
from torch import Tensor

from attacks.goals import Goal, margin
from attacks.parameters import require_positive, wrong
from attacks.token.base import TokenAttack
from attacks.token.edits import Change, is_same_word, rewrite, surviving
from attacks.token.flips import Lexicon, best_flips
from attacks.token.queries import ask, ask_gradients
from attacks.victims import TextInput, TokenVictim

SPARE = 4
"""How many flips are written down for each candidate wanted: not all survive being tokenised again."""


@dataclass(frozen=True)
class Line:
    """A text on the way: which example it is of, its ids (untruncated), and the positions already flipped."""

    row: int
    text: TextInput
    ids: list[int]
    flipped: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class HotFlip(TokenAttack):
    """HotFlip: beam search over token replacements that are chosen by their first-order estimate.

    Ebrahimi et al. 2018, "HotFlip: White-box adversarial examples for text classification", sections 3 and
    5, on subword tokens. Departures: a flip's estimate only chooses the candidates, which are then tokenised
    again and asked, so that the beam goes by true losses; the loss is the margin instead of cross-entropy,
    of which a confident model leaves little; words are not held to be alike in meaning or part of speech
    (``min_similarity`` is what remains of it). A word's start is replaced by a start, its end by an end,
    punctuation by punctuation.

    An example costs at most 1 + candidates + (max_tokens - 1) * beam * (1 + candidates) forward passes, and
    stops as soon as its goal is reached.
    """

    name: ClassVar[str] = "hotflip"

    beam: int = field(default=3, metadata={"help": "texts that are followed at once for each example"})
    candidates: int = field(default=10, metadata={"help": "flips that are tried of each text and step"})
    min_similarity: float | None = field(
        default=None,
        metadata={"help": "the least cosine of the old and the new token's embeddings; without it any"},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "beam", self.beam)
        require_positive(self.name, "candidates", self.candidates)
        if self.min_similarity is not None and not -1 <= self.min_similarity <= 1:
            raise wrong(self.name, "min_similarity", "a cosine from -1 to 1", self.min_similarity)

    def perturb(
        self, victim: TokenVictim, texts: Sequence[TextInput], goal: Goal, seeds: Sequence[int]
    ) -> list[TextInput]:
        """As in the base. Nothing is drawn; of the texts that reach the goal with the fewest flips, the one
        with the largest lead is proposed."""
        proposals = list(texts)
        lexicon = Lexicon(victim)
        lines = [
            Line(row, text, ids, frozenset())
            for row, (text, ids) in enumerate(zip(texts, victim.token_ids(texts), strict=True))
        ]
        for step in range(self.max_tokens):
            if not lines:
                break
            wanted = _goal_of(lines, goal)
            logits, gradients = ask_gradients(victim, [line.text for line in lines], wanted, self.name)
            if step == 0:
                standing = [i for i, done in enumerate(wanted.reached(logits).tolist()) if not done]
                lines, gradients = [lines[i] for i in standing], [gradients[i] for i in standing]
            lines = self._followed(victim, self._flipped(victim, lexicon, lines, gradients), goal, proposals)
        return proposals

    def _flipped(
        self, victim: TokenVictim, lexicon: Lexicon, lines: list[Line], gradients: list[Tensor]
    ) -> list[Line]:
        """What one more flip makes of each line: the ``candidates`` best by the estimate that survive."""
        written: list[tuple[int, TextInput, Change]] = []
        seen: set[tuple[int, TextInput]] = set()
        for i, changes in enumerate(self._estimated(victim, lexicon, lines, gradients)):
            for change in changes:
                text = rewrite(lines[i].text, [change], lexicon.vocabulary)
                # The same two flips in either order make one text.
                known = (lines[i].row, text) in seen
                if not known and not is_same_word(lines[i].text, change, lexicon.vocabulary):
                    seen.add((lines[i].row, text))
                    written.append((i, text, change))
        before = [lines[i].ids for i, _, _ in written]
        after = surviving(victim, before, [text for _, text, _ in written], [[each[2]] for each in written])
        left = [self.candidates] * len(lines)
        kept = []
        for (i, text, change), ids in zip(written, after, strict=True):
            if ids is not None and left[i] > 0:
                left[i] -= 1
                flipped = lines[i].flipped | {change.piece.position}
                kept.append(Line(lines[i].row, text, ids, flipped))
        return kept

    def _estimated(
        self, victim: TokenVictim, lexicon: Lexicon, lines: list[Line], gradients: list[Tensor]
    ) -> list[list[Change]]:
        """The flips that promise most, for each line in falling order."""
        texts = [line.text for line in lines]
        places = [
            place
            for place in lexicon.places(texts, victim.pieces(texts))
            if place.piece.position not in lines[place.row].flipped
        ]
        changes: list[list[Change]] = [[] for _ in lines]
        if not places:
            return changes
        top = SPARE * self.candidates
        rows = torch.stack([gradients[place.row][place.piece.position] for place in places])
        gains, tokens = best_flips(lexicon, places, rows, top, self.min_similarity)
        first = 0
        for row, own in groupby(places, key=lambda place: place.row):
            here = list(own)
            part = slice(first, first + len(here))
            first += len(here)
            best = gains[part].flatten().topk(top)
            chosen = tokens[part].flatten()[best.indices]
            for gain, index, new in zip(
                best.values.tolist(), best.indices.tolist(), chosen.tolist(), strict=True
            ):
                if gain > -torch.inf:
                    changes[row].append(Change(here[index // top].piece, new))
        return changes

    def _followed(
        self, victim: TokenVictim, options: list[Line], goal: Goal, proposals: list[TextInput]
    ) -> list[Line]:
        """The ``beam`` best options of each example; where one reaches the goal it is proposed instead."""
        if not options:
            return []
        wanted = _goal_of(options, goal)
        logits = ask(victim, [option.text for option in options])
        reached, leads = wanted.reached(logits).tolist(), margin(logits, wanted).tolist()
        followed: list[Line] = []
        for row, own in groupby(range(len(options)), key=lambda i: options[i].row):
            best = sorted(own, key=lambda i: (reached[i], leads[i]), reverse=True)[: self.beam]
            if reached[best[0]]:
                proposals[row] = options[best[0]].text
            else:
                followed += [options[i] for i in best]
        return followed


def _goal_of(lines: Sequence[Line], goal: Goal) -> Goal:
    return goal.take(torch.tensor([line.row for line in lines], device=goal.y.device))
