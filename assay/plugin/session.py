"""What pytest's configuration holds of assay while a session lasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assay.plugin.audits import Audit, SessionAudits
from assay.pytest_plugin import AUDITS, SUMMARY
from attacks.errors import AssayError


def audits_of(config: pytest.Config) -> SessionAudits:
    """The audits of this session."""
    if AUDITS not in config.stash:
        worker = getattr(config, "workerinput", None)
        config.stash[AUDITS] = SessionAudits(
            may_run=not config.getoption("assay_no_run"),
            session=None if worker is None else worker["testrunuid"],
        )
    found: SessionAudits = config.stash[AUDITS]
    return found


def audit_of(config: pytest.Config, path: Path) -> Audit:
    """The audit of the configuration at ``path``, which the summary names from now on.

    Raises AssayError where there is none.
    """
    with _seen(config):
        audit = audits_of(config).audit(path)
    verdict = audit.report.verdict
    config.stash[SUMMARY][str(path)] = f"assay: {verdict.state}. {verdict.reason} Report: {audit.run.report}"
    return audit


def audit_or_fail(config: pytest.Config, path: Path) -> Audit:
    """The same; without an audit the test that asks for it fails with the reason, and with nothing else."""
    try:
        return audit_of(config, path)
    except AssayError as error:
        reason = str(error)
    # Not where the error is at hand: pytest would show it too, with its traceback.
    pytest.fail(reason, pytrace=False)


@contextmanager
def _seen(config: pytest.Config) -> Iterator[None]:
    """What an audit says of its progress is shown at once, and not kept back as the output of a test."""
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is None or config.get_verbosity() < 0:
        yield
        return
    with capture.global_and_fixture_disabled():
        yield
