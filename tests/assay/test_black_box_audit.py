"""Whole audits of models that only answer, with attacks and tests that only ask."""

import io
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from assay import engines, text_quality
from assay.audit import run_audit
from assay.config import load_config
from assay.progress import Reporter
from attacks.errors import AssayError
from attacks.textattack import resources
from reports.json_io import SCHEMA_FILE, from_json
from reports.model import AuditReport
from robustness import ray_engine
from robustness.asking import Engine, attacked_here
from robustness.dataset import TextDataset
from robustness.models import Model
from robustness.packaged import is_installed
from robustness.quality.encoders import DEFAULT
from tests.assay.answering import MODULE, Answers, behind, fitted_pipeline, lead, with_resources
from tests.assay.audits import loaded, untimed, write_config, write_csv
from tests.assay.processes import Done
from tests.robustness.black_box.server import Server, serving
from tests.robustness.tiny import tiny_dataset

Assay = Callable[..., Done]

N = 40
TOKEN = "sk-very-secret-0123456789"
SMALL = "max_injections = 2\npopulation = 8\ngenerations = 2\n"
HOMOGLYPHS = f'[[attacks]]\nname = "homoglyphs"\n{SMALL}'
DELETIONS = f'[[attacks]]\nname = "deletions"\n{SMALL}'
DEEPWORDBUG = '[[attacks]]\nname = "textattack:deepwordbug"\n'
TYPOS = '[[behaviours]]\nname = "typos"\n'
QUICK = "[fairness]\nn_boot = 10\n"
SUITE = '[[suites]]\npath = "cases.csv"\nname = "cases"\nid = "id"\nfunctionality = "gender"\n'
KINDS = ("pipeline", "object", "endpoint", "transformers")


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_TEST_TOKEN", TOKEN)
    monkeypatch.setattr(resources, "_chosen", None)


