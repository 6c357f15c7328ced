"""``assay init`` on the command line."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def init(
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DATA]",
            help="Labelled examples: csv, tsv, jsonl or parquet (default: a likely file of the folder)",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME",
            help="The model: a folder, a hub name, module:object, a pipeline's file or an address "
            "(default: one found in the folder)",
        ),
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="COLUMN", help="The column of the texts, not guessed.")
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", metavar="COLUMN", help="The column of the labels, not guessed.")
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option("--group", metavar="COLUMN", help="A column to compare, not guessed; may be repeated."),
    ] = None,
    folder: Annotated[
        Path, typer.Option("--folder", metavar="FOLDER", help="Where to write the files.")
    ] = Path(),
    ci: Annotated[
        bool,
        typer.Option(
            "--ci",
            help="Write a workflow for GitHub too, into .github of the repository; an assay.toml that is "
            "there stays.",
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that are there; what changes is kept as .bak.")
    ] = False,
) -> None:
    """Look at data and write an assay.toml and a test gate to start from.

    Guesses which columns are text, label and groups, and says what it guessed and what it is unsure of.
    Reads the first rows only, loads no model and touches no network. For example:

    assay init validation.csv --model models/sentiment
    """
    from assay.init.run import run_init

    lines = run_init(
        data, model=model, folder=folder, text=text, label=label, groups=group or None, ci=ci, force=force
    )
    encoding = sys.stdout.encoding or "utf-8"
    for line in lines:
        # The files are written: a terminal that cannot show a name must not make an error of that.
        typer.echo(line.encode(encoding, "backslashreplace").decode(encoding))
