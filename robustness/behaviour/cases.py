"""Minimum functionality: labelled cases that a model must get right, by functionality."""

from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np

from attacks.errors import AssayError, nearest
from attacks.victims import TextVictim
from robustness.batched import ignore_progress
from robustness.behaviour.results import FailingCase, FunctionalityResult, MinimumFunctionalityResult
from robustness.behaviour.run import CHUNK
from robustness.behaviour.summarize import SHOWN, parts
from robustness.dataset import TextDataset
from robustness.estimate import Estimate, wilson
from robustness.outcomes import Outcome


def run_cases(
    victim: TextVictim,
    cases: TextDataset,
    column: str,
    *,
    confidence: float = 0.95,
    advance: Callable[[int], None] = ignore_progress,
) -> MinimumFunctionalityResult:
    """The failures of a model on labelled cases; ``column``: the group column that names the functionality.

    Raises AssayError for a column that the data does not have, a label that the model does not know, and
    answers that are not finite.
    """
    _functionalities(cases, column)
    cases = cases.with_label_names(victim.label_names)
    outcomes = list(iter_case_outcomes(victim, cases, advance=advance))
    return summarize_cases(outcomes, cases, column, confidence=confidence)


def iter_case_outcomes(
    victim: TextVictim,
    cases: TextDataset,
    *,
    known: Collection[str] = (),
    chunk: int = CHUNK,
    advance: Callable[[int], None] = ignore_progress,
) -> Iterator[Outcome]:
    """Clean outcomes of the cases whose ids are not ``known``, in order, ``chunk`` of them asked in one call.

    The labels of ``cases`` are indices into the model's. Raises AssayError for answers that are not finite.
    """
    inputs = cases.inputs
    k = len(victim.label_names)
    for first in range(0, len(cases), chunk):
        rows = range(first, min(first + chunk, len(cases)))
        if any(cases.ids[row] not in known for row in rows):
            answers = np.asarray(victim.predict_proba([inputs[row] for row in rows]))
            if answers.shape != (len(rows), k) or not np.isfinite(answers).all():
                raise AssayError(
                    f"{cases.name}: expected {k} finite probabilities for each of {len(rows):,} cases, got "
                    f"an array of shape {answers.shape}, or values that are not finite. Check the model."
                )
            for row, answer in zip(rows, answers, strict=True):
                if cases.ids[row] not in known:
                    yield Outcome(
                        example_id=cases.ids[row],
                        label=int(cases.labels[row]),
                        prediction=int(answer.argmax()),
                        probabilities=tuple(answer.tolist()),
                    )
        advance(len(rows))


def summarize_cases(
    outcomes: Sequence[Outcome], cases: TextDataset, column: str, *, confidence: float = 0.95
) -> MinimumFunctionalityResult:
    """Failure rates by functionality and by the other group columns.

    outcomes: one for each case, in any order.

    Raises AssayError for a column that the data does not have; ValueError for outcomes of other cases.
    """
    functionality = _functionalities(cases, column)
    by_id = {outcome.example_id: outcome for outcome in outcomes}
    if len(by_id) != len(outcomes) or set(by_id) != set(cases.ids):
        raise ValueError("expected one outcome for each case")
    ordered = [by_id[example_id] for example_id in cases.ids]
    wrong = np.array([outcome.prediction != outcome.label for outcome in ordered], dtype=bool)
    by_functionality = {}
    for value in sorted(set(functionality.tolist())):
        rows = np.flatnonzero(functionality == value)
        failing = rows[wrong[rows]].tolist()
        labels = cases.labels[rows]
        by_functionality[value] = FunctionalityResult(
            n=len(rows),
            failure_rate=wilson(len(failing), len(rows), confidence),
            by_label={
                name: wilson(int(wrong[rows][labels == code].sum()), int((labels == code).sum()), confidence)
                for code, name in enumerate(cases.label_names)
                if (labels == code).any()
            },
            failures=len(failing),
            examples=[_case(cases, row, ordered[row]) for row in failing[:SHOWN]],
        )
    rates = [each.failures / each.n for each in by_functionality.values()]
    return MinimumFunctionalityResult(
        name=cases.name,
        column=column,
        n=len(cases),
        failure_rate=wilson(int(wrong.sum()), len(cases), confidence),
        mean_failure_rate=(
            # The functionalities are chosen, not drawn: no interval over them.
            Estimate.exact(float(np.mean(rates)), len(rates)) if rates else Estimate.undefined("no cases")
        ),
        by_functionality=by_functionality,
        by_group={
            name: {
                value: wilson(int(wrong[values == value].sum()), int((values == value).sum()), confidence)
                for value in sorted(set(values.tolist()))
            }
            for name, values in cases.groups.items()
            if name != column
        },
    )


def _functionalities(cases: TextDataset, column: str) -> np.ndarray:
    if column not in cases.groups:
        known = list(cases.groups)
        raise AssayError(
            f'{cases.name}: expected a group column "{column}" that names the functionality of each case, '
            f"and there is none.{nearest(column, known)} Group columns: {', '.join(known) or 'none'}. "
            "Name it in `groups`."
        )
    return cases.groups[column]


def _case(cases: TextDataset, row: int, outcome: Outcome) -> FailingCase:
    names = cases.label_names
    return FailingCase(
        example_id=outcome.example_id,
        label=names[outcome.label],
        predicted=names[outcome.prediction],
        text=parts(cases.inputs[row]),
    )
