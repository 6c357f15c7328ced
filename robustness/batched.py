"""Goes through examples batch by batch: what a model is computed on, and what is kept of it."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch

from attacks.base import Attack
from attacks.embedding.base import EmbeddingAttack
from attacks.errors import AssayError
from attacks.token.base import LearnedTokenAttack, TokenAttack
from robustness.batching import halving
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.judge import CountingVictim, Part, example_seed, judge_embeddings, judge_texts
from robustness.outcomes import Outcome, OutcomeStore
from robustness.tokens import Tokens

Advance = Callable[[int], None]
"""Called with the number of examples done since the last call."""

LEARN_FROM = 256
"""The most examples that a learned attack is learned on: more take longer and hardly make it stronger."""


def ignore_progress(count: int) -> None:
    """An ``Advance`` that shows nothing."""


def in_batches(
    classifier: Classifier,
    dataset: TextDataset,
    indices: Sequence[int],
    store: OutcomeStore,
    run: Callable[[list[int], list[Tokens]], list[Outcome]],
    advance: Advance,
) -> None:
    """Run what is not in the store, one batch at a time.

    Batches are formed over all ``indices``, done or not: a resumed run computes the same batches as an
    undisturbed one, and so the same last digits.
    """
    known = store.load()
    inputs = dataset.inputs
    tokens = classifier.tokenize_all([inputs[i] for i in indices])
    for batch in classifier.batches(tokens):
        rows = [indices[position] for position in batch]
        if any(dataset.ids[row] not in known for row in rows):
            store.add(run(rows, [tokens[position] for position in batch]))
        advance(len(batch))


def attack_in_batches(
    classifier: Classifier,
    dataset: TextDataset,
    attack: Attack,
    attacked: Sequence[int],
    known: dict[str, Outcome],
    store: OutcomeStore,
    seed: int,
    advance: Advance,
) -> None:
    """Put the outcomes of the examples ``attacked`` under an attack on tensors or tokens into the store.

    known: what the store has.
    """
    victim = CountingVictim(classifier)
    done = 0
    for ready, rows, share in _ready(classifier, victim, dataset, attack, attacked, known, seed):
        judge = partial(_judge_of(ready), classifier, victim, dataset, ready, seed)

        def run(
            batch: list[int],
            tokens: list[Tokens],
            judge: Callable[[Part], list[Outcome]] = judge,
            share: Cost = share,
        ) -> list[Outcome]:
            return [
                replace(
                    outcome,
                    queries=outcome.queries + share.queries,
                    seconds=outcome.seconds + share.seconds,
                )
                for outcome in halving(judge, list(zip(batch, tokens, strict=True)))
            ]

        in_batches(classifier, dataset, rows, store, run, advance)
        done += len(rows)
    advance(len(attacked) - done)


def _judge_of(attack: Attack) -> Callable[..., list[Outcome]]:
    if isinstance(attack, EmbeddingAttack):
        return judge_embeddings
    if isinstance(attack, TokenAttack):
        return judge_texts
    raise AssayError(
        f"attack {attack.name}: expected an attack on embeddings or on tokens, got {type(attack).__name__}."
    )


@dataclass(frozen=True)
class Cost:
    """What an example bears of the learning of an attack."""

    queries: float = 0.0
    seconds: float = 0.0


def _ready(
    classifier: Classifier,
    victim: CountingVictim,
    dataset: TextDataset,
    attack: Attack,
    rows: Sequence[int],
    known: dict[str, Outcome],
    seed: int,
) -> Iterator[tuple[Attack, list[int], Cost]]:
    """The attack, the rows to use it on, and what each of them bears of its learning.

    A learned attack comes twice: each half of the rows with what was learned on the other. A half that is
    known already is left out.
    """
    if not isinstance(attack, LearnedTokenAttack):
        yield attack, list(rows), Cost()
        return
    ordered = sorted(rows, key=lambda row: example_seed(seed, dataset.ids[row]))
    halves = ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]
    for use, learn in (halves, halves[::-1]):
        if use and not all(dataset.ids[row] in known for row in use):
            started, before = time.perf_counter(), victim.rows
            # Alone, the only example there is has to do.
            learned = _learn(classifier, victim, dataset, attack, (learn or use)[:LEARN_FROM], seed)
            seconds = time.perf_counter() - started
            yield learned, sorted(use), Cost((victim.rows - before) / len(use), seconds / len(use))


def _learn(
    classifier: Classifier,
    victim: CountingVictim,
    dataset: TextDataset,
    attack: LearnedTokenAttack,
    rows: Sequence[int],
    seed: int,
) -> TokenAttack:
    """``attack`` learned on ``rows``, or on half of them where the accelerator is out of memory."""
    y = torch.tensor([int(dataset.labels[row]) for row in rows], device=classifier.device)
    texts = [dataset.inputs[row] for row in rows]
    try:
        return attack.learn(victim, texts, attack.goal(y, dataset.label_names), seed)
    except torch.OutOfMemoryError:
        if len(rows) == 1:
            raise
    return _learn(classifier, victim, dataset, attack, rows[: len(rows) // 2], seed)
