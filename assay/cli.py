"""The command line. Heavy libraries are imported inside the commands, so that help is instant."""

import logging
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from attacks.errors import AssayError

app = typer.Typer(
    name="assay",
    help="Audit a text classifier before it ships: how accurate it is, how easily it is fooled, "
    "and whom it fails.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

EXIT_GATE_FAILED = 1
EXIT_COULD_NOT_RUN = 2


class Listing(StrEnum):
    attacks = "attacks"
    objectives = "objectives"
    metrics = "metrics"


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and log messages.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"assay {installed('assay')}")
        raise typer.Exit
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING)


@app.command()
def audit(
    config: Annotated[Path, typer.Argument(help="The configuration.")] = Path("assay.toml"),
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key, e.g. --set data.path=test.csv."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never touch the network.")] = False,
) -> None:
    """Audit the candidates of a configuration.

    Leaves report.html, audit.json and summary.md in the run folder. Interrupted, it goes on where it
    stopped. Exit code 0: the gate passed; 1: it failed; 2: the audit could not run.
    """
    from assay.config import load_config

    overrides = dict(_assignment(text) for text in set_ or [])
    if device is not None:
        overrides["device"] = device
    if offline:
        overrides["offline"] = "true"
    _run(load_config(config, overrides))


@app.command()
def demo(
    runs: Annotated[Path, typer.Option(help="Where to put the run folder `demo`.")] = Path("runs"),
    offline: Annotated[bool, typer.Option("--offline", help="Never touch the network.")] = False,
) -> None:
    """Train and audit two small models on real text, in minutes, without a hub or an account.

    Writes its configuration to runs/demo/assay.toml: an example to start your own from.
    """
    from assay.demo import prepare_demo
    from assay.progress import Reporter

    _run(prepare_demo(runs, Reporter(), offline=offline))


@app.command("list")
def list_(what: Annotated[Listing, typer.Argument(help="What to list.")]) -> None:
    """List the attacks, training objectives or gate metrics that a configuration may name."""
    from assay.listing import lines

    for line in lines(what.value):
        typer.echo(line)


def main() -> None:
    """The ``assay`` command. A user's mistake is one message on standard error and exit code 2."""
    debug = "--debug" in sys.argv
    try:
        app()
    except AssayError as error:
        if debug:
            raise
        _stop(str(error))
    except KeyboardInterrupt:
        _stop("interrupted: what was done is kept; run the same command again to go on from there.")
    except Exception as error:
        if debug:
            raise
        _stop(
            f"internal error: {type(error).__name__}: {error}\n"
            "This is a defect of assay; `assay --debug ...` shows where. What was done is kept."
        )


def _run(config: object) -> None:
    from assay.audit import run_audit
    from assay.config_models import AuditConfig
    from assay.progress import Reporter
    from assay.run_folder import RunFolder

    assert isinstance(config, AuditConfig)
    report = run_audit(config, Reporter())
    run = RunFolder(config.runs / config.name)
    typer.echo(run.summary.read_text(encoding="utf-8"))
    typer.echo(f"Report: {run.report}")
    if not report.gate.passed:
        raise typer.Exit(EXIT_GATE_FAILED)


def _assignment(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise AssayError(f'--set: expected KEY=VALUE, got "{text}".')
    return key, value


def _stop(message: str) -> None:
    typer.echo(f"assay: {message}", err=True)
    raise SystemExit(EXIT_COULD_NOT_RUN)
