"""The behavioural tests of an audit, aligned over its candidates and put in words."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from attacks.errors import AssayError
from reports.formatting import name
from reports.model import AuditReport, CandidateResult
from robustness.behaviour.base import Expectation, Nature
from robustness.behaviour.registry import BehaviouralTestDescription, describe
from robustness.behaviour.results import BehaviouralResult

NATURES: dict[Nature, str] = {
    "natural noise": "Natural noise",
    "meaning kept": "Same meaning, other words",
    "meaning changed": "Another meaning: does the answer follow?",
}
"""The natures of tests in the order of the report, with their headings."""

FAILURES: dict[Expectation, str] = {
    "invariance": "the predicted label changes for one of its variants",
    "directional": "the probability of the label predicted before does not move as it should for one of its "
    "variants",
    "minimum functionality": "the predicted label is not its own",
}
"""When a text fails, by the kind of a test: a text fails where ..."""


@dataclass(frozen=True)
class Behaviour:
    """One behavioural test with its parameters.

    name: as it is configured; label: the same to be printed. settings: the parameters that are not the test's
    own defaults, in words.
    """

    key: str
    name: str
    label: str
    settings: str
    kind: Expectation
    nature: Nature


def behaviours(report: AuditReport) -> list[Behaviour]:
    """The tests of all candidates, in the order in which they were run."""
    found = {
        _key(result): Behaviour(
            key=_key(result),
            name=result.name,
            label=name(result.name),
            settings=settings_in_words(result.name, result.params),
            kind=result.kind,
            nature=result.nature,
        )
        for candidate in report.candidates
        for result in candidate.robustness.behaviours
    }
    return list(found.values())


def behaviour_of(candidate: CandidateResult, behaviour: Behaviour) -> BehaviouralResult | None:
    """The candidate's result, None where the test was not run on it."""
    results = candidate.robustness.behaviours
    return next((result for result in results if _key(result) == behaviour.key), None)


def settings_in_words(test: str, params: dict[str, Any]) -> str:
    """``errors 3, layout qwertz``: the parameters that differ from the test's defaults, "" where none does.

    All parameters of a test that is not known here.
    """
    known = _descriptions().get(test)
    defaults = {parameter.name: parameter.default for parameter in known.parameters} if known else {}
    return ", ".join(
        f"{key.replace('_', ' ')} {_value(value)}"
        for key, value in params.items()
        if key not in defaults or defaults[key] != value
    )


def summary_of(test: str) -> str:
    """What a test does, in a sentence; it says so where the test is not known here."""
    known = _descriptions().get(test)
    return known.summary if known else "A test of another package, which is not installed here."


@cache
def _descriptions() -> dict[str, BehaviouralTestDescription]:
    # A package with a broken test must not stand in the way of a report that was measured without it.
    try:
        return {each.name: each for each in describe()}
    except AssayError:
        return {}


def _key(result: BehaviouralResult) -> str:
    return json.dumps([result.name, result.params], sort_keys=True, default=str)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else f"{value}"
