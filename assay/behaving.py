"""Behavioural tests and suites of labelled cases on one candidate; what is asked goes through the ledger."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from assay.candidates import Prepared
from assay.ledger import Ledger
from assay.outcome_table import Failures
from assay.plan import Plan, Suite
from assay.progress import Reporter
from attacks.errors import AssayError
from robustness import evaluate
from robustness.behaviour.base import BehaviouralTest
from robustness.behaviour.cases import summarize_cases
from robustness.behaviour.outcomes import BehaviouralOutcome
from robustness.behaviour.results import BehaviouralResult, MinimumFunctionalityResult
from robustness.behaviour.run import CHUNK, iter_outcomes
from robustness.behaviour.summarize import summarize
from robustness.black_box.base import AnsweringModel
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.estimate import Estimate
from robustness.models import Model
from robustness.outcomes import Outcome
from robustness.routed import Routed


def run_behaviour(
    candidate: Prepared,
    test: BehaviouralTest,
    clean: Sequence[Outcome],
    plan: Plan,
    ledger: Ledger,
    reporter: Reporter,
) -> tuple[BehaviouralResult, Failures]:
    """One behavioural test on the audited texts; clean: what the model answers to them as they are."""
    data, seed = plan.test, plan.config.seed
    store = ledger.record_store(
        model=candidate.info.sha256,
        data=data.fingerprint,
        test=f"behaviour:{test.name}",
        params={**test.params(), "seed": seed},
    )
    known = store.load()
    with reporter.task(f"{candidate.name}: {test.name}", len(data)) as advance:
        answers = np.array([each.probabilities for each in clean])
        for rows, model in members(candidate.model, data):
            part = data if len(rows) == len(data) else data.take(rows)
            waiting: dict[str, Any] = {}
            for outcome in iter_outcomes(
                model, part, answers[rows], test, seed=seed, known=known.keys(), advance=advance
            ):
                waiting[outcome.example_id] = asdict(outcome)
                if len(waiting) == CHUNK:
                    store.add(waiting)
                    waiting = {}
            store.add(waiting)
    outcomes = [_outcome(record) for record in store.load().values()]
    result = summarize(
        outcomes,
        data,
        test,
        confidence=plan.config.fairness.confidence,
        scores=getattr(candidate.model, "scores", True),
    )
    tested = [outcome for outcome in outcomes if outcome.variants]
    failed = np.array([outcome.failed > 0 for outcome in tested], dtype=bool)
    return result, Failures(tuple(outcome.example_id for outcome in tested), failed)


def run_suite(
    candidate: Prepared, suite: Suite, plan: Plan, ledger: Ledger, reporter: Reporter
) -> MinimumFunctionalityResult:
    """One suite of labelled cases; undefined, with the reason, for a model that must know what it lacks."""
    if isinstance(candidate.model, Routed):
        try:
            candidate.model.check(suite.cases)
        except AssayError as error:
            return _not_run(suite, str(error))
    store = ledger.store(model=candidate.info.sha256, data=suite.cases.fingerprint, attack="", params={})
    with reporter.task(f"{candidate.name}: {suite.cases.name}", len(suite.cases)) as advance:
        outcomes = evaluate.predict(candidate.model, suite.cases, store, advance)
    return summarize_cases(outcomes, suite.cases, suite.column, confidence=plan.config.fairness.confidence)


def members(model: Model, data: TextDataset) -> list[tuple[Sequence[int], Classifier | AnsweringModel]]:
    """The rows of ``data`` by what answers them: one model for all, or the members of a routed one.

    A changed text is answered by the member that answers the original.
    """
    if isinstance(model, Routed):
        return [(rows, member) for rows, member in model.parts(data)]
    return [(range(len(data)), model)]


def _not_run(suite: Suite, reason: str) -> MinimumFunctionalityResult:
    cases = suite.cases
    undefined = Estimate.undefined(reason, len(cases))
    return MinimumFunctionalityResult(cases.name, suite.column, len(cases), undefined, undefined, {})


def _outcome(record: dict[str, Any]) -> BehaviouralOutcome:
    """What was kept as JSON, where tuples are lists."""
    worst, after = record["worst"], record["after"]
    return BehaviouralOutcome(
        **{
            **record,
            "before": tuple(record["before"]),
            "worst": tuple(worst) if isinstance(worst, list) else worst,
            "after": None if after is None else tuple(after),
        }
    )
