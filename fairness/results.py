"""What the fairness room found, as frozen data that round-trips through JSON."""

from dataclasses import dataclass, field
from typing import Any

from robustness.estimate import Estimate


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
class GroupAssessment:
    """One group column.

    disparities: {name: Estimate}, for example ``demographic_parity_difference``; undefined with a
        reason where fewer than two groups are large enough.
    """

    by_group: dict[str, GroupMetrics]
    disparities: dict[str, Estimate]


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
