"""How assay finds things that are one file each, and builds one from its name and parameters.

A kind of thing (attacks, training objectives) is the concrete subclasses of one base: those in the modules
of one package of ours, and those that other packages register under an entry point named as the thing.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from importlib.metadata import entry_points
from types import ModuleType, NoneType, UnionType
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar, get_args, get_origin, get_type_hints

from attacks.errors import AssayError, nearest


class Named(Protocol):
    """A dataclass whose fields are its parameters, their ``help`` in the field's metadata."""

    name: ClassVar[str]


Thing = TypeVar("Thing", bound=Named)


@dataclass(frozen=True)
class Kind(Generic[Thing]):
    """noun: what one of them is called in messages; packages: those whose modules hold them; entry_points:
    the group that other packages use."""

    noun: str
    base: type[Thing]
    packages: tuple[ModuleType, ...]
    entry_points: str


@dataclass(frozen=True)
class ParameterDescription:
    """One parameter: ``type`` in words, such as ``linf | l2``; ``default`` is None when it is required."""

    name: str
    type: str
    required: bool
    default: Any
    help: str


def available(kind: Kind[Thing]) -> dict[str, type[Thing]]:
    """All classes of a kind by name, sorted.

    Raises AssayError when another package's class cannot be loaded, is not of this kind, or when a name is
    taken twice.
    """
    found: dict[str, type[Thing]] = {}
    for where, thing in [*_own(kind), *_registered(kind)]:
        if thing.name in found:
            raise AssayError(
                f'{where}: the {kind.noun} name "{thing.name}" is taken already. Rename this one.'
            )
        found[thing.name] = thing
    return dict(sorted(found.items()))


def build(kind: Kind[Thing], name: str, params: Mapping[str, Any], also: Sequence[str] = ()) -> Thing:
    """The thing called ``name`` with its parameters; the class itself checks their values.

    also: other keys that may stand beside the parameters where the user wrote them, as spellings to suggest.
    Raises AssayError for an unknown name or parameter (with the nearest known one) and a missing parameter.
    """
    known = available(kind)
    if name not in known:
        article = "an" if kind.noun[0] in "aeiou" else "a"
        raise AssayError(
            f'Expected the name of {article} {kind.noun}, got "{name}".{nearest(name, list(known))} '
            f"Known {kind.noun}s: {', '.join(known)}."
        )
    parameters = {parameter.name: parameter for parameter in _fields(known[name])}
    what = f'{kind.noun.capitalize()} "{name}"'
    for key in params:
        if key not in parameters:
            others = f" Other keys here: {', '.join(also)}." if also else ""
            raise AssayError(
                f'{what} has no parameter "{key}".{nearest(key, [*parameters, *also])} '
                f"Its parameters: {', '.join(parameters) or 'none'}.{others}"
            )
    for key, parameter in parameters.items():
        if _required(parameter) and key not in params:
            raise AssayError(f"{what} needs {key}, which is missing. Add {key} to the {kind.noun}.")
    return known[name](**params)


def summary(thing: type[Any]) -> str:
    """The first line of its docstring."""
    return (inspect.getdoc(thing) or "").split("\n")[0]


def parameters(thing: type[Any]) -> tuple[ParameterDescription, ...]:
    """What can be set, in the order of declaration."""
    declared = get_type_hints(thing)
    return tuple(
        ParameterDescription(
            name=parameter.name,
            type=_type_in_words(declared[parameter.name]),
            required=_required(parameter),
            default=None if _required(parameter) else _default(parameter),
            help=parameter.metadata.get("help", ""),
        )
        for parameter in _fields(thing)
    )


def _own(kind: Kind[Thing]) -> Iterator[tuple[str, type[Thing]]]:
    for package in kind.packages:
        for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            module = importlib.import_module(found.name)
            for member in vars(module).values():
                if _is_of(kind, member) and member.__module__ == module.__name__:
                    yield f"Module {module.__name__}", member


def _registered(kind: Kind[Thing]) -> Iterator[tuple[str, type[Thing]]]:
    for entry_point in entry_points(group=kind.entry_points):
        package = entry_point.dist.name if entry_point.dist else "an unnamed package"
        where = f'Entry point "{entry_point.name}" ({entry_point.value}) of {package}'
        try:
            thing = entry_point.load()
        except Exception as error:
            raise AssayError(
                f"{where}: expected the class of one {kind.noun}, but loading it failed: {error!r}. "
                "Repair or uninstall that package."
            ) from error
        if not _is_of(kind, thing) or getattr(thing, "name", None) != entry_point.name:
            raise AssayError(
                f"{where}: expected a concrete subclass of {kind.base.__module__}.{kind.base.__qualname__} "
                f'whose name is "{entry_point.name}", got {thing!r}. Repair or uninstall that package.'
            )
        yield where, thing


def _is_of(kind: Kind[Thing], member: object) -> bool:
    """Whether it is a class to be used, and not one that others build on: those are abstract or nameless."""
    of_kind = inspect.isclass(member) and issubclass(member, kind.base)
    return of_kind and not inspect.isabstract(member) and hasattr(member, "name")


def _fields(thing: type[Any]) -> tuple[Field[Any], ...]:
    return fields(thing)


def _required(parameter: Field[Any]) -> bool:
    return parameter.default is MISSING and parameter.default_factory is MISSING


def _default(parameter: Field[Any]) -> Any:
    return parameter.default if parameter.default_factory is MISSING else parameter.default_factory()


def _type_in_words(declared: Any) -> str:
    if get_origin(declared) is Literal:
        return " | ".join(map(str, get_args(declared)))
    if get_origin(declared) is UnionType:
        return " | ".join(_type_in_words(each) for each in get_args(declared) if each is not NoneType)
    return getattr(declared, "__name__", str(declared))
