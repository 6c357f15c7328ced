"""Runs a black-box attack on many examples: in waves, within budgets, judged and kept as they end."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import torch

from attacks.black_box import Proposal, QueryAttack
from attacks.errors import AssayError
from attacks.victims import TextInput
from robustness.dataset import TextDataset
from robustness.judge import example_seed, shape_of
from robustness.models import Model, computed_here
from robustness.outcomes import Outcome, OutcomeStore
from robustness.remembering import Remembering

PILOT = 8
"""Examples that are attacked before the rest, so that the cost of the rest can be told."""
LARGEST_WAVE = 64
"""Examples that are attacked, where a budget may end it, before their cost is looked at."""
JUDGED_TOGETHER = 16
"""Proposals that are judged and kept together: what a killed run may lose, beside what was under way."""


Engine = Callable[[QueryAttack, Sequence[int]], Iterator[list[Outcome]]]
"""Attacks examples, by their rows, and yields what was judged: here, or in other processes."""


@dataclass(frozen=True)
class Budget:
    """What an attack may cost for all examples together; None means no limit.

    It ends before the examples that it is not expected to pay for; the first example is always attacked, but
    for a budget of 0: that takes what is known already and asks nothing.
    """

    queries: int | None = None
    seconds: float | None = None

    @property
    def limited(self) -> bool:
        return self.queries is not None or self.seconds is not None

    @property
    def nothing(self) -> bool:
        return self.queries == 0 or self.seconds == 0


@dataclass(frozen=True)
class Forecast:
    """What the ``left`` examples that were not attacked yet are expected to cost, by those that were.

    queries: of one example: the mean, the least and the most of the ``attacked`` ones.
    """

    attacked: int
    left: int
    mean_queries: float
    least_queries: float
    most_queries: float
    seconds: float

    @property
    def queries(self) -> float:
        """All that are still to be asked."""
        return self.mean_queries * self.left


def ask_all(
    engine: Engine,
    dataset: TextDataset,
    attack: QueryAttack,
    rows: Sequence[int],
    store: OutcomeStore,
    *,
    budget: Budget,
    advance: Callable[[int], None],
    foresee: Callable[[Forecast], None],
) -> int:
    """Attack the examples ``rows``, in that order as far as the budget goes; returns how many it reached.

    An example whose outcome is in the store is not attacked again, and its cost counts all the same.
    """
    known = store.load()
    if budget.nothing:
        count = len([*takewhile(lambda row: dataset.ids[row] in known, rows)])
        advance(count)
        return count
    reached: list[Outcome] = []
    while wave := _wave(rows, budget, reached):
        ids = [dataset.ids[row] for row in wave]
        open_ = [row for row, id_ in zip(wave, ids, strict=True) if id_ not in known]
        advance(len(wave) - len(open_))
        for outcomes in engine(attack, open_) if open_ else ():
            store.add(outcomes)
            known.update({outcome.example_id: outcome for outcome in outcomes})
            advance(len(outcomes))
        if lost := [id_ for id_ in ids if id_ not in known]:
            raise AssayError(
                f"attack {attack.name}: expected a proposal for each of {len(open_)} examples, got none for "
                f"{len(lost)}, {lost[0]} among them. Where it finds nothing it must propose the text itself."
            )
        reached += [known[id_] for id_ in ids]
        if open_ and len(reached) < len(rows):
            foresee(_forecast(reached, len(rows) - len(reached)))
    return len(reached)


def _wave(rows: Sequence[int], budget: Budget, reached: Sequence[Outcome]) -> Sequence[int]:
    """The next examples, none at the end: a few first, then the rest.

    Where a budget may end it, the rest comes in growing parts, so that the mean cost of those ``reached``
    tells how many more it pays for.
    """
    first = len(reached)
    if not budget.limited:
        return rows[:PILOT] if first == 0 else rows[first:]
    size = 1 if first == 0 else min(first + 1, LARGEST_WAVE, _affordable(budget, reached))
    return rows[first : first + size]


def _affordable(budget: Budget, reached: Sequence[Outcome]) -> int:
    """How many more examples fit, at the mean cost of those reached so far; ``LARGEST_WAVE`` at most."""
    costs = [
        (budget.queries, sum(outcome.queries for outcome in reached)),
        (budget.seconds, sum(outcome.seconds for outcome in reached)),
    ]
    more = [
        (limit - spent) * len(reached) / spent for limit, spent in costs if limit is not None and spent > 0
    ]
    return max(0, math.floor(min([*more, LARGEST_WAVE])))


def _forecast(reached: Sequence[Outcome], left: int) -> Forecast:
    queries = [outcome.queries for outcome in reached]
    seconds = sum(outcome.seconds for outcome in reached) / len(reached) * left
    return Forecast(len(reached), left, float(np.mean(queries)), min(queries), max(queries), seconds)


def attacked_here(
    model: Model, dataset: TextDataset, seed: int, attack: QueryAttack, rows: Sequence[int]
) -> Iterator[list[Outcome]]:
    """With its first three arguments given, the ``Engine`` of this process."""
    texts = [dataset.inputs[row] for row in rows]
    goal = attack.goal(torch.tensor([int(dataset.labels[row]) for row in rows]), dataset.label_names)
    seeds = [example_seed(seed, dataset.ids[row]) for row in rows]
    waiting: list[Proposal] = []
    victim = Remembering(model) if computed_here(model) else model
    for proposal in attack.perturb(victim, texts, goal, seeds):
        waiting.append(proposal)
        if len(waiting) == JUDGED_TOGETHER:
            yield judge_proposals(model, dataset, attack, rows, waiting)
            waiting = []
    if waiting:
        yield judge_proposals(model, dataset, attack, rows, waiting)


def judge_proposals(
    model: Model,
    dataset: TextDataset,
    attack: QueryAttack,
    rows: Sequence[int],
    proposals: Sequence[Proposal],
) -> list[Outcome]:
    """Outcomes of what was proposed for some of ``rows``: the model is asked again, whatever the attack says.

    Raises AssayError where a proposal is no text (or pair, where the original is one), or changes more than
    the attack may.
    """
    inputs = dataset.inputs
    originals = [inputs[rows[proposal.row]] for proposal in proposals]
    texts = [proposal.text for proposal in proposals]
    distances = [_distance(attack, before, after) for before, after in zip(originals, texts, strict=True)]
    answers = model.predict_proba(texts)
    target = attack.target_class(dataset.label_names)
    outcomes = []
    for i, proposal in enumerate(proposals):
        row = rows[proposal.row]
        label, prediction = int(dataset.labels[row]), int(answers[i].argmax())
        changed = texts[i] != originals[i]
        if attack.keeps_prediction:
            success = changed and prediction == label
        else:
            success = prediction != label if target is None else prediction == target
        outcomes.append(
            Outcome(
                example_id=dataset.ids[row],
                label=label,
                prediction=prediction,
                probabilities=tuple(answers[i].tolist()),
                success=success,
                queries=float(proposal.queries),
                distance=distances[i],
                seconds=proposal.seconds,
                text=texts[i] if changed else None,
            )
        )
    return outcomes


def _distance(attack: QueryAttack, original: TextInput, proposal: TextInput) -> float | None:
    if shape_of(proposal) != shape_of(original):
        raise AssayError(
            f"attack {attack.name}: expected a text, or a pair where it was given one, got {proposal!r:.100}."
        )
    found = attack.distance(original, proposal)
    most = attack.threat_model.epsilon
    if most is not None and (found is None or found > most):
        what = "a text that it may not make" if found is None else f"{found:g}"
        raise AssayError(
            f"attack {attack.name}: expected at most {most:g} changed {attack.space}s, got {what}."
        )
    return found
