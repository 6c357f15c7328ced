"""An assay.toml as a file of tests, and each check of its gate as one of them."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from assay.plugin.audits import Audit
from assay.plugin.checks import PlannedCheck, planned
from assay.plugin.failure import failure_text
from assay.plugin.session import audit_of, audit_or_fail, audits_of
from attacks.errors import AssayError
from reports.model import GateCheck

TABLE = re.compile(r"^\s*\[\[\s*gate\s*\]\]", re.MULTILINE)


class AssayFile(pytest.File):
    """The checks of one configuration. A mistake in it is a collection error."""

    def collect(self) -> Iterable[pytest.Item]:
        path = self.path.resolve()
        try:
            config = audits_of(self.config).config(path)
        except AssayError as error:
            raise self.CollectError(str(error)) from error
        checks = planned(config)
        if not checks:
            self._without_checks()
        lines = _lines(self.path)
        for position, check in enumerate(checks):
            nth = config.gate.index(check.check)
            line = lines[nth] if len(lines) == len(config.gate) else 0
            yield CheckItem.from_parent(self, name=check.id, planned=check, position=position, line=line)

    def _without_checks(self) -> None:
        message = (
            f"{self.path}: it has no [[gate]], so there is nothing to test. Add one, for example:\n"
            '[[gate]]\nmetric = "accuracy"\nmin = 0.8'
        )
        if self.session.isinitpath(self.path) and self.config.getoption("assay") is None:
            raise self.CollectError(message)
        # The fixtures may be all that the configuration is named for.
        self.warn(pytest.PytestCollectionWarning(message))


class CheckItem(pytest.Item):
    """One check of one candidate."""

    def __init__(
        self, *, name: str, parent: AssayFile, planned: PlannedCheck, position: int, line: int, **more: Any
    ) -> None:
        # As text, from which pytest 9.2 reads parameters as it does when it reads what failed last time.
        super().__init__(name=name, parent=parent, nodeid=f"{parent.nodeid}::{name}", **more)
        self.planned = planned
        self._position = position
        self._line = line
        self.add_marker(pytest.mark.assay)
        self.user_properties += [("metric", planned.check.metric), ("candidate", planned.candidate)]

    def setup(self) -> None:
        audit_or_fail(self.config, self.path.resolve())

    def runtest(self) -> None:
        audit = audit_of(self.config, self.path.resolve())
        check = self._decided(audit)
        self.user_properties += _properties(check)
        if not check.passed:
            pytest.fail(failure_text(check, audit, self.config.invocation_params.dir), pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self._line, self.name

    def _decided(self, audit: Audit) -> GateCheck:
        checks = audit.report.gate.checks
        check = checks[self._position] if self._position < len(checks) else None
        expected = (self.planned.check.metric, self.planned.candidate)
        if check is None or (check.metric, check.candidate) != expected:
            raise AssertionError(f"the audit decided other checks than were collected: {self.name}")
        return check


def _properties(check: GateCheck) -> list[tuple[str, object]]:
    """For junit.xml: exact numbers, and only those that are there."""
    observed = check.observed
    found: dict[str, object] = {
        "subject": check.name,
        "observed": None if observed is None else observed.value,
        "observed_low": None if observed is None else observed.low,
        "observed_high": None if observed is None else observed.high,
        "n": None if observed is None else observed.n,
        "min": check.minimum,
        "max": check.maximum,
        "max_drop": check.max_drop,
        "max_rise": check.max_rise,
        "baseline": None if check.baseline is None else check.baseline.value,
        "change": None if check.change is None else check.change.value,
        "adjusted_p_value": check.adjusted_p_value,
    }
    return [(key, value) for key, value in found.items() if value is not None]


def _lines(path: Path) -> list[int]:
    """In which lines the tables [[gate]] begin, from 0."""
    text = path.read_text(encoding="utf-8-sig")
    return [text.count("\n", 0, match.end()) for match in TABLE.finditer(text)]
