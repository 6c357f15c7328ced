"""``assay compare``: runs read, compared with the first, and written side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.changes.change import change_of
from assay.compare.comparing import compare
from assay.compare.data import check_labels
from assay.overwriting import check_target
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
    named or there is a page too. An ``output`` that ends in .html or .md, and is no folder, is the file
    itself, and the only one that is written. Nothing in the folders of the runs changes.

    Raises AssayError for fewer than two runs, one given twice, one of another task or that cannot be read,
    a folder that cannot be written, a file of the form that is not asked for, and one that belongs to a run.
    """
    runs = _opened(paths)
    check_labels(runs)
    page, summary = _targets(output, html=html, markdown=markdown)
    for target in (page, summary):
        if target is not None:
            _make(target.parent)
            check_target(target, [run.folder for run in runs])
    comparison = compare(runs, change_of, reporter)
    text = render_markdown(comparison) if markdown else ""
    if summary is not None:
        write_whole(summary, text)
    if page is not None:
        write_whole(page, render_html(comparison))
    return Compared(text, page)


def _targets(output: Path | None, *, html: bool, markdown: bool) -> tuple[Path | None, Path | None]:
    """The files of the page and of the Markdown; None for what is not written."""
    if output is None or output.is_dir() or output.suffix not in (".html", ".md"):
        folder = output if output is not None else DEFAULT if html else None
        if folder is None:
            return None, None
        return folder / "compare.html" if html else None, folder / "compare.md" if markdown else None
    is_page = output.suffix == ".html"
    if not (html if is_page else markdown):
        given, other = ("markdown", ".md") if is_page else ("html", ".html")
        raise AssayError(
            f"--output {output}: --format {given} does not write {output.suffix}. Name a folder or a file "
            f"that ends in {other}, or leave --format out."
        )
    return (output, None) if is_page else (None, output)


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
        why = "there is a file of that name" if folder.is_file() else error.strerror
        raise AssayError(
            f"{folder}: the folder cannot be made ({why}). Choose another one with --output."
        ) from error
