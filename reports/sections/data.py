"""What was audited: the examples, the groups, the models and how they were trained."""

from collections.abc import Sequence

from reports.blocks import (
    MOST_COLUMNS,
    Block,
    Bullets,
    Callout,
    Cell,
    Column,
    Details,
    Facts,
    Part,
    Row,
    Section,
    Side,
    Table,
    estimate_cell,
)
from reports.formatting import counted, duration, figure, name
from reports.highlights import base_of, is_predictions
from reports.model import AuditReport, CandidateResult, MitigationSummary, TrainingSummary
from reports.tradeoffs import has_collapsed
from robustness.estimate import Estimate
from robustness.results import EpochRecord

ORDER = 20


def section(report: AuditReport) -> Section:
    data = report.data
    tables = [_counts("Examples by label", "Label", data.label_counts, data.n)]
    tables += [
        _counts(f"Examples by {name(column)}", name(column), counts, data.n)
        for column, counts in data.groups.items()
    ]
    blocks: list[Block] = [Facts([("Data", name(data.name)), ("Examples audited", f"{data.n:,}")])]
    if data.notes:
        blocks.append(Bullets(data.notes))
    blocks.append(Side(tables))
    parts = [_candidate(candidate) for candidate in report.candidates]
    if len(parts) <= MOST_COLUMNS:
        return Section("Model and data", "data", [*blocks, Side(parts)])
    # Many candidates would be many screens: what most differ in as a table, the rest behind a summary each.
    folded = [Details(part.title, part.blocks) for part in parts]
    collapsed = [_collapse(each) for each in report.candidates if has_collapsed(each)]
    models: list[Block] = [_models(report.candidates), *collapsed, *folded]
    return Section("Model and data", "data", [*blocks, Part("The candidates in detail", models)])


def _models(candidates: Sequence[CandidateResult]) -> Table:
    rows = [
        Row(
            name(each.name),
            [
                Cell(name(each.model.source)),
                Cell(name(each.training.objective) if each.training is not None else _untrained(each)),
                Cell("none" if each.mitigation is None else name(each.mitigation.method)),
            ],
        )
        for each in candidates
    ]
    titles = ("Source", "Training objective", "Mitigation")
    columns = [Column("Candidate"), *(Column(title, numeric=False) for title in titles)]
    return Table("Where the candidates come from", columns, rows)


def _untrained(candidate: CandidateResult) -> str:
    """Where its weights come from."""
    base = base_of(candidate)
    return "came trained" if base is None else f"that of {name(base)}, on which it stands"


def _collapse(candidate: CandidateResult) -> Callout:
    told = "It predicts one class for every validation example. Its robustness numbers mean nothing."
    return Callout("bad", f"Training of {name(candidate.name)} collapsed", told)


def _counts(caption: str, what: str, counts: dict[str, int], n: int) -> Table:
    rows = [
        Row(name(value), [Cell(f"{count:,}"), Cell(figure(count / n) if n else "")])
        for value, count in counts.items()
    ]
    return Table(caption, [Column(what), Column("n"), Column("Share")], rows)


def _candidate(candidate: CandidateResult) -> Part:
    if is_predictions(candidate):
        return Part(name(candidate.name), [Facts(_prediction_facts(candidate))])
    model, training, truncated = candidate.model, candidate.training, candidate.robustness.clean.truncated
    facts = [
        ("Source", model.source),
        ("Parameters", "not known" if model.num_parameters is None else f"{model.num_parameters:,}"),
        ("Labels", ", ".join(name(label) for label in model.labels)),
    ]
    if training is None:
        facts.append(("Training", _untrained(candidate)))
    else:
        facts += _training_facts(training)
    if candidate.mitigation is not None:
        facts += _mitigation_facts(candidate.mitigation)
    facts += [
        ("Texts cut at the model's maximum length", f"{truncated:,}"),
        ("Weights, SHA-256", model.sha256),
    ]
    blocks: list[Block] = [Facts(facts)]
    if has_collapsed(candidate):
        blocks.insert(0, _collapse(candidate))
    if training is not None and training.history:
        summary = f"Training history, {counted(len(training.history), 'epoch')}"
        blocks.append(Details(summary, [_history(training, candidate.name)]))
    return Part(name(candidate.name), blocks)


def _prediction_facts(candidate: CandidateResult) -> list[tuple[str, str]]:
    model = candidate.model
    return [
        ("Source", model.source),
        ("Labels", ", ".join(name(label) for label in model.labels)),
        ("File, SHA-256", model.sha256),
    ]


def _mitigation_facts(done: MitigationSummary) -> list[tuple[str, str]]:
    """What was done to treat groups more alike."""
    changed = {
        "data": "its training data were changed",
        "training": "its training objective takes groups into account",
        "embeddings": "its classification head was fitted anew",
        "predictions": "its predictions are changed",
    }
    settings = ", ".join(f"{key} {_setting(value)}" for key, value in done.params.items())
    base = f", starting from {name(done.base)}" if done.base is not None else ""
    by = f" by {name(done.group)}" if done.group is not None else ""
    what = changed.get(done.stage, done.stage)
    return [
        ("Mitigation", f"{name(done.method)}{by}: {what}{base}"),
        *([("Settings of the mitigation", settings)] if settings else []),
        *([("What it did", " ".join(done.notes))] if done.notes else []),
        # An objective that treats groups alike is the training: its time stands there.
        *([("Time of the mitigation", duration(done.seconds))] if done.stage != "training" else []),
    ]


def _setting(value: object) -> str:
    """A parameter in the words of a configuration, not of Python."""
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)


def _training_facts(training: TrainingSummary) -> list[tuple[str, str]]:
    settings = ", ".join(f"{key} {_setting(value)}" for key, value in training.params.items())
    return [
        ("Training objective", name(training.objective) + (f" ({settings})" if settings else "")),
        (
            "Training data",
            f"{counted(training.n_train, 'example')}, {training.n_validation:,} for validation",
        ),
        ("Epochs", f"{training.epochs}; the weights of epoch {training.best_epoch} were kept"),
        ("Training time", duration(training.seconds)),
    ]


def _history(training: TrainingSummary, candidate: str) -> Table:
    columns = [
        "Epoch",
        "Training loss",
        "Validation loss",
        "Validation accuracy",
        "The same under the objective's attack",
        "Epsilon",
        "Time",
    ]
    return Table(
        f"Training history of {name(candidate)}",
        [Column(title) for title in columns],
        [_epoch(record, training) for record in training.history],
    )


def _epoch(record: EpochRecord, training: TrainingSummary) -> Row:
    attacked = record.validation_accuracy_under_attack
    return Row(
        str(record.epoch),
        [
            Cell(f"{record.loss:.3f}"),
            Cell(f"{record.validation_loss:.3f}"),
            estimate_cell(Estimate.exact(record.validation_accuracy, training.n_validation)),
            Cell("none")
            if attacked is None
            else estimate_cell(Estimate.exact(attacked, training.n_validation)),
            Cell("none" if record.epsilon is None else f"{record.epsilon:g}"),
            Cell(duration(record.seconds)),
        ],
        note="kept" if record.epoch == training.best_epoch else "",
    )
