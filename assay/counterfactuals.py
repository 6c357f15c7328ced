"""Identity swaps and templates on one candidate; what is asked goes through the ledger."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from assay.behaving import members
from assay.candidates import Prepared
from assay.ledger import Ledger
from assay.outcome_table import Failures
from assay.plan import Plan
from assay.progress import Reporter
from assay.stores import RecordStore
from attacks.victims import TextVictim
from fairness.counterfactual.changes import changes_of
from fairness.counterfactual.examples import CounterfactualOutcome, Example, text_examples
from fairness.counterfactual.results import CounterfactualResult
from fairness.counterfactual.run import iter_outcomes
from fairness.counterfactual.setup import Counterfactuals
from fairness.counterfactual.summarize import summarize
from fairness.counterfactual.swapping import Swap
from robustness.batched import Advance
from robustness.behaviour.run import CHUNK
from robustness.dataset import TextDataset
from robustness.outcomes import Outcome
from robustness.routed import Routed


def run_counterfactuals(
    candidate: Prepared,
    clean: Sequence[Outcome],
    run: Counterfactuals,
    plan: Plan,
    ledger: Ledger,
    reporter: Reporter,
) -> list[tuple[CounterfactualResult, Failures]]:
    """The audited texts with their identities swapped, then the templates.

    clean: what the model answers to the audited texts as they are. A candidate that must know the group of an
    example is asked no templates, which have none.
    """
    results = [_texts(candidate, clean, run, plan, ledger, reporter)]
    if run.templates and not isinstance(candidate.model, Routed):
        results.append(_templates(candidate, candidate.model, run, plan, ledger, reporter))
    return results


def _texts(
    candidate: Prepared,
    clean: Sequence[Outcome],
    run: Counterfactuals,
    plan: Plan,
    ledger: Ledger,
    reporter: Reporter,
) -> tuple[CounterfactualResult, Failures]:
    seed = plan.config.seed
    data = plan.test if run.max_examples is None else plan.test.sample(run.max_examples, seed)
    store = ledger.record_store(
        model=candidate.info.sha256,
        data=plan.test.fingerprint,
        test="counterfactual:texts",
        params={"run": run.fingerprint, "seed": seed},
    )
    known = {outcome.example_id: outcome.probabilities for outcome in clean}
    answers = np.array([known[example_id] for example_id in data.ids])

    def examples(part: TextDataset, before: np.ndarray) -> Iterator[Example]:
        return text_examples(part, before, run.swapper, seed=seed, max_variants=run.max_variants)

    with reporter.task(f"{candidate.name}: identities swapped", len(data)) as advance:
        for rows, model in members(candidate.model, data):
            _ask(model, examples(data.take(rows), answers[rows]), store, advance)
    return _result(candidate, data.name, list(examples(data, answers)), store, run, plan, templates=False)


def _templates(
    candidate: Prepared,
    model: TextVictim,
    run: Counterfactuals,
    plan: Plan,
    ledger: Ledger,
    reporter: Reporter,
) -> tuple[CounterfactualResult, Failures]:
    store = ledger.record_store(
        model=candidate.info.sha256,
        data=run.templates_fingerprint,
        test="counterfactual:templates",
        params={},
    )
    with reporter.task(f"{candidate.name}: {run.templates_name}", len(run.templates)) as advance:
        _ask(model, run.templates, store, advance)
    return _result(candidate, run.templates_name, run.templates, store, run, plan, templates=True)


def _ask(model: TextVictim, examples: Iterable[Example], store: RecordStore, advance: Advance) -> None:
    known = store.load()
    waiting: dict[str, Any] = {}
    for outcome in iter_outcomes(model, examples, known=known.keys(), chunk=CHUNK, advance=advance):
        waiting[outcome.example_id] = asdict(outcome)
        if len(waiting) == CHUNK:
            store.add(waiting)
            waiting = {}
    store.add(waiting)


def _result(
    candidate: Prepared,
    name: str,
    examples: Sequence[Example],
    store: RecordStore,
    run: Counterfactuals,
    plan: Plan,
    *,
    templates: bool,
) -> tuple[CounterfactualResult, Failures]:
    records = store.load()
    outcomes = {example.id: _outcome(records[example.id]) for example in examples}
    result = summarize(
        outcomes.values(),
        examples,
        name=name,
        kind="templates" if templates else "texts",
        label_names=plan.dataset.label_names,
        outcome=run.outcome,
        scores=getattr(candidate.model, "scores", True),
        confidence=plan.config.fairness.confidence,
        seed=plan.config.seed,
    )
    changes = changes_of(examples, outcomes, plan.dataset.label_names, run.outcome)
    rows, first = np.unique(changes.example, return_inverse=True)
    failed = np.bincount(first, weights=changes.flipped, minlength=len(rows)) > 0
    return result, Failures(tuple(examples[row].id for row in rows.tolist()), failed)


def _outcome(record: dict[str, Any]) -> CounterfactualOutcome:
    """What was kept as JSON, where tuples are lists."""
    before = record["before"]
    return CounterfactualOutcome(
        example_id=record["example_id"],
        before=None if before is None else tuple(before),
        swaps=tuple(_swap(swap) for swap in record["swaps"]),
        answers=tuple(tuple(answer) for answer in record["answers"]),
    )


def _swap(record: dict[str, Any]) -> Swap:
    text = record["text"]
    return Swap(
        text=tuple(text) if isinstance(text, list) else text,
        axis=record["axis"],
        old=record["old"],
        new=record["new"],
        terms=tuple((old, new) for old, new in record["terms"]),
    )
