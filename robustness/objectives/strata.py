"""The groups of the training examples, for objectives that treat groups differently."""

from dataclasses import dataclass

import numpy as np

from attacks.errors import AssayError, nearest
from robustness.dataset import TextDataset


@dataclass(frozen=True, eq=False)
class Strata:
    """A division of n training examples into m strata, none of them empty.

    codes: (n,) int64, indices into ``names``.
    """

    codes: np.ndarray
    names: tuple[str, ...]

    @property
    def counts(self) -> np.ndarray:
        """(m,) examples of each."""
        return np.bincount(self.codes, minlength=len(self.names))


def by_group(training: TextDataset, column: str, objective: str, *, with_label: bool = False) -> Strata:
    """The strata of a group column, or of the column and the label together; only those that occur.

    objective: its name, for messages. Raises AssayError for a column that the data does not have, and where
    all training examples are of one group.
    """
    if column not in training.groups:
        known = list(training.groups)
        raise AssayError(
            f'Objective "{objective}": the data has no group column "{column}".{nearest(column, known)} '
            f"Group columns: {', '.join(known) or 'none'}. Name it in data.groups."
        )
    groups = training.groups[column].tolist()
    if len(set(groups)) < 2:
        only = f'"{groups[0]}"' if groups else "no example"
        raise AssayError(
            f'Objective "{objective}": expected at least two groups in "{column}" among the training '
            f"examples, got {only} alone. Choose another group column."
        )
    if with_label:
        labels = [training.label_names[label] for label in training.labels]
        groups = [f"{group}, {label}" for group, label in zip(groups, labels, strict=True)]
    names, codes = np.unique(np.array(groups), return_inverse=True)
    return Strata(codes.reshape(-1).astype(np.int64), tuple(names.tolist()))
