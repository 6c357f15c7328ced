"""Validity checks in a whole audit: what they find, what they cost, and how they are switched off."""

import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from safetensors.torch import load_file, save_file

from assay.audit import run_audit
from assay.config import load_config
from assay.progress import Reporter
from assay.trust import DEFAULT_EPSILON, _budget
from attacks.embedding.fgm import FGM
from attacks.embedding.fgsm import FGSM
from attacks.embedding.fmn import FMN
from attacks.embedding.pgd import PGD
from reports.model import AuditReport
from robustness import batched, evaluate
from robustness.classifier import Classifier
from tests.assay.audits import loaded, untimed, write_config

ATTACKS = """
[[attacks]]
name = "pgd"
epsilon = [0.5, 1.0, 2.0]
steps = 3
[validity]
examples = 30
[fairness]
n_boot = 20
"""


def copied(model: Path, folder: Path, factor: float) -> Path:
    """The model with its last layer multiplied: for large factors, its softmax saturates."""
    folder.mkdir()
    for file in model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    weights = load_file(folder / "model.safetensors")
    for name in ("classifier.weight", "classifier.bias"):
        weights[name] = factor * weights[name]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def audited(config: Path, **settings: str) -> tuple[AuditReport, Path, str]:
    """The report, the run folder and what was said; ``settings``: a key with ``__`` for each dot."""
    told = io.StringIO()
    report = run_audit(
        load_config(config, {key.replace("__", "."): value for key, value in settings.items()}),
        Reporter(Console(file=told, width=200)),
    )
    return report, config.parent / "runs" / "assay", told.getvalue()


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, learnt_model: Path) -> Path:
    """An honest candidate, and the same one made so confident that its gradients vanish."""
    folder = tmp_path_factory.mktemp("trust")
    loud = copied(learnt_model, folder / "loud", 1e4)
    candidates = loaded(learnt_model, "honest") + loaded(loud, "loud")
    return write_config(folder, candidates, data='id = "id"\n', rest=ATTACKS)


@pytest.fixture(scope="module")
def audit(config: Path) -> tuple[AuditReport, Path, str]:
    return audited(config)


def by_id(document: Any, candidate: int) -> dict[str, Any]:
    validity = document["candidates"][candidate]["robustness"]["validity"]
    return {check["id"]: check for check in validity["checks"]}


def test_the_checks_are_in_audit_json_and_in_the_report(audit: tuple[AuditReport, Path, str]) -> None:
    _, folder, told = audit
    document = json.loads((folder / "audit.json").read_text())
    honest, loud = by_id(document, 0), by_id(document, 1)
    assert {check["passed"] for check in honest.values()} == {True}
    assert loud["zero_gradient"]["passed"] is False
    assert loud["confidence_hides_nothing"]["passed"] is False
    assert loud["transfer_is_weaker"]["passed"] is False
    validity = document["candidates"][1]["robustness"]["validity"]
    assert (validity["n"], validity["norm"], validity["epsilon"]) == (30, "linf", 1.0)
    # The probed examples are no part of what the temperature is fitted to.
    assert validity["calibration"]["held_out"] == "test examples outside the sample"
    assert validity["calibration"]["n_fit"] == document["data"]["n"] - 30
    page = (folder / "report.html").read_text()
    assert "Can these figures be trusted?" in page
    assert "PGD is stronger on the calibrated model" in page
    assert "loud: validity checks" in told


def test_the_calibrated_figure_is_the_one_of_the_honest_model(audit: tuple[AuditReport, Path, str]) -> None:
    honest, loud = (each.robustness.validity for each in audit[0].candidates)
    assert honest is not None
    assert honest.calibration is not None
    assert loud is not None
    assert loud.calibration is not None
    assert loud.calibration.as_is.value == 1.0
    assert loud.calibration.calibrated.value == honest.calibration.as_is.value


def test_failed_checks_are_critical_findings_of_their_candidate(audit: tuple[AuditReport, Path, str]) -> None:
    critical = [finding for finding in audit[0].findings if finding.severity == "critical"]
    assert {finding.candidate for finding in critical} == {"loud"}
    assert {"validity.zero_gradient", "validity.confidence_hides_nothing"} <= {each.id for each in critical}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the batches that models are asked about."""
    sizes: list[int] = []
    forward = Classifier._forward

    def counted(self: Any, encoding: Any) -> Any:
        sizes.append(len(encoding))
        return forward(self, encoding)

    monkeypatch.setattr(Classifier, "_forward", counted)
    return sizes


def test_a_second_run_asks_the_models_nothing_more(
    config: Path, audit: tuple[AuditReport, Path, str], asked: list[int]
) -> None:
    before = untimed(audit[1])
    audited(config)
    # Planning asks each candidate about two examples.
    assert asked == [2, 2]
    assert untimed(audit[1]) == before


def test_an_audit_that_was_killed_in_the_checks_ends_as_an_undisturbed_one(
    config: Path, audit: tuple[AuditReport, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Stands for a killed process."""

    written = batched.in_batches
    calls = 0

    def deadly(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        # Clean text and three budgets of each of two candidates take 8; the checks come after those.
        if calls == 12:
            raise Killed
        written(*arguments)

    monkeypatch.setattr(evaluate, "in_batches", deadly)
    monkeypatch.setattr(batched, "in_batches", deadly)
    with pytest.raises(Killed):
        audited(config, runs=str(tmp_path))
    with sqlite3.connect(tmp_path / "assay" / "ledger.sqlite") as ledger:
        kept = [row[0] for row in ledger.execute("SELECT DISTINCT attack FROM scopes")]
    assert any(name.startswith("validity:") for name in kept)
    audited(config, runs=str(tmp_path))
    assert untimed(tmp_path / "assay") == untimed(audit[1])


def test_the_checks_can_be_switched_off(
    config: Path, audit: tuple[AuditReport, Path, str], tmp_path: Path
) -> None:
    report, _, told = audited(config, validity__examples="0", runs=str(tmp_path))
    assert [candidate.robustness.validity for candidate in report.candidates] == [None, None]
    assert not [finding for finding in report.findings if finding.id.startswith("validity")]
    assert "validity checks" not in told
    page = (tmp_path / "assay" / "report.html").read_text()
    assert "The evaluation itself was not checked" in page


def test_without_attacks_there_is_nothing_to_trust(
    learnt_model: Path, tmp_path: Path, audit: tuple[AuditReport, Path, str]
) -> None:
    report, _, told = audited(write_config(tmp_path, loaded(learnt_model), data='id = "id"\n'))
    assert report.candidates[0].robustness.validity is None
    assert "validity checks" not in told


@pytest.mark.parametrize(
    ("attacks", "expected"),
    [
        ([], ("linf", DEFAULT_EPSILON)),
        ([FMN(norm="l2")], ("linf", DEFAULT_EPSILON)),
        ([FGSM(epsilon=0.3), FGSM(epsilon=0.1), PGD(epsilon=0.01)], ("linf", 0.1)),
        ([FMN(), FGM(epsilon=0.2), FGSM(epsilon=0.1), PGD(epsilon=0.4, norm="l2")], ("l2", 0.3)),
    ],
)
def test_the_checks_look_in_the_middle_of_the_audits_own_budgets(
    attacks: list[Any], expected: tuple[str, float]
) -> None:
    norm, epsilon = _budget(attacks)
    assert (norm, pytest.approx(epsilon)) == expected
