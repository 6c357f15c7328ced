"""An audit.json of an earlier schema version, brought to the current one, a version at a time."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, TypeVar

from reports.model import Finding, GateResult
from reports.verdict import verdict_of

Document = dict[str, Any]
T = TypeVar("T")

CONFIDENCE = 0.95
"""The level of intervals by default in the versions of assay that did not record it."""


def migrate(document: Document, to: int) -> Document:
    """``document``, whose schema_version is a key of ``MIGRATIONS`` or ``to``, as schema version ``to``.

    Its own objects are changed. What is missing or wrong in it stays so: the reader says it, with its place.
    """
    while document["schema_version"] != to:
        MIGRATIONS[document["schema_version"]](document)
    return document


def _from_1(document: Document) -> None:
    """Version 1 had no verdict. Its first files also lack the level of the intervals, which the configuration
    in them tells, and the accuracy under attack of each epoch, which was not measured."""
    document["schema_version"] = 2
    provenance = document.get("provenance")
    if isinstance(provenance, dict) and "confidence" not in provenance:
        provenance["confidence"] = _configured_confidence(provenance.get("config"))
    for epoch in _epochs(document):
        epoch.setdefault("validation_accuracy_under_attack", None)
    findings = _read(list[Finding], document.get("findings"))
    gate = _read(GateResult, document.get("gate"))
    names = [
        each["name"] for each in _objects(document.get("candidates")) if isinstance(each.get("name"), str)
    ]
    if findings is not None and gate is not None:
        document["verdict"] = asdict(verdict_of(names, findings, gate))


MIGRATIONS: dict[int, Callable[[Document], None]] = {1: _from_1}
"""By the version that each starts from; each ends one version later."""


def _configured_confidence(config: Any) -> Any:
    fairness = config.get("fairness") if isinstance(config, dict) else None
    return fairness.get("confidence", CONFIDENCE) if isinstance(fairness, dict) else CONFIDENCE


def _epochs(document: Document) -> Iterator[Document]:
    for candidate in _objects(document.get("candidates")):
        training = candidate.get("training")
        if isinstance(training, dict):
            yield from _objects(training.get("history"))


def _objects(value: Any) -> list[Document]:
    """The objects in a list; none where it is something else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _read(kind: type[T], value: Any) -> T | None:
    """``value`` as ``kind``; None where it is none, of which the reader of the whole tells the place."""
    from pydantic import ConfigDict, ValidationError, create_model

    model: Any = create_model("Part", __config__=ConfigDict(extra="forbid", strict=True), part=(kind, ...))
    try:
        part: T = model.model_validate_json(json.dumps({"part": value})).part
    except ValidationError:
        return None
    return part
