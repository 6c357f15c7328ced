"""``assay fairness`` on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from assay.cli_options import Seed

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
Ids = Annotated[
    list[str] | None,
    typer.Option(
        "--id",
        metavar="COLUMN",
        help="A column of ids, all different, by which assay gate and assay compare know the examples in "
        "other runs (default: rows are numbered)",
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


def fairness(
    predictions: Predictions,
    label: TrueLabel,
    prediction: Predicted,
    score: Score = None,
    id_: Ids = None,
    group: Group = None,
    overlapping: Overlapping = None,
    intersections: Annotated[
        int, typer.Option("--intersections", min=1, help="Cross up to so many group columns; 1: none.")
    ] = 1,
    positive_label: Annotated[
        str | None,
        typer.Option(
            "--positive-label",
            metavar="LABEL",
            help="Of two labels, the outcome that selection rate, TPR and FPR speak of (default: the second)",
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="A,B,...",
            help="All labels, in order, where the data lacks some (default: those of the label column)",
        ),
    ] = None,
    min_group_size: Annotated[
        int,
        typer.Option("--min-group-size", min=1, help="A smaller group is shown, but not compared."),
    ] = 30,
    confidence: Annotated[float, typer.Option("--confidence", help="Level of every interval.")] = 0.95,
    seed: Seed = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FOLDER", help="Where to put the report (default: runs/NAME)"),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="What the report calls the model (default: the name of the file)"),
    ] = None,
) -> None:
    """Assess the predictions of any model by group; no model is loaded.

    Metrics, disparities with intervals and tests, and with scores the AUCs of each group against the others.
    Leaves report.html, audit.json and summary.md in the output folder. For example:

    assay fairness predictions.csv --label label --prediction predicted --score p_toxic --group gender
    --group religion --intersections 2

    Exit code 0: assessed, whatever was found; 2: it could not be.
    """
    from assay.fairness_command import Settings, run_fairness
    from assay.fairness_summary import summary_lines
    from assay.prediction_roles import roles_of, split_list

    roles = roles_of(label, prediction, score or [], group or [], overlapping or [], id_ or [])
    settings = Settings(
        positive_label=positive_label,
        labels=None if labels is None else split_list("--labels", labels),
        intersections=intersections,
        min_group_size=min_group_size,
        confidence=confidence,
        seed=seed or 0,
        output=output,
        name=name,
    )
    report, run = run_fairness(predictions, roles, settings)
    for line in summary_lines(report):
        typer.echo(line)
    typer.echo(f"Report: {run.report}")
