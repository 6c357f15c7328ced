"""Hints for a training objective that is given as a mitigation, and the other way round."""

from collections.abc import Iterable

from attacks.errors import AssayError
from attacks.plugins import ParameterDescription
from fairness.mitigation import registry as mitigations
from robustness.objectives import registry as objectives


def refuse_objective(method: str) -> None:
    """Raises AssayError where ``method`` is no mitigation but an objective, with or without its hyphens."""
    if method in mitigations.available():
        return
    for each in objectives.describe():
        if _plain(each.name) == _plain(method):
            raise AssayError(
                f'"{method}" is a training objective, not a mitigation: give train = {{ objective = '
                f'"{each.name}"{_required(each.parameters)} }} in place of mitigate.'
            )


def refuse_mitigation(objective: str) -> None:
    """Raises AssayError where ``objective`` is none but a mitigation, with or without its underscores."""
    if objective in objectives.available():
        return
    for each in mitigations.describe():
        if _plain(each.name) == _plain(objective):
            where = (
                "beside train, whose objective may then be any"
                if each.stage == "data"
                else "and base = the name of a candidate above, in place of train and encoder (or model)"
            )
            raise AssayError(
                f'"{objective}" is a mitigation, not a training objective: give mitigate = {{ method = '
                f'"{each.name}"{_required(each.parameters)} }} {where}.'
            )


def _plain(name: str) -> str:
    return name.replace("-", "_").lower()


def _required(parameters: Iterable[ParameterDescription]) -> str:
    return "".join(f", {each.name} = ..." for each in parameters if each.required)
