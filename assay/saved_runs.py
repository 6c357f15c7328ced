"""Runs that are over, read back: a run folder, or the baseline that was kept of one."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from assay.outcome_parquet import read_table
from assay.outcome_table import OutcomeTable
from assay.run_folder import RunFolder
from attacks.errors import AssayError
from reports.json_io import from_json
from reports.model import AuditReport


@dataclass(frozen=True)
class SavedRun:
    """folder: what it was read from. report: its audit.json."""

    folder: RunFolder
    report: AuditReport

    @cached_property
    def outcomes(self) -> OutcomeTable | None:
        """What happened to each example; None where an earlier version of assay kept nothing of it.

        Raises AssayError for a file that cannot be read, or that is of another audit.
        """
        outcomes = self.folder.outcomes
        return read_table(outcomes, self.report.provenance) if outcomes.exists() else None


def open_run(path: Path) -> SavedRun:
    """The run in the folder ``path``, or whose audit.json it is.

    Raises AssayError where there is none, and for an audit.json that is damaged or newer than this version.
    """
    if path.is_file() and path.name != "audit.json":
        raise AssayError(
            f"{path}: expected the folder of a run, or the audit.json in it, got another file. Name the "
            "folder that `assay audit` wrote, such as runs/audit."
        )
    folder = RunFolder(path.parent if path.name == "audit.json" else path)
    try:
        text = folder.audit.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise AssayError(
            f"{folder.path}: expected the folder of a run, with an audit.json in it. "
            "Name the folder that `assay audit` wrote, such as runs/audit."
        ) from error
    except OSError as error:
        raise AssayError(f"{folder.audit}: cannot be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise AssayError(
            f"{folder.audit}: expected an audit.json, which is UTF-8 text, got something else. Restore the "
            "file, or run the audit again."
        ) from error
    return SavedRun(folder, from_json(text, str(folder.audit)))
