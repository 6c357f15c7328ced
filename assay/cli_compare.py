"""``assay compare`` on the command line."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    html = "html"
    markdown = "markdown"


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN RUN...",
            help="Folders of runs, or of baselines that were kept of one; the others are compared with the "
            "first.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FOLDER",
            help="Where to write (default: runs/compare); or one file that ends in .html or .md",
        ),
    ] = None,
    format_: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="Write only the page, or only print the Markdown (default: both)",
        ),
    ] = None,
) -> None:
    """Show two or more runs side by side, and which differences between them are established.

    Every metric with its interval, its change from the first run, and a test of the change, adjusted for all
    tests of the comparison; settings, versions, checks of the gate and findings that differ. Writes
    compare.html and compare.md; changes nothing in the runs. For example:

    assay compare runs/last-month runs/today

    Exit code 0: compared, whatever was found; 2: it could not be.
    """
    from assay.compare.command import run_compare
    from assay.progress import Reporter

    compared = run_compare(
        runs, output, Reporter(), html=format_ is not Format.markdown, markdown=format_ is not Format.html
    )
    if compared.markdown:
        typer.echo(compared.markdown)
    if compared.page is not None:
        typer.echo(f"Comparison: {compared.page}")
