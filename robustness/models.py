"""What can be audited: a model that is computed here, or anything else that answers."""

from typing import TypeGuard

from robustness.black_box.base import AnsweringModel
from robustness.classifier import Classifier
from robustness.routed import Routed

Model = Classifier | AnsweringModel | Routed
"""``Classifier`` for every attack; ``AnsweringModel`` for those that need nothing but answers; ``Routed`` is
asked about the examples of a data set, each of them by way of a ``Classifier``."""


def computed_here(model: Model) -> TypeGuard[Classifier]:
    """Whether it is a ``Classifier``, or stands for one: it takes tokens and not texts alone."""
    return hasattr(model, "predict_batch")
