"""Behavioural tests and suites in an audit: kept as they come, gone on with, and the same in the end."""

import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from assay import behaving
from assay.behaving import run_behaviour, run_suite
from assay.candidates import Prepared
from assay.config import load_config
from assay.ledger import Ledger
from assay.plan import Plan, make_plan
from assay.progress import Reporter
from attacks.victims import TextInput
from reports.model import ModelInfo
from robustness import evaluate
from robustness.batched import Advance, ignore_progress
from robustness.behaviour import run as behaviour_run
from robustness.behaviour.results import BehaviouralResult
from robustness.outcomes import MemoryStore
from tests.assay.answering import MODULE, lead
from tests.assay.audits import write_config, write_csv
from tests.robustness.tiny import tiny_dataset

N = 40
TESTS = '[[behaviours]]\nname = "typos"\n[[behaviours]]\nname = "negation"\n'
SUITE = '[[suites]]\npath = "cases.csv"\nname = "cases"\nid = "id"\nfunctionality = "gender"\n'


class Words:
    """Positive by its words; counts what it is asked, and ends the process, as it were, at the ``last``
    question."""

    label_names = ("negative", "positive")
    source = "words"
    num_parameters = None

    def __init__(self, last: int | None = None, *, scores: bool = True) -> None:
        self.asked: Counter[TextInput] = Counter()
        self.left = last
        self.scores = scores

    def fingerprint(self) -> str:
        return "words"

    def predict_proba(self, texts: Sequence[TextInput], advance: Advance = ignore_progress) -> np.ndarray:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left = None if self.left is None else self.left - 1
        self.asked.update(texts)
        positive = np.array([0.5 + lead(str(text)) / 20 for text in texts])
        answers = np.column_stack([1 - positive, positive])
        return answers if self.scores else np.eye(2)[answers.argmax(axis=1)]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("behaving")
    write_csv(folder / "data.csv", tiny_dataset(N, seed=5))
    write_csv(folder / "cases.csv", tiny_dataset(12, seed=9))
    (folder / "my_model.py").write_text(MODULE, encoding="utf-8")
    candidate = '[[candidates]]\nname = "own"\nmodel = "my_model:words"\n'
    return make_plan(load_config(write_config(folder, candidate, rest=TESTS + SUITE)))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 8 texts: in one of the usual size nothing would be kept before the end."""
    monkeypatch.setattr(behaving, "CHUNK", 8)
    defaults = dict(behaviour_run.iter_outcomes.__kwdefaults__ or {}, chunk=8)
    monkeypatch.setattr(behaviour_run.iter_outcomes, "__kwdefaults__", defaults)


def prepared(model: Words) -> Prepared:
    info = ModelInfo(source="words", sha256="m", num_parameters=None, labels=list(model.label_names))
    return Prepared("own", "callable", model, info, None, lambda: model)


def behaved(plan: Plan, ledger: Ledger, model: Words, number: int = 0) -> BehaviouralResult:
    clean = evaluate.predict(Words(), plan.test, MemoryStore())
    reporter = Reporter(Console(file=io.StringIO()))
    return run_behaviour(prepared(model), plan.behaviours[number], clean, plan, ledger, reporter)[0]


def test_the_result_is_that_of_the_test_without_a_ledger(plan: Plan, tmp_path: Path) -> None:
    model = Words()
    for number, test in enumerate(plan.behaviours):
        with Ledger(tmp_path / f"{number}.sqlite") as ledger:
            found = behaved(plan, ledger, model, number)
        clean = model.predict_proba(plan.test.inputs)
        assert found == behaviour_run.run(model, plan.test, clean, test, seed=plan.config.seed)
        assert found.n > 0
    assert found.failures > 0


@pytest.mark.parametrize("last", [0, 1, 3, 4])
def test_a_stopped_test_goes_on_and_ends_as_an_undisturbed_one(plan: Plan, tmp_path: Path, last: int) -> None:
    whole = Words()
    with Ledger(tmp_path / "whole.sqlite") as ledger:
        undisturbed = behaved(plan, ledger, whole)
    stopped, gone_on = Words(last), Words()
    with Ledger(tmp_path / "stopped.sqlite") as ledger, pytest.raises(KeyboardInterrupt):
        behaved(plan, ledger, stopped)
    with Ledger(tmp_path / "stopped.sqlite") as ledger:
        assert behaved(plan, ledger, gone_on) == undisturbed
    # Whole chunks are kept, so that nothing is asked in both runs but what occurs in several chunks.
    repeated = set(stopped.asked) & set(gone_on.asked)
    assert all(whole.asked[text] > 1 for text in repeated)
    assert stopped.asked + gone_on.asked == whole.asked


def test_a_finished_test_asks_nothing(plan: Plan, tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        first = behaved(plan, ledger, Words())
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert behaved(plan, ledger, Words(last=0)) == first


def test_another_test_of_the_same_texts_is_asked_for_itself(plan: Plan, tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        behaved(plan, ledger, Words(), 0)
        model = Words()
        assert behaved(plan, ledger, model, 1).name == "negation"
        assert model.asked


def test_progress_reaches_every_text_in_fresh_and_resumed_runs(plan: Plan, tmp_path: Path) -> None:
    for model in (Words(), Words(last=0)):
        told = io.StringIO()
        clean = evaluate.predict(Words(), plan.test, MemoryStore())
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            run_behaviour(
                prepared(model), plan.behaviours[0], clean, plan, ledger, Reporter(Console(file=told))
            )
        assert f"own: typos: {N} in " in told.getvalue()


def test_a_model_without_scores_has_no_directional_result(plan: Plan, tmp_path: Path) -> None:
    directional = [number for number, test in enumerate(plan.behaviours) if test.kind == "directional"]
    assert directional
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        result = behaved(plan, ledger, Words(scores=False), directional[0])
    assert result.failure_rate.value is None
    assert result.mean_change.value is None


def test_a_suite_counts_the_cases_that_the_model_gets_wrong(plan: Plan, tmp_path: Path) -> None:
    (suite,) = plan.suites
    reporter = Reporter(Console(file=io.StringIO()))
    for model in (Words(), Words(last=0)):  # the second time everything is known
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            result = run_suite(prepared(model), suite, plan, ledger, reporter)
        wrong = np.array(
            [
                (lead(text) > 0) != label
                for text, label in zip(suite.cases.texts, suite.cases.labels, strict=True)
            ]
        )
        assert result.n == 12
        assert result.failure_rate.value == wrong.mean()
        column = suite.cases.groups["gender"]
        for value, part in result.by_functionality.items():
            assert part.n == (column == value).sum()
            assert part.failures == wrong[column == value].sum()


def test_cases_are_read_with_the_labels_of_the_audited_data(plan: Plan) -> None:
    (suite,) = plan.suites
    assert suite.cases.label_names == plan.dataset.label_names
    assert suite.column == "gender"
