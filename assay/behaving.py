"""Behavioural tests and suites of labelled cases on one candidate; what is asked goes through the ledger."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from assay.candidates import Prepared
from assay.ledger import Ledger
from assay.plan import Plan, Suite
from assay.progress import Reporter
from robustness import evaluate
from robustness.behaviour.base import BehaviouralTest
from robustness.behaviour.cases import summarize_cases
from robustness.behaviour.outcomes import BehaviouralOutcome
from robustness.behaviour.results import BehaviouralResult, MinimumFunctionalityResult
from robustness.behaviour.run import CHUNK, gives_scores, iter_outcomes
from robustness.behaviour.summarize import summarize
from robustness.outcomes import Outcome


def run_behaviour(
    candidate: Prepared,
    test: BehaviouralTest,
    clean: Sequence[Outcome],
    plan: Plan,
    ledger: Ledger,
    reporter: Reporter,
) -> BehaviouralResult:
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
        waiting: dict[str, Any] = {}
        for outcome in iter_outcomes(
            candidate.model,
            data,
            np.array([each.probabilities for each in clean]),
            test,
            seed=seed,
            known=known.keys(),
            advance=advance,
        ):
            waiting[outcome.example_id] = asdict(outcome)
            if len(waiting) == CHUNK:
                store.add(waiting)
                waiting = {}
        store.add(waiting)
    outcomes = [_outcome(record) for record in store.load().values()]
    return summarize(
        outcomes,
        data,
        test,
        confidence=plan.config.fairness.confidence,
        scores=gives_scores(candidate.model),
    )


def run_suite(
    candidate: Prepared, suite: Suite, plan: Plan, ledger: Ledger, reporter: Reporter
) -> MinimumFunctionalityResult:
    """One suite of labelled cases."""
    store = ledger.store(model=candidate.info.sha256, data=suite.cases.fingerprint, attack="", params={})
    with reporter.task(f"{candidate.name}: {suite.cases.name}", len(suite.cases)) as advance:
        outcomes = evaluate.predict(candidate.model, suite.cases, store, advance)
    return summarize_cases(outcomes, suite.cases, suite.column, confidence=plan.config.fairness.confidence)


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
