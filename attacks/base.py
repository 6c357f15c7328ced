"""What every attack is: named, with checked parameters, a declared threat model and a goal."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from attacks.errors import AssayError, nearest
from attacks.goals import Goal
from attacks.parameters import check_types
from attacks.threat_model import Access, Space, ThreatModel


@dataclass(frozen=True, kw_only=True)
class Attack(ABC):
    """Base of all attacks: a frozen dataclass with a ``name``; its fields are its parameters.

    A subclass is an ``EmbeddingAttack``, a ``TokenAttack`` or a ``QueryAttack``: these say what ``perturb``
    is given and returns. An attack proposes; whether it succeeded is for ``robustness.evaluate`` to decide.

    Raises AssayError when a parameter has the wrong type or is out of range.
    """

    name: ClassVar[str]
    access: ClassVar[Access] = "white-box"
    space: ClassVar[Space]

    target: str | None = field(
        default=None, metadata={"help": "the label to reach; without it any wrong label will do"}
    )

    def __post_init__(self) -> None:
        check_types(self)

    @property
    @abstractmethod
    def threat_model(self) -> ThreatModel:
        """What the attacker knows and may do."""

    @property
    def bounded(self) -> bool:
        """Whether what it may change is limited: without a limit an attack turns nearly everything."""
        return self.threat_model.epsilon is not None

    def params(self) -> dict[str, Any]:
        """All parameters as JSON-able values, in the order of declaration; no target where there is none."""
        given = asdict(self)
        if self.target is None:
            del given["target"]
        return given

    def goal(self, y: Tensor, label_names: Sequence[str]) -> Goal:
        """The goal for examples of the true classes ``y`` (b,), none of them the target's own.

        Raises AssayError for a target that is no label of the data.
        """
        wanted = self.target_class(label_names)
        return Goal(y, None if wanted is None else torch.full_like(y, wanted))

    def target_class(self, label_names: Sequence[str]) -> int | None:
        """The index of the target among the labels; None without one. Raises AssayError as ``goal`` does."""
        if self.target is None:
            return None
        if self.target not in label_names:
            raise AssayError(
                f'Attack "{self.name}": expected target to be a label of the data, got "{self.target}".'
                f"{nearest(self.target, list(label_names))} The labels: {', '.join(label_names)}."
            )
        return list(label_names).index(self.target)
