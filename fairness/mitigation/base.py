"""What a mitigation is: it changes the training data, or it makes another model of a trained one."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from attacks.errors import AssayError, nearest
from attacks.parameters import check_types
from robustness.dataset import TextDataset

if TYPE_CHECKING:
    from robustness.classifier import Classifier
    from robustness.models import Model

NOUN = "mitigation"

Stage = Literal["data", "embeddings", "predictions"]
"""What a method changes: the training data, the classification head on the embeddings, or the predictions."""


@dataclass(frozen=True)
class MitigatedData:
    """Training data after a mitigation.

    training: the examples to train on. weights: (n,) of their losses, mean 1; None where all count alike.
    notes: sentences about what was done, with numbers, for the report.
    """

    training: TextDataset
    weights: np.ndarray | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Mitigation(ABC):
    """Base of all methods: a frozen dataclass with a ``name``; its fields are its parameters.

    Raises AssayError when a parameter has the wrong type or is out of range.
    """

    name: ClassVar[str]
    stage: ClassVar[Stage]

    group: str = field(metadata={"help": "the group column whose groups are to be treated more alike"})

    def __post_init__(self) -> None:
        check_types(self, kind=NOUN)

    def params(self) -> dict[str, Any]:
        """All parameters as JSON-able values, in the order of declaration."""
        return asdict(self)

    def column(self, dataset: TextDataset) -> np.ndarray:
        """The group (n,) of each example; raises AssayError for a column that the data does not have."""
        if self.group not in dataset.groups:
            known = list(dataset.groups)
            raise AssayError(
                f'mitigation "{self.name}": the data has no group column "{self.group}".'
                f"{nearest(self.group, known)} Group columns: {', '.join(known) or 'none'}."
            )
        return dataset.groups[self.group]


@dataclass(frozen=True, kw_only=True)
class DataMitigation(Mitigation):
    """A method that changes the training data before a candidate is trained on it."""

    stage: ClassVar[Stage] = "data"

    @abstractmethod
    def apply(self, training: TextDataset, seed: int) -> MitigatedData:
        """The changed training split; ``training`` holds training examples only. ``seed``: of all draws."""


@dataclass(frozen=True, kw_only=True)
class ModelMitigation(Mitigation):
    """A method that makes another model of a trained one (``base`` of the candidate)."""

    @abstractmethod
    def apply(
        self, classifier: "Classifier", training: TextDataset, validation: TextDataset, seed: int
    ) -> "Model":
        """The mitigated model; ``classifier`` stays as it is.

        training, validation: labels are indices into ``classifier.label_names``. Test data is never seen.
        """
