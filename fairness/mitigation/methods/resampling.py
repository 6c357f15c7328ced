"""Training data in which the pairs of group and label are equally frequent."""

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from fairness.mitigation.base import DataMitigation, GroupMitigation, MitigatedData, require_share
from fairness.mitigation.examples import repeated
from robustness.dataset import TextDataset


@dataclass(frozen=True, kw_only=True)
class Resampling(DataMitigation, GroupMitigation):
    """Repeats or drops training examples until pairs of group and label are about equally frequent.

    imbalanced-learn's RandomOverSampler (``strategy = "over"``) repeats examples of the rarer pairs, drawn
    with replacement; RandomUnderSampler (``"under"``) drops examples of the frequent ones at random. The
    rarest pair ends with at least ``ratio`` times as many examples as the most frequent one; pairs that have
    no example at all stay without. Repeating lengthens the training, dropping shortens it.
    """

    name: ClassVar[str] = "resampling"
    packages: ClassVar[tuple[str, ...]] = ("imblearn",)

    strategy: Literal["over", "under"] = field(
        default="over", metadata={"help": "repeat examples of rare pairs, or drop those of frequent ones"}
    )
    ratio: float = field(
        default=1.0,
        metadata={"help": "size of the rarest pair over that of the most frequent, above 0 and at most 1"},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_share(self.name, "ratio", self.ratio)

    def apply(self, training: TextDataset, seed: int) -> MitigatedData:
        self.require_installed()
        groups = np.unique(self.column(training), return_inverse=True)[1]
        strata = groups.reshape(-1) * len(training.label_names) + training.labels
        names, counts = np.unique(strata, return_counts=True)
        wanted = self._wanted(counts)
        rows = np.arange(len(training))
        if len(names) > 1:
            sizes = {int(name): int(size) for name, size in zip(names, wanted, strict=True)}
            rows = np.sort(_drawn(self.strategy, strata, sizes, seed))
        note = (
            f"{len(names)} pairs of group and label with {counts.min():,} to {counts.max():,} training "
            f"examples now have {wanted.min():,} to {wanted.max():,}: {len(training):,} examples became "
            f"{len(rows):,}."
        )
        return MitigatedData(repeated(training, rows), notes=[note])

    def _wanted(self, counts: np.ndarray) -> np.ndarray:
        """The size of each stratum afterwards."""
        if self.strategy == "over":
            return np.array([max(count, math.ceil(self.ratio * counts.max())) for count in counts])
        return np.array([min(count, math.floor(counts.min() / self.ratio)) for count in counts])


def _drawn(strategy: str, strata: np.ndarray, sizes: dict[int, int], seed: int) -> np.ndarray:
    """The rows of the examples to keep, repeated ones several times."""
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler

    kind: Any = RandomOverSampler if strategy == "over" else RandomUnderSampler
    sampler = kind(sampling_strategy=sizes, random_state=seed)
    sampler.fit_resample(np.arange(len(strata))[:, None], strata)
    return np.asarray(sampler.sample_indices_, dtype=np.int64)
