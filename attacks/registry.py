"""Which attacks there are: those of the packages of ``attacks``, and what others register.

Another package adds an attack with an entry point of the group ``assay.attacks``, named as the attack, that
points to its class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast, get_args, get_type_hints

import attacks.character
import attacks.embedding
import attacks.textattack
import attacks.token
from attacks import plugins
from attacks.base import Attack
from attacks.embedding.base import EmbeddingAttack
from attacks.errors import AssayError
from attacks.plugins import ParameterDescription
from attacks.textattack.custom import build_custom
from attacks.textattack.recipes import PREFIX, RECIPES
from attacks.threat_model import Norm

ATTACKS = plugins.Kind(
    noun="attack",
    base=Attack,  # type: ignore[type-abstract]
    packages=(attacks.embedding, attacks.token, attacks.character, attacks.textattack),
    entry_points="assay.attacks",
)


@dataclass(frozen=True)
class AttackDescription:
    """What a person needs to choose an attack.

    norms: those that it can be given. needs: resources by name, see ``attacks.textattack.resources``.
    """

    name: str
    summary: str
    access: str
    space: str
    norms: tuple[Norm, ...]
    parameters: tuple[ParameterDescription, ...]
    needs: tuple[str, ...] = ()


def available() -> dict[str, type[Attack]]:
    """All attack classes by name, sorted; raises AssayError as ``plugins.available`` does."""
    return plugins.available(ATTACKS)


def describe() -> list[AttackDescription]:
    """A description of every available attack, sorted by name."""
    return [
        AttackDescription(
            name=attack.name,
            summary=plugins.summary(attack),
            access=attack.access,
            space=attack.space,
            norms=_norms(attack),
            parameters=plugins.parameters(attack),
            needs=tuple(getattr(attack, "needs", ())),
        )
        for attack in available().values()
    ]


def build(name: str, params: Mapping[str, Any], also: Sequence[str] = ()) -> Attack:
    """The attack ``name`` with its parameters, all checked.

    also: other keys that may stand beside the parameters, as spellings to suggest.
    A name such as ``package.module:function`` that is none of ours is a recipe that the user wrote.
    Raises AssayError for an unknown name or parameter (with the nearest known one), a missing parameter, and
    a value of the wrong type or out of range.
    """
    if is_custom(name):
        return build_custom(name, params)
    if PREFIX + name in available():
        raise AssayError(f'There is no attack "{name}". Did you mean "{PREFIX}{name}"?')
    reason = impossible().get(name)
    if reason is not None:
        raise AssayError(f'Attack "{name}" cannot attack a classifier: {reason}')
    return plugins.build(ATTACKS, name, params, also)


def impossible() -> dict[str, str]:
    """TextAttack's recipes that cannot attack a classifier that only answers, and why."""
    return {recipe.attack: recipe.why_not for recipe in RECIPES.values() if recipe.why_not is not None}


def is_custom(name: str) -> bool:
    """Whether it names a user's own recipe for TextAttack."""
    return ":" in name and not name.startswith("textattack:") and name not in available()


def _norms(attack: type[Attack]) -> tuple[Norm, ...]:
    """The choices of the parameter ``norm``, or the one norm that the class fixes; () outside embeddings."""
    if not issubclass(attack, EmbeddingAttack):
        return ()
    if "norm" in {parameter.name for parameter in fields(attack)}:
        return get_args(get_type_hints(attack)["norm"])
    return (cast(Norm, attack.norm),)
