"""Asks a model for the variants of a dataset's texts, many at once, and judges its answers."""

from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np

from attacks.errors import AssayError
from attacks.victims import TextInput, TextVictim
from robustness.batched import ignore_progress
from robustness.behaviour.base import BehaviouralTest
from robustness.behaviour.outcomes import BehaviouralOutcome, judge
from robustness.behaviour.results import BehaviouralResult
from robustness.behaviour.summarize import summarize
from robustness.dataset import TextDataset
from robustness.judge import example_seed

CHUNK = 256
"""Texts whose variants are asked together: enough for full batches, few enough to lose little by a crash."""


def run(
    victim: TextVictim,
    dataset: TextDataset,
    clean_probabilities: np.ndarray,
    test: BehaviouralTest,
    *,
    seed: int,
    confidence: float = 0.95,
    advance: Callable[[int], None] = ignore_progress,
) -> BehaviouralResult:
    """The result of ``test`` on all n texts of ``dataset``.

    clean_probabilities: (n, k), what the model answers to the texts as they are. advance: called with the
    number of texts done since the last call. Raises as ``iter_outcomes`` does.
    """
    outcomes = list(iter_outcomes(victim, dataset, clean_probabilities, test, seed=seed, advance=advance))
    return summarize(outcomes, dataset, test, confidence=confidence, scores=gives_scores(victim))


def iter_outcomes(
    victim: TextVictim,
    dataset: TextDataset,
    clean_probabilities: np.ndarray,
    test: BehaviouralTest,
    *,
    seed: int,
    known: Collection[str] = (),
    chunk: int = CHUNK,
    advance: Callable[[int], None] = ignore_progress,
) -> Iterator[BehaviouralOutcome]:
    """Outcomes of the texts of ``dataset`` whose ids are not ``known``, in the data's order.

    All distinct variants of ``chunk`` texts are asked in one call. Chunks are formed over all texts, known or
    not, so that a resumed run asks the same ones again. seed: with a text's id it seeds what is drawn for it.
    A directional test asks nothing of a model that gives labels only: its outcomes have no variants.

    Raises AssayError for answers that are not one finite probability of each class for each variant, and
    where the test cannot change such texts; ValueError where the clean answers or the model's labels are not
    those of the data.
    """
    k = len(victim.label_names)
    if clean_probabilities.shape != (len(dataset), k):
        raise ValueError(f"expected clean answers {(len(dataset), k)}, got {clean_probabilities.shape}")
    if victim.label_names != dataset.label_names:
        raise ValueError(f"expected the labels {victim.label_names}, got {dataset.label_names}")
    asks = test.kind != "directional" or gives_scores(victim)
    inputs = dataset.inputs
    for first in range(0, len(dataset), chunk):
        rows = range(first, min(first + chunk, len(dataset)))
        if any(dataset.ids[row] not in known for row in rows):
            texts = [inputs[row] for row in rows]
            seeds = [example_seed(seed, dataset.ids[row]) for row in rows]
            variants = test.variants(texts, seeds) if asks else [[] for _ in rows]
            answers = _ask(victim, test, variants, k)
            for row, mine in zip(rows, variants, strict=True):
                if dataset.ids[row] not in known:
                    yield judge(
                        test,
                        dataset.ids[row],
                        int(dataset.labels[row]),
                        clean_probabilities[row],
                        mine,
                        np.array([answers[variant] for variant in mine]).reshape(-1, k),
                    )
        advance(len(rows))


def gives_scores(victim: TextVictim) -> bool:
    """Whether a model gives probabilities and not labels alone; it does unless it says otherwise."""
    return bool(getattr(victim, "scores", True))


def _ask(
    victim: TextVictim, test: BehaviouralTest, variants: Sequence[Sequence[TextInput]], k: int
) -> dict[TextInput, np.ndarray]:
    """{variant: probabilities (k,)}, each distinct variant asked once, all in one call."""
    distinct = list(dict.fromkeys(variant for mine in variants for variant in mine))
    if not distinct:
        return {}
    answers = np.asarray(victim.predict_proba(distinct))
    if answers.shape != (len(distinct), k) or not np.isfinite(answers).all():
        raise AssayError(
            f'Behavioural test "{test.name}": expected {k} finite probabilities for each of '
            f"{len(distinct):,} texts, got an array of shape {answers.shape}"
            f"{'' if np.isfinite(answers).all() else ' with values that are not finite'}. Check the model."
        )
    return dict(zip(distinct, answers, strict=True))
