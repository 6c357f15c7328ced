"""SMOTE on embeddings: rare combinations of group and label get made-up examples among their own."""

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from attacks.parameters import wrong
from fairness.mitigation.base import NOUN
from fairness.mitigation.embeddings import embedded
from fairness.mitigation.heads import HeadMitigation, Mitigated, head_from
from robustness.classifier import Classifier
from robustness.dataset import TextDataset


@dataclass(frozen=True, kw_only=True)
class Smote(HeadMitigation):
    """Rare groups and labels get synthetic embeddings (SMOTE); the head is fitted to all of them.

    Chawla et al. 2002 by imbalanced-learn, over the strata of group and label: a new example lies between one
    of its stratum and one of that one's nearest neighbours there. A logistic regression on old and new ones
    takes the head's place; the encoder stays, and the group is not asked at prediction time.

    Departure: a stratum of n examples has n - 1 neighbours to offer, where that is fewer than ``neighbours``;
    a stratum of one example is left as it is.
    """

    name: ClassVar[str] = "smote"
    packages: ClassVar[tuple[str, ...]] = ("imblearn",)

    strategy: Literal["all", "within_groups"] = field(
        default="all",
        metadata={"help": "raise each stratum to the largest of all, or to the largest of its group"},
    )
    neighbours: int = field(default=5, metadata={"help": "nearest ones that a new example may lie next to"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.neighbours < 1:
            raise wrong(self.name, "neighbours", "at least 1", self.neighbours, kind=NOUN)

    def apply(
        self, classifier: Classifier, training: TextDataset, validation: TextDataset, seed: int
    ) -> Mitigated:
        found = embedded(classifier, training, self.column(training))
        x, y = self.oversampled(found.x, found.y, found.groups, seed)
        head = head_from(self.regression().fit(x, y), len(classifier.label_names))
        note = f"Made up: {len(x) - len(found.x):,} embeddings, beside {len(found.x):,} of training examples."
        return Mitigated.of(classifier, head, note)

    def oversampled(
        self, x: np.ndarray, y: np.ndarray, groups: np.ndarray, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings (n', h) and labels (n',): the n of ``x`` and ``y``, and the made-up ones after them."""
        from imblearn.over_sampling import SMOTE

        strata = list(zip(groups.tolist(), y.tolist(), strict=True))
        counts = Counter(strata)
        names = sorted(counts)
        codes = np.array([names.index(stratum) for stratum in strata])
        wanted: dict[int, dict[int, int]] = {}
        for code, name in enumerate(names):
            among = [n for other, n in counts.items() if self.strategy == "all" or other[0] == name[0]]
            if 1 < counts[name] < max(among):
                neighbours = min(self.neighbours, counts[name] - 1)
                wanted.setdefault(neighbours, {})[code] = max(among)
        found_x, found_y = [x], [y]
        for neighbours, targets in sorted(wanted.items()):
            smote = SMOTE(sampling_strategy=targets, k_neighbors=neighbours, random_state=seed)
            # What is made up comes after what was given.
            made_x, made = (each[len(x) :] for each in smote.fit_resample(x, codes))
            found_x.append(made_x)
            found_y.append(np.array([names[code][1] for code in made], dtype=y.dtype))
        return np.concatenate(found_x), np.concatenate(found_y)
