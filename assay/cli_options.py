"""What several commands share: options, each with its help, and an exit code."""

from pathlib import Path
from typing import Annotated

import typer

EXIT_COULD_NOT_RUN = 2

Given = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key, e.g. --set data.path=test.csv."),
]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Offline = Annotated[bool, typer.Option("--offline", help="Never touch the network.")]
Preview = Annotated[
    bool, typer.Option("--preview", help="Check everything and say what it would ask, without asking.")
]
Engine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="Where black-box attacks run: local, ray, or the address of a cluster.",
    ),
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes of Ray (default: one for each core or GPU)")
]
Config = Annotated[
    Path | None, typer.Argument(help="The configuration (default: assay.toml)", show_default=False)
]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="FILE", help="Labelled examples: csv, tsv, jsonl or parquet."),
]
TextColumn = Annotated[
    str | None, typer.Option("--text", metavar="COLUMN", help="The column of the texts (default: text)")
]
LabelColumn = Annotated[
    str | None,
    typer.Option("--label", metavar="COLUMN", help="The column of the labels (default: label)"),
]
Resources = Annotated[
    Path | None,
    typer.Option(
        "--resources",
        metavar="FOLDER",
        help="Where resources are (default: $ASSAY_RESOURCES or ~/.cache/assay)",
        show_default=False,
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Decides every random draw (default: 0)")]
