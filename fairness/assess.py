"""Who the model fails: metrics by group and the disparities between groups, clean and under attack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attacks.errors import AssayError
from fairness.counts import Outcome, check_groups, check_labels, count_groups, outcomes
from fairness.disparities import disparities, disparity_names
from fairness.metrics import group_metrics, metric_frame
from fairness.results import FairnessResult, FairnessUnderAttack, GroupAssessment, GroupMetrics
from robustness.estimate import Estimate


@dataclass(frozen=True)
class AttackedPredictions:
    """What the model answered under one attack; y_pred (n,) int, in the order of ``y_true``."""

    attack: str
    params: dict[str, Any]
    y_pred: np.ndarray


def assess(
    y_true: np.ndarray,
    y_pred: np.ndarray,
    groups: Mapping[str, np.ndarray],
    label_names: Sequence[str],
    *,
    attacked: Sequence[AttackedPredictions] = (),
    positive_label: str | None = None,
    min_group_size: int = 30,
    confidence: float = 0.95,
    seed: int = 0,
) -> FairnessResult:
    """Group metrics and disparities on clean predictions and, as the same table, under each attack.

    y_true, y_pred: (n,) int labels, indices into ``label_names``.
    groups: {column: (n,) str}; overlapping groups are several columns.
    positive_label: for two classes, the outcome that selection rate, TPR and FPR speak of (by default
        the second label); with more, every class is assessed against the rest.
    min_group_size: a smaller group is shown and marked ``small``, but no disparity uses it.
    seed: of the simulated critical values.

    Raises AssayError for a wrong label, length, group value or setting.
    """
    _check_settings(min_group_size, confidence)
    shown = outcomes(label_names, positive_label)
    truth = check_labels(y_true, label_names, "y_true")
    columns = check_groups(groups, len(truth))
    clean = _check_predictions(y_pred, truth, label_names, "y_pred")
    under_attack = [
        _check_predictions(each.y_pred, truth, label_names, f'the predictions under "{each.attack}"')
        for each in attacked
    ]

    def assess_columns(predictions: np.ndarray) -> dict[str, GroupAssessment]:
        return {
            name: _assess_column(
                truth, predictions, column, label_names, shown, min_group_size, confidence, seed
            )
            for name, column in columns.items()
        }

    return FairnessResult(
        positive_label=shown[0].name if len(shown) == 1 else None,
        min_group_size=min_group_size,
        groups=assess_columns(clean),
        under_attack=[
            FairnessUnderAttack(each.attack, each.params, assess_columns(predictions))
            for each, predictions in zip(attacked, under_attack, strict=True)
        ],
    )


def _assess_column(
    y_true: np.ndarray,
    y_pred: np.ndarray,
    column: np.ndarray,
    label_names: Sequence[str],
    shown: Sequence[Outcome],
    min_group_size: int,
    confidence: float,
    seed: int,
) -> GroupAssessment:
    counts = count_groups(y_true, y_pred, column, len(label_names))
    frame = metric_frame(counts, shown)
    large = counts.n >= min_group_size
    metrics = group_metrics(counts, shown, frame, confidence)
    by_group = {
        value: GroupMetrics(
            n=int(counts.n[g]),
            n_by_label=dict(zip(label_names, counts.table[g].sum(axis=1).tolist(), strict=True)),
            small=not large[g],
            metrics=metrics[g],
        )
        for g, value in enumerate(counts.values)
    }
    if large.sum() < 2:
        reason = (
            f'only one group ("{counts.values[0]}")'
            if len(large) == 1
            else f"{large.sum()} of {len(large)} groups have at least {min_group_size} examples; "
            "two are needed"
        )
        return GroupAssessment(
            by_group, {name: Estimate.undefined(reason) for name in disparity_names(shown)}
        )
    judged = counts.keep(large)
    judged_frame = frame if large.all() else metric_frame(judged, shown)
    return GroupAssessment(by_group, disparities(judged, shown, judged_frame, confidence, seed))


def _check_predictions(
    y_pred: np.ndarray, y_true: np.ndarray, label_names: Sequence[str], what: str
) -> np.ndarray:
    checked = check_labels(y_pred, label_names, what)
    if len(checked) != len(y_true):
        raise AssayError(
            f"{what}: expected one prediction for each of {len(y_true)} examples, got {len(checked)}"
        )
    return checked


def _check_settings(min_group_size: int, confidence: float) -> None:
    if min_group_size < 1:
        raise AssayError(f"min_group_size: expected at least 1, got {min_group_size}")
    if not 0 < confidence < 1:
        raise AssayError(f"confidence: expected a number between 0 and 1, got {confidence}")
