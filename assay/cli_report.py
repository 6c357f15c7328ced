"""``assay report`` on the command line."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from assay.report_forms import Form
from attacks.errors import AssayError


class Tracker(StrEnum):
    mlflow = "mlflow"


Run = Annotated[
    Path, typer.Argument(metavar="RUN", help="The folder of a run, e.g. runs/audit.", show_default=False)
]


def report(
    run: Run,
    form: Annotated[
        Form,
        typer.Option(
            "--format",
            help="report.html, summary.md, audit.json (of an earlier version: as this one writes it), "
            "JUnit XML of the gate, a Hugging Face model card, or the outcomes of all examples as CSV.",
        ),
    ] = Form.html,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FILE",
            help="Where to write it (default: html to report.html of the run, others to standard output; -: "
            "standard output)",
        ),
    ] = None,
    candidate: Annotated[
        str | None,
        typer.Option("--candidate", metavar="NAME", help="Of several, whom the model card is of."),
    ] = None,
    log_to: Annotated[
        Tracker | None,
        typer.Option("--log-to", help="Log the run's figures and reports there instead."),
    ] = None,
) -> None:
    """Render a run again, from its audit.json; no model is loaded.

    Reads what every earlier version of assay wrote. For example:

    assay report runs/audit --format model-card --candidate hardened --output README.md

    Exit code 0: done, whatever the gate says; 2: it could not be.
    """
    from assay.report_command import log_run, run_report

    if log_to is not None:
        if form is not Form.html or output is not None or candidate is not None:
            raise AssayError("--log-to goes without --format, --output and --candidate: it logs all reports.")
        typer.echo(log_run(run))
        return
    written, text = run_report(run, form, output, candidate)
    typer.echo(text, nl=False)
    if written is not None:
        typer.echo(f"Written: {written}")
