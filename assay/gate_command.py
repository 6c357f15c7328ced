"""``assay gate`` and ``assay baseline set``: a gate decided from a saved run, without running anything."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from assay.changes.audited import Audited
from assay.config import read_toml
from assay.config_gate import GateConfig, GateFile
from assay.config_messages import messages
from assay.config_models import AuditConfig
from assay.gate.baseline import gated, name_of, read_baseline
from assay.gate.checks import check_gate, check_gate_names
from assay.gate.keeping import keep
from assay.gate.measured import check_measured, groups_of
from assay.overwriting import check_target
from assay.run_folder import write_whole
from assay.saved_runs import SavedRun, open_run
from attacks.errors import AssayError, nearest
from reports.formatting import counted, moment, name
from reports.model import AuditReport, GateCheck
from reports.verdict import verdict_of

DEFAULT_BASELINE = Path("baseline")


def run_gate(
    path: Path, config: Path | None = None, baseline: Path | None = None, junit: Path | None = None
) -> AuditReport:
    """The report of the run in ``path`` with its gate decided anew; the run folder stays as it is.

    config: the file with the checks and [gating], an assay.toml or only these; by default what the run was
    configured with. baseline: a folder, instead of that of [gating]. junit: a file for the JUnit XML.
    Raises AssayError for a run, a file or a baseline that cannot be read, for checks that cannot be decided,
    of which having none is one, and for a file that would replace one of these.
    """
    run = open_run(path)
    asked, source = (
        (_of_run(run), str(run.folder.audit)) if config is None else (_of_file(config), str(config))
    )
    _check(asked.gate, run, source, own=config is None)
    if baseline is not None and not baseline.exists():
        raise AssayError(
            f"--baseline: {baseline}: no such folder. Name a run, or keep one with "
            f"`assay baseline set RUN --to {baseline}`."
        )
    settings = asked.gating.model_copy(update={"baseline": baseline} if baseline is not None else {})
    if settings.baseline is not None and settings.baseline.resolve() == run.folder.path.resolve():
        raise AssayError(
            f"{settings.baseline}: the baseline is the run itself, from which nothing can differ. Name "
            "another one with --baseline FOLDER."
        )
    against = read_baseline(settings.baseline)
    if junit is not None:
        read = [run, against] if against is not None else [run]
        files = [config] if config is not None else []
        check_target(junit, [each.folder for each in read], own=run.folder.junit, read=files)
    gate = gated(asked.gate, Audited.of(run), settings, against)
    names = [candidate.name for candidate in run.report.candidates]
    verdict = verdict_of(names, run.report.findings, gate)
    report = replace(run.report, gate=gate, verdict=verdict)
    if junit is not None:
        from reports.junit import render_junit

        write_whole(junit, render_junit(report))
    return report


def gate_lines(report: AuditReport) -> Iterator[str]:
    """The checks, each with what it found, and the outcome of all."""
    gate = report.gate
    if gate.baseline is not None:
        kept = gate.baseline
        shared = f"of which {kept.shared:,} are shared, with the same label"
        if not kept.shared:
            shared = "none of which is known to be shared"
        yield (
            f"Baseline: {name(kept.name)} of {moment(kept.started)}, {counted(kept.n, 'example')}, {shared} "
            f"({kept.path})"
        )
        yield ""
    rows = [(_result(check), name(check.candidate), name(check.name)) for check in gate.checks]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for check, (result, candidate, what) in zip(gate.checks, rows, strict=True):
        yield f"{result:<{widths[0]}}  {candidate:<{widths[1]}}  {what}"
        yield f"{'':<{widths[0]}}  {name(check.message, 1000)}"
    yield ""
    failed = sum(not check.passed for check in gate.checks)
    checks = counted(len(gate.checks), "check")
    yield f"failed: {failed} of {checks}" if failed else f"passed: {checks}"


def run_baseline_set(path: Path, to: Path | None = None) -> Iterator[str]:
    """Keep the run in ``path`` as a baseline and say what was done, a line at a time.

    to: where; by default the baseline that the run's own configuration names, or ``baseline`` here.
    Raises AssayError as ``open_run`` and ``keep`` do.
    """
    run = open_run(path)
    own = _of_run(run).gating.baseline
    folder = to if to is not None else own if own is not None else DEFAULT_BASELINE
    kept = keep(run, folder)
    if kept.replaced is not None:
        yield f"Replaced {name(kept.replaced, 200)}."
    sizes = ", ".join(f"{file} {_size(size)}" for file, size in kept.sizes.items())
    yield f"Kept {name(name_of(run.report))} as the baseline in {kept.folder}: {sizes}; no texts."
    if own is not None and own.resolve() == folder.resolve():
        yield "Commit the folder: checks with max_drop or max_rise compare with it."
    else:
        yield (
            f'Commit the folder, and name it in assay.toml: baseline = "{folder}" below [gating]; checks '
            "with max_drop or max_rise then compare with it."
        )


def _of_run(run: SavedRun) -> GateFile:
    """What the run was configured with; runs before there was [gating] have none."""
    given = run.report.provenance.config
    part = {key: given[key] for key in GateFile.model_fields if given.get(key) is not None}
    try:
        return GateFile.model_validate_json(json.dumps(part))
    except ValidationError as error:
        place = f"{run.folder.audit}: provenance.config"
        raise AssayError("\n".join(f"{place}: {each}" for each in messages(error, GateFile))) from error


def _of_file(file: Path) -> GateFile:
    """The checks of an assay.toml, or of a file with nothing else; its other sections are passed over."""
    given = read_toml(file)
    known = list(AuditConfig.model_fields)
    for key in given:
        if key not in known:
            raise AssayError(
                f'{file}: unknown key "{key}".{nearest(key, known)} A file for the gate has [[gate]] and '
                "[gating], and may be a whole assay.toml."
            )
    part = {key: value for key, value in given.items() if key in GateFile.model_fields}
    gating = part.get("gating")
    if isinstance(gating, dict) and isinstance(gating.get("baseline"), str):
        where = (file.resolve().parent / Path(gating["baseline"]).expanduser()).resolve()
        part["gating"] = {**gating, "baseline": where}
    try:
        return GateFile.model_validate(part)
    except ValidationError as error:
        raise AssayError("\n".join(f"{file}: {each}" for each in messages(error, GateFile))) from error


def _check(checks: Sequence[GateConfig], run: SavedRun, source: str, *, own: bool) -> None:
    """Raises AssayError where there is nothing to check, or nothing could be decided."""
    if not checks:
        what = "the run was configured without checks" if own else "there are no checks"
        also = "Give a file that has some with --config FILE." if own else "Add some."
        raise AssayError(f"{source}: {what}: expected [[gate]] tables, got none. {also}")
    try:
        check_gate(checks)
        report = run.report
        names = [each.name for each in report.candidates]
        if not own:  # an audit has refused what its own checks may not name
            check_measured(checks, report)
        check_gate_names(checks, tuple(report.data.label_counts), groups_of(report), names)
    except AssayError as error:
        raise AssayError(f"{source}: {error}") from error


def _result(check: GateCheck) -> str:
    return "passed" if check.passed else "failed"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB" if size >= 1e3 else f"{size} B"
