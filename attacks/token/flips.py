"""Which token in the place of which other would raise the loss most, by its first-order estimate."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from attacks.token.edits import characters
from attacks.victims import Piece, TextInput, TokenVictim

SCORES = 2**26
"""The most scores that are held at once (256 MiB)."""


@dataclass(frozen=True)
class Place:
    """A token that may be replaced: of which text, where, and the kind of token that may take its place."""

    row: int
    piece: Piece
    kind: int


class Lexicon:
    """The vocabulary of a victim as an attack uses it: its tokens by kind, with their embeddings.

    There are four kinds: starts of words, what goes on with a word, and either of them without a letter or
    digit. A token is replaced by one of its own kind: others hardly ever survive being tokenised again, and
    the text stays readable.
    """

    def __init__(self, victim: TokenVictim) -> None:
        self.vocabulary = victim.vocabulary
        self.matrix = victim.embedding_matrix
        usable = torch.tensor([spelling is not None for spelling in self.vocabulary.spellings])
        kinds = 2 * self.vocabulary.continues.long() + self.vocabulary.words.long()
        self.kinds = torch.where(usable, kinds, -1).to(self.matrix.device)
        self._members: dict[int, tuple[Tensor, Tensor]] = {}

    def places(self, texts: Sequence[TextInput], pieces: Sequence[Sequence[Piece]]) -> list[Place]:
        """``pieces`` of ``texts``, text after text."""
        return [
            Place(row, piece, self._kind(text, piece))
            for row, (text, own) in enumerate(zip(texts, pieces, strict=True))
            for piece in own
        ]

    def _kind(self, text: TextInput, piece: Piece) -> int:
        # By its characters, because an unknown token has no spelling.
        word = any(map(str.isalnum, characters(text, piece)))
        return 2 * int(self.vocabulary.continues[piece.token]) + int(word)

    def members(self, kind: int) -> tuple[Tensor, Tensor]:
        """The tokens (m,) of a kind and their embeddings (m, d)."""
        if kind not in self._members:
            tokens = torch.nonzero(self.kinds == kind)[:, 0]
            self._members[kind] = tokens, self.matrix[tokens]
        return self._members[kind]


def best_flips(
    lexicon: Lexicon,
    places: Sequence[Place],
    gradients: Tensor,
    top: int,
    min_similarity: float | None = None,
) -> tuple[Tensor, Tensor]:
    """The tokens that promise most at each of p places: gains (p, top), falling, and tokens (p, top).

    The gain of token v in the place of i is (e_v - e_i) . g, g (p, d) being the gradient there (Ebrahimi et
    al. 2018, section 3.2, with tokens instead of characters). It is -inf where there are less than ``top``
    tokens to choose from.
    min_similarity: the least cosine of e_v and e_i; None for any.
    """
    device = lexicon.matrix.device
    gains = torch.full((len(places), top), -torch.inf, device=device)
    tokens = torch.zeros((len(places), top), dtype=torch.long, device=device)
    for kind in sorted({place.kind for place in places}):
        members, embeddings = lexicon.members(kind)
        mine = [i for i, place in enumerate(places) if place.kind == kind]
        width = min(top, len(members))
        for start in range(0, len(mine) if width else 0, max(1, SCORES // len(members))):
            rows = torch.tensor(mine[start : start + max(1, SCORES // len(members))], device=device)
            old = lexicon.matrix[[places[i].piece.token for i in rows.tolist()]]
            part = gradients[rows]
            scores = part @ embeddings.T - (part * old).sum(dim=1, keepdim=True)
            if min_similarity is not None:
                cosines = normalize(old, dim=1) @ normalize(embeddings, dim=1).T
                scores.masked_fill_(cosines < min_similarity, -torch.inf)
            best = scores.topk(width, dim=1)
            gains[rows, :width], tokens[rows, :width] = best.values, members[best.indices]
    return gains, tokens
