import os
import shutil
from pathlib import Path

import pytest

# Modules that a pytest inside of pytest is the first to import are gone after it, and torch cannot be
# imported twice.
import assay.audit
import assay.plugin.deciding
import assay.plugin.fixtures  # noqa: F401
from assay import text_quality
from assay.plugin.audits import SessionAudits
from tests.plugin.projects import FAILS, HOMOGLYPHS, PASSES, UNDER_ATTACK, write_project


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the packaged sentence encoder, and without the options of the pytest around."""
    monkeypatch.setattr(text_quality, "is_installed", lambda source: False)
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_TESTRUNUID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def audited_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project whose audit is made: two candidates, an attack at two budgets, seven checks
    of which the last fails."""
    folder = tmp_path_factory.mktemp("audited")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_quality, "is_installed", lambda source: False)
        file = write_project(folder, PASSES + UNDER_ATTACK + FAILS, attacks=HOMOGLYPHS)
        SessionAudits(may_run=True).audit(file.resolve())
    return folder


@pytest.fixture
def audited(audited_once: Path) -> Path:
    """The same folder with assay.toml and audit.json as they were; nothing else of it may be changed."""
    kept = audited_once / "kept"
    files = [Path("assay.toml"), *(Path("runs/assay") / n for n in ("audit.json", "report.html"))]
    for file in files:
        before, now = kept / file, audited_once / file
        source, target = (before, now) if before.exists() else (now, before)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    for stray in audited_once.glob("*"):
        if stray.suffix in (".ini", ".py") and stray.name != "my_model.py":
            os.remove(stray)  # noqa: PTH107
    return audited_once
