"""What a token attack asks the model: logits of texts, and gradients at their tokens, in bounded batches."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from attacks.embedding.base import loss_and_gradient, require_finite
from attacks.goals import Goal, Loss, margin
from attacks.victims import Encoding, TextInput, TokenVictim


def ask(victim: TokenVictim, texts: Sequence[TextInput]) -> Tensor:
    """Logits (n, k), float32, of n texts, at least one; one forward pass of each."""
    rows: list[int] = []
    answers: list[Tensor] = []
    for batch, encoding in _batches(victim, texts):
        with torch.no_grad():
            answers.append(victim.logits(encoding, victim.embed(encoding)))
        rows += batch
    return _in_order(torch.cat(answers), rows)


def ask_gradients(
    victim: TokenVictim, texts: Sequence[TextInput], goal: Goal, attack: str, loss: Loss = margin
) -> tuple[Tensor, list[Tensor]]:
    """Logits (n, k) and, of each text, the gradient (t, d) of its loss with respect to its word embeddings.

    t: the text's own number of tokens, truncated. One forward and one backward pass of each text.
    Raises AssayError, naming ``attack``, when a gradient is not finite.
    """
    rows: list[int] = []
    answers: list[Tensor] = []
    gradients: dict[int, Tensor] = {}
    for batch, encoding in _batches(victim, texts):
        with torch.no_grad():
            embeddings = victim.embed(encoding)
        part = goal.take(torch.tensor(batch, device=goal.y.device))
        _, gradient, logits = loss_and_gradient(victim, encoding, embeddings, part, loss)
        require_finite(attack, gradient)
        answers.append(logits)
        rows += batch
        for i, (row, length) in enumerate(zip(batch, encoding.real.sum(dim=1).tolist(), strict=True)):
            gradients[row] = gradient[i, :length].float()
    return _in_order(torch.cat(answers), rows), [gradients[row] for row in range(len(texts))]


def _batches(victim: TokenVictim, texts: Sequence[TextInput]) -> Iterator[tuple[list[int], Encoding]]:
    tokens = victim.tokenize_all(texts)
    for rows in victim.batches(tokens):
        yield rows, victim.collate([tokens[row] for row in rows])


def _in_order(answers: Tensor, rows: list[int]) -> Tensor:
    """``answers``, whose i-th is that of text rows[i], in the order of the texts."""
    return answers[torch.tensor(rows, device=answers.device).argsort()]
