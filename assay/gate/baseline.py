"""The audit that a gate compares with: read, described, and the gate decided against it."""

from collections.abc import Sequence
from pathlib import Path

from assay.changes.audited import Audited, by_row
from assay.changes.pairing import UnmeasuredError, pairs_of
from assay.config_gate import GateConfig, GatingConfig
from assay.gate.decide import decide
from assay.saved_runs import SavedRun, open_run
from attacks.errors import AssayError
from reports.model import AuditReport, Baseline, GateResult


def read_baseline(path: Path | None) -> SavedRun | None:
    """The baseline in the folder ``path``, with its outcomes read; None where there is none yet: the first
    audit must be possible. Raises AssayError for one that is damaged."""
    if path is None or not path.exists():
        return None
    run = open_run(path)
    _ = run.outcomes  # a damaged file must be found out before anything expensive
    return run


def check_apart(path: Path | None, run: Path) -> None:
    """Raises AssayError where the baseline is the run folder itself: each audit would replace what the next
    one is compared with, and a slow decline would pass."""
    if path is not None and path.resolve() == run.resolve():
        raise AssayError(
            f"gating.baseline: {path} is the run folder, whose results this audit replaces. Keep a baseline "
            "in a folder of its own with `assay baseline set RUN --to FOLDER`, and name that one."
        )


def gated(
    checks: Sequence[GateConfig], now: Audited, settings: GatingConfig, baseline: SavedRun | None
) -> GateResult:
    """The gate of the audit ``now``, against a baseline that has been read; None where there is none."""
    then = None if baseline is None else Audited.of(baseline)
    about = None if baseline is None else describe(baseline, now)
    return decide(checks, now, then, settings, about)


def describe(run: SavedRun, now: Audited) -> Baseline:
    """What a report says of the baseline ``run`` of the audit ``now``."""
    return Baseline(
        path=str(run.folder.path),
        name=name_of(run.report),
        started=run.report.provenance.started,
        n=run.report.data.n,
        shared=_shared(now, Audited.of(run)),
    )


def name_of(report: AuditReport) -> str:
    """Of the audit where its configuration has one, else of its data."""
    given = report.provenance.config.get("name")
    return given if isinstance(given, str) else report.data.name


def _shared(now: Audited, then: Audited) -> int:
    """How many examples both audits are known to have, with the same label."""
    if now.outcomes is None or then.outcomes is None:
        return 0
    try:
        return len(pairs_of(now.outcomes, then.outcomes, by_row=by_row(now, then)).now)
    except UnmeasuredError:
        return 0
