"""Fairlearn's GridSearch on embeddings: many weightings of errors, one model chosen."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from attacks.parameters import wrong
from fairness.mitigation.base import NOUN
from fairness.mitigation.embeddings import embedded
from fairness.mitigation.heads import HeadMitigation, Mitigated
from fairness.mitigation.outcomes import ChoosingMitigation
from fairness.mitigation.reductions import answers, head_of_predictor, moment
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.heads import head_of


@dataclass(frozen=True, kw_only=True)
class GridSearchMitigation(ChoosingMitigation, HeadMitigation):
    """A grid of heads that trade errors of groups against each other (Fairlearn); one is chosen.

    Agarwal et al. 2018, "A reductions approach to fair classification" (section 3.4): each point of a grid of
    Lagrange multipliers weighs the errors in its own way, and a logistic regression on the embeddings is
    fitted to the weighted examples of the training data. Of these and the head as it was the one is taken
    whose groups differ least on the validation data, among those that lose at most ``max_loss`` of accuracy
    there. The group is not asked at prediction time.
    """

    name: ClassVar[str] = "grid_search"

    grid_size: int = field(default=40, metadata={"help": "heads that are fitted"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.grid_size < 2:
            raise wrong(self.name, "grid_size", "at least 2", self.grid_size, kind=NOUN)

    def apply(
        self, classifier: Classifier, training: TextDataset, validation: TextDataset, seed: int
    ) -> Mitigated:
        from fairlearn.reductions import GridSearch

        compared = self.compared(training, validation)
        positive, before = self.positive(classifier.label_names), head_of(classifier)
        fit = embedded(classifier, training, self.column(training))
        held_out = embedded(classifier, validation, self.column(validation))
        search = GridSearch(self.regression(), moment(self.constraint), grid_size=self.grid_size)
        search.fit(fit.x, (fit.y == positive).astype(np.int64), sensitive_features=fit.groups)
        heads = [before, *(head_of_predictor(each, before, positive) for each in search.predictors_)]
        given = [answers(head, held_out.x, positive) for head in heads]
        choice = self.choose(given, given[0], held_out.y == positive, compared)
        kept = "Changed nothing: the head as it was is the best of" if choice.index == 0 else "Chosen among"
        return Mitigated.of(classifier, heads[choice.index], f"{kept} {len(heads)} heads.", *choice.notes)
