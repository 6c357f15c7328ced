"""The audits of one pytest session: each is made sure of once, whatever asks for it, in every worker."""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from assay.config import load_config
from assay.config_models import AuditConfig
from assay.plugin.freshness import saved_audit
from assay.run_folder import RunFolder, write_whole
from assay.saved_runs import SavedRun
from attacks.errors import AssayError
from reports.model import AuditReport


@dataclass(frozen=True)
class Audit:
    """An audit that is there, decided as its configuration says now.

    note: what a reader of report.html must know; empty where it says the same.
    """

    report: AuditReport
    run: RunFolder
    note: str = ""


class SessionAudits:
    """What a session knows of its audits, by the path of their configuration.

    may_run: whether an audit that is missing is made.
    session: the same in all workers of one session of xdist, None without workers: an audit that failed in
        one of them is not tried again in the next.
    """

    def __init__(self, *, may_run: bool, session: str | None = None) -> None:
        self._may_run = may_run
        self._session = session
        self._configs: dict[Path, AuditConfig] = {}
        self._audits: dict[Path, Audit | AssayError] = {}

    def config(self, path: Path) -> AuditConfig:
        """The configuration, checked as far as it can be without reading data or opening models.

        Raises AssayError for a mistake in it.
        """
        if path not in self._configs:
            config = load_config(path)
            try:
                _check_gate(config)
            except AssayError as error:
                raise AssayError(f"{path}: {error}") from error
            self._configs[path] = config
        return self._configs[path]

    def audit(self, path: Path) -> Audit:
        """The audit of a configuration, taken from its run folder where it is of this configuration and of
        the files as they are; else made, where that is allowed.

        Raises AssayError where there is none, and the same one each time.
        """
        if path not in self._audits:
            try:
                self._audits[path] = self._made_sure(path, self.config(path))
            except AssayError as error:
                where = "" if str(path) in str(error) else f"{path}: "
                self._audits[path] = AssayError(f"{where}{error}")
        found = self._audits[path]
        if isinstance(found, AssayError):
            raise found
        return found

    def _made_sure(self, path: Path, config: AuditConfig) -> Audit:
        run = RunFolder(config.runs / config.name)
        if not self._may_run:
            saved, reason = saved_audit(config, run)
            if saved is None:
                raise AssayError(
                    f"there is no audit of {path} to decide the gate on: {reason}. --assay-no-run forbids "
                    f"making it; make it with: assay audit {path}"
                )
        else:
            RunFolder.create(run.path)
            with _alone(run):
                self._refuse_what_failed(run)
                saved, _ = saved_audit(config, run)
                if saved is None:
                    return Audit(self._made(path, config, run), run)
        return self._decided(saved, config)

    def _made(self, path: Path, config: AuditConfig, run: RunFolder) -> AuditReport:
        from assay.audit import run_audit
        from assay.progress import Reporter

        reporter = Reporter()
        reporter.say(f"assay: auditing {path}; the next time its results are taken from {run.path}")
        try:
            # What a project makes of warnings in its tests is not meant for the libraries in an audit.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return run_audit(config, reporter)
        except Exception as error:
            told = str(error)
            if not isinstance(error, AssayError):
                told = (
                    f"internal error: {type(error).__name__}: {error}\nThis is a defect of assay; "
                    f"`assay --debug audit {path}` shows where. What was done is kept."
                )
            self._remember_what_failed(run, told)
            raise AssayError(told) from error

    def _decided(self, saved: SavedRun, config: AuditConfig) -> Audit:
        from assay.plugin.deciding import decided
        from assay.report_files import write_report

        report, run = decided(saved, config), saved.folder
        if report is saved.report and run.report.exists():
            return Audit(report, run)
        try:
            with _alone(run):
                write_report(report, run)
        except (AssayError, OSError) as error:
            return Audit(report, run, f"report.html is not of this gate, and could not be replaced: {error}")
        return Audit(report, run)

    def _refuse_what_failed(self, run: RunFolder) -> None:
        if self._session is None:
            return
        try:
            failed = json.loads(_failure(run).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return
        if failed.get("session") == self._session:
            raise AssayError(failed["message"])

    def _remember_what_failed(self, run: RunFolder, message: str) -> None:
        if self._session is not None:
            write_whole(_failure(run), json.dumps({"session": self._session, "message": message}))


def _check_gate(config: AuditConfig) -> None:
    from assay.gate.checks import check_gate

    check_gate(config.gate, swaps=config.counterfactual is not None)


@contextmanager
def _alone(run: RunFolder) -> Iterator[None]:
    """Only one process of a session at a time; the others wait for what it does."""
    with FileLock(run.path / ".pytest.lock"):
        yield


def _failure(run: RunFolder) -> Path:
    return run.path / ".pytest-failure.json"
