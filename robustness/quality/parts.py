"""A text or a pair as the sequence of its parts."""

from collections.abc import Callable, Sequence

import numpy as np

from attacks.victims import TextInput
from robustness.tokens import Tokens


def parts(text: TextInput) -> Sequence[str]:
    """The one text, or the two of a pair."""
    return (text,) if isinstance(text, str) else text


def flat(texts: Sequence[TextInput]) -> tuple[list[str], list[int]]:
    """All parts of n texts in order, and for each the text (0 to n - 1) that it belongs to."""
    pairs = [(part, row) for row, text in enumerate(texts) for part in parts(text)]
    return [part for part, _ in pairs], [row for _, row in pairs]


def any_truncated(
    texts: Sequence[TextInput], tokenize: Callable[[Sequence[str]], Sequence[Tokens]]
) -> np.ndarray:
    """(n,) bool: whether ``tokenize`` cuts the end off a text, or off one of a pair."""
    each, rows = flat(texts)
    answer = np.zeros(len(texts), dtype=bool)
    np.logical_or.at(answer, rows, [tokens.truncated for tokens in tokenize(each)])
    return answer
