"""Measures one candidate: clean, under every attack, and by group; every outcome goes through the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from assay.behaving import run_behaviour, run_suite
from assay.candidates import Prepared
from assay.counterfactuals import run_counterfactuals
from assay.forecasts import in_words
from assay.ledger import Ledger
from assay.outcome_table import Failures, behaviour_subject
from assay.plan import Plan
from assay.progress import Reporter
from attacks.base import Attack
from attacks.victims import EmbeddingScale
from fairness.assess import AttackedPredictions, assess
from fairness.results import FairnessResult
from reports.model import CandidateResult
from robustness import evaluate
from robustness.asking import Budget, Engine
from robustness.behaviour.run import gives_scores
from robustness.curves import curves
from robustness.estimate import Estimate, wilson
from robustness.metrics import clean_result
from robustness.models import Model, computed_here
from robustness.outcomes import Outcome
from robustness.quality.measured import Quality
from robustness.results import RobustnessResult
from robustness.routed import Routed
from robustness.summarize import attack_result, worst_case_accuracy
from robustness.validity import SAME_ANSWER


@dataclass(frozen=True)
class Measured:
    """A candidate's results, with the outcomes they came from for comparisons between candidates.

    attacked, qualities: for each attack of the plan, in its order, the outcomes and the qualities of their
    texts. scored: whether its probabilities mean something; False for a model that gives labels only.
    scale: of its embeddings, None where it has none here. failures: {subject: the texts it failed a test
    on}, as in ``OutcomeTable``. unstable: share of texts that a model which only answers was asked twice
    and answered differently; None where that was not tried.
    """

    result: CandidateResult
    clean: list[Outcome]
    attacked: list[list[Outcome]]
    qualities: list[list[Quality | None]]
    scored: bool = True
    scale: EmbeddingScale | None = None
    failures: dict[str, Failures] = field(default_factory=dict)
    unstable: Estimate | None = None


def measure(
    candidate: Prepared, plan: Plan, ledger: Ledger, reporter: Reporter, engine: Engine | None = None
) -> Measured:
    """Query the candidate on the test examples, or take from the ledger what is there already.

    engine: what runs black-box attacks; None for this process.
    """
    test, settings = plan.test, plan.config.fairness
    with reporter.task(f"{candidate.name}: clean text", len(test)) as advance:
        store = ledger.store(model=candidate.info.sha256, data=test.fingerprint, attack="", params={})
        clean = evaluate.predict(candidate.model, test, store, advance)
    attacked = [
        _attacked(candidate, attack, budget, clean, plan, ledger, reporter, engine)
        for attack, budget in zip(plan.attacks, plan.budgets, strict=True)
    ]
    qualities = [
        [] if plan.judge is None or attack.space == "embedding" else plan.judge.qualities(test, outcomes)
        for attack, outcomes in zip(plan.attacks, attacked, strict=True)
    ]
    model = candidate.model
    scale = model.embedding_scale if isinstance(model, Routed) or computed_here(model) else None
    behaviours = [run_behaviour(candidate, each, clean, plan, ledger, reporter) for each in plan.behaviours]
    swapped = (
        run_counterfactuals(candidate, clean, plan.counterfactual, plan, ledger, reporter)
        if plan.counterfactual
        else []
    )
    whole = [each for each in zip(plan.attacks, attacked, strict=True) if complete(each[1])]
    robustness = RobustnessResult(
        clean=clean_result(
            clean,
            test.label_names,
            confidence=settings.confidence,
            n_boot=settings.n_boot,
            seed=plan.config.seed,
        ),
        attacks=[
            attack_result(
                attack,
                test,
                clean,
                outcomes,
                scale=scale,
                confidence=settings.confidence,
                qualities=found,
                limits=plan.judge.limits if plan.judge is not None and attack.space != "embedding" else None,
            )
            for attack, outcomes, found in zip(plan.attacks, attacked, qualities, strict=True)
        ],
        worst_case_accuracy=worst_case_accuracy(
            clean, [outcomes for attack, outcomes in whole if attack.bounded], settings.confidence
        ),
        curves=curves(
            [attack for attack, _ in whole],
            clean,
            [outcomes for _, outcomes in whole],
            scale=scale,
            confidence=settings.confidence,
        ),
        behaviours=[result for result, _ in behaviours],
        suites=[run_suite(candidate, suite, plan, ledger, reporter) for suite in plan.suites],
    )
    result = CandidateResult(
        name=candidate.name,
        model=candidate.info,
        training=candidate.training,
        robustness=robustness,
        fairness=_fairness(plan, model, clean, attacked) if test.groups else None,
        mitigation=candidate.mitigation,
        counterfactuals=[each for each, _ in swapped],
    )
    return Measured(
        result,
        clean,
        attacked,
        qualities,
        scored=gives_scores(model),
        scale=scale,
        failures={
            **{behaviour_subject(each.name, each.params): failures for each, failures in behaviours},
            **{each.kind: failures for each, failures in swapped},
        },
        unstable=_unstable(candidate, clean, plan),
    )


def _unstable(candidate: Prepared, clean: Sequence[Outcome], plan: Plan) -> Estimate | None:
    """For models that are computed here the validity checks ask this; an endpoint may charge for it."""
    n = min(plan.config.validity.examples, len(clean))
    local = candidate.classifier is not None or isinstance(candidate.model, Routed)
    if local or candidate.kind == "endpoint" or not n or not plan.attacks:
        return None
    again = candidate.model.predict_proba(plan.test.inputs[:n])
    before = np.array([outcome.probabilities for outcome in clean[:n]])
    differing = int((np.abs(again - before).max(axis=1) > SAME_ANSWER).sum())
    return wilson(differing, n, plan.config.fairness.confidence)


def _attacked(
    candidate: Prepared,
    attack: Attack,
    budget: Budget,
    clean: Sequence[Outcome],
    plan: Plan,
    ledger: Ledger,
    reporter: Reporter,
    engine: Engine | None,
) -> list[Outcome]:
    test, seed = plan.test, plan.config.seed
    what = f"{candidate.name}: {_named(attack)}"
    params = {**attack.params(), "seed": seed}
    store = ledger.store(
        model=candidate.info.sha256, data=test.fingerprint, attack=attack.name, params=params
    )
    with reporter.task(what, len(test)) as advance:
        return evaluate.attack(
            candidate.model,
            test,
            clean,
            attack,
            store,
            seed=seed,
            advance=advance,
            budget=budget,
            foresee=lambda forecast: reporter.say(f"{what}: {in_words(forecast)}"),
            engine=engine,
        )


def _fairness(
    plan: Plan, model: Model, clean: Sequence[Outcome], attacked: Sequence[Sequence[Outcome]]
) -> FairnessResult:
    settings = plan.config.fairness
    return assess(
        plan.test.labels,
        _predictions(clean),
        plan.test.groups,
        plan.test.label_names,
        scores=_scores(model, clean),
        intersections=settings.intersections,
        overlapping=settings.overlapping,
        attacked=[
            AttackedPredictions(
                attack.name, attack.params(), _predictions(outcomes), _scores(model, outcomes)
            )
            for attack, outcomes in zip(plan.attacks, attacked, strict=True)
            if complete(outcomes)
        ],
        positive_label=settings.positive_label,
        min_group_size=settings.min_group_size,
        confidence=settings.confidence,
        seed=plan.config.seed,
    )


def _scores(model: Model, outcomes: Sequence[Outcome]) -> np.ndarray | None:
    """(n, k) class probabilities; None for a model that gives labels only."""
    if not gives_scores(model):
        return None
    return np.array([outcome.probabilities for outcome in outcomes])


def complete(outcomes: Sequence[Outcome]) -> bool:
    """Whether the attack reached every example: figures over a part of them compare with nothing."""
    return all(outcome.reached for outcome in outcomes)


def _named(attack: Attack) -> str:
    budget = attack.threat_model.epsilon
    return attack.name if budget is None else f"{attack.name} {budget:g}"


def _predictions(outcomes: Sequence[Outcome]) -> np.ndarray:
    return np.array([outcome.prediction for outcome in outcomes])
