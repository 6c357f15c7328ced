"""What a reader should know, in plain words: rules over the results, each with its number."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace

from assay.counterfactual_findings import counterfactual_findings
from assay.fairness_findings import fairness_findings
from assay.gap_findings import compared_gaps, widened_by_attack
from assay.measure import Measured
from assay.plan import Plan
from reports.formatting import bare, figure, full, listed
from reports.highlights import family_key, keyed, label_among
from reports.model import CandidateResult, Finding, TrainingSummary
from reports.tradeoffs import CLEAN, intervals_overlap
from robustness.cells import MISSING_GROUP
from robustness.dataset import leaked
from robustness.estimate import Estimate
from robustness.paired import paired_difference
from robustness.results import AttackResult

LARGE_DROP = 0.25
"""A loss of accuracy under attack, as a share, from which on it is a warning."""
FAILS = {"invariance": "changes the answer to", "directional": "leaves the answer as sure as before on"}
OFTEN = 0.05
"""A share of answers that a behavioural test changes, from which on, by its interval, it is a warning."""


def find(plan: Plan, measured: Sequence[Measured]) -> list[Finding]:
    """All findings, what matters most first: by severity, and comparisons before others of the same."""
    results = [each.result for each in measured]
    found = [
        *_comparison(plan, measured),
        *_training(results),
        *_without_effect(measured),
        *(finding for result in results for finding in _validity(result)),
        *(finding for each in measured for finding in _unstable(each)),
        *(finding for result in results for finding in _robustness(result)),
        *(finding for result in results for finding in _behaviour(result)),
        *(finding for result in results for finding in fairness_findings(result)),
        *(finding for each in measured for finding in widened_by_attack(plan, each)),
        *(finding for other in measured[1:] for finding in compared_gaps(plan, measured[0], other)),
        *(finding for result in results for finding in counterfactual_findings(result)),
        *_data(plan, results),
    ]
    return sorted(_said_once(found, len(results)), key=_rank)


def _said_once(found: Sequence[Finding], candidates: int) -> list[Finding]:
    """Where the same is found of every candidate, one finding about all of them."""
    alike = [replace(each, candidate=None) for each in found]
    merged = {
        each if candidates > 1 and alike.count(each) == candidates else own: None
        for own, each in zip(found, alike, strict=True)
    }
    return list(merged)


def _rank(finding: Finding) -> tuple[int, bool]:
    severity = ("critical", "warning", "info").index(finding.severity)
    return severity, not finding.id.startswith("comparison.")


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
            message=f"{shared:,} of {len(plan.test):,} test texts also occur in the training data.",
        )
    for column, counts in plan.test.group_counts.items():
        if counts.get(MISSING_GROUP):
            yield Finding(
                id="data.missing_group",
                severity="warning",
                candidate=None,
                metric="missing_values",
                subject=column,
                observed=Estimate.exact(counts[MISSING_GROUP], len(plan.test)),
                limit=0,
                message=(
                    f"{column} is blank for {counts[MISSING_GROUP]:,} of {len(plan.test):,} examples; they "
                    f'are compared as a group of their own, "{MISSING_GROUP}".'
                ),
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
                    f"{truncated:,} of {len(plan.test):,} texts are longer than the model's maximum and were "
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
                    f"The trained model collapsed: it gives all {training.n_validation:,} validation "
                    f"examples the same class. {_advice(training)}"
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


def _without_effect(measured: Sequence[Measured]) -> Iterator[Finding]:
    """Mitigations of another candidate's model that changed no answer to the test examples."""
    named = {each.result.name: each for each in measured}
    for each in measured:
        done = each.result.mitigation
        base = named.get(done.base or "") if done is not None else None
        if done is None or base is None:
            continue
        answers = zip(each.clean, base.clean, strict=True)
        changed = sum(mine.prediction != theirs.prediction for mine, theirs in answers)
        if not changed:
            n = len(each.clean)
            yield Finding(
                id="mitigation.no_effect",
                severity="warning",
                candidate=each.result.name,
                metric="changed_predictions",
                subject=done.method,
                observed=Estimate.exact(0, n),
                limit=None,
                message=(
                    f"The mitigation {done.method} changed none of the {n:,} predictions of "
                    f"{base.result.name}."
                ),
            )


