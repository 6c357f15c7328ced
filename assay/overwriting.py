"""Whether an output may go where it is to go: never over a file of a run, or one that the command reads."""

from collections.abc import Iterable
from pathlib import Path

from assay.run_folder import RunFolder
from attacks.errors import AssayError


def check_target(
    target: Path, runs: Iterable[RunFolder], *, own: Path | None = None, read: Iterable[Path] = ()
) -> None:
    """Raise AssayError where ``target`` cannot be a file, or would replace what must not be lost.

    runs: those that the command reads, baselines among them; where ``target`` lies in the folder of another
    audit, that one counts too. own: the one file of a run that the output stands for. read: other files that
    the command reads.
    """
    if target.is_dir():
        raise AssayError(f"{target}: expected a file to write, got a folder. Name a file in it.")
    if not target.parent.is_dir():
        raise AssayError(f"{target}: there is no folder {target.parent}. Make it, or choose another one.")
    if own is not None and _same(target, own):
        return
    around = RunFolder(target.resolve().parent)
    folders = [*runs, around] if around.ledger.exists() else [*runs]
    kept = [path for run in folders for path in (*run.results, run.ledger)]
    if any(_same(target, path) for path in (*kept, *read)):
        raise AssayError(
            f"{target}: this file is read here or belongs to a run, and writing there would lose it. Choose "
            "another one."
        )


def _same(target: Path, path: Path) -> bool:
    """By what they are and not by what they are called: a link leads to the same file."""
    return target.exists() and path.exists() and target.samefile(path)
