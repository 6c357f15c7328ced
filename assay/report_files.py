"""The files of a report in its run folder."""

from assay.run_folder import RunFolder, write_whole
from reports.html import render_html
from reports.json_io import to_json
from reports.junit import render_junit
from reports.markdown import render_markdown
from reports.model import AuditReport


def write_report(report: AuditReport, run: RunFolder) -> None:
    """audit.json first: from it everything else can be rendered again. junit.xml only where there is a gate:
    without a check it would have no test case, which CI systems take for a mistake."""
    write_whole(run.audit, to_json(report))
    if report.gate.checks:
        write_whole(run.junit, render_junit(report))
    else:
        run.junit.unlink(missing_ok=True)
    write_whole(run.summary, render_markdown(report))
    write_whole(run.report, render_html(report))
