"""What TextAttack is told of a victim's answers, and in which form."""

from collections.abc import Sequence

import torch
from torch import Tensor

from attacks.victims import TextInput, TextVictim

ONE = 1e-6
"""TextAttack takes rows that sum to 1 within this for probabilities, and applies softmax to all others."""


def ask(victim: TextVictim, texts: Sequence[TextInput]) -> Tensor:
    """Class probabilities (n, k) on the CPU, which TextAttack's goal functions use as they are.

    A victim with ``text_logits`` gives float32 logits, as TextAttack's wrapper of Hugging Face models does:
    what comes of them is the softmax that its goal function would compute, to the last bit. TextAttack
    itself takes a batch of logits whose rows happen to sum to 1 for probabilities; here that cannot happen.
    With hundreds of classes a float32 softmax may miss 1 by more than TextAttack allows; then, and for
    victims without logits, the answer is float64 and scaled to sum to 1, so that nothing is softmaxed twice.
    """
    logits = getattr(victim, "text_logits", None)
    if logits is None:
        return _scaled(torch.as_tensor(victim.predict_proba(texts), dtype=torch.float64))
    with torch.no_grad():
        given = logits(texts).detach().float().cpu()
    probabilities = torch.softmax(given, dim=1)
    if bool(((probabilities.sum(dim=1) - 1).abs() < ONE).all()):
        return probabilities
    return _scaled(torch.softmax(given.double(), dim=1))


def _scaled(probabilities: Tensor) -> Tensor:
    return probabilities / probabilities.sum(dim=1, keepdim=True)
