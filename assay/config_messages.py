"""What is wrong in a configuration, in words: where it stands, what was expected and what came."""

import types
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from assay.config_models import AuditConfig
from attacks.errors import nearest

Place = tuple[str | int, ...]
"""Keys and positions in lists, from the top of the file."""

_EXPECTED = {
    "string_type": "a string",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "is_instance_of": "a path",
}


@dataclass(frozen=True)
class _Problem:
    """One of pydantic's. of_union: whether a value of another type would do, with a problem of its own."""

    place: Place
    of_union: bool
    details: ErrorDetails


def messages(error: ValidationError, model: type[BaseModel] = AuditConfig) -> list[str]:
    """One sentence for each mistake that pydantic found in a ``model``."""
    found: dict[Place, list[_Problem]] = {}
    for details in error.errors():
        place, of_union = _written(details["loc"], model)
        found.setdefault(place, []).append(_Problem(place, of_union, details))
    return [sentence for problems in found.values() for sentence in _at_one_place(problems, [*found], model)]


def dotted(place: Place) -> str:
    """``candidates.0.train``."""
    return ".".join(str(part) for part in place)


def _at_one_place(problems: Sequence[_Problem], places: Sequence[Place], model: type[BaseModel]) -> list[str]:
    """places: of all problems."""
    types_alone = all(each.of_union and each.details["type"] in _EXPECTED for each in problems)
    if not types_alone:
        return [_message(each.place, each.details, model) for each in problems]
    place, came = problems[0].place, problems[0].details["input"]
    if any(len(other) > len(place) and other[: len(place)] == place for other in places):
        return []  # what is wrong inside the value says which type was meant
    words = [_EXPECTED[each.details["type"]].split(" or ") for each in problems]
    *most, last = dict.fromkeys(word for alternatives in words for word in alternatives)
    expected = f"{', '.join(most)} or {last}" if most else last
    return [f"{dotted(place)}: expected {expected}, got {_shown(came)}."]


def _message(place: Place, problem: ErrorDetails, model: type[BaseModel]) -> str:
    kind, came = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        known = _keys(place[:-1], model)
        section = dotted(place[:-1]) or "the top level"
        hint = nearest(str(place[-1]), known)
        return f'unknown key "{dotted(place)}".{hint} Keys of {section}: {", ".join(known)}.'
    if kind == "missing":
        return f"{dotted(place)}: missing: this key is required."
    if kind == "value_error":
        message = str(problem["ctx"]["error"])
        shown = "" if isinstance(came, dict | BaseModel) else f", got {_shown(came)}"
        where = f"{dotted(place)}: " if place else ""
        return f"{where}{message}{shown}."
    if kind == "list_type" and isinstance(came, dict) and _is_list_of_tables(place, model):
        return (
            f"{dotted(place)}: expected one table or more, each headed [[{dotted(place)}]]. Write "
            f"[[{dotted(place)}]] with two brackets in place of [{dotted(place)}]."
        )
    if kind in _EXPECTED:
        return f"{dotted(place)}: expected {_EXPECTED[kind]}, got {_shown(came)}."
    if kind == "literal_error":
        known = problem["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        hint = nearest(str(came), known)
        return f"{dotted(place)}: expected {problem['ctx']['expected']}, got {_shown(came)}.{hint}"
    message = problem["msg"].replace("Input should be", "expected", 1)
    return f"{dotted(place)}: {message}, got {_shown(came)}."


def _written(loc: Place, model: type[BaseModel]) -> tuple[Place, bool]:
    """``loc`` without the parts by which pydantic names a type of a union, and whether there were any."""
    place: Place = ()
    tagged = of_union = False
    possible: list[Any] = [model]
    for part in loc:
        if len(possible) > 1 and not tagged:
            tagged = of_union = True
            continue
        tagged = False
        place = (*place, part)
        possible = [inner for each in possible for inner in _inside(each, part)]
    return place, of_union


def _inside(annotation: Any, part: str | int) -> list[Any]:
    """The types that the value at the key or position ``part`` of a value of this type may have."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(part))
        return [] if field is None else _types(field.annotation)
    if get_origin(annotation) in (list, dict):
        return _types(get_args(annotation)[-1])
    return []


def _types(annotation: Any) -> list[Any]:
    """The types of a union but for None; of anything else itself."""
    if get_origin(annotation) is Annotated:
        return _types(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [each for member in get_args(annotation) for each in _types(member)]
    return [] if annotation is type(None) else [annotation]


def _keys(place: Place, model: type[BaseModel]) -> list[str]:
    """The keys that the section at ``place`` may have."""
    possible: list[Any] = [model]
    for part in place:
        possible = [inner for each in possible for inner in _inside(each, part)]
    sections = [each for each in possible if isinstance(each, type) and issubclass(each, BaseModel)]
    return [key for section in sections for key in section.model_fields]


def _is_list_of_tables(place: Place, model: type[BaseModel]) -> bool:
    """Whether a key of the top level is such a list."""
    entries = _inside(model, place[0]) if len(place) == 1 else []
    inner = [each for entry in entries for each in _inside(entry, 0)]
    return any(isinstance(each, type) and issubclass(each, BaseModel) for each in inner)


def _shown(value: Any) -> str:
    """What came, in the words of TOML and short."""
    if isinstance(value, bool):
        return str(value).lower()
    shown = f'"{value}"' if isinstance(value, str | Path) else repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."
