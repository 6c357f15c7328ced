"""``assay resources`` on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from assay.cli_options import EXIT_COULD_NOT_RUN, Offline, Resources

resources = typer.Typer(
    help="What recipes need beside their code: word lists, embeddings, models.", no_args_is_help=True
)


@resources.command("fetch")
def resources_fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="Recipes or resources (default: NLTK's data)", show_default=False
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="Take it from a folder of resources or of NLTK data."),
    ] = None,
    folder: Resources = None,
    offline: Offline = False,
) -> None:
    """Get what recipes need, from a folder, this machine or the network.

    Exit code 2: something that was asked for is still missing.
    """
    from assay.progress import Reporter
    from assay.resources_command import run_fetch

    if not run_fetch(names or [], source, folder, offline, typer.echo, Reporter().say):
        raise typer.Exit(EXIT_COULD_NOT_RUN)


@resources.command("list")
def resources_list(folder: Resources = None) -> None:
    """List every resource: its size, whether it is here, and which recipes need it."""
    from assay.resources_command import list_lines

    for line in list_lines(folder):
        typer.echo(line)
