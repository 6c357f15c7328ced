"""Keeping an audit as a baseline: its numbers and outcomes in a small folder to commit, without a text."""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from assay.gate.baseline import name_of
from assay.run_folder import RunFolder
from assay.saved_runs import SavedRun, open_run
from attacks.errors import AssayError
from fairness.counterfactual.results import CounterfactualResult
from reports.formatting import moment
from reports.json_io import to_json
from reports.model import AuditReport, CandidateResult
from robustness.behaviour.results import MinimumFunctionalityResult
from robustness.results import RobustnessResult


@dataclass(frozen=True)
class Kept:
    """folder: where. replaced: what was there, in words; None for nothing. sizes: {file: bytes}."""

    folder: Path
    replaced: str | None
    sizes: dict[str, int]


def keep(run: SavedRun, folder: Path) -> Kept:
    """Keep the run in ``folder`` as a baseline: its audit.json without a text, and its outcomes.

    A file that is not complete is never seen, and a kept audit.json never beside the outcomes of another.
    Raises AssayError for a run without outcomes and for a folder that is a run or cannot be written.
    """
    if run.outcomes is None:
        raise AssayError(
            f"{run.folder.path}: there is no {run.folder.outcomes.name}, so nothing could be compared with "
            "it in pairs. An earlier version of assay made this run, or the file was removed: run the audit "
            "again."
        )
    target = RunFolder(folder)
    if target.of_a_run or folder.resolve() == run.folder.path.resolve():
        names = ", ".join(path.name for path in target.of_a_run) or target.audit.name
        raise AssayError(
            f"{folder}: this is the folder of a run, whose results would be lost: it has {names}. Choose "
            "another one with --to FOLDER; a report that was rendered from a baseline can be removed."
        )
    if folder.exists() and not folder.is_dir():
        raise AssayError(
            f"{folder}: this is a file. A baseline is a folder: choose another one with --to FOLDER."
        )
    replaced = _what_is_there(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
            new = RunFolder(Path(scratch))
            new.audit.write_text(_small(to_json(without_texts(run.report))), encoding="utf-8")
            shutil.copyfile(run.folder.outcomes, new.outcomes)
            target.audit.unlink(missing_ok=True)
            os.replace(new.outcomes, target.outcomes)  # noqa: PTH105
            os.replace(new.audit, target.audit)  # noqa: PTH105
    except OSError as error:
        raise AssayError(
            f"{folder}: the baseline cannot be written ({error.strerror}). Make the folder writable, or "
            "choose another one with --to FOLDER."
        ) from error
    sizes = {path.name: path.stat().st_size for path in (target.audit, target.outcomes)}
    return Kept(folder, replaced, sizes)


def _small(document: str) -> str:
    """The same JSON without its indentation, which is half of it."""
    return json.dumps(json.loads(document), ensure_ascii=False, separators=(",", ":")) + "\n"


def _what_is_there(folder: Path) -> str | None:
    if not RunFolder(folder).audit.exists():
        return None
    try:
        report = open_run(folder).report
    except AssayError:
        return "a baseline that could not be read"
    started = moment(report.provenance.started)
    return f"the baseline {name_of(report)} of {started} ({report.data.n:,} examples)"


def without_texts(report: AuditReport) -> AuditReport:
    """The report without the texts of examples and of templates; every number stays."""
    return replace(report, candidates=[_candidate(each) for each in report.candidates])


def _candidate(candidate: CandidateResult) -> CandidateResult:
    swapped = [_swapped(each) for each in candidate.counterfactuals]
    return replace(candidate, robustness=_robustness(candidate.robustness), counterfactuals=swapped)


def _robustness(result: RobustnessResult) -> RobustnessResult:
    return replace(
        result,
        attacks=[replace(attack, examples=[]) for attack in result.attacks],
        behaviours=[replace(behaviour, examples=[]) for behaviour in result.behaviours],
        suites=[_suite(suite) for suite in result.suites],
    )


def _suite(suite: MinimumFunctionalityResult) -> MinimumFunctionalityResult:
    parts = {name: replace(each, examples=[]) for name, each in suite.by_functionality.items()}
    return replace(suite, by_functionality=parts)


def _swapped(result: CounterfactualResult) -> CounterfactualResult:
    return replace(result, examples=[], by_template={})
