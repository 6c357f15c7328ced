"""GBDA: a distribution over texts, optimised by gradient, and texts drawn from it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, ClassVar

import torch
from torch import Tensor

from attacks.embedding.base import require_finite
from attacks.goals import Goal, margin
from attacks.parameters import require_positive, wrong
from attacks.token import language_model as lm
from attacks.token.base import TokenAttack
from attacks.token.edits import Change, is_same_word, rewrite, surviving
from attacks.token.flips import SCORES, Lexicon, Place, best_flips
from attacks.token.gumbel import Distribution, SoftTokens
from attacks.token.language_model import LanguageModel
from attacks.token.queries import ask, ask_gradients
from attacks.victims import Encoding, TextInput, TokenVictim


@dataclass(frozen=True, kw_only=True)
class GBDA(TokenAttack):
    """GBDA: descent on a distribution of tokens at each position, then texts drawn from it.

    Guo et al. 2021, "Gradient-based adversarial attacks against text transformers", section 3: the hinge of
    the margin of Gumbel-softmax samples and, with a language model, their fluency and likeness to the
    original. Their code takes 100 steps of Adam with 10 samples each and at most 100 texts at the end; here
    the samples are fewer by default, for cost.

    Departures: only the ``max_tokens`` positions of the largest first-order gain may change, each into a
    token of its own kind; without a language model of the victim's own vocabulary neither of its terms is
    used; likeness weighs all tokens the same (they also: by inverse document frequency); of the drawn texts
    that reach the goal the one with the largest lead is proposed (theirs: the first).

    An example costs at most 1 + steps * samples + final_samples forward passes of the victim.
    """

    name: ClassVar[str] = "gbda"

    steps: int = field(default=100, metadata={"help": "steps of the descent"})
    learning_rate: float = field(default=0.3, metadata={"help": "learning rate of Adam"})
    samples: int = field(default=2, metadata={"help": "soft texts in each step; the paper's code takes 10"})
    final_samples: int = field(default=50, metadata={"help": "texts drawn at the end; the paper takes 100"})
    kappa: float = field(default=5.0, metadata={"help": "lead, in logits, beyond which nothing is gained"})
    language_model: str | None = field(
        default=None,
        metadata={"help": "folder or hub id of a causal language model with the model's own vocabulary"},
    )
    lambda_lm: float = field(default=1.0, metadata={"help": "weight of fluency by the language model"})
    lambda_sim: float = field(default=20.0, metadata={"help": "weight of likeness by the language model"})

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in ("steps", "learning_rate", "samples", "final_samples"):
            require_positive(self.name, key, getattr(self, key))
        for key in ("kappa", "lambda_lm", "lambda_sim"):
            if getattr(self, key) < 0:
                raise wrong(self.name, key, "a number of at least zero", getattr(self, key))

    def perturb(
        self, victim: TokenVictim, texts: Sequence[TextInput], goal: Goal, seeds: Sequence[int]
    ) -> list[TextInput]:
        """As in the base. All draws are made on the victim's device, so another device draws others.

        Raises AssayError as ``language_model.load`` does.
        """
        lexicon = Lexicon(victim)
        model = None
        if self.language_model is not None:
            model = lm.load(self.language_model, lexicon.vocabulary, lexicon.matrix.device)
        places = self._places(victim, lexicon, texts, goal)
        proposals = list(texts)
        tokens = victim.tokenize_all(texts)
        for rows in self._groups(victim, tokens, [row for row in range(len(texts)) if places[row]], lexicon):
            distribution = Distribution.around(
                lexicon, [places[row] for row in rows], [seeds[row] for row in rows]
            )
            encoding = victim.collate([tokens[row] for row in rows])
            self._descend(victim, lexicon, model, encoding, _of(goal, rows), distribution)
            drawn = {
                row: _texts(texts[row], places[row], ids, lexicon)
                for row, ids in zip(rows, distribution.draw(self.final_samples), strict=True)
            }
            proposals = _with_best(victim, proposals, drawn, goal)
        return proposals

    def _places(
        self, victim: TokenVictim, lexicon: Lexicon, texts: Sequence[TextInput], goal: Goal
    ) -> list[list[Place]]:
        """The places of each text that may change, in order; none where the goal is reached already."""
        logits, gradients = ask_gradients(victim, texts, goal, self.name)
        reached = goal.reached(logits).tolist()
        places = [place for place in lexicon.places(texts, victim.pieces(texts)) if not reached[place.row]]
        chosen: list[list[Place]] = [[] for _ in texts]
        if not places:
            return chosen
        rows = torch.stack([gradients[place.row][place.piece.position] for place in places])
        gains = best_flips(lexicon, places, rows, top=1)[0][:, 0].tolist()
        for row, own in groupby(range(len(places)), key=lambda i: places[i].row):
            ranked = sorted((i for i in own if gains[i] > -torch.inf), key=lambda i: -gains[i])
            chosen[row] = [places[i] for i in sorted(ranked[: self.max_tokens])]
        return chosen

    def _groups(
        self, victim: TokenVictim, tokens: Sequence[Any], rows: Sequence[int], lexicon: Lexicon
    ) -> Iterator[list[int]]:
        """``rows`` in groups of which all samples fit into memory at once."""
        for batch in victim.batches([tokens[row] for row in rows]):
            # What is held of an example: probabilities of each token at each place, or of each next token.
            length = self.max_tokens
            if self.language_model is not None:
                length = max(len(tokens[rows[i]]) for i in batch)
            most = SCORES // (self.samples * length * len(lexicon.matrix))
            size = max(1, min(len(batch) // self.samples, most))
            for start in range(0, len(batch), size):
                yield [rows[i] for i in batch[start : start + size]]

    def _descend(
        self,
        victim: TokenVictim,
        lexicon: Lexicon,
        model: LanguageModel | None,
        encoding: Encoding,
        goal: Goal,
        distribution: Distribution,
    ) -> None:
        """Move the distributions of one group towards the goal."""
        with torch.no_grad():
            embeddings = victim.embed(encoding)
            original = None if model is None else model.read(encoding)[1]
        every = torch.arange(len(encoding), device=goal.y.device).repeat(self.samples)
        repeated, wanted = encoding.take(every), goal.take(every)
        optimizer = torch.optim.Adam([distribution.logits], lr=self.learning_rate)
        for _ in range(self.steps):
            with torch.enable_grad():
                soft = distribution.sample(self.samples)
                logits = victim.logits(repeated, soft.put(embeddings, lexicon.matrix))
                # Examples do not share parameters: their losses are added, not averaged.
                loss = (self.kappa - margin(logits, wanted)).clamp_min(0).sum() / self.samples
                if model is not None and original is not None:
                    loss = loss + self._unlikely(model, encoding, soft, original) / self.samples
                (distribution.logits.grad,) = torch.autograd.grad(loss, distribution.logits)
            optimizer.step()
        require_finite(self.name, distribution.logits.detach())

    def _unlikely(
        self, model: LanguageModel, encoding: Encoding, soft: SoftTokens, original: Tensor
    ) -> Tensor:
        """The language model's two terms, added over samples and examples."""
        next_tokens, hidden = model.read(encoding, soft)
        fluency = lm.negative_log_likelihood(next_tokens, encoding, soft).sum()
        likeness = lm.bert_score(original, hidden, encoding).sum()
        return self.lambda_lm * fluency - self.lambda_sim * likeness


