"""The command line. Heavy libraries are imported inside the commands, so that help is instant."""

import logging
import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from attacks.errors import AssayError

if TYPE_CHECKING:
    from assay.config_models import AuditConfig


class _Group(TyperGroup):
    """Ends with code 2 what Typer would end with 130 (Ctrl-C) or 1 (a closed output, an end of input)."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _stop("interrupted: what was done is kept; run the same command again to go on from there.")
        except BrokenPipeError:
            _stop("standard output was closed before everything was written.")
        except EOFError as error:
            _stop(_defect(error))


app = typer.Typer(
    name="assay",
    cls=_Group,
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


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"assay {version('assay')}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and log messages.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    # Without --debug no handler is set: libraries that bring their own would say every warning twice.
    if debug:
        logging.basicConfig(level=logging.DEBUG)


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

    Leaves report.html, audit.json and summary.md in the run folder.
    Interrupted, it goes on where it stopped when it is run again.
    Exit code 0: the gate passed; 1: it failed; 2: the audit could not run.
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
    try:
        app()
    except AssayError as error:
        _stop(str(error))
    except Exception as error:
        _stop(_defect(error))


def _run(config: "AuditConfig") -> None:
    from assay.audit import run_audit
    from assay.progress import Reporter
    from assay.run_folder import RunFolder

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


def _defect(error: Exception) -> str:
    return (
        f"internal error: {type(error).__name__}: {error}\n"
        "This is a defect of assay; `assay --debug ...` shows where. What was done is kept."
    )


def _stop(message: str) -> NoReturn:
    """Say what is wrong, with --debug also where, and end with code 2."""
    if "--debug" in sys.argv:
        traceback.print_exc()
    typer.echo(f"assay: {message}", err=True)
    raise SystemExit(EXIT_COULD_NOT_RUN)
