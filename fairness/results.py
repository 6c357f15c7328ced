"""What the fairness room found, as frozen data that round-trips through JSON."""

from dataclasses import dataclass, field
from typing import Any, Literal

from robustness.estimate import Estimate

Status = Literal["established", "suggestive", "undecided"]
"""Of a disparity, established: its adjusted p-value is at most the level, and the interval of the difference
leaves out 0; suggestive: its own p-value is at most the level; undecided: it is not."""

GroupingKind = Literal["column", "intersection", "overlapping"]
"""One column; the combinations of several; groups of which an example can belong to several."""

FourFifths = Literal["held", "violated", "undecided"]
"""Whether the whole interval of a selection rate ratio lies at 0.8 or above, below it, or on both sides."""


@dataclass(frozen=True)
class GroupMetrics:
    """One group value: its size, whether it is large enough to judge, and its metrics.

    n_by_label: {label name: count}.
    small: True when n is below the minimum group size; its metrics are shown but no disparity uses it.
    metrics: {metric: Estimate}; with more than two classes the per-class metrics are one-versus-rest
        and named ``metric[label]``, for example ``tpr[hate]``.
    """

    n: int
    n_by_label: dict[str, int]
    small: bool
    metrics: dict[str, Estimate]


@dataclass(frozen=True)
class DisparityTest:
    """Whether a disparity is more than chance.

    p_value: of "the groups do not differ". adjusted: the same after Benjamini and Hochberg (1995) over all
        tests of the assessment that it stands in.
    lowest, highest: the extremes, between which the disparity lies. With more than two groups what is tested
        is whether any of them differ. metric: in what they do: for equalized odds the rate that differs more.
    examples_needed: how many examples in all, with the same mix of groups and labels, would establish one
        of the observed size with a power of 80 %; None where it is established or the size is zero.
    """

    p_value: float
    adjusted: float
    status: Status
    metric: str
    lowest: str
    highest: str
    examples_needed: int | None


@dataclass(frozen=True)
class WorstGroup:
    """The group large enough to judge that fares worst in a metric; ``estimate.n`` is its denominator."""

    group: str
    n: int
    estimate: Estimate


@dataclass(frozen=True)
class SubgroupAUC:
    """One group against the background of all other examples (Borkan et al. 2019).

    subgroup_auc: positives against negatives within the group. bpsn_auc: positives of the background
    against negatives of the group. bnsp_auc: positives of the group against negatives of the background.
    positive_aeg, negative_aeg: average equality gap of the positives and of the negatives, from -0.5 to 0.5;
    above 0 the group's scores are higher than the background's.
    """

    n: int
    small: bool
    subgroup_auc: Estimate
    bpsn_auc: Estimate
    bnsp_auc: Estimate
    positive_aeg: Estimate
    negative_aeg: Estimate


@dataclass(frozen=True)
class BiasAUC:
    """The bias metrics of one outcome over the groups that are large enough to judge.

    power: of the generalised mean over groups (-5, as in the Civil Comments challenge).
    mean_subgroup_auc, mean_bpsn_auc, mean_bnsp_auc: generalised means of the groups' areas.
    bias_score: the mean of overall_auc and of those three.
    """

    power: float
    overall_auc: Estimate
    mean_subgroup_auc: Estimate
    mean_bpsn_auc: Estimate
    mean_bnsp_auc: Estimate
    bias_score: Estimate
    by_group: dict[str, SubgroupAUC]


@dataclass(frozen=True)
class GroupAssessment:
    """One grouping of the examples: a group column, an intersection of columns, or overlapping groups.

    disparities: {name: Estimate}, for example ``demographic_parity_difference``; undefined with a
        reason where fewer than two groups are large enough.
    tests: {name: DisparityTest} of the disparities that could be tested.
    worst: {metric: WorstGroup}.
    four_fifths: the four-fifths rule on each ``demographic_parity_ratio``, by the name of the ratio.
    bias: {outcome: BiasAUC}; empty without scores.
    kind: where the groups come from.
    """

    by_group: dict[str, GroupMetrics]
    disparities: dict[str, Estimate]
    tests: dict[str, DisparityTest] = field(default_factory=dict)
    worst: dict[str, WorstGroup] = field(default_factory=dict)
    four_fifths: dict[str, FourFifths] = field(default_factory=dict)
    bias: dict[str, BiasAUC] = field(default_factory=dict)
    kind: GroupingKind = "column"


@dataclass(frozen=True)
class FairnessUnderAttack:
    """The same assessment on the predictions under one attack (``attack`` and ``params`` name it)."""

    attack: str
    params: dict[str, Any]
    groups: dict[str, GroupAssessment]


@dataclass(frozen=True)
class FairnessResult:
    """positive_label: the outcome that selection rate, TPR and FPR speak of; None when multi-class."""

    positive_label: str | None
    min_group_size: int
    groups: dict[str, GroupAssessment]
    under_attack: list[FairnessUnderAttack] = field(default_factory=list)
