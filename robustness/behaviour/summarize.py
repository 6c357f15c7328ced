"""From the outcomes of a behavioural test to rates with intervals."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import norm

from attacks.victims import TextInput
from robustness.behaviour.base import BehaviouralTest
from robustness.behaviour.outcomes import BehaviouralOutcome
from robustness.behaviour.results import BehaviouralResult, FailingExample, GroupBehaviour
from robustness.dataset import TextDataset
from robustness.estimate import Estimate, wilson
from robustness.outcomes import Outcome
from robustness.paired import paired_difference

SHOWN = 20
"""The most failing examples of one test that a result carries."""

NOWHERE = "the test applies to none of the texts"
LABELS_ONLY = "the model gives labels only, and this goes by probabilities"
OTHER_LABEL = "the test changes what the text says, and may change its label"


def summarize(
    outcomes: Sequence[BehaviouralOutcome],
    dataset: TextDataset,
    test: BehaviouralTest,
    *,
    confidence: float = 0.95,
    scores: bool = True,
) -> BehaviouralResult:
    """The result of ``test``.

    outcomes: one for each text of ``dataset``, in any order. scores: False for a model known to give labels
    only; one of which all answers are 0 or 1 is taken for such a model too. Raises ValueError where the
    outcomes are not those of the data's texts.
    """
    by_id = {outcome.example_id: outcome for outcome in outcomes}
    if len(by_id) != len(outcomes) or set(by_id) != set(dataset.ids):
        raise ValueError("expected one outcome for each text of the data")
    ordered = [by_id[example_id] for example_id in dataset.ids]
    applied = [row for row, outcome in enumerate(ordered) if outcome.variants]
    tested = [ordered[row] for row in applied]
    scores = scores and not _all_labels(tested)
    judged = scores or test.kind != "directional"
    failing = [row for row in applied if ordered[row].failed] if judged else []

    def rate(part: Sequence[BehaviouralOutcome], none: str = NOWHERE) -> Estimate:
        if not judged:
            return Estimate.undefined(LABELS_ONLY)
        if not part:
            return Estimate.undefined(none)
        return wilson(sum(outcome.failed > 0 for outcome in part), len(part), confidence)

    by_group = {
        name: {
            value: GroupBehaviour(len(part), rate(part, "the test applies to no text of the group"))
            for value in sorted(set(column.tolist()))
            for part in [[ordered[row] for row in applied if column[row] == value]]
        }
        for name, column in dataset.groups.items()
    }
    clean, worst, mean, change = _accuracies(tested, test, confidence)
    right = [outcome for outcome in tested if outcome.was_right]
    return BehaviouralResult(
        name=test.name,
        kind=test.kind,
        nature=test.nature,
        params=test.params(),
        n=len(tested),
        not_applicable=len(ordered) - len(tested),
        variants=sum(outcome.variants for outcome in tested),
        failure_rate=rate(tested),
        failure_rate_if_right=rate(right, "no text that the test applies to was classified correctly"),
        accuracy_clean=clean,
        accuracy_worst=worst,
        accuracy_mean=mean,
        accuracy_change=change,
        mean_change=(
            _mean([outcome.change for outcome in tested if outcome.change is not None], confidence)
            if scores
            else Estimate.undefined(LABELS_ONLY)
        ),
        by_group=by_group,
        failures=len(failing),
        examples=[_example(dataset, row, ordered[row]) for row in failing[:SHOWN]],
    )


def _all_labels(outcomes: Sequence[BehaviouralOutcome]) -> bool:
    """Whether all answers, of which there are some, are 1 for one class and 0 for the others."""
    answers = [answer for outcome in outcomes for answer in (outcome.before, outcome.after or ())]
    return bool(answers) and all(value in (0.0, 1.0) for answer in answers for value in answer)


def _accuracies(
    outcomes: Sequence[BehaviouralOutcome], test: BehaviouralTest, confidence: float
) -> tuple[Estimate, Estimate, Estimate, Estimate]:
    """Accuracy on the clean texts, the worst variants and the mean variant, and worst minus clean."""
    if test.nature == "meaning changed":
        undefined = Estimate.undefined(OTHER_LABEL)
        return undefined, undefined, undefined, undefined
    if not outcomes:
        undefined = Estimate.undefined(NOWHERE)
        return undefined, undefined, undefined, undefined
    n = len(outcomes)
    held = _as_judged(outcomes, lambda outcome: outcome.right == outcome.variants)
    clean = _as_judged(outcomes, lambda outcome: outcome.was_right)
    return (
        wilson(sum(outcome.was_right for outcome in outcomes), n, confidence),
        wilson(sum(outcome.right == outcome.variants for outcome in outcomes), n, confidence),
        _mean([outcome.right / outcome.variants for outcome in outcomes], confidence),
        paired_difference(held, clean, confidence),
    )


def _as_judged(
    outcomes: Sequence[BehaviouralOutcome], right: Callable[[BehaviouralOutcome], bool]
) -> list[Outcome]:
    """Outcomes whose prediction is the label where ``right`` says so, and no class elsewhere."""
    return [
        Outcome(each.example_id, each.label, each.label if right(each) else -1, each.before)
        for each in outcomes
    ]


def _mean(values: Sequence[float], confidence: float) -> Estimate:
    """The mean of values in [0, 1] over texts, with its normal interval.

    Without an interval for one value or equal ones: then nothing is known of the spread.
    """
    if not values:
        return Estimate.undefined(NOWHERE)
    n, mean = len(values), float(np.mean(values))
    deviation = float(np.std(values, ddof=1)) if n > 1 else 0.0
    if deviation == 0:
        return Estimate.exact(mean, n)
    half = float(norm.ppf(0.5 + confidence / 2)) * deviation / math.sqrt(n)
    return Estimate(mean, max(0.0, mean - half), min(1.0, mean + half), n)


def _example(dataset: TextDataset, row: int, outcome: BehaviouralOutcome) -> FailingExample:
    if outcome.worst is None or outcome.after is None:
        raise ValueError(f"expected the worst variant of {outcome.example_id}, which failed, got none")
    names = dataset.label_names
    predicted = int(np.argmax(outcome.before))
    return FailingExample(
        example_id=outcome.example_id,
        label=names[outcome.label],
        before=names[predicted],
        after=names[int(np.argmax(outcome.after))],
        probability_before=outcome.before[predicted],
        probability_after=outcome.after[predicted],
        original=parts(dataset.inputs[row]),
        variant=parts(outcome.worst),
    )


def parts(text: TextInput) -> list[str]:
    """One text, or the two of a pair, as a list."""
    return [text] if isinstance(text, str) else list(text)
