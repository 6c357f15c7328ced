"""``assay compare``: runs read, compared with the first, and written side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.changes.change import change_of
from assay.compare.comparing import compare
from assay.compare.data import check_labels
from assay.progress import Reporter
from assay.run_folder import write_whole
from assay.saved_runs import SavedRun, open_run
from attacks.errors import AssayError
from reports.comparison.html import render_html
from reports.comparison.markdown import render_markdown

DEFAULT = Path("runs") / "compare"


@dataclass(frozen=True)
class Compared:
    """markdown: to be printed; "" where it was not asked for. page: where the HTML is; None without."""

    markdown: str
    page: Path | None


def run_compare(
    paths: Sequence[Path], output: Path | None, reporter: Reporter, *, html: bool, markdown: bool
) -> Compared:
    """Compare the runs in ``paths`` with the first and write what is asked for.

    The page goes into ``output``, by default ``runs/compare``. So does the Markdown, where ``output`` is
    named or there is a page too. Nothing in the folders of the runs changes.

    Raises AssayError for fewer than two runs, one given twice, one of another task or that cannot be read,
    and a folder that cannot be written.
    """
    runs = _opened(paths)
    check_labels(runs)
    folder = output if output is not None else DEFAULT if html else None
    if folder is not None:
        _make(folder)
    comparison = compare(runs, change_of, reporter)
    text, page = (render_markdown(comparison) if markdown else ""), None
    if folder is not None and markdown:
        write_whole(folder / "compare.md", text)
    if folder is not None and html:
        page = folder / "compare.html"
        write_whole(page, render_html(comparison))
    return Compared(text, page)


def _opened(paths: Sequence[Path]) -> list[SavedRun]:
    if len(paths) < 2:
        raise AssayError(
            f"expected two runs or more to compare, got {', '.join(map(str, paths)) or 'none'}. Name the "
            "folder of the run to compare with first, then the others."
        )
    runs = [open_run(path) for path in paths]
    met: dict[Path, Path] = {}
    for run in runs:
        _ = run.outcomes  # a damaged file is found before anything is compared
    for path, run in zip(paths, runs, strict=True):
        where = run.folder.path.resolve()
        if where in met:
            raise AssayError(
                f"{path}: the same run as {met[where]}. A run does not differ from itself; name another."
            )
        met[where] = path
    return runs


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AssayError(
            f"{folder}: the folder cannot be made ({error.strerror}). Choose another one with --output."
        ) from error
