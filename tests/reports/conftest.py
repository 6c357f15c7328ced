import pytest

from reports.html import render_html
from reports.model import AuditReport
from tests.reports.example import example_report
from tests.reports.hostile import hostile_report


@pytest.fixture(scope="session")
def report() -> AuditReport:
    return example_report()


@pytest.fixture(scope="session")
def hostile() -> AuditReport:
    return hostile_report()


@pytest.fixture(scope="session")
def html(report: AuditReport) -> str:
    return render_html(report)


@pytest.fixture(scope="session")
def hostile_html(hostile: AuditReport) -> str:
    return render_html(hostile)
