"""The fixtures for tests written by hand."""

import os
from pathlib import Path

import pytest

from tests.plugin.projects import PASSES, write_project
from tests.plugin.test_runs import run

pytest_plugins = ["pytester"]

ACCURATE = """
import pytest
from reports.model import AuditReport, CandidateResult

def test_whole(assay_audit):
    assert isinstance(assay_audit, AuditReport)
    assert [each.name for each in assay_audit.candidates] == ["own", "other"]

def test_each(assay_candidate):
    assert isinstance(assay_candidate, CandidateResult)
    assert assay_candidate.robustness.clean.accuracy.value == 1.0

@pytest.mark.assay_candidate("other")
def test_one(assay_candidate):
    assert assay_candidate.name == "other"

@pytest.fixture(scope="module")
def accuracy(assay_candidate):
    return assay_candidate.robustness.clean.accuracy

def test_module_fixture(accuracy):
    assert accuracy.n == 40
"""


def test_fixtures_give_the_audit_and_each_candidate_of_it(pytester: pytest.Pytester, audited: Path) -> None:
    pytester.makepyfile(test_own=ACCURATE)
    pytester.makeini(f"[pytest]\nassay = {os.path.relpath(audited, pytester.path)}/assay.toml\n")
    done, told = run(pytester, "test_own.py", "-v", "--strict-markers")
    done.assert_outcomes(passed=6)
    for name in ("test_each[own]", "test_each[other]", "test_one[other]", "test_module_fixture[own]"):
        assert f"test_own.py::{name} PASSED" in told
    assert "test_one[own]" not in told
    assert "assay: do not ship" in told


def test_without_a_configuration_the_tests_fail_and_say_how_to_give_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=ACCURATE)
    done, told = run(pytester, "test_own.py")
    done.assert_outcomes(errors=4)
    assert "run pytest with --assay FILE" in told
    assert 'assay = "assay.toml"' in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ('"othr"', 'assay.toml has no candidate "othr". Did you mean "other"? There are: own, other.'),
        ("", 'expected names of candidates, as in @pytest.mark.assay_candidate("own")'),
        ('name="own"', 'expected names of candidates, as in @pytest.mark.assay_candidate("own")'),
    ],
)
def test_a_candidate_that_is_not_there_is_a_collection_error(
    marker: str, words: str, pytester: pytest.Pytester
) -> None:
    write_project(pytester.path, PASSES)
    pytester.makepyfile(
        test_own=f"import pytest\n@pytest.mark.assay_candidate({marker})\ndef test_a(assay_candidate): pass\n"
    )
    done, told = run(pytester, "test_own.py", "--assay", "assay.toml", "--collect-only")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    assert words in told
    assert "Traceback" not in told
    assert "fixtures.py" not in told


def test_a_mistake_in_the_configuration_is_a_collection_error_of_what_needs_candidates(
    pytester: pytest.Pytester,
) -> None:
    write_project(pytester.path, PASSES.replace("accuracy", "acuracy"))
    pytester.makeini("[pytest]\nassay = assay.toml\n")
    pytester.makepyfile(test_own=ACCURATE)
    done, told = run(pytester, "test_own.py")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    assert 'there is no metric "acuracy"' in told


def test_no_run_refuses_the_fixtures_too(pytester: pytest.Pytester) -> None:
    write_project(pytester.path, PASSES)
    pytester.makeini("[pytest]\nassay = assay.toml\n")
    pytester.makepyfile(test_own=ACCURATE)
    done, told = run(pytester, "test_own.py", "--assay-no-run")
    done.assert_outcomes(errors=6)
    assert "--assay-no-run forbids" in told
    assert not (pytester.path / "runs").exists()