def _advice(training: TrainingSummary) -> str:
    if "epsilon" not in training.params:
        return "Train on more examples or for more epochs, or lower the learning rate."
    return "Lower epsilon or the learning rate, lengthen the ramp, or train for more epochs."


def _validity(result: CandidateResult) -> Iterator[Finding]:
    """Every failed check: what was measured then overstates how robust the model is."""
    validity = result.robustness.validity
    for check in validity.checks if validity else []:
        if check.passed is False:
            yield Finding(
                id=f"validity.{check.id}",
                severity="critical",
                candidate=result.name,
                metric=check.id,
                subject="validity of the evaluation",
                observed=check.observed,
                limit=check.limit,
                message=f"Its robustness figures may be too good. {check.message}",
            )


def _unstable(measured: Measured) -> Iterator[Finding]:
    """A model that only answers, and does not always answer the same."""
    differing = measured.unstable
    if differing is not None and (differing.low or 0.0) > 0:
        yield Finding(
            id="validity.deterministic",
            severity="critical",
            candidate=measured.result.name,
            metric="deterministic",
            subject="validity of the evaluation",
            observed=differing,
            limit=0.0,
            message=(
                f"Asked twice, the model answers {full(differing)} of the texts differently: what an attack "
                "found may be chance, and every figure here is of one draw."
            ),
        )


def _robustness(result: CandidateResult) -> Iterator[Finding]:
    """The attack that costs most, and the mildest that costs much: at a smaller budget, or another."""
    clean = result.robustness.clean.accuracy.value
    large = [
        (clean - under, attack)
        for attack in result.robustness.attacks
        if clean is not None
        and attack.comparable
        and (under := attack.accuracy_under_attack.value) is not None
        and clean - under >= LARGE_DROP
    ]
    if clean is None or not large:
        return
    most, worst = max(large, key=lambda each: each[0])
    same = family_key(worst.name, worst.params)
    smaller = [
        (lost, attack)
        for lost, attack in large
        if family_key(attack.name, attack.params) == same and _budget(attack) < _budget(worst)
    ]
    if smaller:
        adverb, (lost, mildest) = "already", min(smaller, key=lambda each: _budget(each[1]))
    else:
        adverb, (lost, mildest) = "also", min(large, key=lambda each: each[0])
    label, other = (label_among([result], attack) for attack in (worst, mildest))
    rest = "" if mildest is worst else f"; {adverb} {_points(lost)} under {other}"
    yield Finding(
        id="robustness.drop",
        severity="warning",
        candidate=result.name,
        metric="accuracy_under_attack",
        subject=worst.label,
        observed=worst.accuracy_under_attack,
        limit=clean - LARGE_DROP,
        message=(
            f"Loses {_points(most)} of accuracy under {label} "
            f"({figure(clean)} on clean text, {figure(clean - most)} under attack){rest}."
        ),
    )


def _budget(attack: AttackResult) -> float:
    return attack.threat_model.epsilon or 0.0


def _behaviour(result: CandidateResult) -> Iterator[Finding]:
    """The test of each nature that fails most, and each suite, where they are sure to fail often."""
    for nature in ("natural noise", "meaning kept", "meaning changed"):
        often = [
            test
            for test in result.robustness.behaviours
            if test.nature == nature and (test.failure_rate.low or 0.0) >= OFTEN
        ]
        if not often:
            continue
        worst = max(often, key=lambda test: test.failure_rate.value or 0.0)
        others = [test.name for test in often if test is not worst]
        also = f" So do {', '.join(others)}." if others else ""
        yield Finding(
            id="behaviour.failure",
            severity="warning",
            candidate=result.name,
            metric="failure_rate",
            subject=worst.name,
            observed=worst.failure_rate,
            limit=OFTEN,
            message=(
                f"The test {worst.name} ({nature}) {FAILS[worst.kind]} {full(worst.failure_rate)} of the "
                f"texts it applies to.{also}"
            ),
        )
    for suite in result.robustness.suites:
        if (suite.failure_rate.low or 0.0) >= OFTEN:
            rates = suite.by_functionality
            most = max(rates, key=lambda each: rates[each].failure_rate.value or 0.0)
            yield Finding(
                id="behaviour.suite",
                severity="warning",
                candidate=result.name,
                metric="failure_rate",
                subject=suite.name,
                observed=suite.failure_rate,
                limit=OFTEN,
                message=(
                    f"Gives the wrong label to {full(suite.failure_rate)} of the cases of {suite.name}; most "
                    f"often to those of {most} ({full(rates[most].failure_rate)})."
                ),
            )


