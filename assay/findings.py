"""What a reader should know, in plain words: rules over the results, each with its number."""

from collections.abc import Iterator, Sequence

from assay.measure import Measured
from assay.plan import Plan
from reports.formatting import figure
from reports.model import CandidateResult, Finding
from robustness.dataset import leaked
from robustness.estimate import Estimate
from robustness.paired import paired_difference

LARGE_DROP = 0.25
"""A loss of accuracy under attack, as a share, from which on it is a warning."""
LARGE_DISPARITY = 0.1
"""A disparity between groups from which on it is a warning, where its interval excludes none."""
ORDER = ("critical", "warning", "info")


def find(plan: Plan, measured: Sequence[Measured]) -> list[Finding]:
    """All findings, the gravest first."""
    results = [each.result for each in measured]
    found = [
        *_data(plan, results),
        *_training(results),
        *(finding for result in results for finding in _robustness(result)),
        *_hardening(plan, measured),
        *(finding for result in results for finding in _fairness(result)),
    ]
    return sorted(found, key=lambda finding: ORDER.index(finding.severity))


def _data(plan: Plan, results: Sequence[CandidateResult]) -> Iterator[Finding]:
    shared = leaked(plan.dataset)
    if shared and plan.objectives:
        yield Finding(
            id="data.leak",
            severity="warning",
            candidate=None,
            metric="shared_texts",
            subject="test data",
            observed=Estimate.exact(shared, len(plan.test)),
            limit=0,
            message=f"{shared} of {len(plan.test)} test texts also occur in the training data.",
        )
    for result in results:
        truncated = result.robustness.clean.truncated
        if truncated:
            yield Finding(
                id="data.truncated",
                severity="info",
                candidate=result.name,
                metric="truncated_texts",
                subject="test data",
                observed=Estimate.exact(truncated, len(plan.test)),
                limit=None,
                message=(
                    f"{truncated} of {len(plan.test)} texts are longer than the model's maximum and were "
                    "truncated."
                ),
            )


def _training(results: Sequence[CandidateResult]) -> Iterator[Finding]:
    trained = [(result.name, result.training) for result in results if result.training]
    for name, training in trained:
        if training.collapsed:
            yield Finding(
                id="training.collapse",
                severity="critical",
                candidate=name,
                metric="predicted_classes",
                subject="training",
                observed=Estimate.exact(1, training.n_validation),
                limit=2,
                message=(
                    "The trained model collapsed: it gives every validation example the same class. Lower "
                    "epsilon or the learning rate, lengthen the ramp, or start from a fine-tuned model."
                ),
            )
    effort = {name: training.epochs * training.n_train for name, training in trained}
    if len(set(effort.values())) > 1:
        told = ", ".join(f"{name} {count:,}" for name, count in effort.items())
        yield Finding(
            id="training.unequal",
            severity="warning",
            candidate=None,
            metric="training_examples",
            subject="training",
            observed=Estimate.exact(min(effort.values()), len(effort)),
            limit=max(effort.values()),
            message=(
                f"The candidates were not trained equally (examples seen: {told}): a difference between them "
                "may come from that."
            ),
        )


def _robustness(result: CandidateResult) -> Iterator[Finding]:
    """The mildest attack that already costs much: that is the one to worry about."""
    clean = result.robustness.clean.accuracy.value
    for name in dict.fromkeys(attack.name for attack in result.robustness.attacks):
        runs = [attack for attack in result.robustness.attacks if attack.name == name]
        for attack in sorted(runs, key=lambda run: run.threat_model.epsilon or 0):
            under = attack.accuracy_under_attack.value
            if clean is None or under is None or clean - under < LARGE_DROP:
                continue
            yield Finding(
                id="robustness.drop",
                severity="warning",
                candidate=result.name,
                metric="accuracy_under_attack",
                subject=attack.label,
                observed=attack.accuracy_under_attack,
                limit=clean - LARGE_DROP,
                message=(
                    f"Loses {_points(clean - under)} of accuracy under {attack.label}: "
                    f"{figure(clean)} on clean text, {figure(under)} under attack."
                ),
            )
            break


def _hardening(plan: Plan, measured: Sequence[Measured]) -> Iterator[Finding]:
    """Each candidate against the first, example by example, under each attack and on clean text."""
    first, *others = measured
    for other in others:
        pairs = [("clean text", "accuracy", other.clean, first.clean)]
        pairs += [
            (result.label, "accuracy_under_attack", mine, theirs)
            for result, mine, theirs in zip(
                other.result.robustness.attacks, other.attacked, first.attacked, strict=True
            )
        ]
        for subject, metric, mine, theirs in pairs:
            difference = paired_difference(mine, theirs, plan.config.fairness.confidence)
            if difference.value is None or difference.low is None or difference.high is None:
                continue
            if difference.low <= 0 <= difference.high:
                continue
            better = difference.value > 0
            on = "on clean text" if subject == "clean text" else f"under {subject}"
            yield Finding(
                id="comparison.better" if better else "comparison.worse",
                severity="info" if better else "warning",
                candidate=other.result.name,
                metric=metric,
                subject=subject,
                observed=difference,
                limit=0,
                message=(
                    f"{_points(abs(difference.value))} {'more' if better else 'less'} accurate {on} than "
                    f"{first.result.name} (interval {_points(difference.low)} to {_points(difference.high)})."
                ),
            )


def _fairness(result: CandidateResult) -> Iterator[Finding]:
    if result.fairness is None:
        return
    tables = [("", result.fairness.groups)]
    # The fairness room assesses the attacks in the order in which they were run.
    tables += [
        (f" under {attack.label}", under.groups)
        for attack, under in zip(result.robustness.attacks, result.fairness.under_attack, strict=True)
    ]
    for where, groups in tables:
        for column, assessment in groups.items():
            for metric, estimate in assessment.disparities.items():
                if "_difference" not in metric or estimate.value is None or estimate.low is None:
                    continue
                if estimate.low <= 0 or estimate.value < LARGE_DISPARITY:
                    continue
                # Under attack only accuracy is told: who is easier to attack.
                if where and metric != "accuracy_difference":
                    continue
                yield Finding(
                    id="fairness.disparity" if not where else "fairness.disparity_under_attack",
                    severity="warning",
                    candidate=result.name,
                    metric=metric,
                    subject=f"{column}{where}",
                    observed=estimate,
                    limit=LARGE_DISPARITY,
                    message=(
                        f"The groups of {column} differ by {_points(estimate.value)} in "
                        f"{metric.replace('_difference', '').replace('_', ' ')}{where} "
                        f"(interval {_points(estimate.low)} to {_points(estimate.high or 1.0)})."
                    ),
                )
    for column, assessment in result.fairness.groups.items():
        small = [value for value, group in assessment.by_group.items() if group.small]
        if small:
            yield Finding(
                id="fairness.small_groups",
                severity="info",
                candidate=result.name,
                metric="n",
                subject=column,
                observed=Estimate.exact(min(assessment.by_group[value].n for value in small), len(small)),
                limit=result.fairness.min_group_size,
                message=(
                    f"Too few examples to judge {column}: {', '.join(small)} (fewer than "
                    f"{result.fairness.min_group_size}); they are in no comparison."
                ),
            )


def _points(share: float) -> str:
    return figure(share, "points")
