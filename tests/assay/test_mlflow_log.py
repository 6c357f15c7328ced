"""An audit in MLflow: its figures with intervals, what they were made with, its verdict and its reports."""

import importlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay import mlflow_log
from assay.config import load_config
from assay.mlflow_log import log_audit, metrics, require_mlflow, told_of
from assay.report_files import write_report
from assay.run_folder import RunFolder, write_whole
from assay.saved_runs import open_run
from attacks.errors import AssayError
from reports.json_io import to_json
from reports.model import AuditReport, CandidateResult, GateCheck, GateResult
from robustness import tracking
from robustness.estimate import Estimate
from tests.assay.audits import loaded, write_config
from tests.assay.processes import Done
from tests.reports.example import example_report, no_attacks, with_verdict
from tests.reports.hostile import hostile_report

REPORT = no_attacks(example_report())
GATED = with_verdict(replace(REPORT, gate=example_report().gate))


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that are set for MLflow are as they were afterwards."""
    for name in ("MLFLOW_DISABLE_TELEMETRY", "MLFLOW_ALLOW_FILE_STORE", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def written(report: AuditReport, folder: Path) -> RunFolder:
    run = RunFolder.create(folder)
    write_whole(run.audit, to_json(report))
    return run


def runs(store: Path) -> tuple[Any, list[Any]]:
    mlflow: Any = importlib.import_module("mlflow")
    client = mlflow.MlflowClient(tracking_uri=store.as_uri())
    experiment = client.get_experiment_by_name("assay")
    return client, [] if experiment is None else list(client.search_runs([experiment.experiment_id]))


def test_an_audit_is_one_run_with_metrics_params_tags_and_reports(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "demo")
    write_report(GATED, run)
    told = log_audit(GATED, run)
    client, (found,) = runs(run.path / "mlflow")
    assert found.info.run_id in told
    assert (found.info.status, found.info.run_name) == ("FINISHED", "demo")
    assert found.data.metrics == metrics(GATED)
    accuracy = GATED.candidates[0].robustness.clean.accuracy
    ends = [found.data.metrics[f"plain/accuracy{end}"] for end in ("", "_low", "_high")]
    assert ends == [accuracy.value, accuracy.low, accuracy.high]
    params = found.data.params
    assert (params["seed"], params["data_sha256"]) == ("7", GATED.provenance.data_sha256)
    assert (params["candidates"], params["version.torch"]) == ("plain, fgsm-trained", "2.13.0")
    assert found.data.tags["assay.verdict"] == "do not ship"
    assert found.data.tags["assay.gate"] == "failed"
    artifacts = {each.path for each in client.list_artifacts(found.info.run_id)}
    assert artifacts == {"report.html", "audit.json", "summary.md", "junit.xml"}


def test_the_metrics_are_the_estimates_of_each_candidate() -> None:
    report = example_report()
    found = metrics(report)
    robust = report.candidates[1].robustness
    assert found["fgsm-trained/worst_case_accuracy"] == robust.worst_case_accuracy.value
    attacked = next(each for each in robust.attacks if each.label == "pgd (linf) at epsilon 0.03")
    key = "fgsm-trained/accuracy_under_attack/pgd _linf_ at epsilon 0.03"
    assert found[key] == attacked.accuracy_under_attack.value
    assert found["plain/equalized_odds_difference/domain_high"] == 0.25
    # Undefined: it has no metric, not even one that is 0.
    assert "plain/equal_opportunity_difference/mentions" not in found
    # Counted, or with an open end: no end is made up.
    assert "plain/minimal_norm/fmn _l2_per_token_" in found
    assert "fgsm-trained/minimal_norm/fmn _l2_per_token__high" not in found


def test_names_that_mlflow_forbids_are_made_fit_and_stay_apart(tmp_path: Path) -> None:
    def named(name: str) -> CandidateResult:
        return replace(REPORT.candidates[0], name=name)

    names = ["a/b", "a?b", "../../etc", "", "x" * 9_000, "é ü"]
    odd = with_verdict(replace(REPORT, candidates=[named(name) for name in names]))
    found = metrics(odd)
    keys = [key for key in found if key.endswith(("/accuracy", "/accuracy 2"))]
    assert keys == [
        "a_b/accuracy",
        "a_b/accuracy 2",
        "_.._etc/accuracy",
        "_/accuracy",
        "x" * 75 + "/accuracy",
        "é ü/accuracy",
    ]
    run = written(odd, tmp_path / "odd")
    log_audit(odd, run)
    (stored,) = runs(run.path / "mlflow")[1]
    assert stored.data.metrics == found


def test_a_hostile_report_can_be_logged(tmp_path: Path) -> None:
    report = no_attacks(hostile_report())
    run = written(report, tmp_path / "demo")
    log_audit(report, run)
    (stored,) = runs(run.path / "mlflow")[1]
    assert stored.data.metrics == metrics(report)


def test_the_same_audit_is_not_logged_twice_and_another_one_is(tmp_path: Path) -> None:
    run = written(REPORT, tmp_path / "demo")
    log_audit(REPORT, run)
    assert "has this audit already" in log_audit(REPORT, run)
    assert len(runs(run.path / "mlflow")[1]) == 1
    log_audit(replace(REPORT, provenance=replace(REPORT.provenance, seed=8)), run)
    assert len(runs(run.path / "mlflow")[1]) == 2


def test_an_audit_that_was_read_back_is_the_same(tmp_path: Path) -> None:
    """A whole number in its place is read back as one with a point."""
    observed = Estimate(value=1, low=None, high=None, n=30)
    check = GateCheck("x", "accuracy", "plain", observed, 1, None, True, "it holds")
    report = with_verdict(replace(REPORT, gate=GateResult(passed=True, checks=[check])))
    run = written(report, tmp_path / "demo")
    log_audit(report, run)
    assert "has this audit already" in log_audit(open_run(run.path).report, run)


def test_a_run_that_broke_off_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = written(REPORT, tmp_path / "demo")
    whole = mlflow_log.metrics

    def broken(report: AuditReport) -> dict[str, float]:
        raise OSError("No space left on device")

    monkeypatch.setattr(mlflow_log, "metrics", broken)
    with pytest.raises(AssayError, match=r"mlflow cannot be used \(No space left.*--log-to mlflow"):
        log_audit(REPORT, run)
    monkeypatch.setattr(mlflow_log, "metrics", whole)
    log_audit(REPORT, run)
    (found,) = runs(run.path / "mlflow")[1]
    assert (found.info.status, found.data.metrics) == ("FINISHED", metrics(REPORT))


def test_more_metrics_than_one_request_takes_all_arrive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_log, "BATCH", 3)
    run = written(REPORT, tmp_path / "demo")
    log_audit(REPORT, run)
    (found,) = runs(run.path / "mlflow")[1]
    assert found.data.metrics == metrics(REPORT)
    assert len(found.data.metrics) > 3


def test_the_store_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "elsewhere"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.as_uri())
    run = written(REPORT, tmp_path / "demo")
    log_audit(REPORT, run)
    assert not (run.path / "mlflow").exists()
    (found,) = runs(store)[1]
    assert found.data.tags["assay.gate"] == "no checks"
    assert REPORT.gate == GateResult(passed=True, checks=[])


def test_a_store_that_cannot_be_used_is_an_error_that_says_how_to_log_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://x")
    run = written(REPORT, tmp_path / "demo")
    with pytest.raises(AssayError, match=r"log_to: mlflow cannot be used .*assay report .*--log-to mlflow"):
        log_audit(REPORT, run)


def test_an_audit_does_not_fail_because_its_log_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = written(REPORT, tmp_path / "demo")
    assert told_of(REPORT, run).startswith("Logged to MLflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://x")
    assert "mlflow cannot be used" in told_of(REPORT, run)


def test_what_is_missing_is_said_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    with pytest.raises(AssayError, match="offline mode forbids the network"):
        require_mlflow(offline=True)
    monkeypatch.setattr(tracking.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AssayError, match=r'"mlflow" is not installed. Run: pip install "assay\[mlflow\]"'):
        require_mlflow(offline=False)


def test_the_command_logs_a_run_that_is_over(assay: Callable[..., Done], tmp_path: Path) -> None:
    run = written(REPORT, tmp_path / "demo")
    done = assay("report", str(run.path), "--log-to", "mlflow")
    assert (done.code, done.stdout.startswith("Logged to MLflow: run ")) == (0, True)
    (found,) = runs(run.path / "mlflow")[1]
    audit = json.loads(run.audit.read_text(encoding="utf-8"))
    assert found.data.params["data_sha256"] == audit["provenance"]["data_sha256"]


def test_the_configuration_names_who_is_told(tmp_path: Path) -> None:
    config = write_config(tmp_path, loaded(tmp_path))
    text = config.read_text(encoding="utf-8")
    assert load_config(config).log_to == []
    config.write_text('log_to = ["mlflow"]\n' + text, encoding="utf-8")
    assert load_config(config).log_to == ["mlflow"]
    for wrong, told in (('["wandb"]', r"log_to\.0.*'mlflow'"), ('"mlflow"', "log_to: expected a list")):
        config.write_text(f"log_to = {wrong}\n{text}", encoding="utf-8")
        with pytest.raises(AssayError, match=told):
            load_config(config)
