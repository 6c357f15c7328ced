"""Asks a model for the variants of examples, many at once."""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice

import numpy as np

from attacks.errors import AssayError
from attacks.victims import TextInput, TextVictim
from fairness.counterfactual.examples import CounterfactualOutcome, Example
from robustness.batched import ignore_progress
from robustness.behaviour.run import CHUNK


def iter_outcomes(
    victim: TextVictim,
    examples: Iterable[Example],
    *,
    known: Collection[str] = (),
    chunk: int = CHUNK,
    advance: Callable[[int], None] = ignore_progress,
) -> Iterator[CounterfactualOutcome]:
    """Outcomes of the examples whose ids are not ``known``, in their order.

    All distinct variants of ``chunk`` examples are asked in one call. Chunks are formed over all examples,
    known or not, so that a resumed run asks the same ones again. advance: called with the number of examples
    done since the last call. Raises AssayError for answers that are not one finite probability of each class
    for each variant.
    """
    waiting = iter(examples)
    while part := list(islice(waiting, chunk)):
        if any(example.id not in known for example in part):
            answers = _ask(victim, part)
            for example in part:
                if example.id not in known:
                    yield CounterfactualOutcome(
                        example.id,
                        example.before,
                        example.swaps,
                        tuple(answers[swap.text] for swap in example.swaps),
                    )
        advance(len(part))


def _ask(victim: TextVictim, part: Iterable[Example]) -> dict[TextInput, tuple[float, ...]]:
    """{variant: probabilities (k,)}, each distinct variant asked once."""
    distinct = list(dict.fromkeys(swap.text for example in part for swap in example.swaps))
    if not distinct:
        return {}
    answers, k = np.asarray(victim.predict_proba(distinct)), len(victim.label_names)
    if answers.shape != (len(distinct), k) or not np.isfinite(answers).all():
        raise AssayError(
            f"Counterfactual fairness: expected {k} finite probabilities for each of {len(distinct):,} "
            f"texts, got an array of shape {answers.shape}, or values that are not finite. Check the model."
        )
    return {text: tuple(row.tolist()) for text, row in zip(distinct, answers, strict=True)}
