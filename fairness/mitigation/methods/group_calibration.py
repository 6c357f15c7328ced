"""Calibration of each group: the same score means the same risk, whichever group it is given to."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from attacks.errors import AssayError
from fairness.mitigation.base import ModelMitigation, Stage
from fairness.mitigation.comparison import SMALLEST
from fairness.mitigation.embeddings import embeddings_of
from fairness.mitigation.heads import log_odds
from fairness.mitigation.routes import by_group
from robustness.calibration import fit_temperature
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.heads import Head, head_of
from robustness.routed import Routed

UNREGULARISED = 1e9
"""scikit-learn's C at which the regularisation of two numbers by some hundred examples is nothing."""


@dataclass(frozen=True, kw_only=True)
class GroupCalibration(ModelMitigation):
    """Each group's scores are calibrated on validation data: Platt scaling or a temperature of its own.

    Platt 1999: the log-odds of a group are stretched and moved so that they are likeliest (two labels; this
    changes answers). A temperature (Guo et al. 2017, section 4.2) changes how sure the model is, no answer.
    Calibration within groups and equal error rates cannot both be had where base rates differ (Kleinberg,
    Mullainathan and Raghavan 2017): equalized odds may well get worse. The model is told the group of what it
    answers. Groups with fewer than 30 validation examples of some label keep their scores.
    """

    name: ClassVar[str] = "group_calibration"
    stage: ClassVar[Stage] = "predictions"
    needs_group: ClassVar[bool] = True

    scaling: Literal["platt", "temperature"] = field(
        default="platt",
        metadata={"help": "two numbers for each group (two labels only), or one that changes no answer"},
    )

    def check(self, dataset: TextDataset) -> None:
        """Refuses Platt scaling of more than two labels, beside what every method does."""
        super().check(dataset)
        if self.scaling == "platt" and len(dataset.label_names) != 2:
            raise AssayError(
                f'mitigation "{self.name}": scaling = "platt" is for 2 labels, and the data has '
                f'{len(dataset.label_names)}. Use scaling = "temperature".'
            )

    def apply(
        self, classifier: Classifier, training: TextDataset, validation: TextDataset, seed: int
    ) -> Routed:
        head = head_of(classifier)
        logits = head.logits(embeddings_of(classifier, validation))
        groups, y = self.column(validation), validation.labels
        mixtures, notes = {}, []
        for value in sorted({*self.column(training).tolist(), *groups.tolist()}):
            rows = groups == value
            counts = np.bincount(y[rows], minlength=len(classifier.label_names))
            if counts.min() < SMALLEST:
                mixtures[value] = [(1.0, head)]
                notes.append(
                    f"Fewer than {SMALLEST} validation examples of some label are of the group "
                    f'"{value}": its scores stay.'
                )
                continue
            scale, offset = self.fitted(logits[rows], y[rows])
            scaled = Head(head.weight * scale, head.bias * scale)
            moved = scaled.plus(log_odds(1, offset)) if offset else scaled
            mixtures[value] = [(1.0, moved)]
            notes.append(f'Group "{value}": logits times {scale:.3g}, log-odds plus {offset:.3g}.')
        if all(parts[0][1] is head for parts in mixtures.values()):
            notes.insert(0, f"Changed nothing: no group has {SMALLEST} validation examples of each label.")
        heads, routing = by_group(self.group, mixtures, seed)
        return Routed(classifier, heads, routing, tuple(notes))

    def fitted(self, logits: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        """What the logits (n, k) are multiplied by, and what is then added to the log-odds of label 1."""
        if self.scaling == "temperature":
            return 1 / fit_temperature(logits, y), 0.0
        return platt(logits[:, 1] - logits[:, 0], y == 1)


def platt(scores: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and offset that make the log-odds ``scores`` (n,) likeliest; y: (n,) bool.

    As Platt 1999 (section 2.2), targets are (n1 + 1) / (n1 + 2) and 1 / (n0 + 2) instead of 1 and 0: each
    example counts for both labels, by its target.
    """
    from sklearn.linear_model import LogisticRegression

    ones, zeros = int(y.sum()), int((~y).sum())
    target = np.where(y, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    regression = LogisticRegression(C=UNREGULARISED, max_iter=1000)
    regression.fit(
        np.concatenate([scores, scores])[:, None],
        np.repeat([1, 0], len(y)),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    return float(regression.coef_[0, 0]), float(regression.intercept_[0])
