"""Which examples the rates of groups can be compared on, and how far they differ there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Constraint = Literal[
    "equalized_odds", "demographic_parity", "true_positive_rate_parity", "false_positive_rate_parity"
]
SMALLEST = 30
"""Examples that a group should have for its rates to be compared: fewer say too little."""

SHOWN = 5
"""Groups that a sentence names."""


@dataclass(frozen=True, eq=False)
class Denominator:
    """The examples that one rate is a share of.

    label: the label that they have; None for examples of any. members: {group: (n,) bool}, also of groups
    that have none.
    """

    label: str | None
    members: Mapping[str, np.ndarray]

    @property
    def counts(self) -> dict[str, int]:
        """{group: examples}."""
        return {group: int(rows.sum()) for group, rows in self.members.items()}

    @property
    def compared(self) -> list[str]:
        """The groups with 30 examples; where fewer than two have as many, all that have any."""
        counts = self.counts
        large = [group for group, count in counts.items() if count >= SMALLEST]
        return large if len(large) > 1 else [group for group, count in counts.items() if count]

    @property
    def measurable(self) -> bool:
        """Whether two groups have examples."""
        return len(self.compared) > 1

    @property
    def in_words(self) -> str:
        return "examples" if self.label is None else f'examples of the label "{self.label}"'

    def difference(self, positive: np.ndarray) -> float:
        """The largest difference between two groups that are compared; positive: (n,) probabilities of the
        outcome."""
        rates = [float(positive[self.members[group]].mean()) for group in self.compared]
        return max(rates) - min(rates)

    def notes(self) -> list[str]:
        """Sentences about groups with too few examples; none where all have 30."""
        counts, compared = self.counts, self.compared
        if not self.measurable:
            return [
                f"Validation data has too few {self.in_words} to measure how far groups differ: "
                f"{listed(counts)}."
            ]
        left_out = {group: count for group, count in counts.items() if group not in compared}
        few = {group: counts[group] for group in compared if counts[group] < SMALLEST}
        notes = []
        if few:
            notes.append(
                f"The difference rests on few {self.in_words} in the validation data: "
                f"{listed({group: counts[group] for group in compared})}. Expect another one on other data."
            )
        if left_out:
            notes.append(
                f"Validation data has too few {self.in_words} to measure some groups, which were not "
                f"compared: {listed(left_out)}."
            )
        return notes


def denominators(
    positive: np.ndarray,
    groups: np.ndarray,
    constraint: Constraint,
    *,
    values: Iterable[str],
    outcome: str,
    other: str,
) -> list[Denominator]:
    """Those of the rates that ``constraint`` wants alike.

    positive: (n,) bool, whether an example has the label ``outcome``; else it has ``other``.
    groups: (n,). values: all groups, those without an example too.
    """
    of = {
        "equalized_odds": ((outcome, positive), (other, ~positive)),
        "demographic_parity": ((None, np.ones(len(positive), dtype=bool)),),
        "true_positive_rate_parity": ((outcome, positive),),
        "false_positive_rate_parity": ((other, ~positive),),
    }[constraint]
    return [
        Denominator(label, {value: rows & (groups == value) for value in sorted(values)})
        for label, rows in of
    ]


def violation(positive: np.ndarray, compared: Sequence[Denominator]) -> float | None:
    """The largest difference between two groups in one of the rates; None where one cannot be measured.

    positive: (n,) probabilities with which the examples are given the outcome.
    """
    if not all(each.measurable for each in compared):
        return None
    return max(each.difference(positive) for each in compared)


def listed(counts: Mapping[str, int]) -> str:
    """``"man" 3, "woman" none``; the groups with fewest first."""
    ordered = sorted(counts.items(), key=lambda item: (item[1], item[0]))
    shown = ", ".join(f'"{group}" {f"{count:,}" if count else "none"}' for group, count in ordered[:SHOWN])
    return shown + (f" and {len(ordered) - SHOWN:,} more" if len(ordered) > SHOWN else "")
