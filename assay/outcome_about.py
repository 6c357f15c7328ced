"""What outcomes.parquet says of itself: of which audit it is, and of which files that audit was made."""

import json
from pathlib import Path
from typing import Any

from reports.model import Provenance


def about_of(schema: Any) -> dict[str, Any]:
    """What stands in an Arrow schema; raises KeyError and ValueError where assay did not write it."""
    about: dict[str, Any] = json.loads((schema.metadata or {})[b"assay"])
    return about


def identity(audit: Provenance) -> dict[str, Any]:
    """What tells an audit from any other and stays when its gate is decided or its report rendered again.

    The start is known in whole seconds; how long it took, to a fraction of one that no other shares.
    """
    return {"started": audit.started, "seconds": audit.seconds, "data_sha256": audit.data_sha256}


def read_inputs(path: Path) -> dict[str, Any] | None:
    """What was recorded of the input files; None where nothing was.

    path: a file that ``assay.outcome_parquet.read_table`` takes.
    """
    import pyarrow.parquet as pq

    inputs: dict[str, Any] | None = about_of(pq.read_schema(path)).get("inputs")
    return inputs
