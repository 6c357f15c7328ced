"""Where the numbers of the runs come from, and in what that differs: data, models, settings and versions."""

from reports.blocks import Cell, Column, Row, Table
from reports.comparison.model import ComparedRun, Comparison
from reports.comparison.settings import differing
from reports.formatting import figure, moment, name
from reports.highlights import is_predictions

MOST_ROWS = 60
"""Settings that are shown; each audit.json has all of its own."""
VALUE = 300
"""Characters of a setting that are shown."""


def runs_table(comparison: Comparison) -> Table:
    """Each run in a column: its folder, date, data and gate."""
    runs, first = comparison.runs, comparison.first
    about = [run.report.provenance for run in runs]
    rows = [
        ("Folder", [Cell(run.path) for run in runs]),
        ("Started", [Cell(moment(each.started)) for each in about]),
        ("Data", [_data_cell(run, first) for run in runs]),
        ("Examples", [Cell(f"{run.report.data.n:,}", _shared(run, first)) for run in runs]),
        ("Labels", [Cell(", ".join(map(name, run.report.data.label_counts))) for run in runs]),
        ("Intervals", [Cell(figure(each.confidence)) for each in about]),
        ("Seed", [Cell(str(each.seed)) for each in about]),
        ("Verdict", [Cell(run.report.verdict.state) for run in runs]),
    ]
    return Table("The runs", _columns(comparison, ""), [Row(title, cells) for title, cells in rows])


def models_table(comparison: Comparison) -> Table:
    """The model of each candidate that is compared, and whether it is that of the first run."""
    rows = []
    for candidate in comparison.candidates:
        cells: list[Cell] = []
        shas: list[str] = []
        for run, called in zip(comparison.runs, candidate.names, strict=True):
            found = next((each for each in run.report.candidates if each.name == called), None)
            if found is None:
                cells.append(Cell("no such candidate", tone="muted"))
                continue
            model = found.model
            note = f"sha256 {model.sha256[:12]}"
            if shas:
                note = "the same model" if model.sha256 == shas[0] else f"{note}, another model"
            shas.append(model.sha256)
            cells.append(Cell(model.source, note))
        rows.append(Row(name(candidate.name), cells))
    return Table("The models", _columns(comparison, "Candidate"), rows)


def settings_table(comparison: Comparison, most: int = MOST_ROWS) -> Table | None:
    """The settings that are not the same in all runs, at most so many; None where all are."""
    found = differing([run.report.provenance.config for run in comparison.runs])
    rows = [
        Row(key, [_missing() if value is None else Cell(value[:VALUE]) for value in values])
        for key, values in found
    ]
    return _first("Settings that differ", _columns(comparison, "Setting"), rows, most)


def versions_table(comparison: Comparison, most: int = MOST_ROWS) -> Table | None:
    """The versions and the devices that are not the same in all runs, at most so many; None where all are."""
    about = [run.report.provenance for run in comparison.runs]
    rows = [
        Row(key, [_missing() if value is None else Cell(str(value)) for value in values])
        for library in dict.fromkeys(library for each in about for library in each.versions)
        for key, values in [(library, [each.versions.get(library) for each in about])]
        if len(set(values)) > 1
    ]
    if len({each.device for each in about}) > 1:
        rows.append(Row("Device", [Cell(each.device) for each in about]))
    return _first("Versions that differ", _columns(comparison, "Of"), rows, most)


def _first(caption: str, columns: list[Column], rows: list[Row], most: int) -> Table | None:
    """The first rows, with a caption that says how many there are."""
    shown = f", the first {most} of them" if len(rows) > most else ""
    return Table(f"{caption} ({len(rows):,}{shown})", columns, rows[:most]) if rows else None


def _columns(comparison: Comparison, first: str) -> list[Column]:
    names = [Column(name(run.name), numeric=False) for run in comparison.runs]
    return [Column(first or "Run", numeric=False), *names]


def _data_cell(run: ComparedRun, first: ComparedRun) -> Cell:
    note = f"sha256 {run.report.provenance.data_sha256[:12]}"
    if run is not first:
        other = _other_data(run, first)
        note = f"{note}, {other}" if other else "the same data"
    return Cell(name(run.report.data.name), note)


def _other_data(run: ComparedRun, first: ComparedRun) -> str:
    """In what the data differ; nothing where they are the same. Their hash covers all splits, and that of a
    file of predictions the answers."""
    if run.report.provenance.data_sha256 == first.report.provenance.data_sha256:
        return ""
    all_shared = run.shared == run.report.data.n == first.report.data.n
    if any(map(is_predictions, run.report.candidates)):
        return "the same examples in another file" if all_shared else "another file"
    return (
        "the same examples audited by id and label, other texts or training data"
        if all_shared
        else "other data"
    )


def _shared(run: ComparedRun, first: ComparedRun) -> str:
    if run is first:
        return ""
    if run.shared is None:
        return "not known which are shared"
    return f"{run.shared:,} shared with {name(first.name)}"


def _missing() -> Cell:
    return Cell("not set", tone="muted")
