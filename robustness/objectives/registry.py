"""Which training objectives there are: every module of this package and what other packages register.

Another package adds an objective with an entry point of the group ``assay.objectives``, named as the
objective, that points to its class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import robustness.objectives
from attacks import plugins
from attacks.plugins import ParameterDescription
from robustness.objectives.base import Objective

OBJECTIVES = plugins.Kind(
    noun="objective",
    base=Objective,  # type: ignore[type-abstract]
    packages=(robustness.objectives,),
    entry_points="assay.objectives",
)


@dataclass(frozen=True)
class ObjectiveDescription:
    """What a person needs to choose an objective."""

    name: str
    summary: str
    parameters: tuple[ParameterDescription, ...]


def available() -> dict[str, type[Objective]]:
    """All objective classes by name, sorted; raises AssayError as ``plugins.available`` does."""
    return plugins.available(OBJECTIVES)


def describe() -> list[ObjectiveDescription]:
    """A description of every available objective, sorted by name."""
    return [
        ObjectiveDescription(name, plugins.summary(objective), plugins.parameters(objective))
        for name, objective in available().items()
    ]


def build(name: str, params: Mapping[str, Any], also: Sequence[str] = ()) -> Objective:
    """The objective ``name`` with its parameters, all checked.

    also: other keys that may stand beside the parameters, such as ``epochs``, as spellings to suggest.
    Raises AssayError for an unknown name or parameter (with the nearest known one), a missing parameter, and
    a value of the wrong type or out of range.
    """
    return plugins.build(OBJECTIVES, name, params, also)
