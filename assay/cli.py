"""The command line. Heavy libraries are imported inside the commands, so that help is instant."""

import logging
import os
import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from assay.cli_compare import compare
from assay.cli_fairness import fairness
from assay.cli_gate import EXIT_GATE_FAILED, baseline, gate
from assay.cli_init import init
from assay.cli_options import (
    EXIT_COULD_NOT_RUN,
    Config,
    Data,
    Device,
    Engine,
    Given,
    LabelColumn,
    Offline,
    Preview,
    Resources,
    Seed,
    TextColumn,
    Workers,
)
from assay.cli_report import report
from assay.cli_resources import resources
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

app.add_typer(resources, name="resources")
app.add_typer(baseline, name="baseline")


class Listing(StrEnum):
    attacks = "attacks"
    behaviours = "behaviours"
    objectives = "objectives"
    metrics = "metrics"
    mitigations = "mitigations"


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
    set_: Given = None,
    device: Device = None,
    offline: Offline = False,
    engine: Engine = None,
    workers: Workers = None,
    preview: Preview = False,
    partial: Annotated[
        bool,
        typer.Option("--partial", help="Report on an interrupted audit as far as it came."),
    ] = False,
) -> None:
    """Audit the candidates of a configuration.

    Leaves report.html, audit.json, summary.md, outcomes.parquet and, with a gate, junit.xml in its folder.
    Interrupted, it goes on where it stopped when it is run again; with --partial it reports on black-box
    attacks as far as they came.
    Exit code 0: the gate passed; 1: it failed; 2: the audit could not run.
    """
    from assay.quick_config import assigned

    overrides = {**assigned(set_ or [], "--set"), **_engine(engine, workers)}
    settled = _loaded(config, overrides, device, offline)
    if preview:
        _preview(settled)
    else:
        _run(settled, partial=partial)


@app.command()
def demo(
    runs: Annotated[Path, typer.Option(help="Where to put the run folder `demo`.")] = Path("runs"),
    offline: Offline = False,
) -> None:
    """Train and audit two small models on real text, in minutes, without a hub or an account.

    Writes its configuration to runs/demo/assay.toml: an example to start your own from.
    """
    from assay.demo import prepare_demo
    from assay.progress import Reporter

    _run(prepare_demo(runs, Reporter(), offline=offline))


@app.command()
def train(
    config: Config = None,
    candidate: Annotated[
        list[str] | None,
        typer.Option("--candidate", metavar="NAME", help="Train this candidate only; may be repeated."),
    ] = None,
    data: Data = None,
    text: TextColumn = None,
    label: LabelColumn = None,
    encoder: Annotated[
        str | None,
        typer.Option("--encoder", metavar="NAME", help="Fine-tune this encoder: a folder or a hub name."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="NAME", help="Train this classifier further: a folder or a hub name."
        ),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option("--objective", metavar="NAME", help="See `assay list objectives` (default: standard)."),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            metavar="KEY=VALUE",
            help="A parameter of the objective or a setting of the training, e.g. --param epsilon=0.05 "
            "--param batch_size=16 --param lora.r=8; may be repeated.",
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Times through the data (default: 3)")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FOLDER", help="Where to put the trained model: a new folder."),
    ] = None,
    seed: Seed = None,
    set_: Given = None,
    device: Device = None,
    offline: Offline = False,
) -> None:
    """Train models without auditing them: those of a configuration, or one from a data file.

    With a configuration the models are put where `assay audit` finds them and need not train them again.
    Without one, for example:

    assay train --data reviews.csv --text review --label sentiment --encoder bert-base-uncased
    --objective fgsm --param epsilon=0.05 --output models/hardened

    Interrupted, it goes on after the last complete epoch when it is run again.
    Several GPUs: accelerate launch --multi_gpu --num_processes 4 -m assay train assay.toml
    """
    from assay.quick_config import assigned, training_config

    quick = {
        "--data": data,
        "--text": text,
        "--label": label,
        "--encoder": encoder,
        "--model": model,
        "--objective": objective,
        "--param": param or None,
        "--epochs": epochs,
        "--output": output,
        "--seed": seed,
    }
    given = _flags(quick, config, {"--candidate": candidate}, "--data, --encoder and --output")
    overrides = assigned(set_ or [], "--set")
    settled = (
        training_config(given, device=device, offline=offline, overrides=overrides)
        if given
        else _loaded(config, overrides, device, offline)
    )
    _train(settled, candidate or [], output)


