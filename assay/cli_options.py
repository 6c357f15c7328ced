"""The options that several commands share, each with its help."""

from pathlib import Path
from typing import Annotated

import typer

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

Predictions = Annotated[
    Path,
    typer.Argument(
        metavar="PREDICTIONS", help="One row an example: csv, tsv, jsonl or parquet.", show_default=False
    ),
]
# As lists: of two values of one option the command line would silently take the last.
TrueLabel = Annotated[
    list[str], typer.Option("--label", metavar="COLUMN", help="The column of the true labels.")
]
Predicted = Annotated[
    list[str], typer.Option("--prediction", metavar="COLUMN", help="The column of the predicted labels.")
]
Score = Annotated[
    list[str] | None,
    typer.Option(
        "--score",
        metavar="[LABEL=]COLUMN",
        help="The column of the probability of a label; with two labels COLUMN alone is that of the positive "
        "one, with more give LABEL=COLUMN for each.",
    ),
]
Group = Annotated[
    list[str] | None,
    typer.Option("--group", metavar="COLUMN", help="A column whose values are compared; may be repeated."),
]
Overlapping = Annotated[
    list[str] | None,
    typer.Option(
        "--overlapping",
        metavar="NAME=COLUMN,...",
        help="Columns of 0 and 1 as groups of which an example can belong to several, compared with each "
        "other; may be repeated.",
    ),
]
