"""audit.json: written, read back and described by a JSON Schema, all from the same dataclasses.

``python -m reports.json_io`` writes the schema file that ships with the package.
"""

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

from attacks.errors import AssayError
from reports.consistency import contradictions
from reports.json_parse import leaves, parse, unfit
from reports.migrations import MIGRATIONS, migrate
from reports.model import AuditReport

SCHEMA_VERSION: int = get_args(get_type_hints(AuditReport)["schema_version"])[0]
SCHEMA_FILE = Path(__file__).parent / "schema" / f"audit-{SCHEMA_VERSION}.json"


def to_json(report: AuditReport) -> str:
    """The report as JSON: keys in the order of the types, floats that read back exactly.

    Raises AssayError, naming the place, for what JSON cannot hold: NaN, infinity, half a surrogate pair, or
    a value of another type in one of the free-form dictionaries.
    """
    document = asdict(report)
    for place, value in leaves(document, "audit.json"):
        if problem := unfit(value, place):
            mend = " Mend the text in the data or the configuration." if isinstance(value, str) else ""
            raise AssayError(f"audit.json: {problem}.{mend}")
        if value is not None and not isinstance(value, bool | int | float | str):
            raise AssayError(
                f"audit.json: expected text, a number, true, false or null at {place}, "
                f"got {type(value).__name__}."
            )
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def from_json(text: str, source: str) -> AuditReport:
    """The report that ``to_json`` of this or an earlier version wrote. ``source`` names the file in errors.

    Raises AssayError with the place for a file that is cut off or was changed so that it is no audit.json any
    more or contradicts itself (see ``reports.consistency``), and for a newer schema version.
    """
    from pydantic import ValidationError

    document = parse(text, source)
    _check_version(document, source)
    migrate(document, SCHEMA_VERSION)
    try:
        report: AuditReport = _document_type().model_validate_json(json.dumps({"report": document})).report
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        more = error.error_count() - 1
        others = f" ({more} more of the kind)" if more else ""
        raise AssayError(
            f"{source}: expected an audit.json as assay writes it; at {_place(first['loc'][1:])}: "
            f"{first['msg']}{others}. Restore the file, or run the audit again."
        ) from None
    for place, problem in contradictions(report):
        raise AssayError(
            f"{source}: the file contradicts itself; at {place}: {problem}. It was changed by hand or "
            "damaged: restore it, or run the audit again."
        )
    return report


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of audit.json, generated from the types."""
    generated = _document_type().model_json_schema()
    definitions = generated["$defs"]
    root = definitions.pop("AuditReport")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **root,
        "title": f"assay audit.json, schema version {SCHEMA_VERSION}",
        "$defs": definitions,
    }


@cache
def _document_type() -> Any:
    from pydantic import ConfigDict, create_model

    # The dataclasses inside inherit the strictness of this model.
    return create_model(
        "Document", __config__=ConfigDict(extra="forbid", strict=True), report=(AuditReport, ...)
    )


def _check_version(document: Any, source: str) -> None:
    version = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        got = repr(version)[:80]
        if version is None:
            got = "an object without it" if isinstance(document, dict) else f"a {type(document).__name__}"
        raise AssayError(
            f"{source}: expected an audit.json, an object with a whole number schema_version, got {got}."
        )
    if version > SCHEMA_VERSION:
        raise AssayError(
            f"{source}: expected schema_version {SCHEMA_VERSION} or earlier, got {version}. A newer assay "
            "wrote it; update assay to read it."
        )
    if version != SCHEMA_VERSION and version not in MIGRATIONS:
        known = ", ".join(map(str, [*MIGRATIONS, SCHEMA_VERSION]))
        raise AssayError(
            f"{source}: expected a schema_version of {known}, got {version}: there was none of that number. "
            "Restore the file, or run the audit again."
        )


def _place(location: tuple[int | str, ...]) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return place.removeprefix(".")[:200] or "the top"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")
