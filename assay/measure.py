"""Measures one candidate: clean, under every attack, and by group; every outcome goes through the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.candidates import Prepared
from assay.ledger import Ledger
from assay.plan import Plan
from assay.progress import Reporter
from attacks.base import Attack
from fairness.assess import AttackedPredictions, assess
from fairness.results import FairnessResult
from reports.model import CandidateResult
from robustness import evaluate
from robustness.curves import curves
from robustness.metrics import clean_result
from robustness.outcomes import Outcome
from robustness.results import RobustnessResult
from robustness.summarize import attack_result, worst_case_accuracy


@dataclass(frozen=True)
class Measured:
    """A candidate's results, with the outcomes they came from for comparisons between candidates.

    attacked: one list of outcomes for each attack of the plan, in its order.
    """

    result: CandidateResult
    clean: list[Outcome]
    attacked: list[list[Outcome]]


def measure(candidate: Prepared, plan: Plan, ledger: Ledger, reporter: Reporter) -> Measured:
    """Query the candidate on the test examples, or take from the ledger what is there already."""
    test, settings = plan.test, plan.config.fairness
    classifier = candidate.classifier
    model, data = candidate.model.sha256, test.fingerprint

    with reporter.task(f"{candidate.name}: clean text", len(test)) as advance:
        store = ledger.store(model=model, data=data, attack="", params={})
        clean = evaluate.predict(classifier, test, store, advance)

    attacked = []
    for attack in plan.attacks:
        with reporter.task(f"{candidate.name}: {_named(attack)}", len(test)) as advance:
            params = {**attack.params(), "seed": plan.config.seed}
            store = ledger.store(model=model, data=data, attack=attack.name, params=params)
            attacked.append(
                evaluate.attack(
                    classifier, test, clean, attack, store, seed=plan.config.seed, advance=advance
                )
            )

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
                scale=classifier.embedding_scale,
                confidence=settings.confidence,
            )
            for attack, outcomes in zip(plan.attacks, attacked, strict=True)
        ],
        worst_case_accuracy=worst_case_accuracy(
            clean,
            [each for each, a in zip(attacked, plan.attacks, strict=True) if _bounded(a)],
            settings.confidence,
        ),
        curves=curves(
            plan.attacks,
            clean,
            attacked,
            scale=classifier.embedding_scale,
            confidence=settings.confidence,
        ),
    )
    result = CandidateResult(
        name=candidate.name,
        model=candidate.model,
        training=candidate.training,
        robustness=robustness,
        fairness=_fairness(plan, clean, attacked) if test.groups else None,
    )
    return Measured(result, clean, attacked)


def _fairness(plan: Plan, clean: Sequence[Outcome], attacked: Sequence[Sequence[Outcome]]) -> FairnessResult:
    settings = plan.config.fairness
    return assess(
        plan.test.labels,
        _predictions(clean),
        plan.test.groups,
        plan.test.label_names,
        attacked=[_under(attack, outcomes) for attack, outcomes in zip(plan.attacks, attacked, strict=True)],
        positive_label=settings.positive_label,
        min_group_size=settings.min_group_size,
        confidence=settings.confidence,
        seed=plan.config.seed,
    )


def _under(attack: Attack, outcomes: Sequence[Outcome]) -> AttackedPredictions:
    return AttackedPredictions(attack.name, attack.params(), _predictions(outcomes))


def _bounded(attack: Attack) -> bool:
    """Whether it has a budget: without one an attack turns nearly everything, and says by how far."""
    return attack.threat_model.epsilon is not None


def _named(attack: Attack) -> str:
    budget = attack.threat_model.epsilon
    return attack.name if budget is None else f"{attack.name} {budget:g}"


def _predictions(outcomes: Sequence[Outcome]) -> np.ndarray:
    return np.array([outcome.prediction for outcome in outcomes])