@app.command()
def attack(
    config: Config = None,
    candidate: Annotated[
        list[str] | None,
        typer.Option("--candidate", metavar="NAME", help="Attack this candidate only; may be repeated."),
    ] = None,
    attacks: Annotated[
        list[str] | None,
        typer.Option(
            "--attack",
            metavar="NAME",
            help="An attack, see `assay list attacks`; with a configuration one of its own; may be repeated.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="Attack this classifier: a folder or a hub name."),
    ] = None,
    data: Data = None,
    text: TextColumn = None,
    label: LabelColumn = None,
    epsilon: Annotated[
        list[float] | None,
        typer.Option(
            "--epsilon",
            help="Budget of attacks on embeddings, relative to the size of the model's own; may be repeated "
            "(default: 0.01, 0.03 and 0.1)",
        ),
    ] = None,
    max_tokens: Annotated[
        list[int] | None,
        typer.Option("--max-tokens", help="Budget of attacks on tokens; may be repeated (default: 3)"),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param", metavar="KEY=VALUE", help="A parameter of the attack, e.g. steps=20; may be repeated."
        ),
    ] = None,
    max_examples: Annotated[
        int | None, typer.Option("--max-examples", min=1, help="Attack a random sample of so many.")
    ] = None,
    seed: Seed = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write all texts that fooled it, as JSON Lines."),
    ] = None,
    set_: Given = None,
    device: Device = None,
    offline: Offline = False,
    engine: Engine = None,
    workers: Workers = None,
    preview: Preview = False,
) -> None:
    """Attack models without the rest of an audit: those of a configuration, or one from a folder.

    Shows accuracy under each attack, a few of the texts that fooled the model, and whether the figures can be
    trusted. An audit of the same configuration takes over what is computed here. Without one, for example:

    assay attack --model models/sentiment --data validation.csv --text review --label sentiment
    --attack pgd --epsilon 0.03 --attack hotflip --max-tokens 2
    """
    from assay.quick_config import assigned, attack_config

    quick = {
        "--model": model,
        "--data": data,
        "--text": text,
        "--label": label,
        "--epsilon": epsilon or None,
        "--max-tokens": max_tokens or None,
        "--param": param or None,
        "--max-examples": max_examples,
        "--seed": seed,
    }
    given = _flags(quick, config, {"--candidate": candidate}, "--model, --data and --attack")
    overrides = {**assigned(set_ or [], "--set"), **_engine(engine, workers)}
    if given:
        settled = attack_config(given, attacks or [], device=device, offline=offline, overrides=overrides)
    else:
        settled = _loaded(config, overrides, device, offline)
    if preview:
        _preview(settled, candidate or [], attacks or [])
    else:
        _attack(settled, candidate or [], attacks or [], output)


app.command()(fairness)
app.command()(compare)
app.command()(report)
app.command()(init)
app.command()(gate)


@app.command()
def doctor(
    json_: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    folder: Resources = None,
) -> None:
    """Show versions, the device, and which recipes can run here; touches no network.

    Exit code 2: another package or folder hides one of ours.
    """
    from assay.doctor import run_doctor

    if not run_doctor(json_, folder):
        raise typer.Exit(EXIT_COULD_NOT_RUN)


@app.command("list")
def list_(
    what: Annotated[Listing, typer.Argument(help="attacks, behaviours, objectives, metrics or mitigations.")],
) -> None:
    """List what a configuration may name, with its parameters.

    These are attacks, behavioural tests, training objectives, metrics that the gate can check, or mitigations
    of differences between groups.
    """
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


