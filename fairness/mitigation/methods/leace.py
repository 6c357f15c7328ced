"""LEACE: the group is erased from the embeddings as far as anything linear could tell it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairness.mitigation.embeddings import embedded
from fairness.mitigation.heads import HeadMitigation, Mitigated, head_from
from fairness.mitigation.routes import one_hot
from robustness.classifier import Classifier
from robustness.dataset import TextDataset


@dataclass(frozen=True, kw_only=True)
class Leace(HeadMitigation):
    """Erases from the embeddings what a linear model could tell the group by (LEACE), and refits the head.

    Belrose et al. 2023, "LEACE: Perfect linear concept erasure in closed form" (theorem 4.3), by
    concept-erasure: the affine map that changes the embeddings least while no linear classifier of them tells
    the group better than a constant one. It is fitted to the training embeddings and, with the logistic
    regression on what is left, folded into the classifier's last layer: the group is not asked at prediction
    time. The embeddings before that layer still tell the group; the answers are what has changed.

    Departure: without shrinkage of the covariance, so that the group is erased exactly from the training
    examples.
    """

    name: ClassVar[str] = "leace"
    packages: ClassVar[tuple[str, ...]] = ("concept_erasure",)

    def apply(
        self, classifier: Classifier, training: TextDataset, validation: TextDataset, seed: int
    ) -> Mitigated:
        found = embedded(classifier, training, self.column(training))
        matrix, shift = eraser(found.x, found.groups)
        head = head_from(
            self.regression().fit(found.x @ matrix.T + shift, found.y), len(classifier.label_names)
        )
        erased = len(set(found.groups.tolist())) - 1
        note = f"Erased from the embeddings: {erased} of {found.x.shape[1]} directions."
        return Mitigated.of(classifier, head.after(matrix, shift), note)


def eraser(x: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The map (h, h) and shift (h,) after which embeddings x (n, h) tell no linear model their group (n,)."""
    import torch
    from concept_erasure import LeaceEraser

    concept = torch.tensor(one_hot(groups, sorted(set(groups.tolist()))))
    fitted = LeaceEraser.fit(torch.tensor(x), concept, shrinkage=False)
    matrix = fitted.P.numpy()
    return matrix, (np.eye(len(matrix)) - matrix) @ fitted.bias.numpy()