def _comparison(plan: Plan, measured: Sequence[Measured]) -> Iterator[Finding]:
    """Each candidate against the first, example by example; only what the paired interval establishes."""
    first, *others = measured
    for other in others:
        # Without a budget an attack turns nearly everything: what it spares, it failed on.
        pairs = zip(first.result.robustness.attacks, other.result.robustness.attacks, strict=True)
        bounded = [i for i, pair in enumerate(pairs) if all(attack.comparable for attack in pair)]
        attacks = other.result.robustness.attacks
        labels = [CLEAN, *(label_among([other.result], attacks[i]) for i in bounded)]
        mine = [other.clean, *(other.attacked[i] for i in bounded)]
        theirs = [first.clean, *(first.attacked[i] for i in bounded)]
        differences = [
            (label, paired_difference(mine[i], theirs[i], plan.config.fairness.confidence))
            for i, label in enumerate(labels)
        ]
        estimates = zip(_accuracies(first, bounded), _accuracies(other, bounded), strict=True)
        overlapping = {
            label for label, pair in zip(labels, estimates, strict=True) if intervals_overlap(*pair)
        }
        for better in (True, False):
            established = [
                (abs(value), label, difference)
                for label, difference in differences
                if (value := difference.value) is not None
                and difference.low is not None
                and difference.high is not None
                and (difference.low > 0 if better else difference.high < 0)
            ]
            if established:
                names = first.result.name, other.result.name
                found = _compared(*names, established, overlapping, better=better)
                yield replace(found, subject=keyed(found.subject, attacks, [other.result]))


def _accuracies(measured: Measured, attacks: Sequence[int]) -> list[Estimate]:
    """On clean text, and under the attacks with these indices."""
    found = measured.result.robustness
    return [found.clean.accuracy, *(found.attacks[i].accuracy_under_attack for i in attacks)]


def _compared(
    first: str,
    other: str,
    established: Sequence[tuple[float, str, Estimate]],
    overlapping: Container[str],
    *,
    better: bool,
) -> Finding:
    """The largest established difference, and where else there is one in the same direction.

    overlapping: where the intervals of the two candidates overlap, and only the pairs establish a difference.
    """
    size, where, difference = max(established, key=lambda each: each[0])
    word = "more" if better else "less"
    ends = sorted(abs(end) for end in (difference.low, difference.high) if end is not None)
    only_paired = "; the intervals of the two alone overlap" if where in overlapping else ""
    rest = [label for _, label, _ in established if label != where]
    also = f" Also {word} accurate {_places(rest)}." if rest else ""
    return Finding(
        id="comparison.better" if better else "comparison.worse",
        severity="info" if better else "warning",
        candidate=other,
        metric="accuracy" if where == CLEAN else "accuracy_under_attack",
        subject=where,
        observed=difference,
        limit=0,
        message=(
            f"{_points(size)} {word} accurate {_places([where])} than {first}, compared example by example "
            f"(interval {bare(ends[0], 'points')} to {bare(ends[1], 'points')}){only_paired}.{also}"
        ),
    )


def _places(labels: Sequence[str]) -> str:
    """``on clean text and under fgsm (L∞) at epsilon 0.03``."""
    attacks = [label for label in labels if label != CLEAN]
    on = [f"on {CLEAN}"] if CLEAN in labels else []
    return " and ".join([*on, *([f"under {listed(attacks)}"] if attacks else [])])


def _points(share: float) -> str:
    return figure(share, "points")
