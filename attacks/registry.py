"""Which attacks there are: every module of ``attacks.embedding`` and what other packages register.

Another package adds an attack with an entry point of the group ``assay.attacks``, named as the attack, that
points to its class.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from importlib.metadata import entry_points
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

import attacks.embedding
from attacks.embedding.base import EmbeddingAttack
from attacks.errors import AssayError, nearest
from attacks.threat_model import Norm

ENTRY_POINTS = "assay.attacks"


@dataclass(frozen=True)
class ParameterDescription:
    """One parameter: ``type`` in words, such as ``linf | l2``; ``default`` is None when it is required."""

    name: str
    type: str
    required: bool
    default: Any
    help: str


@dataclass(frozen=True)
class AttackDescription:
    """What a person needs to choose an attack; ``norms`` are those it can be given."""

    name: str
    summary: str
    access: str
    space: str
    norms: tuple[Norm, ...]
    parameters: tuple[ParameterDescription, ...]


def available() -> dict[str, type[EmbeddingAttack]]:
    """All attack classes by name, sorted.

    Raises AssayError when another package's attack cannot be loaded, is no attack, or takes a name twice.
    """
    found = {attack.name: attack for attack in _own()}
    for where, attack in _registered():
        if attack.name in found:
            raise AssayError(f'{where}: the attack name "{attack.name}" is taken already. Rename this one.')
        found[attack.name] = attack
    return dict(sorted(found.items()))


def describe() -> list[AttackDescription]:
    """A description of every available attack, sorted by name."""
    return [_described(attack) for attack in available().values()]


def build(name: str, params: Mapping[str, Any]) -> EmbeddingAttack:
    """The attack ``name`` with its parameters, all checked.

    Raises AssayError for an unknown name or parameter (with the nearest known one), a missing parameter, and
    a value of the wrong type or out of range.
    """
    known = available()
    if name not in known:
        raise AssayError(
            f'Expected the name of an attack, got "{name}".{nearest(name, list(known))} '
            f"Known attacks: {', '.join(known)}."
        )
    parameters = {parameter.name: parameter for parameter in fields(known[name])}
    for key in params:
        if key not in parameters:
            raise AssayError(
                f'Attack "{name}" has no parameter "{key}".{nearest(key, list(parameters))} '
                f"Its parameters: {', '.join(parameters)}."
            )
    for key, parameter in parameters.items():
        if _required(parameter) and key not in params:
            raise AssayError(f'Attack "{name}" needs {key}, which is missing. Add {key} to the attack.')
    return known[name](**params)


def _own() -> Iterator[type[EmbeddingAttack]]:
    package = attacks.embedding
    for module_info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        module = importlib.import_module(module_info.name)
        for member in vars(module).values():
            if _is_attack(member) and member.__module__ == module.__name__:
                yield member


def _registered() -> Iterator[tuple[str, type[EmbeddingAttack]]]:
    for entry_point in entry_points(group=ENTRY_POINTS):
        package = entry_point.dist.name if entry_point.dist else "an unnamed package"
        where = f'Entry point "{entry_point.name}" ({entry_point.value}) of {package}'
        try:
            attack = entry_point.load()
        except Exception as error:
            raise AssayError(
                f"{where}: expected an attack class, but loading it failed: {error!r}. "
                "Repair or uninstall that package."
            ) from error
        if not _is_attack(attack) or getattr(attack, "name", None) != entry_point.name:
            raise AssayError(
                f"{where}: expected a concrete subclass of attacks.embedding.base.EmbeddingAttack "
                f'whose name is "{entry_point.name}", got {attack!r}. Repair or uninstall that package.'
            )
        yield where, attack


def _is_attack(member: object) -> bool:
    return inspect.isclass(member) and issubclass(member, EmbeddingAttack) and not inspect.isabstract(member)


def _described(attack: type[EmbeddingAttack]) -> AttackDescription:
    declared = get_type_hints(attack)
    parameters = tuple(
        ParameterDescription(
            name=parameter.name,
            type=_type_in_words(declared[parameter.name]),
            required=_required(parameter),
            default=None if _required(parameter) else _default(parameter),
            help=parameter.metadata.get("help", ""),
        )
        for parameter in fields(attack)
    )
    return AttackDescription(
        name=attack.name,
        summary=(inspect.getdoc(attack) or "").split("\n")[0],
        access="white-box",
        space="embedding",
        norms=_norms(attack),
        parameters=parameters,
    )


def _norms(attack: type[EmbeddingAttack]) -> tuple[Norm, ...]:
    """The choices of the parameter ``norm``, or the one norm that the class fixes."""
    if "norm" in {parameter.name for parameter in fields(attack)}:
        return get_args(get_type_hints(attack)["norm"])
    return (cast(Norm, attack.norm),)


def _required(parameter: Field[Any]) -> bool:
    return parameter.default is MISSING and parameter.default_factory is MISSING


def _default(parameter: Field[Any]) -> Any:
    return parameter.default if parameter.default_factory is MISSING else parameter.default_factory()


def _type_in_words(declared: Any) -> str:
    if get_origin(declared) is Literal:
        return " | ".join(map(str, get_args(declared)))
    return getattr(declared, "__name__", str(declared))
