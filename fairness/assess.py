"""Who the model fails: metrics by group and the disparities between groups, clean and under attack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attacks.errors import AssayError
from fairness.counts import Outcome, check_labels, count_groups, outcomes
from fairness.grouping_assessment import ScoreResults, assess_grouping, with_tests
from fairness.groups import Grouping, all_groupings
from fairness.results import FairnessResult, FairnessUnderAttack, GroupAssessment


@dataclass(frozen=True)
class AttackedPredictions:
    """What the model answered under one attack, in the order of ``y_true``.

    y_pred: (n,) int. scores: (n, k) class probabilities; without them metrics of scores are left out.
    """

    attack: str
    params: dict[str, Any]
    y_pred: np.ndarray
    scores: np.ndarray | None = None


def assess(
    y_true: np.ndarray,
    y_pred: np.ndarray,
    groups: Mapping[str, np.ndarray],
    label_names: Sequence[str],
    *,
    scores: np.ndarray | None = None,
    alone: Sequence[str] | None = None,
    intersections: int = 1,
    overlapping: Mapping[str, Sequence[str]] | None = None,
    attacked: Sequence[AttackedPredictions] = (),
    positive_label: str | None = None,
    min_group_size: int = 30,
    confidence: float = 0.95,
    seed: int = 0,
) -> FairnessResult:
    """Group metrics and disparities on clean predictions and, as the same table, under each attack.

    y_true, y_pred: (n,) int labels, indices into ``label_names``.
    groups: {column: (n,) str}.
    scores: (n, k) class probabilities: adds ROC AUC, log loss, calibration error and the bias AUCs.
    alone: the columns of ``groups`` that are assessed by themselves and crossed; None for all of them.
    intersections: up to how many columns are crossed; 1 for none.
    overlapping: {name: columns of ``groups`` that hold 0 and 1, or yes and no}: groups of which an example
        can belong to several, compared with each other.
    positive_label: for two classes, the outcome that selection rate, TPR and FPR speak of (by default
        the second label); with more, every class is assessed against the rest.
    min_group_size: a smaller group is shown and marked ``small``, but no disparity uses it.
    seed: of the simulated critical values and of the permutations.

    Tests are adjusted over all groupings and disparities of one set of predictions (clean, or one attack).

    Raises AssayError for a wrong label, length, score, group value or setting.
    """
    _check_settings(min_group_size, confidence)
    shown = outcomes(label_names, positive_label)
    truth = check_labels(y_true, label_names, "y_true")
    groupings = all_groupings(
        groups,
        alone=alone,
        depth=intersections,
        several=overlapping,
        min_size=min_group_size,
        n=len(truth),
    )
    clean = _check_predictions(y_pred, scores, truth, label_names, "y_pred", "scores")
    under_attack = [
        _check_predictions(
            each.y_pred,
            each.scores,
            truth,
            label_names,
            f'the predictions under "{each.attack}"',
            f'the scores under "{each.attack}"',
        )
        for each in attacked
    ]

    def assess_all(predictions: "_Predictions") -> dict[str, GroupAssessment]:
        assessed = {
            grouping.name: assess_grouping(
                grouping,
                count_groups(truth, predictions.y_pred, grouping, len(label_names)),
                label_names,
                shown,
                _score_results(truth, predictions, grouping, shown, min_group_size, confidence, seed),
                min_group_size=min_group_size,
                confidence=confidence,
                seed=seed,
            )
            for grouping in groupings
        }
        return with_tests(assessed, confidence)

    return FairnessResult(
        positive_label=shown[0].name if len(shown) == 1 else None,
        min_group_size=min_group_size,
        groups=assess_all(clean),
        under_attack=[
            FairnessUnderAttack(each.attack, each.params, assess_all(predictions))
            for each, predictions in zip(attacked, under_attack, strict=True)
        ],
    )


@dataclass(frozen=True)
class _Predictions:
    y_pred: np.ndarray
    scores: np.ndarray | None


def _score_results(
    y_true: np.ndarray,
    predictions: _Predictions,
    grouping: Grouping,
    shown: Sequence[Outcome],
    min_group_size: int,
    confidence: float,
    seed: int,
) -> ScoreResults | None:
    if predictions.scores is None:
        return None
    from fairness.bias.auc import bias_auc
    from fairness.scores import score_families, score_metrics

    scores = predictions.scores
    return ScoreResults(
        score_metrics(y_true, scores, grouping, shown, confidence, seed),
        score_families(y_true, scores, grouping, shown),
        bias_auc(y_true, scores, grouping, shown, min_group_size, confidence),
    )


def _check_predictions(
    y_pred: np.ndarray,
    scores: np.ndarray | None,
    y_true: np.ndarray,
    label_names: Sequence[str],
    what: str,
    what_scores: str,
) -> _Predictions:
    checked = check_labels(y_pred, label_names, what)
    if len(checked) != len(y_true):
        raise AssayError(
            f"{what}: expected one prediction for each of {len(y_true)} examples, got {len(checked)}"
        )
    if scores is None:
        return _Predictions(checked, None)
    from fairness.scores import check_scores

    return _Predictions(checked, check_scores(scores, len(y_true), len(label_names), what_scores))


def _check_settings(min_group_size: int, confidence: float) -> None:
    if min_group_size < 1:
        raise AssayError(f"min_group_size: expected at least 1, got {min_group_size}")
    if not 0 < confidence < 1:
        raise AssayError(f"confidence: expected a number between 0 and 1, got {confidence}")
