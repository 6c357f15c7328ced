"""The quality of each text that an attack made."""

import math
from collections.abc import Sequence

import numpy as np

from attacks.victims import TextInput
from robustness.outcomes import Outcome
from robustness.quality.measured import Quality
from robustness.quality.perplexity import Perplexity
from robustness.quality.similarity import SentenceEncoder
from robustness.quality.words import words_changed


def judge(
    originals: Sequence[TextInput],
    perturbed: Sequence[TextInput],
    encoder: SentenceEncoder | None,
    lm: Perplexity | None,
) -> list[Quality]:
    """The quality of each of n perturbed texts, beside the original; without a model its measure is None.

    Raises ValueError where they are not as many, or a text meets a pair.
    """
    n = len(originals)
    changes = [words_changed(one, other) for one, other in zip(originals, perturbed, strict=True)]
    both = [*originals, *perturbed]
    truncated = np.zeros(2 * n, dtype=bool)
    similarity, fluency = np.full(n, np.nan), np.full(2 * n, np.nan)
    if encoder is not None:
        similarity = encoder.similarity(originals, perturbed)
        truncated |= encoder.truncated(both)
    if lm is not None:
        distinct = {text: i for i, text in enumerate(dict.fromkeys(both))}
        fluency = lm.perplexity(list(distinct))[[distinct[text] for text in both]]
        truncated |= lm.truncated(both)
    return [
        Quality(
            similarity=_number(similarity[i]),
            words_changed=change.changed,
            words=change.total,
            perplexity=_number(fluency[n + i]),
            perplexity_before=_number(fluency[i]),
            truncated=bool(truncated[i] or truncated[n + i]),
        )
        for i, change in enumerate(changes)
    ]


def judge_successes(
    originals: Sequence[TextInput],
    outcomes: Sequence[Outcome],
    encoder: SentenceEncoder | None,
    lm: Perplexity | None,
) -> list[Quality | None]:
    """The quality of the text of every success; None for the rest, and where an attack changed no text.

    originals, outcomes: n texts and what an attack made of each.
    """
    answer: list[Quality | None] = [None] * len(outcomes)
    texts = {
        i: (original, outcome.text)
        for i, (original, outcome) in enumerate(zip(originals, outcomes, strict=True))
        if outcome.success and outcome.text is not None
    }
    before, after = [text for text, _ in texts.values()], [text for _, text in texts.values()]
    for i, quality in zip(texts, judge(before, after, encoder, lm), strict=True):
        answer[i] = quality
    return answer


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
