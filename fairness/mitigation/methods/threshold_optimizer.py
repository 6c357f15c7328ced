"""Fairlearn's ThresholdOptimizer: thresholds on the score that differ by group."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from fairness.mitigation.base import Stage
from fairness.mitigation.comparison import SMALLEST
from fairness.mitigation.embeddings import embeddings_of
from fairness.mitigation.heads import constant, log_odds
from fairness.mitigation.outcomes import ConstrainedMitigation
from fairness.mitigation.routes import by_group
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.heads import Head, head_of
from robustness.routed import Routed


@dataclass(frozen=True, kw_only=True)
class ThresholdOptimizerMitigation(ConstrainedMitigation):
    """Thresholds for each group, some of them drawn at random, that make rates alike (Fairlearn).

    Hardt, Price and Srebro 2016, "Equality of opportunity in supervised learning" (section 4): on the
    validation data, the thresholds of each group are chosen that meet the constraint at the least cost; where
    no single threshold does, one of two is drawn. The model is told the group of what it answers.

    A threshold t on the log-odds is a head whose bias is lower by t, so the answer 0.5 stands for the
    threshold and attacks know it. Draws are made once for each example, by the seed and its id. Groups with
    fewer than 30 validation examples of either label keep the model's own threshold.
    """

    name: ClassVar[str] = "threshold_optimizer"
    stage: ClassVar[Stage] = "predictions"
    needs_group: ClassVar[bool] = True

    objective: Literal["accuracy_score", "balanced_accuracy_score"] = field(
        default="accuracy_score", metadata={"help": "what is to be as high as the constraint allows"}
    )

    def apply(
        self, classifier: Classifier, training: TextDataset, validation: TextDataset, seed: int
    ) -> Routed:
        positive, head = self.positive(classifier.label_names), head_of(classifier)
        logits = head.logits(embeddings_of(classifier, validation))
        scores, y = logits[:, positive] - logits[:, 1 - positive], validation.labels == positive
        groups = self.column(validation)
        large = [value for value in sorted(set(groups.tolist())) if _large(y[groups == value])]
        known = sorted({*self.column(training).tolist(), *groups.tolist()})
        mixtures: dict[str, list[tuple[float, Head]]] = {value: [(1.0, head)] for value in known}
        notes = [
            f'Fewer than {SMALLEST} validation examples of either label are of the group "{value}": it keeps '
            "the threshold of 0.5."
            for value in known
            if value not in large
        ]
        if len(large) > 1:
            rows = np.isin(groups, large)
            fitted = self.thresholds(scores[rows], y[rows], groups[rows])
            mixtures |= {value: branches(parts, head, positive) for value, parts in fitted.items()}
            notes += [f'Group "{value}": {_told(parts)}.' for value, parts in fitted.items()]
        else:
            notes.insert(
                0,
                f"Changed nothing: thresholds of groups are fitted together, and fewer than two groups have "
                f"{SMALLEST} validation examples of each label.",
            )
        heads, routing = by_group(self.group, mixtures, seed)
        return Routed(classifier, heads, routing, tuple(notes))

    def thresholds(
        self, scores: np.ndarray, y: np.ndarray, groups: np.ndarray
    ) -> Mapping[str, Mapping[str, Any]]:
        """{group value: Fairlearn's interpolation of two thresholds}. scores: (n,) log-odds; y: (n,) bool."""
        from fairlearn.postprocessing import ThresholdOptimizer

        optimizer = ThresholdOptimizer(
            estimator=_given(),
            constraints=self.constraint,
            objective=self.objective,
            prefit=True,
            predict_method="decision_function",
        )
        optimizer.fit(scores[:, None], y.astype(np.int64), sensitive_features=groups)
        found: Mapping[str, Mapping[str, Any]] = optimizer.interpolated_thresholder_.interpolation_dict
        return found


def branches(parts: Mapping[str, Any], head: Head, positive: int) -> list[tuple[float, Head]]:
    """The shares and heads by which one group is answered: two thresholds, and two constants if they are
    needed.

    parts: ``p0`` and ``p1``, the shares of ``operation0`` and ``operation1``; of ``p_ignore`` of all examples
    the share ``prediction_constant`` gets the outcome whatever it is (Fairlearn's InterpolatedThresholder).
    """
    ignored, outcome = float(parts.get("p_ignore", 0.0)), float(parts.get("prediction_constant", 0.0))
    found = [
        ((1 - ignored) * float(parts[share]), _above(head, positive, float(parts[operation].threshold)))
        for share, operation in (("p0", "operation0"), ("p1", "operation1"))
    ]
    found += [
        (ignored * outcome, constant(positive, head)),
        (ignored * (1 - outcome), constant(1 - positive, head)),
    ]
    return [(share, each) for share, each in found if share > 0]


def _above(head: Head, positive: int, threshold: float) -> Head:
    """The head that gives the outcome where the log-odds of ``head`` are above ``threshold``."""
    if np.isinf(threshold):
        return constant(positive if threshold < 0 else 1 - positive, head)
    return head.plus(log_odds(positive, -threshold))


def _large(y: np.ndarray) -> bool:
    return min(int(y.sum()), int((~y).sum())) >= SMALLEST


def _told(parts: Mapping[str, Any]) -> str:
    told = [
        f"threshold {1 / (1 + np.exp(-parts[operation].threshold)):.3f} for {float(parts[share]):.1%}"
        for share, operation in (("p0", "operation0"), ("p1", "operation1"))
        if parts[share] > 0
    ]
    return " and ".join(told)


def _given() -> Any:
    """An estimator whose decision function is the score that it is given."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Given(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, x: np.ndarray, y: np.ndarray) -> "Given":
            return self

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def decision_function(self, x: np.ndarray) -> np.ndarray:
            return np.asarray(x)[:, 0]

    return Given()
