"""What the fixtures give to tests written by hand."""

import pytest

from assay.plugin.session import audit_or_fail, audits_of
from assay.pytest_plugin import configuration
from attacks.errors import AssayError, nearest
from reports.model import AuditReport

HOW = (
    "assay_audit and assay_candidate need to know which audit: run pytest with --assay FILE, or name the "
    "file in the ini file, for example in pyproject.toml:\n"
    '[tool.pytest.ini_options]\nassay = "assay.toml"'
)


def audit_of(config: pytest.Config) -> AuditReport:
    """The report of the configuration that the session was given; without one the test fails and says how."""
    path = configuration(config)
    if path is None:
        pytest.fail(HOW, pytrace=False)
    return audit_or_fail(config, path).report


def parametrize(metafunc: pytest.Metafunc) -> None:
    """One test for each candidate of the configuration, or for those that the marker names.

    Raises a collection error for a mistake in the configuration, and for a candidate that it does not have.
    """
    path = configuration(metafunc.config)
    if path is None:
        metafunc.parametrize("assay_candidate", ["no-audit"], indirect=True)
        return
    try:
        names = [candidate.name for candidate in audits_of(metafunc.config).config(path).candidates]
    except AssayError as error:
        raise pytest.Collector.CollectError(str(error)) from error
    marker = metafunc.definition.get_closest_marker("assay_candidate")
    if marker is not None:
        names = _chosen(marker, names, metafunc.definition.nodeid, path.name)
    metafunc.parametrize("assay_candidate", names, indirect=True)


def _chosen(marker: pytest.Mark, names: list[str], test: str, file: str) -> list[str]:
    for name in marker.args:
        if name not in names:
            raise pytest.Collector.CollectError(
                f'{test}: {file} has no candidate "{name}".{nearest(str(name), names)} '
                f"There are: {', '.join(names)}."
            )
    if not marker.args or marker.kwargs:
        raise pytest.Collector.CollectError(
            f'{test}: expected names of candidates, as in @pytest.mark.assay_candidate("{names[0]}").'
        )
    return list(dict.fromkeys(marker.args))
