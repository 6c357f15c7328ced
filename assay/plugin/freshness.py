"""Whether the audit in a run folder is of this configuration and of the files as they are now."""

import json
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from assay.config_models import AuditConfig
from assay.input_files import input_files
from assay.outcome_about import read_inputs
from assay.recorded_inputs import changed
from assay.run_folder import RunFolder
from assay.saved_runs import SavedRun, open_run
from attacks.errors import AssayError

NOT_MEASURED = ("gate", "gating", "runs", "workers", "log_to")
"""Keys that change no result: what is required is decided anew from what was measured."""
SHOWN = 3
"""How many differences are named."""
TICK = 1.0
"""Seconds to which the start of an audit is known: audit.json has it without fractions."""


def saved_audit(config: AuditConfig, run: RunFolder) -> tuple[SavedRun | None, str]:
    """The saved audit where it can be taken as it is; else None, and why it cannot, in words."""
    if not run.audit.exists():
        return None, f"{run.path} holds no audit"
    try:
        saved = open_run(run.path)
        outcomes = saved.outcomes
    except AssayError as error:
        return None, str(error)
    about = saved.report.provenance
    wrote, here = about.versions.get("assay"), version("assay")
    if wrote != here:
        return None, f"{run.audit} was written by assay {wrote}, and this is {here}"
    if outcomes is None:
        return None, f"{run.outcomes} is not there"
    wanted = json.loads(json.dumps(config.model_dump(mode="json")))
    if different := list(_differences(_measured(about.config), _measured(wanted))):
        return None, f"the configuration differs from that of {run.audit} in {_listed(different)}"
    recorded = read_inputs(run.outcomes)
    other = written_since(config, about.started) if recorded is None else changed(config, recorded)
    if other:
        return None, f"changed since the audit began: {_listed([str(path) for path in other])}"
    return saved, ""


def written_since(config: AuditConfig, started: str) -> list[Path]:
    """Input files that were written or put in their place after an audit began; for audits that recorded
    nothing of their inputs. started: ISO 8601.

    A file that is gone changes nothing of what was measured.
    """
    began = datetime.fromisoformat(started).timestamp() + TICK
    return sorted({file for file in input_files(config) if _touched(file) > began})


def _touched(file: Path) -> float:
    """The time at which a file was written, or at which it was moved or copied to where it is."""
    found = file.stat()
    return max(found.st_mtime, found.st_ctime)


def _measured(config: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in NOT_MEASURED}


def _differences(then: Any, now: Any, place: str = "") -> Iterator[str]:
    """The dotted places at which two documents differ."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*then, *now]):
            here = f"{place}.{key}" if place else str(key)
            if (key in then) != (key in now):
                yield here
            else:
                yield from _differences(then[key], now[key], here)
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for position, (old, new) in enumerate(zip(then, now, strict=True)):
            yield from _differences(old, new, f"{place}.{position}")
    elif then != now or isinstance(then, bool) != isinstance(now, bool):
        yield place


def _listed(things: list[str]) -> str:
    more = len(things) - SHOWN
    return ", ".join(things[:SHOWN]) + (f" and {more} more" if more > 0 else "")
