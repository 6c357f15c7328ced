"""Every check of the gate: what was required and what was observed."""

from reports.blocks import Cell, Column, Row, Section, Table, Text, estimate_cell
from reports.formatting import figure, kind_of, name
from reports.highlights import is_predictions
from reports.model import AuditReport, GateCheck

ORDER = 60


def section(report: AuditReport) -> Section | None:
    checks = report.gate.checks
    if not checks and report.candidates and all(map(is_predictions, report.candidates)):
        return None  # `assay fairness` has no gate to configure
    if not checks:
        nothing = Text("No checks were configured. Add [[gate]] tables to assay.toml to require something.")
        return Section("Gate", "gate", [nothing])
    columns = [
        Column("Check", numeric=False),
        Column("Result", numeric=False),
        Column("Candidate", numeric=False),
        Column("Required"),
        Column("Observed"),
        Column("In words", numeric=False),
    ]
    table = Table("The checks of the gate", columns, [_row(check) for check in checks])
    return Section("Gate", "gate", [table])


def _row(check: GateCheck) -> Row:
    result = Cell("✓\u00a0passed", tone="good") if check.passed else Cell("✗\u00a0failed", tone="bad")
    return Row(
        name(check.name),
        [
            result,
            Cell(name(check.candidate)),
            Cell(required(check)),
            estimate_cell(check.observed, kind_of(check.metric), show_n=True),
            Cell(check.message),
        ],
    )


def required(check: GateCheck) -> str:
    """``at least 60.0 %``, ``at most 10.0 points``, or both."""
    kind = kind_of(check.metric)
    parts = [
        f"{words} {figure(limit, kind)}"
        for words, limit in (("at least", check.minimum), ("at most", check.maximum))
        if limit is not None
    ]
    return " and ".join(parts) or "measured"
