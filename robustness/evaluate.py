"""The evaluation: clean predictions, and every example under an attack, as judged outcomes in a store."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import numpy as np
import torch

from attacks import registry
from attacks.base import Attack
from attacks.embedding.base import EmbeddingAttack
from attacks.errors import AssayError
from attacks.token.base import LearnedTokenAttack, TokenAttack, TokenBudgetAttack
from attacks.victims import TokenVictim
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


def predict(
    classifier: Classifier, dataset: TextDataset, store: OutcomeStore, advance: Advance = ignore_progress
) -> list[Outcome]:
    """Clean outcomes of every example, in the data's order; what the store has is not computed again."""

    def run(batch: list[int], tokens: list[Tokens]) -> list[Outcome]:
        started = time.perf_counter()
        answers = classifier.predict_batch(tokens)
        seconds = (time.perf_counter() - started) / len(batch)
        return [
            Outcome(
                example_id=dataset.ids[index],
                label=int(dataset.labels[index]),
                prediction=int(answer.argmax()),
                probabilities=tuple(answer.tolist()),
                seconds=seconds,
                truncated=token.truncated,
            )
            for index, token, answer in zip(batch, tokens, answers, strict=True)
        ]

    _batched(classifier, dataset, range(len(dataset)), store, run, advance)
    return _in_order(dataset, store)


def attack(
    classifier: Classifier,
    dataset: TextDataset,
    clean: Sequence[Outcome],
    attack: Attack,
    store: OutcomeStore,
    *,
    seed: int,
    advance: Advance = ignore_progress,
) -> list[Outcome]:
    """Outcomes of every example under ``attack``, in the data's order.

    clean: the outcomes of ``predict`` on the same data. Examples that are misclassified already are
        SKIPPED, and so are those whose true class is the attack's target: their outcome is the clean one.
    seed: with an example's id it seeds that example's draws, so an outcome does not depend on the other
        examples or on the order of work.
    Raises AssayError when the attack needs what the classifier does not offer, leaves its budget, or touches
    a token that it may not.
    """
    check_victim(classifier, attack)
    victim = CountingVictim(classifier)
    target = attack.target_class(dataset.label_names)
    attacked = [i for i, o in enumerate(clean) if o.prediction == o.label and o.label != target]
    skipped = [
        replace(clean[i], skipped=True, seconds=0.0) for i in sorted({*range(len(clean))} - {*attacked})
    ]
    known = store.load()
    store.add([outcome for outcome in skipped if outcome.example_id not in known])
    advance(len(skipped))

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

        _batched(classifier, dataset, rows, store, run, advance)
        done += len(rows)
    advance(len(attacked) - done)
    return _in_order(dataset, store)


def check_victim(victim: object, attack: Attack) -> None:
    """Raises AssayError when ``attack`` needs more of the model than ``victim`` offers.

    White-box attacks, and all on embeddings, need a model that is computed from word embeddings here; those
    on tokens also a tokenizer that knows where its tokens stand.
    """
    if not isinstance(attack, EmbeddingAttack) and attack.access != "white-box":
        return
    if not all(hasattr(victim, method) for method in ("tokenize", "embed", "logits")):
        others = [
            name
            for name, other in registry.available().items()
            if other.access != "white-box" and other.space != "embedding"
        ]
        known = f" Those there are: {', '.join(others)}." if others else ""
        raise AssayError(
            f'Attack "{attack.name}" needs the gradients or the word embeddings of a model that runs here, '
            f"and this one only answers ({type(victim).__name__}). Give the model as a Hugging Face folder, "
            f"or use a black-box attack, which needs predictions only.{known}"
        )
    if isinstance(attack, TokenBudgetAttack):
        cast(TokenVictim, victim).vocabulary  # noqa: B018 - building it is the check


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


def _batched(
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


def _in_order(dataset: TextDataset, store: OutcomeStore) -> list[Outcome]:
    outcomes = store.load()
    return [outcomes[example_id] for example_id in dataset.ids]


def accuracy(outcomes: Sequence[Outcome]) -> float:
    """Share of outcomes with the right prediction."""
    return float(np.mean([outcome.prediction == outcome.label for outcome in outcomes]))
