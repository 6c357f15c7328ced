import pytest

from reports.html import render_html
from reports.model import AuditReport
from tests.reports.black_box_example import black_box_report
from tests.reports.example import example_report
from tests.reports.fairness_example import fairness_report, predictions_report
from tests.reports.hostile import hostile_report


@pytest.fixture(scope="session")
def report() -> AuditReport:
    return example_report()


@pytest.fixture(scope="session")
def hostile() -> AuditReport:
    return hostile_report()


@pytest.fixture(scope="session")
def black_box() -> AuditReport:
    return black_box_report()


@pytest.fixture(scope="session")
def hostile_black_box(black_box: AuditReport) -> AuditReport:
    return hostile_report(black_box)


@pytest.fixture(scope="session")
def black_box_html(black_box: AuditReport) -> str:
    return render_html(black_box)


@pytest.fixture(scope="session")
def hostile_black_box_html(hostile_black_box: AuditReport) -> str:
    return render_html(hostile_black_box)


@pytest.fixture(scope="session")
def html(report: AuditReport) -> str:
    return render_html(report)


@pytest.fixture(scope="session")
def hostile_html(hostile: AuditReport) -> str:
    return render_html(hostile)


@pytest.fixture(scope="session")
def fairness_html() -> str:
    return render_html(fairness_report())


@pytest.fixture(scope="session")
def predictions_html() -> str:
    return render_html(predictions_report())


@pytest.fixture(scope="session")
def hostile_fairness_html() -> str:
    return render_html(hostile_report(predictions_report()))
