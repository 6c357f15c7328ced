"""Which mitigations there are: every module of ``mitigation.methods`` and what other packages register.

Another package adds one with an entry point of the group ``assay.mitigations``, named as the method, that
points to its class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fairness.mitigation.methods
from attacks import plugins
from attacks.plugins import ParameterDescription
from fairness.mitigation.base import NOUN, GroupMitigation, Mitigation, ModelMitigation, Stage

MITIGATIONS = plugins.Kind(
    noun=NOUN,
    base=Mitigation,
    packages=(fairness.mitigation.methods,),
    entry_points="assay.mitigations",
)


@dataclass(frozen=True)
class MitigationDescription:
    """What a person needs to choose a mitigation.

    needs_group: whether the model must know the group of what it is asked. binary_only: whether the data must
    have two labels. packages: optional ones it needs.
    """

    name: str
    summary: str
    stage: Stage
    needs_group: bool
    binary_only: bool
    packages: tuple[str, ...]
    parameters: tuple[ParameterDescription, ...]


def available() -> dict[str, type[Mitigation]]:
    """All mitigation classes by name, sorted; raises AssayError as ``plugins.available`` does."""
    return plugins.available(MITIGATIONS)


def describe() -> list[MitigationDescription]:
    """A description of every available mitigation, sorted by name."""
    return [
        MitigationDescription(
            name=name,
            summary=plugins.summary(method),
            stage=method.stage,
            needs_group=issubclass(method, GroupMitigation) and method.needs_group,
            binary_only=issubclass(method, ModelMitigation) and method.binary_only,
            packages=method.packages,
            parameters=plugins.parameters(method),
        )
        for name, method in available().items()
    ]


def build(name: str, params: Mapping[str, Any], also: Sequence[str] = ()) -> Mitigation:
    """The mitigation ``name`` with its parameters, all checked.

    also: other keys that may stand beside the parameters, as spellings to suggest.
    Raises AssayError for an unknown name or parameter (with the nearest known one), a missing parameter, and
    a value of the wrong type or out of range.
    """
    return plugins.build(MITIGATIONS, name, params, also)
