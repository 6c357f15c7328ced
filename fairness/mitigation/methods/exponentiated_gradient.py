"""Fairlearn's ExponentiatedGradient on embeddings: a random mixture of heads."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from attacks.parameters import wrong
from fairness.mitigation.base import NOUN
from fairness.mitigation.embeddings import Embedded, embedded
from fairness.mitigation.heads import HeadMitigation
from fairness.mitigation.outcomes import ChoosingMitigation
from fairness.mitigation.reductions import answers, head_of_predictor, moment
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.heads import Head, head_of
from robustness.routed import ANYBODY, Routed, Routing

TRIED = (0.005, 0.01, 0.02, 0.05)
"""Values of ``eps`` among which the validation data chooses."""


@dataclass(frozen=True)
class Mixture:
    """Heads of which one, drawn with its share, answers; the shares add up to 1."""

    heads: tuple[Head, ...]
    shares: tuple[float, ...]

    def outcome_probability(self, x: np.ndarray, positive: int) -> np.ndarray:
        """The probability (n,) over the draws that embeddings x (n, h) are given the label ``positive``."""
        given = [answers(head, x, positive) for head in self.heads]
        return np.asarray(np.average(given, axis=0, weights=self.shares))


@dataclass(frozen=True, kw_only=True)
class ExponentiatedGradientMitigation(ChoosingMitigation, HeadMitigation):
    """A random mixture of heads whose rates differ little between groups (Fairlearn).

    Agarwal et al. 2018, "A reductions approach to fair classification" (algorithm 1): a game between a
    logistic regression on the embeddings and the multipliers of the constraint, on the training data. Its
    solution is a mixture. Without ``eps`` several are tried, and the one is taken whose groups differ least
    on the validation data, among those that lose at most ``max_loss`` of accuracy there.

    The group is not asked at prediction time. Which head answers an example is drawn once, by the seed and
    the example's id, so that the same example always gets the same answer. Attacks face the drawn head.
    """

    name: ClassVar[str] = "exponentiated_gradient"

    eps: float | None = field(
        default=None, metadata={"help": "the difference between groups that is allowed on training data"}
    )
    max_iter: int = field(default=50, metadata={"help": "rounds of the game at most"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.eps is not None and not 0 < self.eps < 1:
            raise wrong(self.name, "eps", "a number between 0 and 1", self.eps, kind=NOUN)
        if self.max_iter < 1:
            raise wrong(self.name, "max_iter", "at least 1", self.max_iter, kind=NOUN)

    @property
    def chooses(self) -> bool:
        return self.eps is None

    def apply(
        self, classifier: Classifier, training: TextDataset, validation: TextDataset, seed: int
    ) -> Routed:
        compared = self.compared(training, validation)
        positive, before = self.positive(classifier.label_names), head_of(classifier)
        fit = embedded(classifier, training, self.column(training))
        held_out = embedded(classifier, validation, self.column(validation))
        tried = TRIED if self.eps is None else (self.eps,)
        mixtures = [self.mixture(fit, eps, before, positive) for eps in tried]
        given = [each.outcome_probability(held_out.x, positive) for each in mixtures]
        start = answers(before, held_out.x, positive)
        choice = self.choose(given, start, held_out.y == positive, compared)
        mixture = mixtures[choice.index]
        shares = ", ".join(f"{share:.3g}" for share in mixture.shares)
        among = f", of {', '.join(f'{eps:g}' for eps in tried)}" if self.chooses else ""
        notes = (
            f"A mixture of {len(mixture.heads)} heads with the shares {shares} "
            f"(eps {tried[choice.index]:g}{among}).",
            *choice.notes,
        )
        return Routed(classifier, mixture.heads, Routing(None, {ANYBODY: mixture.shares}, seed), notes)

    def mixture(self, fit: Embedded, eps: float, before: Head, positive: int) -> Mixture:
        """The solution on training examples. before: a head, for its shape."""
        from fairlearn.reductions import ExponentiatedGradient

        game = ExponentiatedGradient(
            self.regression(), moment(self.constraint, eps), eps=eps, max_iter=self.max_iter
        )
        game.fit(fit.x, (fit.y == positive).astype(np.int64), sensitive_features=fit.groups)
        used = [(float(share), game.predictors_[i]) for i, share in game.weights_.items() if share > 0]
        total = sum(share for share, _ in used)
        return Mixture(
            tuple(head_of_predictor(predictor, before, positive) for _, predictor in used),
            tuple(share / total for share, _ in used),
        )
