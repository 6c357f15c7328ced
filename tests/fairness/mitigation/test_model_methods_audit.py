"""Mitigated models in an audit: attacked, tested and judged as they answer, and taken up again."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from sklearn.linear_model import LogisticRegression

from assay.audit import run_audit
from assay.config import load_config
from assay.mitigating import load_saved
from assay.plan import make_plan
from assay.progress import Reporter
from fairness.mitigation.heads import head_from
from reports.model import AuditReport, CandidateResult
from robustness.behaviour import registry
from robustness.behaviour.run import run
from robustness.heads import embeddings, with_head
from robustness.loading import load_classifier
from robustness.routed import Routed
from tests.assay.audits import untimed, write_config, write_csv
from tests.robustness.judging import CPU
from tests.robustness.tiny import tiny_dataset, tiny_folder

DATA = """id = "id"
groups = ["gender"]
test_fraction = 0.2
validation_fraction = 0.4
max_examples = 32
"""
REST = """
[[attacks]]
name = "fgsm"
epsilon = 0.05
[[attacks]]
name = "deletions"
max_injections = 1
[[behaviours]]
name = "typos"
[[suites]]
path = "with.csv"
name = "with"
functionality = "gender"
[[suites]]
path = "without.csv"
name = "without"
functionality = "kind"
[validity]
examples = 12
"""


def mitigated(name: str, **params: Any) -> str:
    keys = "".join(f", {key} = {json.dumps(value)}" for key, value in params.items())
    return (
        f'[[candidates]]\nname = "{name}"\nbase = "plain"\n'
        f'mitigate = {{ method = "{name}", group = "gender"{keys} }}\n'
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An assay.toml of a model that knows good from bad words somewhat, and of what is made of it."""
    folder = tmp_path_factory.mktemp("audit")
    random = load_classifier(str(tiny_folder(folder, seed=2)), device=CPU)
    learned = tiny_dataset(200, seed=8)
    regression = LogisticRegression().fit(embeddings(random, learned.inputs), learned.labels)
    plain = with_head(random, head_from(regression, 2))
    plain.model.save_pretrained(folder / "plain", safe_serialization=True)
    plain.tokenizer.save_pretrained(folder / "plain")
    write_csv(folder / "data.csv", tiny_dataset(600, seed=5))
    cases = tiny_dataset(20, seed=6)
    write_csv(folder / "with.csv", cases)
    text = (folder / "with.csv").read_text(encoding="utf-8")
    (folder / "without.csv").write_text(text.replace("gender,domain", "kind,domain", 1), encoding="utf-8")
    candidates = '[[candidates]]\nname = "plain"\nmodel = "plain"\n' + "".join(
        [
            mitigated("threshold_optimizer", constraint="demographic_parity"),
            mitigated("exponentiated_gradient", eps=0.01, max_iter=5),
        ]
    )
    return write_config(folder, candidates, data=DATA, rest=REST)


@pytest.fixture(scope="module")
def report(file: Path) -> AuditReport:
    return run_audit(load_config(file), Reporter(Console(file=io.StringIO())))


def of(report: AuditReport, name: str) -> CandidateResult:
    return next(each for each in report.candidates if each.name == name)


def saved(file: Path, name: str) -> Any:
    config = load_config(file)
    plan = make_plan(config)
    folder = config.runs / config.name / "models" / name
    return plan, load_saved(folder, plan, trust_remote_code=False, max_length=64)


def test_the_figures_are_those_of_the_members_that_answer(report: AuditReport, file: Path) -> None:
    plan, model = saved(file, "threshold_optimizer")
    assert isinstance(model, Routed)
    answers = model.probabilities(plan.test)
    result = of(report, "threshold_optimizer")
    assert result.robustness.clean.accuracy.value == np.mean(answers.argmax(axis=1) == plan.test.labels)
    assert result.model.sha256 == model.fingerprint()
    # A changed text is answered by the member of its original.
    behaviour = registry.build("typos", {})
    failures = 0
    for rows, member in model.parts(plan.test):
        failures += run(
            member, plan.test.take(rows), answers[rows], behaviour, seed=plan.config.seed
        ).failures
    assert result.robustness.behaviours[0].failures == failures


def test_every_mitigated_candidate_is_attacked_and_tested_as_the_plain_one(report: AuditReport) -> None:
    for candidate in report.candidates:
        robustness = candidate.robustness
        assert [attack.name for attack in robustness.attacks] == ["fgsm", "deletions"]
        assert all(attack.accuracy_under_attack.value is not None for attack in robustness.attacks)
        assert robustness.behaviours[0].n + robustness.behaviours[0].not_applicable == 32
        assert candidate.fairness is not None
        assert len(candidate.fairness.under_attack) == 2
    assert of(report, "plain").mitigation is None
    done = of(report, "threshold_optimizer").mitigation
    assert done is not None
    assert (done.method, done.stage, done.group, done.base) == (
        "threshold_optimizer",
        "predictions",
        "gender",
        "plain",
    )
    assert len(done.notes) == 2


def test_a_suite_without_the_group_is_undefined_for_who_must_know_it_and_says_why(
    report: AuditReport,
) -> None:
    for name in ("plain", "exponentiated_gradient"):
        assert all(suite.failure_rate.value is not None for suite in of(report, name).robustness.suites)
    with_group, without = of(report, "threshold_optimizer").robustness.suites
    assert with_group.failure_rate.n == 20
    assert without.failure_rate.value is None
    assert without.n == 20
    assert '"gender", which this data does not have' in str(without.failure_rate.reason)


def test_checks_of_the_attacks_probe_the_part_that_answers_most(report: AuditReport) -> None:
    for candidate in report.candidates:
        validity = candidate.robustness.validity
        assert validity is not None
        parts = {"Probed is the part" in check.message for check in validity.checks}
        assert parts == {candidate.name != "plain"}


def test_a_second_audit_takes_the_mitigated_models_as_they_were(report: AuditReport, file: Path) -> None:
    config, heard = load_config(file), io.StringIO()
    run_folder = config.runs / config.name
    before = untimed(run_folder)
    run_audit(config, Reporter(Console(file=heard, width=200)))
    assert untimed(run_folder) == before
    for name in ("threshold_optimizer", "exponentiated_gradient"):
        assert f"{name}: mitigated before" in heard.getvalue()
    assert "threshold_optimizer" in (run_folder / "report.html").read_text(encoding="utf-8")
