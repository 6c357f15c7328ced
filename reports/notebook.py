"""The report within a page of somebody else's: a notebook."""

from markupsafe import escape

from reports.html import render_html
from reports.model import AuditReport

HEIGHT = 720
"""Pixels; the report scrolls within."""
BASE = '<base href="about:srcdoc">'
"""Without it a link to a section would lead to that section of the notebook."""


def render_frame(report: AuditReport) -> str:
    """report.html as an ``iframe``: its styles stay inside, and nothing in it reaches the notebook.

    The sandbox takes script, forms, popups and the notebook's origin from it, so that even a text that was
    not escaped could do nothing.
    """
    page = escape(render_html(report).replace("<head>", f"<head>{BASE}", 1))
    return (
        f'<iframe title="Report of the audit" sandbox="" srcdoc="{page}" '
        f'style="width: 100%; height: {HEIGHT}px; border: 1px solid #8884;"></iframe>'
    )
