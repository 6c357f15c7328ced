"""Flip rates, failure rates and changes of score over some of the variants, with their intervals."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fairness.counterfactual.changes import Changes
from fairness.counterfactual.intervals import mean_over_examples, signed_rank_p_value
from fairness.counterfactual.results import AxisEffect, TermEffect
from robustness.estimate import Estimate, wilson

NOWHERE = "no example names an identity that can be swapped"
LABELS_ONLY = "the model gives labels only, and this goes by probabilities"
BY_DEFINITION = "changes are against the mean of a template's fillings, so they cancel"

Reduce = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
"""(changes (v,), the example of each (v,), number m of examples) -> one number for each example (m,)."""


@dataclass(frozen=True)
class Estimates:
    """Estimates over any of the variants; ``rows`` are indices of variants.

    scores: whether the model gives probabilities. tested: whether signed changes are tested. templates:
    whether changes cancel within each example.
    """

    changes: Changes
    scores: bool
    tested: bool
    templates: bool
    confidence: float
    seed: int

    def flip_rate(self, rows: np.ndarray) -> Estimate:
        """Share of the examples of these variants with one that flips."""
        examples = self.changes.example[rows]
        n, flipped = len(np.unique(examples)), len(np.unique(examples[self.changes.flipped[rows]]))
        return wilson(flipped, n, self.confidence) if n else Estimate.undefined(NOWHERE)

    def mean(self, rows: np.ndarray, reduce: Reduce) -> Estimate:
        """The mean over examples of what ``reduce`` makes of the changes of each."""
        if not self.scores:
            return Estimate.undefined(LABELS_ONLY)
        return mean_over_examples(
            self.per_example(rows, reduce), confidence=self.confidence, seed=self.seed, none=NOWHERE
        )

    def per_example(self, rows: np.ndarray, reduce: Reduce) -> np.ndarray:
        examples, at = np.unique(self.changes.example[rows], return_inverse=True)
        return reduce(self.changes.change[rows], at, len(examples))

    def term(self, rows: np.ndarray) -> TermEffect:
        """Not yet adjusted for the other terms."""
        labelled = rows[self.changes.labelled[rows]]
        return TermEffect(
            n=len(np.unique(self.changes.example[rows])),
            flip_rate=self.flip_rate(rows),
            mean_change=self.mean(rows, _signed),
            p_value=signed_rank_p_value(self.per_example(rows, _signed)) if self.tested else None,
            adjusted=None,
            established=False,
            failure_rate=self.failure_rate(labelled) if len(labelled) else None,
        )

    def failure_rate(self, rows: np.ndarray) -> Estimate:
        return wilson(int(self.changes.wrong[rows].sum()), len(rows), self.confidence)

    def axis(self, rows: np.ndarray) -> AxisEffect:
        return AxisEffect(
            n=len(np.unique(self.changes.example[rows])),
            variants=len(rows),
            flip_rate=self.flip_rate(rows),
            mean_change=self.mean(rows, _absolute),
            worst_change=self.mean(rows, _worst),
            signed_change=(
                Estimate.undefined(BY_DEFINITION, len(rows)) if self.templates else self.mean(rows, _signed)
            ),
        )

    def largest(self, rows: np.ndarray) -> Estimate:
        """The largest absolute change."""
        if not self.scores:
            return Estimate.undefined(LABELS_ONLY)
        if not len(rows):
            return Estimate.undefined(NOWHERE)
        return Estimate.exact(float(np.abs(self.changes.change[rows]).max()), len(rows))


def _signed(changes: np.ndarray, at: np.ndarray, n: int) -> np.ndarray:
    return np.asarray(np.bincount(at, weights=changes, minlength=n) / np.bincount(at, minlength=n))


def _absolute(changes: np.ndarray, at: np.ndarray, n: int) -> np.ndarray:
    return _signed(np.abs(changes), at, n)


def _worst(changes: np.ndarray, at: np.ndarray, n: int) -> np.ndarray:
    largest = np.zeros(n)
    np.maximum.at(largest, at, np.abs(changes))
    return largest