@pytest.fixture(autouse=True)
def no_encoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading the packaged sentence encoder takes longer than a small audit."""
    if "minilm" not in request.keywords:
        monkeypatch.setattr(text_quality, "is_installed", lambda source: False)


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def server(answers: Answers) -> Iterator[Server]:
    with serving(Server(usual=answers.step())) as state:
        yield state


def configured(folder: Path, candidates: str, rest: str, **options: Any) -> Path:
    write_csv(folder / "data.csv", tiny_dataset(N, seed=5))
    (folder / "my_model.py").write_text(MODULE, encoding="utf-8")
    return write_config(folder, candidates, rest=rest + QUICK, **options)


def audited(config: Path) -> AuditReport:
    return run_audit(load_config(config), Reporter(Console(file=io.StringIO())))


def object_named(name: str, more: str = "") -> str:
    return f'[[candidates]]\nname = "own"\nmodel = "my_model:{name}"\n{more}'


def ledger_rows(folder: Path) -> list[sqlite3.Row]:
    """Every outcome of every attack."""
    with sqlite3.connect(folder / "ledger.sqlite") as connection:
        connection.row_factory = sqlite3.Row
        query = "SELECT attack, outcomes.* FROM outcomes JOIN scopes ON scopes.id = scope WHERE attack != ''"
        rows = connection.execute(query).fetchall()
    connection.close()
    return rows


# Every kind of candidate, end to end.


@pytest.mark.parametrize("kind", KINDS)
def test_any_model_is_audited_from_its_answers_to_the_report(
    kind: str, tmp_path: Path, server: Server, learnt_model: Path
) -> None:
    fitted_pipeline(tmp_path / "model.joblib")
    pickled = f'[[candidates]]\nname = "own"\nmodel = "{tmp_path}/model.joblib"\nallow_pickle = true\n'
    candidates = {
        "pipeline": pickled,
        "object": object_named("words"),
        "endpoint": behind(server, "own"),
        "transformers": loaded(learnt_model, "own"),
    }
    write_csv(tmp_path / "cases.csv", tiny_dataset(12, seed=9))
    rest = HOMOGLYPHS + DELETIONS + TYPOS + SUITE
    report = audited(configured(tmp_path, candidates[kind], rest))

    folder = tmp_path / "runs" / "assay"
    text = (folder / "audit.json").read_text(encoding="utf-8")
    jsonschema.validate(json.loads(text), json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    assert from_json(text, "audit.json") == report
    (candidate,) = report.candidates
    assert (candidate.model.num_parameters is None) == (kind != "transformers")
    found = candidate.robustness
    assert (found.clean.accuracy.value or 0) > 0.9
    assert [attack.name for attack in found.attacks] == ["homoglyphs", "deletions"]
    rows = ledger_rows(folder)
    for attack in found.attacks:
        mine = [row for row in rows if row["attack"] == attack.name]
        assert len(mine) == attack.n == N
        assert attack.unreached == 0
        assert attack.successes == sum(row["success"] for row in mine)
        turned = sum(row["success"] for row in mine) / sum(not row["skipped"] for row in mine)
        assert attack.attack_success_rate.value == pytest.approx(turned)
        assert attack.mean_queries.value == pytest.approx(
            sum(row["queries"] for row in mine) / sum(not row["skipped"] for row in mine)
        )
        assert attack.filtered_success_rate is not None
        assert (attack.filtered_success_rate.value or 0) <= turned
    assert any(attack.successes for attack in found.attacks)
    assert [(test.name, test.n + test.not_applicable) for test in found.behaviours] == [("typos", N)]
    assert [(suite.name, suite.n) for suite in found.suites] == [("cases", 12)]
    page = (folder / "report.html").read_text(encoding="utf-8")
    for words in ("homoglyphs", "deletions", "typos", "cases"):
        assert words in page
    told = [json.loads(line) for line in (folder / "adversarial.jsonl").read_text("utf-8").splitlines()]
    assert len(told) == sum(attack.successes for attack in found.attacks)


@pytest.mark.minilm
def test_a_recipe_of_TextAttack_goes_through_to_the_report_with_how_near_its_texts_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_installed(DEFAULT):
        pytest.skip("the encoder of the extra demo is not installed")
    config = configured(tmp_path, object_named("words"), DEEPWORDBUG)
    with_resources(config, monkeypatch)
    (attack,) = audited(config).candidates[0].robustness.attacks
    assert attack.successes > 0
    assert attack.notes == []
    for example in attack.examples:
        assert lead(example.perturbed[0]) != lead(example.original[0])
        assert example.quality is not None
        assert example.quality.similarity is not None
        assert example.quality.words_changed >= 1
    assert "deepwordbug" in (tmp_path / "runs" / "assay" / "report.html").read_text(encoding="utf-8")


def test_every_text_that_is_said_to_fool_a_pipeline_fools_it(tmp_path: Path) -> None:
    pipeline = fitted_pipeline(tmp_path / "model.joblib")
    candidate = f'[[candidates]]\nname = "own"\nmodel = "{tmp_path}/model.joblib"\nallow_pickle = true\n'
    audited(configured(tmp_path, candidate, HOMOGLYPHS))
    rows = [row for row in ledger_rows(tmp_path / "runs" / "assay") if not row["skipped"]]
    names = ["negative", "positive"]
    by_id = dict(zip(tiny_dataset(N, seed=5).ids, tiny_dataset(N, seed=5).texts, strict=True))
    assert {bool(row["success"]) for row in rows} == {True, False}
    for row in rows:
        text = by_id[row["example_id"]] if row["text"] is None else json.loads(row["text"])
        assert (pipeline.predict([text])[0] != names[row["label"]]) == row["success"]


# An endpoint.


def test_a_credential_is_in_no_file_of_the_run_and_in_nothing_that_is_said(
    tmp_path: Path, server: Server, assay: Assay
) -> None:
    config = configured(tmp_path, behind(server), HOMOGLYPHS + TYPOS)
    done = assay("audit", str(config))
    assert done.code == 0, done.stderr
    assert server.headers[0]["authorization"] == f"Bearer {TOKEN}"
    files = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert {"audit.json", "report.html", "ledger.sqlite"} <= {path.name for path in files}
    for path in files:
        assert TOKEN.encode() not in path.read_bytes(), path
    assert TOKEN not in done.stdout + done.stderr
    assert "${ASSAY_TEST_TOKEN}" in (tmp_path / "runs" / "assay" / "audit.json").read_text()


def test_no_text_is_asked_twice_and_a_second_run_asks_nothing(
    tmp_path: Path, server: Server, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(tmp_path, behind(server), HOMOGLYPHS + DEEPWORDBUG + TYPOS)
    with_resources(config, monkeypatch)
    audited(config)
    first = untimed(tmp_path / "runs" / "assay")
    assert len(answers.answered) > N
    assert set(answers.answered.values()) == {1}
    requests = answers.requests
    audited(config)
    assert answers.requests == requests
    assert untimed(tmp_path / "runs" / "assay") == first


def test_with_the_outcomes_gone_the_answers_alone_make_the_same_audit(
    tmp_path: Path, server: Server, answers: Answers
) -> None:
    """What was paid for is the answers: an attack that is run anew finds them again."""
    config = configured(tmp_path, behind(server), HOMOGLYPHS + TYPOS)
    audited(config)
    folder = tmp_path / "runs" / "assay"
    first, requests = untimed(folder), answers.requests
    with sqlite3.connect(folder / "ledger.sqlite") as connection:
        for table in ("outcomes", "records"):
            assert connection.execute(f"DELETE FROM {table}").rowcount > 0
    connection.close()
    audited(config)
    assert answers.requests == requests
    assert untimed(folder) == first


def test_a_server_that_fails_for_good_is_gone_on_with_when_it_is_repaired(
    tmp_path: Path, server: Server, answers: Answers, assay: Assay
) -> None:
    config = configured(tmp_path, behind(server), HOMOGLYPHS + TYPOS)
    whole = assay("audit", str(config), "--set", f"runs={tmp_path}/whole")
    assert whole.code == 0, whole.stderr
    assert answers.requests > 12
    everything = set(answers.answered)

    answers.answered.clear()
    for limit in (0, 2, 11):
        answers.requests, answers.limit = 0, limit
        failed = assay("audit", str(config))
        assert failed.code == 2
        assert "Traceback" not in failed.stderr
        assert re.search(r"HTTP 500 \(\d+ times\)", failed.stderr), failed.stderr
        assert not (tmp_path / "runs" / "assay" / "audit.json").exists()

    answers.limit = None
    repaired = assay("audit", str(config))
    assert repaired.code == 0, repaired.stderr
    assert set(answers.answered) == everything
    assert set(answers.answered.values()) == {1}
    assert untimed(tmp_path / "runs" / "assay") == untimed(tmp_path / "whole" / "assay")


# A model that gives labels only.

LABELS = object_named("labels_of", 'labels = ["negative", "positive"]\n')


@pytest.mark.parametrize("attack", [HOMOGLYPHS, DEEPWORDBUG])
def test_attacks_by_scores_are_refused_a_model_without_scores_before_anything_is_asked(
    attack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, assay: Assay
) -> None:
    config = configured(tmp_path, LABELS, attack)
    with_resources(config, monkeypatch)
    done = assay("audit", str(config))
    assert done.code == 2
    assert "goes by class scores, and this model gives labels only" in done.stderr
    # What can be done instead is named.
    assert re.search(r'homoglyphs.*search = "random"', done.stderr, re.DOTALL), done.stderr
    assert "clean text" not in done.stderr
    assert ledger_rows(tmp_path / "runs" / "assay") == []


def test_a_model_without_scores_is_attacked_by_random_search(tmp_path: Path) -> None:
    attack = f'{HOMOGLYPHS}search = "random"\n'
    report = audited(configured(tmp_path, LABELS, attack + TYPOS))
    (candidate,) = report.candidates
    (found,) = candidate.robustness.attacks
    assert found.threat_model.access == "label"
    assert found.successes > 0
    (test,) = candidate.robustness.behaviours
    assert test.mean_change.value is None
    assert test.failure_rate.value is not None


def test_embedding_attacks_are_refused_a_model_that_only_answers(tmp_path: Path) -> None:
    config = configured(tmp_path, object_named("words"), '[[attacks]]\nname = "fgsm"\nepsilon = 0.1\n')
    message = r'candidate "own": Attack "fgsm" needs the gradients.*black-box attack.*homoglyphs'
    with pytest.raises(AssayError, match=message):
        audited(config)


# Budgets for all examples.


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> AuditReport:
    """Two candidates, an attack that a budget ends and one that is whole, and a gate on both."""
    checks = [
        ("accuracy_under_attack", 'attack = "homoglyphs"\nmin = 0.0\n'),
        ("accuracy_under_attack", 'attack = "homoglyphs"\ngroup = "gender"\nvalue = "woman"\nmin = 0.0\n'),
        ("accuracy_difference", 'attack = "homoglyphs"\ngroup = "gender"\nmax = 1.0\n'),
        ("accuracy_under_attack", 'attack = "deletions"\nmin = 0.0\n'),
    ]
    gate = "".join(f'[[gate]]\nmetric = "{metric}"\n{rest}' for metric, rest in checks)
    budgets = f"{HOMOGLYPHS}total_queries = 200\n{DELETIONS}"
    two = object_named("words") + object_named("words").replace('"own"', '"other"')
    return audited(configured(tmp_path_factory.mktemp("ended"), two, budgets + gate))


def test_an_attack_that_a_budget_ended_says_how_far_it_came(ended: AuditReport) -> None:
    for candidate in ended.candidates:
        short, whole = candidate.robustness.attacks
        assert 0 < short.unreached < N
        assert short.n + short.unreached == N == whole.n
        assert short.mean_queries.value is not None
        spent = short.mean_queries.value * short.mean_queries.n
        assert 100 < spent < 300
        assert (short.comparable, whole.comparable) == (False, True)


def test_what_a_budget_ended_is_in_no_worst_case_curve_comparison_or_fairness(ended: AuditReport) -> None:
    for candidate in ended.candidates:
        found = candidate.robustness
        whole = found.attacks[1]
        assert found.worst_case_accuracy == whole.accuracy_under_attack
        assert [curve.attack for curve in found.curves] == []
        assert candidate.fairness is not None
        assert [under.attack for under in candidate.fairness.under_attack] == ["deletions"]
    assert not [finding for finding in ended.findings if "homoglyphs" in finding.message + finding.subject]


def test_the_gate_says_that_a_budget_ended_what_it_was_to_check(ended: AuditReport) -> None:
    *short, whole = [check for check in ended.gate.checks if check.candidate == "own"]
    assert len(short) == 3
    for check in short:
        assert not check.passed
        assert check.message.startswith("not measured: it ended early, after"), check
    assert whole.passed
    assert not ended.gate.passed


def test_a_partial_report_says_first_what_it_leaves_out(tmp_path: Path) -> None:
    gate = '[[gate]]\nmetric = "failure_rate"\nbehaviour = "typos"\nmax = 1.0\n'
    config = load_config(configured(tmp_path, object_named("words"), HOMOGLYPHS + TYPOS + gate))
    quiet = Reporter(Console(file=io.StringIO()))
    part = run_audit(config, quiet, partial=True)
    (attack,) = part.candidates[0].robustness.attacks
    assert (attack.n, part.candidates[0].robustness.behaviours) == (0, [])
    assert "audit.partial" in [finding.id for finding in part.verdict.because[:2]]
    assert part.gate.checks[0].message == "not measured: typos was not run"
    summary = (tmp_path / "runs" / "assay" / "summary.md").read_text(encoding="utf-8")
    assert "behavioural tests, suites and validity checks are left out" in summary
    whole = run_audit(config, quiet)
    assert whole.candidates[0].robustness.attacks[0].n == N
    assert whole.gate.passed
    assert "audit.partial" not in [finding.id for finding in whole.findings]


def test_a_raised_budget_ends_as_an_audit_that_had_it_from_the_start(tmp_path: Path) -> None:
    config = configured(tmp_path, object_named("words"), f"{HOMOGLYPHS}total_queries = 200\n")
    audited(config)
    before = {tuple(row) for row in ledger_rows(tmp_path / "runs" / "assay")}
    config.write_text(config.read_text().replace("total_queries = 200\n", ""))
    audited(config)
    after = {tuple(row) for row in ledger_rows(tmp_path / "runs" / "assay")}
    assert before < after
    report = json.loads((tmp_path / "runs" / "assay" / "audit.json").read_text())
    attack = report["candidates"][0]["robustness"]["attacks"][0]
    assert (attack["n"], attack["unreached"]) == (N, 0)


def test_a_budget_for_all_examples_is_refused_an_attack_that_does_not_ask(
    tmp_path: Path, random_model: Path
) -> None:
    rest = '[[attacks]]\nname = "fgsm"\nepsilon = 0.1\ntotal_seconds = 5.0\n'
    with pytest.raises(AssayError, match="total_queries and total_seconds are for attacks that only ask"):
        audited(configured(tmp_path, loaded(random_model), rest))


# Recipes.


def test_a_recipe_that_cannot_run_says_what_it_needs_before_data_or_model_are_touched(
    tmp_path: Path, assay: Assay
) -> None:
    (tmp_path / "nothing").mkdir()
    config = tmp_path / "assay.toml"
    config.write_text(
        'resources = "nothing"\n[data]\npath = "no-such.csv"\n[[candidates]]\nname = "none"\n'
        'model = "./no-such-model"\n[[attacks]]\nname = "textattack:textfooler"\n'
    )
    done = assay("audit", str(config))
    assert done.code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith('assay: Attack "textattack:textfooler" needs ')
    assert "assay resources fetch" in line
    assert "counter-fitted" in line


def test_input_reduction_succeeds_where_the_answer_stays_and_is_no_measure_of_accuracy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = '[[attacks]]\nname = "textattack:input-reduction"\n'
    config = configured(tmp_path, object_named("words"), rest)
    with_resources(config, monkeypatch)
    (candidate,) = audited(config).candidates
    (attack,) = candidate.robustness.attacks
    assert (attack.attack_success_rate.value or 0) > 0.9
    assert not attack.bounded
    assert candidate.robustness.worst_case_accuracy.value is None
    for example in attack.examples:
        assert len(example.perturbed[0].split()) < len(example.original[0].split())
        assert lead(example.perturbed[0]) * lead(example.original[0]) > 0 or example.label == "negative"


# Where attacks run.


def test_an_endpoint_is_refused_more_than_one_process(tmp_path: Path, server: Server) -> None:
    config = configured(tmp_path, behind(server), HOMOGLYPHS)
    config.write_text(f'engine = "ray"\n{config.read_text()}')
    with pytest.raises(AssayError, match=r'candidate "served": an endpoint is asked by one process.*"local"'):
        audited(config)


def test_ray_that_is_not_installed_is_said_to_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_engine, "find_spec", lambda name: None)
    config = configured(tmp_path, object_named("words"), HOMOGLYPHS)
    config.write_text(f'engine = "ray"\n{config.read_text()}')
    with pytest.raises(AssayError, match=r"pip install .*assay\[ray\]"):
        audited(config)
    # Without a black-box attack there is nothing for Ray to do.
    config.write_text(config.read_text().replace(HOMOGLYPHS, ""))
    assert audited(config).candidates[0].robustness.attacks == []


class Elsewhere:
    """A cluster as far as an audit sees it: another process knows nothing of this one's resource folder."""

    @contextmanager
    def engine(self, load: Callable[[], Model], dataset: TextDataset, seed: int) -> Iterator[Engine]:
        resources.use(Path("nowhere"))
        yield partial(attacked_here, load(), dataset, seed)


