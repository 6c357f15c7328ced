"""The folder of one run: its reports, the texts that fooled a model, the ledger and the models."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from attacks.errors import AssayError


@dataclass(frozen=True)
class RunFolder:
    """Paths in ``runs/<name>/``."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> "RunFolder":
        """Make the folder and prove that it can be written; raises AssayError where it cannot."""
        try:
            (path / "models").mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path) as probe:
                probe.write(b"\0" * 4096)
        except OSError as error:
            raise AssayError(
                f"{path}: the run folder cannot be written ({error.strerror}). "
                "Free some space, make it writable, or choose another folder with runs = ... in the config."
            ) from error
        return cls(path)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for one audit; the system lets go of it when the process ends, however it ends.

        Raises AssayError while another audit holds it.
        """
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise AssayError(
                f"{self.path}: another audit is running in this folder. Wait until it has ended, or give "
                "this one another name (name = ... in the configuration, or --set name=...)."
            ) from error
        except OSError as error:
            raise AssayError(
                f"{self.path}: the run folder cannot be locked ({error.strerror}). "
                "Make it writable, or choose another folder with runs = ... in the config."
            ) from error
        try:
            yield
        finally:
            lock.release()

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.sqlite"

    @property
    def audit(self) -> Path:
        return self.path / "audit.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def summary(self) -> Path:
        return self.path / "summary.md"

    @property
    def junit(self) -> Path:
        return self.path / "junit.xml"

    @property
    def changed_texts(self) -> Path:
        return self.path / "adversarial.jsonl"

    @property
    def outcomes(self) -> Path:
        return self.path / "outcomes.parquet"

    @property
    def results(self) -> tuple[Path, ...]:
        """What an audit says, whether it is there or not: everything but the ledger and the models."""
        return self.audit, self.report, self.summary, self.junit, self.changed_texts, self.outcomes

    @property
    def of_a_run(self) -> list[Path]:
        """The files that are there and that a run has, but no baseline that was kept of one."""
        return [path for path in (self.ledger, self.report, self.summary) if path.exists()]

    @property
    def holds_baseline(self) -> bool:
        """Whether what ``assay baseline set`` keeps is there, without the reports of a run."""
        return self.audit.exists() and not self.of_a_run

    def remove_reports(self) -> None:
        """Remove the results of an earlier audit; the ledger and the models stay."""
        for path in self.results:
            path.unlink(missing_ok=True)

    def model(self, candidate: str) -> Path:
        return self.path / "models" / candidate


def write_whole(path: Path, text: str) -> None:
    """Write a file as ``replaced`` does: a reader sees the old text or the new one, never a part."""
    with replaced(path) as scratch:
        scratch.write_text(text, encoding="utf-8")


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A new file to write, which takes the place of ``path`` in one step once all of it is there.

    A symbolic link stays one: what it points to is replaced. What is no regular file, a pipe or a device,
    can have no other file in its place: it is written itself.
    Raises AssayError where it cannot be written. Whatever goes wrong, the old file is left, and no scraps.
    """
    try:
        if path.exists() and not path.is_file():
            yield path
            return
        target = Path(os.path.realpath(path))
        # In a folder of its own: its name is nobody else's, and its permissions are those of any new file.
        with tempfile.TemporaryDirectory(
            dir=target.parent, prefix=".new-", ignore_cleanup_errors=True
        ) as folder:
            scratch = Path(folder) / target.name
            yield scratch
            os.replace(scratch, target)  # noqa: PTH105
    except OSError as error:
        raise AssayError(f"{path}: could not be written ({_cause(path, error)}") from error


def _cause(path: Path, error: OSError) -> str:
    """Why a file could not be written, the bracket after it, and what to do."""
    if path.is_dir():
        return "it is a folder). Name a file."
    if path.parent.is_file():
        return f"{path.parent} is a file, not a folder). Choose another folder."
    if not path.parent.exists():
        return f"there is no folder {path.parent}). Make the folder, or choose another one."
    kept = "; the ledger is kept" if RunFolder(path.parent).ledger.exists() else ""
    return f"{error.strerror}). Free some space or make the folder writable, and run again{kept}."
