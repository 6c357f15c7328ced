"""Distributions over the tokens of a few places, and their Gumbel-softmax samples."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attacks.token.flips import Lexicon, Place

INITIAL = 15.0
"""The first logit of the token that stands at a place, as in Guo et al. 2021's code; that of others is 0."""


@dataclass(frozen=True)
class SoftTokens:
    """Tokens of ``n`` encoded texts that are not one token but a mixture, in ``s`` samples.

    rows, positions: (p,) int64, in which text and where. weights: (s, p, v), each row of the vocabulary
    summing to 1.
    """

    rows: Tensor
    positions: Tensor
    weights: Tensor

    def put(self, embeddings: Tensor, matrix: Tensor) -> Tensor:
        """``embeddings`` (n, t, d) with the mixtures of ``matrix`` (v, d) in place: (s * n, t, d)."""
        mixed = embeddings.expand(len(self.weights), *embeddings.shape).clone()
        mixed[:, self.rows, self.positions] = (self.weights @ matrix).to(embeddings.dtype)
        return mixed.flatten(0, 1)


@dataclass(frozen=True, eq=False)
class Distribution:
    """A distribution over the v tokens at each of the p places of n texts, to be optimised.

    logits: (p, v). allowed: (p, v) bool, the tokens that may stand at a place. rows, positions: (p,), where
    the places are, text after text. counts, generators: n of them, how many places a text has, and what it
    draws with, so that its draws depend on its own seed only.
    """

    logits: Tensor
    allowed: Tensor
    rows: Tensor
    positions: Tensor
    counts: tuple[int, ...]
    generators: tuple[torch.Generator, ...]

    @staticmethod
    def around(lexicon: Lexicon, places: Sequence[Sequence[Place]], seeds: Sequence[int]) -> "Distribution":
        """Nearly certain of the tokens that stand at ``places``, which are given for each text."""
        device = lexicon.matrix.device
        flat = [place for own in places for place in own]
        kinds = torch.tensor([place.kind for place in flat], device=device)
        standing = torch.tensor([place.piece.token for place in flat], device=device)[:, None]
        logits = torch.zeros(len(flat), len(lexicon.matrix), device=device).scatter_(1, standing, INITIAL)
        return Distribution(
            logits=logits.requires_grad_(),
            allowed=(lexicon.kinds == kinds[:, None]).scatter_(1, standing, True),
            rows=torch.tensor([row for row, own in enumerate(places) for _ in own], device=device),
            positions=torch.tensor([place.piece.position for place in flat], device=device),
            counts=tuple(map(len, places)),
            generators=tuple(torch.Generator(device).manual_seed(seed) for seed in seeds),
        )

    def sample(self, count: int) -> SoftTokens:
        """``count`` samples of each text, at temperature 1; differentiable with respect to the logits."""
        noise = torch.cat([self._noise(text, count) for text in range(len(self.counts))], dim=1)
        weights = (self.logits + noise).masked_fill(~self.allowed, -torch.inf).softmax(dim=2)
        return SoftTokens(self.rows, self.positions, weights)

    def draw(self, count: int) -> list[list[list[int]]]:
        """``count`` draws for each text: the token at each of its places."""
        own = zip(
            torch.split(self.logits.detach(), list(self.counts)),
            torch.split(self.allowed, list(self.counts)),
            strict=True,
        )
        drawn = []
        for text, (logits, allowed) in enumerate(own):
            noisy = (logits + self._noise(text, count)).masked_fill(~allowed, -torch.inf)
            drawn.append(noisy.argmax(dim=2).tolist())
        return drawn

    def _noise(self, text: int, count: int) -> Tensor:
        """Gumbel noise (count, places of the text, v)."""
        shape = count, self.counts[text], self.logits.shape[1]
        drawn = torch.empty(shape, device=self.logits.device).exponential_(generator=self.generators[text])
        return -drawn.clamp_min(torch.finfo(drawn.dtype).tiny).log()
