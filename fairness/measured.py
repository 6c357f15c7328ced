"""One grouping, measured: the metrics of the groups that are compared and the counts behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fairness.counts import GroupCounts, Outcome
from fairness.inference.families import Family, Shares, balanced_accuracy_family, f1_family, shares_family
from fairness.inference.score_pairs import Kind
from fairness.metrics import Rate, accuracy_rate, metric_values, outcome_rates, recalls


class Scored(Protocol):
    """A metric of scores: values (g,), NaN where undefined, and their covariance (g, g)."""

    @property
    def values(self) -> np.ndarray: ...

    @property
    def covariance(self) -> np.ndarray: ...


@dataclass(frozen=True)
class Measured:
    """The groups of one grouping that are large enough to judge.

    names: of the g groups. counts: of the same groups. shown: the outcomes of one-versus-rest metrics.
    values: {metric: (g,)}, NaN where undefined. overall: {metric: ()} of all examples, those of no group
    and of small groups included. scored: {metric: Scored} where there are scores.
    """

    names: tuple[str, ...]
    counts: GroupCounts
    shown: tuple[Outcome, ...]
    values: dict[str, np.ndarray]
    overall: dict[str, np.ndarray]
    scored: Mapping[str, Scored]

    @classmethod
    def of(
        cls, counts: GroupCounts, shown: Sequence[Outcome], scored: Mapping[str, Scored] | None = None
    ) -> "Measured":
        scored = scored or {}
        values = metric_values(counts.table, shown) | {name: each.values for name, each in scored.items()}
        overall = {name: each[0] for name, each in metric_values(counts.total[None], shown).items()}
        return cls(counts.values, counts, tuple(shown), values, overall, scored)

    def defined(self, metric: str) -> np.ndarray:
        """(g,) bool: which groups have the metric."""
        return np.asarray(np.isfinite(self.values[metric]))

    def examples(self, groups: np.ndarray) -> int:
        """How many different examples belong to the ``groups`` (g,) bool."""
        inside = self.counts.members[:, groups].any(axis=1)
        return int(self.counts.cells[inside].sum())

    def shares(self, metric: str) -> Shares | None:
        """The counts of a metric that is a share, of the groups that have it; None for any other metric.

        F1 is no share, but the Jaccard index of which it is a rising function.
        """
        name = metric.split("[")[0]
        if name == "accuracy":
            return self._shares(accuracy_rate(self.counts.table), accuracy_rate(self.counts.cells), metric)
        for outcome in self.shown:
            if metric == name + outcome.suffix:
                key = "jaccard" if name == "f1" else name
                groups = outcome_rates(self.counts.table, outcome)
                if key in groups:
                    return self._shares(groups[key], self._of_cells(key, outcome), metric)
        return None

    def _of_cells(self, key: str, outcome: Outcome) -> Rate:
        if key != "jaccard":
            return outcome_rates(self.counts.cells, outcome)[key]
        # A cell without positives has no F1 of its own, but its false alarms count in those of its groups.
        rates = outcome_rates(self.counts.cells, outcome)
        return Rate(rates["tpr"].successes, rates["tpr"].trials + rates["fpr"].successes)

    def _shares(self, groups: Rate, cells: Rate, metric: str) -> Shares:
        has = self.defined(metric)
        return Shares(groups.keep(has), cells, self.counts.members[:, has])

    def family(self, metric: str, kind: Kind) -> Family:
        """The metric of the groups that have it as normal variables on the scale of ``kind``."""
        has = self.defined(metric)
        if metric in self.scored:
            each = self.scored[metric]
            return Family(each.values[has], each.covariance[np.ix_(has, has)])
        if metric == "balanced_accuracy":
            groups, cells = recalls(self.counts.table), recalls(self.counts.cells)
            return balanced_accuracy_family(
                [
                    self._shares(
                        Rate(groups.successes[:, k], groups.trials[:, k]),
                        Rate(cells.successes[:, k], cells.trials[:, k]),
                        metric,
                    )
                    for k in range(self.counts.cells.shape[1])
                ],
                kind,
            )
        shares = self.shares(metric)
        if shares is None:
            raise ValueError(f'"{metric}" is no metric of counts')
        return f1_family(shares, kind) if metric.startswith("f1") else shares_family(shares, kind)
