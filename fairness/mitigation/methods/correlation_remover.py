"""Fairlearn's CorrelationRemover on embeddings: what the group predicts of them is taken away."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from attacks.parameters import wrong
from fairness.mitigation.base import NOUN
from fairness.mitigation.embeddings import embedded
from fairness.mitigation.heads import HeadMitigation, head_from
from fairness.mitigation.routes import by_group, one_hot
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.routed import Routed


@dataclass(frozen=True, kw_only=True)
class CorrelationRemoverMitigation(HeadMitigation):
    """Takes from the embeddings what the group predicts of them (Fairlearn), and refits the head.

    Each component of the embeddings is regressed on the group (one column for each value) and replaced by
    its residual; a logistic regression on the residuals takes the head's place. For the examples of a group
    that subtracts one vector, which folds into the bias of the head: the model is told the group of what it
    answers. A group that only validation examples have keeps its embeddings as they are.
    """

    name: ClassVar[str] = "correlation_remover"
    needs_group: ClassVar[bool] = True

    alpha: float = field(
        default=1.0, metadata={"help": "how much of the correlation is taken away, from above 0 to 1"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.alpha <= 1:
            raise wrong(self.name, "alpha", "a number above 0 and at most 1", self.alpha, kind=NOUN)

    def apply(
        self, classifier: Classifier, training: TextDataset, validation: TextDataset, seed: int
    ) -> Routed:
        found = embedded(classifier, training, self.column(training))
        shifts = group_shifts(found.x, found.groups, self.alpha)
        moved = found.x + np.stack([shifts[value] for value in found.groups.tolist()])
        head = head_from(self.regression().fit(moved, found.y), len(classifier.label_names))
        others = sorted(set(self.column(validation).tolist()) - {*shifts})
        mixtures = {value: [(1.0, head.plus(head.weight @ shift))] for value, shift in shifts.items()}
        mixtures |= {value: [(1.0, head)] for value in others}
        heads, routing = by_group(self.group, mixtures, seed)
        share = 1 - moved.var(axis=0).sum() / found.x.var(axis=0).sum()
        notes = [f"The group explained {share:.1%} of the variance of the embeddings; it was taken away."]
        notes += [f'No training example is of the group "{value}": its embeddings stay.' for value in others]
        return Routed(classifier, heads, routing, tuple(notes))


def group_shifts(x: np.ndarray, groups: np.ndarray, alpha: float) -> dict[str, np.ndarray]:
    """{group value: (h,) what is added to the embeddings of its examples}. x: (n, h); groups: (n,)."""
    from fairlearn.preprocessing import CorrelationRemover

    values = sorted(set(groups.tolist()))
    columns = one_hot(groups, values)
    remover = CorrelationRemover(sensitive_feature_ids=list(range(len(values))), alpha=alpha)
    remover.fit(np.hstack([columns, x]))
    # What is done to an embedding of zeros is what is added to any other of its group.
    added = remover.transform(np.hstack([np.eye(len(values)), np.zeros((len(values), x.shape[1]))]))
    return dict(zip(values, added, strict=True))
