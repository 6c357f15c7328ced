"""Heads fitted to the embeddings of a classifier, by scikit-learn, and folded back into its last layer."""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np

from attacks.parameters import wrong
from fairness.mitigation.base import NOUN, ModelMitigation, Stage
from robustness.classifier import Classifier
from robustness.heads import Head, with_head

CERTAIN = 20.0
"""The log-odds of an answer that does not depend on the text: a probability of 2e-9 for the other one."""


@dataclass(frozen=True, kw_only=True)
class HeadMitigation(ModelMitigation):
    """A method that fits a new head to the embeddings of the training examples; the encoder stays."""

    stage: ClassVar[Stage] = "embeddings"

    c: float = field(
        default=1.0,
        metadata={"help": "inverse strength of the logistic regression's regularisation (scikit-learn's C)"},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.c <= 0:
            raise wrong(self.name, "c", "a number above 0", self.c, kind=NOUN)

    def regression(self) -> Any:
        """The logistic regression that is fitted: scikit-learn's, with a seed it does not draw from."""
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=self.c, max_iter=1000)


@dataclass
class Mitigated(Classifier):
    """A classifier with another head. notes: sentences about how it came about, for the report."""

    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, classifier: Classifier, head: Head, *notes: str) -> "Mitigated":
        """``classifier``, which stays as it is, with the head ``head``."""
        changed = with_head(classifier, head)
        given = {each.name: getattr(changed, each.name) for each in fields(Classifier)}
        return cls(**given, notes=notes)


def head_from(regression: Any, k: int) -> Head:
    """The head of a fitted logistic regression on labels of k classes.

    Of two classes it gives half the log-odds to one and takes them from the other. A class that was not
    among the labels gets odds of nearly 0.
    """
    classes = [int(label) for label in regression.classes_]
    weight = np.zeros((k, regression.coef_.shape[1]))
    bias = np.full(k, -CERTAIN)
    if len(classes) == 2:
        halves = np.array([-0.5, 0.5])
        weight[classes] = halves[:, None] * regression.coef_[0]
        bias[classes] = halves * regression.intercept_[0]
    else:
        weight[classes], bias[classes] = regression.coef_, regression.intercept_
    return Head(weight, bias)


def constant(label: int, like: Head) -> Head:
    """The head, of the shape of ``like``, that gives every text one of two labels."""
    return Head(np.zeros_like(like.weight), np.zeros_like(like.bias)).plus(log_odds(label, CERTAIN))


def log_odds(positive: int, value: float) -> np.ndarray:
    """Logits (2,) by which the label ``positive`` gains ``value`` on the other of two."""
    return np.where(np.arange(2) == positive, value / 2, -value / 2)
