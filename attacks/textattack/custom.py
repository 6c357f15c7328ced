"""Recipes that a user wrote: ``package.module:function``, from a model wrapper to a ``textattack.Attack``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from typing import Any, ClassVar

from attacks.errors import AssayError, nearest
from attacks.textattack import building
from attacks.textattack.attack import DrivenAttack
from attacks.textattack.loading import textattack
from attacks.textattack.slots import Questions


@dataclass(frozen=True, kw_only=True)
class CustomAttack(DrivenAttack):
    """A user's own recipe; it keeps its own goal, unless a target is given."""

    any_goal: ClassVar[bool] = True

    def check(self) -> None:
        """Raises AssayError where the function cannot be found, or TextAttack not be imported."""
        _function(self.name)

    def build(self, wrapper: Questions) -> Any:
        return building.from_function(self.name, _function(self.name), wrapper)

    def __reduce__(self) -> tuple[Any, ...]:
        return build_custom, (self.name, {each.name: getattr(self, each.name) for each in fields(self)})


@cache
def custom(name: str) -> type[CustomAttack]:
    """The attack class of ``name``, such as ``package.module:function``; the module is imported at its use.

    Raises AssayError where ``name`` is not of that form.
    """
    module, _, function = name.partition(":")
    if not (function.isidentifier() and all(part.isidentifier() for part in module.split("."))):
        raise AssayError(f'Expected a recipe as "package.module:function", got "{name}".')
    members = {"__doc__": f"The recipe {name}.", "__module__": __name__, "name": name}
    made: type[CustomAttack] = type(f"Custom:{name}", (CustomAttack,), members)
    return dataclass(frozen=True, kw_only=True)(made)


def build_custom(name: str, params: Mapping[str, Any]) -> CustomAttack:
    """The attack ``name`` with its parameters. Raises AssayError for a bad name or parameter."""
    kind = custom(name)
    known = [each.name for each in fields(kind)]
    for key in params:
        if key not in known:
            raise AssayError(
                f'Attack "{name}" has no parameter "{key}".{nearest(key, known)} '
                f"Its parameters: {', '.join(known)}."
            )
    return kind(**params)


def _function(name: str) -> Callable[..., Any]:
    module_name, _, attribute = name.partition(":")
    # First, because the user's module will import it, and would do so with its downloads.
    textattack()
    try:
        module = import_module(module_name)
    except Exception as error:
        raise AssayError(
            f'Attack "{name}": importing {module_name} failed: {error!r}. '
            "It must be a module beside the configuration or on the Python path."
        ) from error
    function = getattr(module, attribute, None)
    if not callable(function):
        raise AssayError(
            f'Attack "{name}": expected {module_name} to have a function {attribute}, got {function!r}.'
            f"{nearest(attribute, [key for key in vars(module) if not key.startswith('_')])}"
        )
    found: Callable[..., Any] = function
    return found