def _run(config: "AuditConfig", *, partial: bool = False) -> None:
    from assay.audit import run_audit
    from assay.progress import Reporter
    from assay.run_folder import RunFolder
    from robustness.distributed import announced

    if announced() > 1:
        raise AssayError(
            f"an audit runs in one process, got {announced()}. Train in several with `assay train`, then run "
            "`assay audit` in one: it takes the trained models."
        )
    report = run_audit(config, Reporter(), partial=partial)
    run = RunFolder(config.runs / config.name)
    _show(run.summary.read_text(encoding="utf-8"))
    typer.echo(f"Report: {run.report}")
    if not report.gate.passed:
        raise typer.Exit(EXIT_GATE_FAILED)


def _show(markdown: str) -> None:
    """Laid out on a terminal; as it is where a program or a file reads it."""
    if not sys.stdout.isatty():
        typer.echo(markdown)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(markdown, hyperlinks=False))


def _preview(
    config: "AuditConfig", candidates: list[str] | None = None, attacks: list[str] | None = None
) -> None:
    from assay.attack_command import restricted
    from assay.preview import run_preview

    if candidates is not None and attacks is not None:
        config = restricted(config, candidates, attacks)
    for line in run_preview(config):
        typer.echo(line)


def _engine(engine: str | None, workers: int | None) -> dict[str, str]:
    """The overrides that the options say."""
    given = {"engine": engine, "workers": workers}
    return {key: str(value) for key, value in given.items() if value is not None}


def _train(config: "AuditConfig", candidates: list[str], output: Path | None) -> None:
    from assay.progress import Reporter
    from assay.train_command import run_trainings

    for line in run_trainings(config, candidates, output, Reporter()):
        typer.echo(line)


def _attack(config: "AuditConfig", candidates: list[str], attacks: list[str], output: Path | None) -> None:
    from assay.attack_command import run_attacks
    from assay.progress import Reporter

    for line in run_attacks(config, candidates, attacks, output, Reporter()):
        typer.echo(line)


def _flags(
    quick: dict[str, Any], config: Path | None, only_with_config: dict[str, Any], needed: str
) -> dict[str, Any]:
    """What was given of the flags that stand in for a configuration; {} where there is one.

    Raises AssayError where neither is there, or both.
    """
    given = {flag: value for flag, value in quick.items() if value is not None}
    others = [flag for flag, value in only_with_config.items() if value]
    if not given and config is None and not Path("assay.toml").exists():
        raise AssayError(
            f"there is no assay.toml here. Name a configuration, or give {needed}: the command's --help has "
            "an example."
        )
    if given and (config is not None or others):
        other = ", ".join(others) if config is None else "a configuration"
        raise AssayError(
            f"{', '.join(given)}: these go without {other}. Keys of a configuration are changed with "
            "--set KEY=VALUE."
        )
    return given


def _loaded(
    config: Path | None, overrides: dict[str, str], device: str | None, offline: bool
) -> "AuditConfig":
    from assay.config import load_config

    if device is not None:
        overrides = {**overrides, "device": device}
    if offline:
        overrides = {**overrides, "offline": "true"}
    return load_config(config or Path("assay.toml"), overrides)


def _defect(error: Exception) -> str:
    return (
        f"internal error: {type(error).__name__}: {error}\n"
        "This is a defect of assay; `assay --debug ...` shows where. What was done is kept."
    )


def _stop(message: str) -> NoReturn:
    """Say what is wrong, with --debug also where, and end with code 2."""
    if "--debug" in sys.argv:
        traceback.print_exc()
    rank = os.environ.get("RANK", "0")
    typer.echo(f"assay: {message}" if rank == "0" else f"assay (process {rank}): {message}", err=True)
    raise SystemExit(EXIT_COULD_NOT_RUN)