@pytest.mark.parametrize(("engine", "address"), [("ray", None), ("10.0.0.1:6379", "10.0.0.1:6379")])
def test_in_other_processes_the_audit_is_the_same_and_its_resources_are_found(
    engine: str, address: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str | None, int | None]] = []

    @contextmanager
    def cluster(address: str | None, workers: int | None) -> Iterator[Elsewhere]:
        asked.append((address, workers))
        yield Elsewhere()

    monkeypatch.setattr(engines, "cluster", cluster)
    config = configured(tmp_path, object_named("words"), HOMOGLYPHS + DEEPWORDBUG)
    with_resources(config, monkeypatch)
    audited(config)
    here = untimed(tmp_path / "runs" / "assay")["candidates"]
    other = tmp_path / "other.toml"
    other.write_text(f'engine = "{engine}"\nworkers = 3\n{config.read_text()}')
    audited(other)
    assert untimed(tmp_path / "runs" / "other")["candidates"] == here
    assert asked == [(address, 3)]


def test_a_gate_may_name_a_budget_of_injections(tmp_path: Path) -> None:
    rest = '[[attacks]]\nname = "homoglyphs"\nmax_injections = [1, 2]\n[[gate]]\nmetric = '
    rest += '"attack_success_rate"\nattack = "homoglyphs"\nepsilon = 2\nmax = 0.5\n'
    config = load_config(configured(tmp_path, object_named("model"), rest))
    assert config.gate[0].epsilon == 2
    with pytest.raises(AssayError, match=r"does not run at 3\. Its budgets: 1, 2"):
        load_config(configured(tmp_path, object_named("model"), rest.replace("epsilon = 2", "epsilon = 3")))
