"""A classifier that gives the same answer to the same tokens for as long as it is asked."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attacks.victims import TextInput
from robustness.classifier import Classifier, probabilities
from robustness.tokens import Tokens

MANY = 2**17
"""How many answers are remembered; the oldest are forgotten first."""


class Remembering:
    """A classifier as black-box attacks see it.

    A model's answer changes in the last digit with the batch that a text is computed in. Two texts that are
    one to the tokenizer (``Paris`` and ``paris`` to an uncased one) would differ by chance, and an attack
    that compares them would depend on what else is attacked. Here they get one answer, computed once.
    """

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._known: OrderedDict[bytes, Tensor] = OrderedDict()

    def text_logits(self, texts: Sequence[TextInput]) -> Tensor:
        """Logits (n, k), float32."""
        if not texts:
            return self._classifier.text_logits(texts)
        tokens = self._classifier.tokenize_all(texts)
        keys = [_key(example) for example in tokens]
        news = {key: example for key, example in zip(keys, tokens, strict=True) if key not in self._known}
        answers = {key: self._known[key] for key in keys if key in self._known}
        if news:
            with torch.no_grad():
                logits = self._classifier.token_logits(list(news.values()))
            answers |= zip(news, logits, strict=True)
        for key in keys:
            self._known[key] = answers[key]
            self._known.move_to_end(key)
        while len(self._known) > MANY:
            self._known.popitem(last=False)
        return torch.stack([answers[key] for key in keys])

    def predict_proba(self, texts: Sequence[TextInput]) -> np.ndarray:
        """Class probabilities (n, k); raises AssayError where they are not finite."""
        return probabilities(self.text_logits(texts))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._classifier, name)


def _key(tokens: Tokens) -> bytes:
    """A digest of all that the model is given: long texts would take gigabytes themselves."""
    return hashlib.blake2b(repr(list(tokens.inputs.values())).encode(), digest_size=16).digest()
