"""What behavioural tests found, as frozen data that round-trips through JSON."""

from dataclasses import dataclass, field
from typing import Any

from robustness.behaviour.base import Expectation, Nature
from robustness.estimate import Estimate


@dataclass(frozen=True)
class FailingExample:
    """A text with which a model failed a test.

    label: the true one. before, after: the predicted labels. probability_before, probability_after: of the
    label predicted before. original, variant: one text, or the two of a pair.
    """

    example_id: str
    label: str
    before: str
    after: str
    probability_before: float
    probability_after: float
    original: list[str]
    variant: list[str]


@dataclass(frozen=True)
class GroupBehaviour:
    """n: texts of the group that the test applied to."""

    n: int
    failure_rate: Estimate


@dataclass(frozen=True)
class BehaviouralResult:
    """One behavioural test of one model.

    n, not_applicable: texts that the test applied to, and the others, which no rate counts. variants: of the
        n texts in all.
    failure_rate: share of the n texts with a variant whose answer is not as expected.
    failure_rate_if_right: the same among the texts that were classified correctly as they are.
    accuracy_clean: on the n texts as they are. accuracy_worst: share of them that is right on every variant.
        accuracy_mean: mean over them of the share of variants that is right. accuracy_change: worst minus
        clean, paired. All undefined for a test that may change the label.
    mean_change: mean over the texts of the mean absolute change of the probability of the label predicted
        before; undefined for a model that gives labels only.
    by_group: {group column: {group value: ...}}.
    examples: at most ``summarize.SHOWN`` of the ``failures``, each with its worst variant.
    """

    name: str
    kind: Expectation
    nature: Nature
    params: dict[str, Any]
    n: int
    not_applicable: int
    variants: int
    failure_rate: Estimate
    failure_rate_if_right: Estimate
    accuracy_clean: Estimate
    accuracy_worst: Estimate
    accuracy_mean: Estimate
    accuracy_change: Estimate
    mean_change: Estimate
    by_group: dict[str, dict[str, GroupBehaviour]]
    failures: int = 0
    examples: list[FailingExample] = field(default_factory=list)


@dataclass(frozen=True)
class FailingCase:
    """A labelled case that was not classified as its label says; text: one text, or the two of a pair."""

    example_id: str
    label: str
    predicted: str
    text: list[str]


@dataclass(frozen=True)
class FunctionalityResult:
    """The cases of one functionality. by_label: {label: failure rate among its cases}, without empty ones."""

    n: int
    failure_rate: Estimate
    by_label: dict[str, Estimate]
    failures: int
    examples: list[FailingCase] = field(default_factory=list)


@dataclass(frozen=True)
class MinimumFunctionalityResult:
    """A suite of labelled cases. mean_failure_rate: the mean over its functionalities, large or small.

    by_group: {group column: {value: failure rate}} of the other group columns of its cases, for example the
        people whom a case is about.
    """

    name: str
    column: str
    n: int
    failure_rate: Estimate
    mean_failure_rate: Estimate
    by_functionality: dict[str, FunctionalityResult]
    by_group: dict[str, dict[str, Estimate]] = field(default_factory=dict)
