"""What a test of the gate says where its check does not hold: all that a reader needs to act on it."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from assay.plugin.audits import Audit
from reports.formatting import full, full_with_n, kind_of, p_words
from reports.limits import required, unit_of_change
from reports.model import Finding, GateCheck

ANCHOR = "#gate"
"""Of the gate in report.html."""
SHOWN = 3
"""Findings that are named."""


def failure_text(check: GateCheck, audit: Audit, folder: Path) -> str:
    """The failed check, what was found about the same thing, and where the report is.

    The first line stands in pytest's short summary, beside the test's name.

    folder: the report's path is told relative to it.
    """
    kind = kind_of(check.metric)
    lines = [
        check.message,
        f"check: {check.name}, candidate {check.candidate}",
        f"required: {required(check, audit.report.gate.smallest_difference)}",
    ]
    if check.observed is not None:
        lines.append(f"observed: {full_with_n(check.observed, kind)}")
    if check.baseline is not None:
        of = f" ({audit.report.gate.baseline.path})" if audit.report.gate.baseline else ""
        lines.append(f"baseline{of}: {full_with_n(check.baseline, kind)}")
    if check.change is not None:
        lines.append(f"change: {full(check.change, unit_of_change(check.metric))}{_tested(check)}")
    found = findings_about(check, audit.report.findings)
    lines += [f"finding ({finding.severity}): {finding.message}" for finding in found]
    if audit.note:
        lines.append(f"note: {audit.note}")
    lines.append(f"report: {report_place(audit.run.report, folder)}")
    return "\n".join(lines)


def findings_about(check: GateCheck, findings: Sequence[Finding]) -> list[Finding]:
    """Findings about the candidate and the metric of the check; where some are about its very subject (the
    attack, the group, the test), these alone."""
    about = [
        finding
        for finding in findings
        if finding.candidate in (None, check.candidate) and finding.metric == check.metric
    ]
    same = [finding for finding in about if f" {finding.subject} " in f"{check.name} "]
    return (same or about)[:SHOWN]


def report_place(report: Path, folder: Path) -> str:
    """The section of the gate in a report: as a path from ``folder``, and as an address for a browser."""
    address = report.absolute().as_uri() + ANCHOR
    with suppress(ValueError):  # on another drive of Windows
        return f"{os.path.relpath(report, folder)}{ANCHOR} ({address})"
    return address


def _tested(check: GateCheck) -> str:
    if check.test is None or check.p_value is None:
        return ""
    corrected = (
        "" if check.adjusted_p_value is None else f", {p_words(check.adjusted_p_value)} after correction"
    )
    return f"; {check.test}, {p_words(check.p_value)}{corrected}"