def _texts(
    text: TextInput, places: Sequence[Place], draws: Sequence[Sequence[int]], lexicon: Lexicon
) -> dict[TextInput, list[Change]]:
    """The different texts that were drawn, and by what changes; ``draws``: tokens at each of ``places``."""
    made_by: dict[TextInput, list[Change]] = {}
    for ids in draws:
        changes = [Change(place.piece, new) for place, new in zip(places, ids, strict=True)]
        changes = [each for each in changes if not is_same_word(text, each, lexicon.vocabulary)]
        made_by.setdefault(rewrite(text, changes, lexicon.vocabulary), changes)
    return made_by


def _with_best(
    victim: TokenVictim,
    proposals: Sequence[TextInput],
    drawn: Mapping[int, Mapping[TextInput, list[Change]]],
    goal: Goal,
) -> list[TextInput]:
    """``proposals`` with the drawn text that leads most for each row of ``drawn`` that reaches its goal.

    proposals: the original texts of these rows. Only texts that survive being tokenised again are asked.
    """
    options = [(row, text, by) for row, made_by in drawn.items() for text, by in made_by.items() if by]
    ids = dict(zip(drawn, victim.token_ids([proposals[row] for row in drawn]), strict=True))
    after = surviving(victim, [ids[row] for row, _, _ in options], *_columns(options))
    options = [option for option, found in zip(options, after, strict=True) if found is not None]
    best = list(proposals)
    if not options:
        return best
    wanted = _of(goal, [row for row, _, _ in options])
    logits = ask(victim, [text for _, text, _ in options])
    reached, leads = wanted.reached(logits).tolist(), margin(logits, wanted).tolist()
    for row, own in groupby(range(len(options)), key=lambda i: options[i][0]):
        leading = max(own, key=lambda i: (reached[i], leads[i]))
        if reached[leading]:
            best[row] = options[leading][1]
    return best


def _columns(
    options: Sequence[tuple[int, TextInput, list[Change]]],
) -> tuple[list[TextInput], list[list[Change]]]:
    return [text for _, text, _ in options], [changes for _, _, changes in options]


def _of(goal: Goal, rows: Sequence[int]) -> Goal:
    return goal.take(torch.tensor(rows, device=goal.y.device))
