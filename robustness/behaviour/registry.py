"""Which behavioural tests there are: those of ``behaviour.transformations`` and what others register.

Another package adds a test with an entry point of the group ``assay.behaviour``, named as the test, that
points to its class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import robustness.behaviour.transformations
from attacks import plugins
from attacks.plugins import ParameterDescription
from robustness.behaviour.base import NOUN, BehaviouralTest, Expectation, Nature

BEHAVIOURAL_TESTS = plugins.Kind(
    noun=NOUN,
    base=BehaviouralTest,  # type: ignore[type-abstract]
    packages=(robustness.behaviour.transformations,),
    entry_points="assay.behaviour",
)


@dataclass(frozen=True)
class BehaviouralTestDescription:
    """What a person needs to choose a behavioural test."""

    name: str
    summary: str
    kind: Expectation
    nature: Nature
    parameters: tuple[ParameterDescription, ...]


def available() -> dict[str, type[BehaviouralTest]]:
    """All classes of behavioural tests by name, sorted; raises AssayError as ``plugins.available`` does."""
    return plugins.available(BEHAVIOURAL_TESTS)


def describe() -> list[BehaviouralTestDescription]:
    """A description of every available behavioural test, sorted by name."""
    return [
        BehaviouralTestDescription(
            name=name,
            summary=plugins.summary(test),
            kind=test.kind,
            nature=test.nature,
            parameters=plugins.parameters(test),
        )
        for name, test in available().items()
    ]


def build(name: str, params: Mapping[str, Any], also: Sequence[str] = ()) -> BehaviouralTest:
    """The behavioural test ``name`` with its parameters, all checked.

    also: other keys that may stand beside the parameters, as spellings to suggest.
    Raises AssayError for an unknown name or parameter (with the nearest known one), a missing parameter, and
    a value of the wrong type or out of range.
    """
    return plugins.build(BEHAVIOURAL_TESTS, name, params, also)
