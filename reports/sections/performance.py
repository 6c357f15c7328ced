"""How well each candidate does on unperturbed text, and how honest its confidence is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports.blocks import (
    MOST_COLUMNS,
    Block,
    Cell,
    Column,
    Details,
    Figure,
    Figures,
    Part,
    Row,
    Section,
    Side,
    Table,
    Text,
    beside,
    estimate_cell,
)
from reports.definitions import is_tested
from reports.drawing import are_numbered
from reports.formatting import counted, figure, kind_of, name
from reports.model import AuditReport, CandidateResult
from reports.naming import metric_name
from reports.reliability_chart import Reliability, reliability_curves
from robustness.results import ReliabilityBin

ORDER = 30
MAX_CLASSES = 20
"""Classes up to which a confusion matrix is printed; a larger one is in audit.json."""

FEW = 50
"""Examples from which on a mark of the reliability diagram says something."""

METRICS = ("accuracy", "macro_f1", "roc_auc", "expected_calibration_error")


def section(report: AuditReport) -> Section:
    candidates = report.candidates
    names = [name(candidate.name) for candidate in candidates]
    rows = [
        Row(
            metric_name(metric),
            [
                estimate_cell(getattr(candidate.robustness.clean, metric), kind_of(metric), show_n=True)
                for candidate in candidates
            ],
        )
        for metric in METRICS
    ]
    tested = is_tested(report)
    caption = "Performance on unperturbed text" if tested else "Performance"
    blocks: list[Block] = [
        beside(caption, "Metric", names, rows),
        *_reliability(report),
        *_by_class(report),
    ]
    return Section("Accuracy and calibration", "performance", blocks)


def _reliability(report: AuditReport) -> list[Block]:
    series = [candidate.name for candidate in report.candidates]
    points = [
        Reliability(candidate.name, each.confidence, each.accuracy, faint=each.n < FEW)
        for candidate in report.candidates
        for each in pooled(candidate.robustness.clean.reliability)
    ]
    if not points:
        return []
    label = (
        "Reliability diagram: accuracy against mean confidence, "
        + " and ".join(map(name, series))
        + ". The dashed line is perfect calibration."
    )
    k = min((len(candidate.model.labels) for candidate in report.candidates), default=0)
    told = (
        "Below the dashed line the model is more confident than it is right. Neighbouring bins of confidence "
        f"are drawn as one until they hold {FEW} examples; a pale mark has fewer."
    )
    if are_numbered(series):
        # So many lines would be a knot: a small chart for each candidate.
        alone = [
            Figure(
                name(each.name),
                reliability_curves(
                    points, series, f"{name(each.name)}. {label}", n_classes=k, alone=each.name
                ),
                _bins_table([each]),
            )
            for each in report.candidates
        ]
        told += " Grey lines are the other candidates."
        return [Figures("Reliability", [], alone, small=True), Text(told, "muted")]
    chart = reliability_curves(points, series, label, n_classes=k)
    shared = Figure("Accuracy against confidence", chart, _bins_table(report.candidates))
    return [
        Figures("Reliability", [name(each) for each in series], [shared], printed=True),
        Text(told, "muted"),
    ]


@dataclass(frozen=True)
class Pooled:
    """Neighbouring bins drawn as one: their examples, and the means over them."""

    n: int
    confidence: float
    accuracy: float


def pooled(bins: Sequence[ReliabilityBin]) -> list[Pooled]:
    """The bins from the least to the most confident, joined until each holds ``FEW`` examples.

    What is left over at the end joins the last one. In all there may be too few: then it is one with fewer.
    """
    joined: list[Pooled] = []
    for each in sorted(bins, key=lambda each: each.low):
        if not each.n or each.mean_confidence is None or each.accuracy is None:
            continue
        new = Pooled(each.n, each.mean_confidence, each.accuracy)
        if joined and joined[-1].n < FEW:
            joined[-1] = _together(joined[-1], new)
        else:
            joined.append(new)
    if len(joined) > 1 and joined[-1].n < FEW:
        joined[-2:] = [_together(joined[-2], joined[-1])]
    return joined


def _together(one: Pooled, other: Pooled) -> Pooled:
    n = one.n + other.n
    return Pooled(
        n,
        (one.n * one.confidence + other.n * other.confidence) / n,
        (one.n * one.accuracy + other.n * other.accuracy) / n,
    )


def _bins_table(candidates: Sequence[CandidateResult]) -> Table:
    rows = [
        Row(name(candidate.name), _bin_cells(each))
        for candidate in candidates
        for each in candidate.robustness.clean.reliability
        if each.n
    ]
    columns = [Column(title) for title in ("Candidate", "Confidence", "n", "Mean confidence", "Accuracy")]
    return Table("Reliability by bin of confidence (empty bins left out)", columns, rows)


def _bin_cells(each: ReliabilityBin) -> list[Cell]:
    return [
        Cell(f"{each.low:.2f} to {each.high:.2f}"),
        Cell(f"{each.n:,}"),
        Cell("" if each.mean_confidence is None else figure(each.mean_confidence)),
        Cell("" if each.accuracy is None else figure(each.accuracy)),
    ]


def _by_class(report: AuditReport) -> list[Block]:
    """One part for each candidate; of many candidates behind a summary each."""
    few = len(report.candidates) <= MOST_COLUMNS
    if few and all(len(each.robustness.clean.confusion_matrix) <= 4 for each in report.candidates):
        pairs = [_tables(candidate, report) for candidate in report.candidates]
        # Of several the same table side by side, of one its two.
        sides = pairs if len(pairs) == 1 else [*zip(*pairs, strict=True)]
        return [Part("By class", [Side(each) for each in sides])]
    if few:
        return [_of_candidate(candidate, report) for candidate in report.candidates]
    parts = [_of_candidate(candidate, report) for candidate in report.candidates]
    return [Part("By class", [Details(part.title, part.blocks) for part in parts])]


def _of_candidate(candidate: CandidateResult, report: AuditReport) -> Part:
    tables = _tables(candidate, report)
    if len(candidate.robustness.clean.confusion_matrix) > 4:
        return Part(name(candidate.name), [Details("By class, and the confusion matrix", tables)])
    return Part(name(candidate.name), [Side(tables)])


def _tables(candidate: CandidateResult, report: AuditReport) -> Sequence[Block]:
    clean = candidate.robustness.clean
    matrix = _confusion(clean.confusion_matrix, _labels(candidate, report), candidate.name)
    return [_classification_report(clean.classification_report, candidate.name), matrix]


def _labels(candidate: CandidateResult, report: AuditReport) -> list[str]:
    """The data's labels, in whose order the matrix is; numbers where they do not fit."""
    size = len(candidate.robustness.clean.confusion_matrix)
    for labels in (list(report.data.label_counts), candidate.model.labels):
        if len(labels) == size:
            return [name(label) for label in labels]
    return [str(i) for i in range(size)]


