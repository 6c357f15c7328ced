"""What a mitigation is: it changes the training data, or it makes another model of a trained one."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from attacks.errors import AssayError, nearest
from attacks.parameters import check_types, wrong
from robustness.dataset import TextDataset

if TYPE_CHECKING:
    from robustness.classifier import Classifier
    from robustness.models import Model

NOUN = "mitigation"

SHOWN = 5
"""Group values that a message names."""

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

    stage: what it changes. packages: the modules of the optional extra ``mitigation`` that it imports.
    Raises AssayError when a parameter has the wrong type or is out of range.
    """

    name: ClassVar[str]
    stage: ClassVar[Stage]
    packages: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        check_types(self, kind=NOUN)

    def params(self) -> dict[str, Any]:
        """All parameters as JSON-able values, in the order of declaration."""
        return asdict(self)

    def require_installed(self) -> None:
        """Raises AssayError where a package is missing that the method imports."""
        for package in self.packages:
            if find_spec(package) is None:
                raise AssayError(
                    f'mitigation "{self.name}" needs {package}, which is not installed. '
                    'Run: pip install "assay[mitigation]"'
                )

    def check(self, dataset: TextDataset) -> None:
        """Raise AssayError for data that the method cannot work with, before anything expensive.

        dataset: all of it: training, validation and the test examples that are to be audited.
        """
        return


@dataclass(frozen=True, kw_only=True)
class GroupMitigation(Mitigation):
    """A method that is told each example's group.

    needs_group: whether the mitigated model has to know the group of what it is asked about.
    """

    needs_group: ClassVar[bool] = False

    group: str = field(metadata={"help": "the group column whose groups are to be treated more alike"})

    def column(self, dataset: TextDataset) -> np.ndarray:
        """The group (n,) of each example; raises AssayError for a column that the data does not have."""
        if self.group not in dataset.groups:
            known = list(dataset.groups)
            raise AssayError(
                f'mitigation "{self.name}": the data has no group column "{self.group}".'
                f"{nearest(self.group, known)} Group columns: {', '.join(known) or 'none'}."
            )
        return dataset.groups[self.group]

    def check(self, dataset: TextDataset) -> None:
        """Refuses a column that is missing or has one value only, and, where the model will have to know the
        group, values that no training or validation example has."""
        column = self.column(dataset)
        known = set(column[dataset.splits != "test"].tolist())
        if len(known) < 2:
            only = ", ".join(f'"{value}"' for value in sorted(known)) or "none"
            raise AssayError(
                f'mitigation "{self.name}": expected at least two groups in "{self.group}" among the '
                f"training and validation examples, got {only}. Choose another group column."
            )
        unseen = sorted(set(column.tolist()) - known)
        if self.needs_group and unseen:
            named = ", ".join(f'"{value}"' for value in unseen[:SHOWN])
            more = f" and {len(unseen) - SHOWN:,} more" if len(unseen) > SHOWN else ""
            raise AssayError(
                f'mitigation "{self.name}" treats each group of "{self.group}" in its own way, and no '
                f"training or validation example has the group {named}{more}. Give some, join small groups "
                "into one in the data, or choose a method that does not use the group at prediction time."
            )


@dataclass(frozen=True, kw_only=True)
class DataMitigation(Mitigation):
    """A method that changes the training data before a candidate is trained on it.

    keeps_groups: whether the group columns are still true of the examples afterwards.
    """

    stage: ClassVar[Stage] = "data"
    keeps_groups: ClassVar[bool] = True

    @abstractmethod
    def apply(self, training: TextDataset, seed: int) -> MitigatedData:
        """The changed training split; ``training`` holds training examples only. ``seed``: of all draws."""


@dataclass(frozen=True, kw_only=True)
class ModelMitigation(GroupMitigation):
    """A method that makes another model of a trained one (``base`` of the candidate).

    binary_only: whether it is defined for two labels only.
    """

    binary_only: ClassVar[bool] = False

    def check(self, dataset: TextDataset) -> None:
        """As ``GroupMitigation.check``; refuses more than two labels too, where the method is for two."""
        super().check(dataset)
        if self.binary_only and len(dataset.label_names) != 2:
            raise AssayError(
                f'mitigation "{self.name}": expected data with 2 labels, got {len(dataset.label_names)} '
                f"({', '.join(dataset.label_names[:SHOWN])}). Join labels with data.label_map, or choose "
                "another method: see `assay list mitigations`."
            )

    @abstractmethod
    def apply(
        self, classifier: "Classifier", training: TextDataset, validation: TextDataset, seed: int
    ) -> "Model":
        """The mitigated model; ``classifier`` stays as it is.

        training, validation: labels are indices into ``classifier.label_names``. Test data is never seen.
        """


def require_share(name: str, key: str, value: float) -> None:
    """Raises AssayError for a parameter that is not above 0 and at most 1."""
    if not 0 < value <= 1:
        raise wrong(name, key, "a number above 0 and at most 1", value, kind=NOUN)


def require_axes(name: str, axes: object) -> None:
    """Raises AssayError for axes that are not a list of texts, or an empty one."""
    if axes is None:
        return
    if not isinstance(axes, list) or not axes or not all(isinstance(axis, str) for axis in axes):
        raise wrong(name, "axes", "a list of axes of identity", axes, kind=NOUN)
