"""``assay gate`` and ``assay baseline set`` on the command line."""

from pathlib import Path
from typing import Annotated

import typer

EXIT_GATE_FAILED = 1

Run = Annotated[
    Path,
    typer.Argument(metavar="RUN", help="The folder of a run, such as runs/audit.", show_default=False),
]

baseline = typer.Typer(
    help="Keep an audit to compare later ones with.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def gate(
    run: Run,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="The checks: an assay.toml, or a file with only [\\[gate]] and \\[gating] (default: those "
            "that the run was configured with)",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline",
            metavar="FOLDER",
            help="What to compare with: a run, or what `assay baseline set` kept (default: that of "
            "\\[gating])",
            show_default=False,
        ),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", metavar="FILE", help="Write the checks as JUnit XML, for CI."),
    ] = None,
) -> None:
    """Decide the gate of a run again, from its saved results: no model is run, and the run stays as it is.

    With other limits, for example, or against another baseline; also for runs of `assay fairness`:

    assay gate runs/predictions --config gate.toml

    Exit code 0: the gate passed; 1: it failed; 2: it could not be decided.
    """
    from assay.gate_command import gate_lines, run_gate

    report = run_gate(run, config, baseline, junit)
    for line in gate_lines(report):
        typer.echo(line)
    if not report.gate.passed:
        raise typer.Exit(EXIT_GATE_FAILED)


@baseline.callback()
def _baseline() -> None:
    """With a callback Typer keeps ``set`` a command of its own."""


@baseline.command("set")
def baseline_set(
    run: Run,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="FOLDER",
            help="Where to keep it (default: the baseline that the run's configuration names, or ./baseline)",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Keep a run as the baseline of later ones, in a folder to commit: its results without any text.

    Checks with max_drop or max_rise compare with it. Replaces the baseline that is there.
    """
    from assay.gate_command import run_baseline_set

    for line in run_baseline_set(run, to):
        typer.echo(line)
