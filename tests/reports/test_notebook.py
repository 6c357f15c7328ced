"""A report displays itself in a notebook, and keeps to itself there."""

import subprocess
import sys
from html.parser import HTMLParser

import pytest

from reports.html import render_html
from reports.model import AuditReport
from reports.notebook import BASE
from tests.reports.example import example_report, no_attacks
from tests.reports.hostile import hostile_report


class Frames(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


REPORTS = [no_attacks(example_report()), no_attacks(hostile_report())]


@pytest.mark.parametrize("report", REPORTS, ids=["example", "hostile"])
def test_a_report_is_one_sandboxed_frame_that_holds_the_page(report: AuditReport) -> None:
    ((tag, attributes),) = Frames(report._repr_html_()).found
    assert tag == "iframe"
    page = attributes["srcdoc"] or ""
    assert page.replace(BASE, "") == render_html(report)
    assert page.index(BASE) < page.index("Content-Security-Policy")
    assert attributes["sandbox"] == ""
    assert attributes["title"]
    assert "height: 720px" in (attributes["style"] or "")


def test_results_load_without_what_renders_them() -> None:
    code = "import reports.model, sys; print(any(name in sys.modules for name in ('jinja2', 'altair')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
