"""The evaluation: clean predictions, and every example under an attack, as judged outcomes in a store."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np

from attacks.base import Attack
from attacks.black_box import QueryAttack
from robustness.access import check_victim
from robustness.asking import Budget, Engine, Forecast, ask_all, attacked_here
from robustness.batched import Advance, attack_in_batches, ignore_progress, in_batches
from robustness.black_box.base import AnsweringModel
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.judge import example_seed
from robustness.models import Model, computed_here
from robustness.outcomes import Outcome, OutcomeStore
from robustness.routed import Routed
from robustness.tokens import Tokens

ASKED_TOGETHER = 256
"""Texts for which a model that only answers is asked before what it said is kept."""
UNLIMITED = Budget()


def ignore_forecast(forecast: Forecast) -> None:
    """Shows nothing."""


def predict(
    model: Model, dataset: TextDataset, store: OutcomeStore, advance: Advance = ignore_progress
) -> list[Outcome]:
    """Clean outcomes of every example, in the data's order; what the store has is not computed again.

    Raises AssayError where the data does not tell which member of a routed model answers an example.
    """
    if computed_here(model) or isinstance(model, Routed):
        for rows, member in _members(model, dataset, range(len(dataset))):
            in_batches(member, dataset, rows, store, partial(_predicted, member, dataset), advance)
    else:
        _asked(cast(AnsweringModel, model), dataset, store, advance)
    return _in_order(dataset, store)


def _predicted(
    classifier: Classifier, dataset: TextDataset, batch: list[int], tokens: list[Tokens]
) -> list[Outcome]:
    started = time.perf_counter()
    answers = classifier.predict_batch(tokens)
    seconds = (time.perf_counter() - started) / len(batch)
    truncated = [token.truncated for token in tokens]
    return _clean(dataset, batch, answers, seconds, truncated)


def _asked(model: AnsweringModel, dataset: TextDataset, store: OutcomeStore, advance: Advance) -> None:
    """Ask for what is not in the store, some texts at a time."""
    known = store.load()
    rows = [row for row, id_ in enumerate(dataset.ids) if id_ not in known]
    advance(len(dataset) - len(rows))
    for first in range(0, len(rows), ASKED_TOGETHER):
        batch = rows[first : first + ASKED_TOGETHER]
        started = time.perf_counter()
        answers = model.predict_proba([dataset.inputs[row] for row in batch])
        seconds = (time.perf_counter() - started) / len(batch)
        store.add(_clean(dataset, batch, answers, seconds, [False] * len(batch)))
        advance(len(batch))


def _clean(
    dataset: TextDataset,
    rows: Sequence[int],
    answers: np.ndarray,
    seconds: float,
    truncated: Sequence[bool],
) -> list[Outcome]:
    return [
        Outcome(
            example_id=dataset.ids[row],
            label=int(dataset.labels[row]),
            prediction=int(answer.argmax()),
            probabilities=tuple(answer.tolist()),
            seconds=seconds,
            truncated=cut,
        )
        for row, answer, cut in zip(rows, answers, truncated, strict=True)
    ]


def attack(
    model: Model,
    dataset: TextDataset,
    clean: Sequence[Outcome],
    attack: Attack,
    store: OutcomeStore,
    *,
    seed: int,
    advance: Advance = ignore_progress,
    budget: Budget = UNLIMITED,
    foresee: Callable[[Forecast], None] = ignore_forecast,
    engine: Engine | None = None,
) -> list[Outcome]:
    """Outcomes of every example under ``attack``, in the data's order.

    clean: the outcomes of ``predict`` on the same data. Examples that are misclassified already are
        SKIPPED, and so are those whose true class is the attack's target: their outcome is the clean one.
    seed: with an example's id it seeds that example's draws, so an outcome does not depend on the other
        examples or on the order of work.
    budget: of a black-box attack for all examples together; those that it does not reach say so.
    foresee: is told what the rest of a black-box attack is expected to cost.
    engine: what runs black-box attacks; None for this process. Those on a routed model always run here.
    Raises AssayError when the attack needs what the model does not offer, leaves its budget, or touches
    a token that it may not.
    """
    check_victim(model.base if isinstance(model, Routed) else model, attack)
    target = attack.target_class(dataset.label_names)
    attacked = [i for i, o in enumerate(clean) if o.prediction == o.label and o.label != target]
    skipped = [
        replace(clean[i], skipped=True, seconds=0.0) for i in sorted({*range(len(clean))} - {*attacked})
    ]
    known = store.load()
    store.add([outcome for outcome in skipped if outcome.example_id not in known])
    advance(len(skipped))
    if isinstance(attack, QueryAttack):
        # In an order that has nothing to do with the data's: where a budget ends it, the rest is a sample.
        rows = sorted(range(len(clean)), key=lambda row: example_seed(seed, dataset.ids[row]))
        turn = [row for row in rows if row in {*attacked}]
        if engine is None or isinstance(model, Routed):
            engine = partial(_attacked_by_member, model, dataset, seed)
        reached = ask_all(
            engine,
            dataset,
            attack,
            turn,
            store,
            budget=budget,
            advance=advance,
            foresee=foresee,
        )
        return _as_far(dataset, store, clean, rows, turn[reached:])
    for part, member in _members(cast(Classifier | Routed, model), dataset, attacked):
        attack_in_batches(member, dataset, attack, part, known, store, seed, advance)
    return _in_order(dataset, store)


def _members(
    model: Classifier | Routed, dataset: TextDataset, rows: Sequence[int]
) -> list[tuple[Sequence[int], Classifier]]:
    """The examples ``rows`` by the classifier that answers them."""
    if isinstance(model, Routed):
        return [(part, member) for part, member in model.parts(dataset, rows)]
    return [(rows, model)]


def _attacked_by_member(
    model: Model, dataset: TextDataset, seed: int, attack: QueryAttack, rows: Sequence[int]
) -> Iterator[list[Outcome]]:
    """The ``Engine`` of this process for any model."""
    if not isinstance(model, Routed):
        yield from attacked_here(model, dataset, seed, attack, rows)
        return
    for part, member in model.parts(dataset, rows):
        yield from attacked_here(member, dataset, seed, attack, part)


def _as_far(
    dataset: TextDataset,
    store: OutcomeStore,
    clean: Sequence[Outcome],
    order: Sequence[int],
    missed: Sequence[int],
) -> list[Outcome]:
    """The outcomes of all examples; in ``order``, none was reached from the first of ``missed`` on."""
    outcomes = store.load()
    beyond = {*order[order.index(missed[0]) :]} if missed else set()
    return [
        replace(clean[row], seconds=0.0, reached=False) if row in beyond else outcomes[id_]
        for row, id_ in enumerate(dataset.ids)
    ]


def _in_order(dataset: TextDataset, store: OutcomeStore) -> list[Outcome]:
    outcomes = store.load()
    return [outcomes[example_id] for example_id in dataset.ids]


def accuracy(outcomes: Sequence[Outcome]) -> float:
    """Share of outcomes with the right prediction."""
    return float(np.mean([outcome.prediction == outcome.label for outcome in outcomes]))
