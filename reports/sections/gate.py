"""Every check of the gate: what was required, what was observed, and how it compares with the baseline."""

from collections.abc import Callable, Sequence

from reports.blocks import (
    Block,
    Cell,
    Column,
    Part,
    Remark,
    Remarks,
    Row,
    Section,
    Table,
    Text,
    estimate_cell,
)
from reports.decisions import Decide
from reports.formatting import kind_of, moment, name, p_value, unbroken
from reports.highlights import is_predictions
from reports.limits import limit_figure, required, unit_of_change
from reports.model import AuditReport, GateCheck, GateResult
from reports.verdict import check_in_words

ORDER = 60

_DECIDE: dict[Decide, str] = {
    "estimate": "",
    "certain-pass": "by the whole interval",
    "certain-fail": "unless it certainly fails",
}


def section(report: AuditReport) -> Section | None:
    checks = report.gate.checks
    if not checks and report.candidates and all(map(is_predictions, report.candidates)):
        return None  # `assay fairness` has no gate to configure
    if not checks:
        nothing = Text("No checks were configured. Add [[gate]] tables to assay.toml to require something.")
        return Section("Gate", "gate", [nothing])
    extras = [extra for extra in _EXTRAS if any(extra[1](check) is not None for check in checks)]
    return Section(
        "Gate", "gate", [_table(report.gate, extras), *_in_words(report.gate), *_notes(report.gate)]
    )


def _table(gate: GateResult, extras: "Sequence[_Extra]") -> Table:
    columns = [
        Column("Check", numeric=False),
        Column("Result", numeric=False),
        Column("Candidate", numeric=False),
        Column("Required"),
        Column("Observed"),
        *[Column(title) for title, _ in extras],
    ]
    rows = [Row(name(check_in_words(check)), _cells(check, gate, extras)) for check in gate.checks]
    return Table("The checks of the gate", columns, rows)


def _in_words(gate: GateResult) -> list[Block]:
    """What the numbers of the table do not say alone: why a check failed, and how a change was judged."""
    told = [check for check in gate.checks if not check.passed or check.change is not None]
    remarks = [
        Remark(
            "good" if check.passed else "bad",
            "passed" if check.passed else "failed",
            name(check.candidate),
            f"{name(check_in_words(check))}: {check.message}",
        )
        for check in told
    ]
    return [Part("In words", [Remarks(remarks)])] if remarks else []


def _cells(check: GateCheck, gate: GateResult, extras: "Sequence[_Extra]") -> list[Cell]:
    result = Cell("✓\u00a0passed", tone="good") if check.passed else Cell("✗\u00a0failed", tone="bad")
    return [
        result,
        Cell(name(check.candidate)),
        Cell(unbroken(required(check, gate.smallest_difference)), _DECIDE[check.decide]),
        estimate_cell(check.observed, kind_of(check.metric), show_n=True),
        *[extra(check) or Cell("") for _, extra in extras],
    ]


def _baseline(check: GateCheck) -> Cell | None:
    return (
        None if check.baseline is None else estimate_cell(check.baseline, kind_of(check.metric), show_n=True)
    )


def _change(check: GateCheck) -> Cell | None:
    if check.change is None:
        return None
    return estimate_cell(check.change, unit_of_change(check.metric), show_n=True)


def _p_value(check: GateCheck) -> Cell | None:
    return None if check.adjusted_p_value is None else Cell(p_value(check.adjusted_p_value))


_Extra = tuple[str, Callable[[GateCheck], Cell | None]]
_EXTRAS: Sequence[_Extra] = (("Baseline", _baseline), ("Change", _change), ("p, corrected", _p_value))
"""Columns that a gate without a baseline, or without tests, does not have."""


def _notes(gate: GateResult) -> list[Block]:
    """What the figures of the table rest on."""
    notes = []
    if gate.baseline is not None:
        kept = gate.baseline
        shared = f"of which {kept.shared:,} are in this audit too, with the same label"
        if not kept.shared:
            shared = "none of which is known to be in this audit too"
        notes.append(
            f"The baseline is the audit {name(kept.name)} of {moment(kept.started)} on {kept.n:,} examples, "
            f"{shared}."
        )
    tests = sum(check.adjusted_p_value is not None for check in gate.checks)
    if tests:
        notes.append(
            "The tests are one-sided: a gate asks only whether something got worse, so that its p-value is "
            "about half of the two-sided one that assay compare gives for the same change. The "
            "p-values are corrected for all tests of the gate (Benjamini and Hochberg 1995). A tested check "
            f"fails only at {gate.false_discovery_rate:g} or less: of such failures that share may be chance."
        )
    if gate.smallest_difference > 0 and any(check.change is not None for check in gate.checks):
        least = limit_figure(gate.smallest_difference, "points")
        notes.append(f"A change of {least} or less fails no check of a metric between 0 and 1.")
    return [Text(" ".join(notes), tone="muted")] if notes else []