def _classification_report(entries: dict[str, Any], candidate: str) -> Table:
    columns = ["Class", "Precision", "Recall", "F1", "n"]
    rows = [
        Row(
            name(label),
            [
                *(_defined(entry[key]) for key in ("precision", "recall", "f1-score")),
                Cell(f"{entry['support']:,.0f}"),
            ],
        )
        for label, entry in entries.items()
        if isinstance(entry, dict)
    ]
    return Table(f"Classification report of {name(candidate)}", [Column(title) for title in columns], rows)


def _defined(value: float | None) -> Cell:
    """A rate of the classification report, which has none for a class that was never predicted."""
    return Cell("undefined", tone="muted") if value is None else Cell(figure(value, "number"))


def _confusion(matrix: list[list[int]], labels: list[str], candidate: str) -> Block:
    if len(matrix) > MAX_CLASSES:
        return Text(f"The confusion matrix of {counted(len(matrix), 'class', 'classes')} is in audit.json.")
    rows = []
    for i, (label, counts) in enumerate(zip(labels, matrix, strict=True)):
        total = sum(counts)
        cells = [
            Cell(f"{count:,}", figure(count / total) if total else "", "good" if i == j else "plain")
            for j, count in enumerate(counts)
        ]
        rows.append(Row(label, cells))
    caption = f"Confusion matrix of {name(candidate)}: rows true, columns predicted, shares of the row"
    return Table(caption, [Column("True class"), *map(Column, labels)], rows)
