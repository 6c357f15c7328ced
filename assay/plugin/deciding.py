"""A saved audit decided as its configuration says now: changing a limit takes no new run."""

from dataclasses import replace

from assay.changes.audited import Audited
from assay.config_models import AuditConfig
from assay.gate.baseline import check_apart, gated, read_baseline
from assay.gate.checks import check_gate_names
from assay.gate.measured import groups_of
from assay.saved_runs import SavedRun
from reports.model import AuditReport
from reports.verdict import verdict_of


def decided(saved: SavedRun, config: AuditConfig) -> AuditReport:
    """The report with the gate and the verdict of ``config``; the saved one where they are the same.

    Raises AssayError for a check of a class or a group that the data does not have, and for a baseline that
    is damaged or the run folder itself.
    """
    report = saved.report
    check_gate_names(config.gate, tuple(report.data.label_counts), groups_of(report))
    check_apart(config.gating.baseline, saved.folder.path)
    gate = gated(config.gate, Audited.of(saved), config.gating, read_baseline(config.gating.baseline))
    if gate == report.gate:
        return report
    asked = config.model_dump(mode="json", include={"gate", "gating"})
    return replace(
        report,
        provenance=replace(report.provenance, config={**report.provenance.config, **asked}),
        gate=gate,
        verdict=verdict_of([each.name for each in report.candidates], report.findings, gate),
    )
