"""Weights under which group and label are independent."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairness.mitigation.base import DataMitigation, GroupMitigation, MitigatedData
from robustness.dataset import TextDataset


@dataclass(frozen=True, kw_only=True)
class Reweighing(DataMitigation, GroupMitigation):
    """Weighs training examples so that group and label are independent in them.

    Kamiran and Calders 2012, "Data preprocessing techniques for classification without discrimination",
    Algorithm 3: an example of group g and label y weighs P(g) P(y) / P(g, y), so that one of a pair that is
    rarer than independence would have it counts more. Every group and every label keeps its total, and
    the weights have a mean of 1, unless a pair has no example: then they are scaled to it. They multiply the
    losses of any objective.
    """

    name: ClassVar[str] = "reweighing"

    def apply(self, training: TextDataset, seed: int) -> MitigatedData:
        groups, group = np.unique(self.column(training), return_inverse=True)
        pairs = np.zeros((len(groups), len(training.label_names)))
        np.add.at(pairs, (group, training.labels), 1)
        n = len(training)
        expected = np.outer(pairs.sum(axis=1), pairs.sum(axis=0)) / n
        weights = (expected[group, training.labels] / pairs[group, training.labels]).astype(np.float64)
        empty = [
            f'"{groups[g]}" with "{training.label_names[y]}"'
            for g, y in zip(*np.nonzero((pairs == 0) & (expected > 0)), strict=True)
        ]
        notes = [
            f"The weights of the {n:,} training examples lie between {weights.min():.2f} and "
            f"{weights.max():.2f}; together they count as much as "
            f"{weights.sum() ** 2 / np.square(weights).sum():,.0f} examples of equal weight."
        ]
        if empty:
            notes.append(
                f"No weight can stand for pairs that no training example has: {', '.join(empty[:5])}"
                f"{', ...' if len(empty) > 5 else ''}; with these, group and label are not independent."
            )
        return MitigatedData(training, weights / weights.mean(), notes)
