"""Swapped identities in an audit: kept as they come, gone on with, and the same in the end."""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from rich.console import Console

from assay import counterfactuals
from assay.candidates import Prepared
from assay.config import load_config
from assay.config_counterfactual import CounterfactualConfig
from assay.counterfactual_findings import LARGE_CHANGE, counterfactual_findings
from assay.counterfactuals import run_counterfactuals
from assay.ledger import Ledger
from assay.plan import Plan, make_plan
from assay.progress import Reporter
from attacks.errors import AssayError
from attacks.victims import TextInput
from fairness.counterfactual.results import AxisEffect, CounterfactualResult, TermEffect
from fairness.counterfactual.setup import BUILT_IN, Counterfactuals, set_up
from reports.formatting import full
from reports.model import CandidateResult, Finding, ModelInfo
from robustness import evaluate
from robustness.batched import Advance, ignore_progress
from robustness.estimate import Estimate, wilson
from robustness.outcomes import MemoryStore
from tests.assay.answering import MODULE
from tests.assay.audits import write_config, write_csv
from tests.reports.example import candidate as example_candidate
from tests.robustness.tiny import tiny_dataset

N = 30
LABELS = ("negative", "positive")
RUN = set_up(LABELS, axes=["gender", "religion"], template_labels={"neutral": "negative"})


class Partial:
    """Less positive about Muslims; counts what it is asked and ends the process, as it were, at the ``last``
    question."""

    label_names = LABELS
    source = "partial"
    num_parameters = None
    scores = True

    def __init__(self, last: int | None = None) -> None:
        self.asked: Counter[TextInput] = Counter()
        self.left = last

    def fingerprint(self) -> str:
        return "partial"

    def predict_proba(self, texts: Sequence[TextInput], advance: Advance = ignore_progress) -> np.ndarray:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left = None if self.left is None else self.left - 1
        self.asked.update(texts)
        positive = np.array([0.3 if "muslim" in str(text).lower() else 0.6 for text in texts])
        return np.column_stack([1 - positive, positive])


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("counterfactuals")
    data = tiny_dataset(N, seed=5)
    people = ("A Muslim said", "Her book says", "Nobody said")
    texts = tuple(f"{people[i % 3]} {i}" for i in range(N))
    write_csv(folder / "data.csv", replace(data, texts=texts))
    (folder / "my_model.py").write_text(MODULE, encoding="utf-8")
    candidate = '[[candidates]]\nname = "own"\nmodel = "my_model:words"\n'
    return make_plan(load_config(write_config(folder, candidate)))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 4 texts: in one of the usual size nothing would be kept before the end."""
    monkeypatch.setattr(counterfactuals, "CHUNK", 4)


def found(
    plan: Plan, ledger: Ledger, model: Partial, run: Counterfactuals = RUN
) -> list[CounterfactualResult]:
    clean = evaluate.predict(Partial(), plan.test, MemoryStore())
    info = ModelInfo(source="partial", sha256="m", num_parameters=None, labels=list(LABELS))
    prepared = Prepared("own", "callable", model, info, None, lambda: model)
    reporter = Reporter(Console(file=io.StringIO()))
    return [result for result, _ in run_counterfactuals(prepared, clean, run, plan, ledger, reporter)]


def test_texts_and_templates_are_asked_and_what_the_model_depends_on_is_found(
    plan: Plan, tmp_path: Path
) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        texts, templates = found(plan, ledger, Partial())
    assert (texts.kind, texts.name, texts.outcome) == ("texts", plan.test.name, "positive")
    muslims = sum("Muslim" in text for text in plan.test.texts)
    women = sum("Her" in text for text in plan.test.texts)
    assert muslims > 0
    assert (texts.n, texts.not_applicable) == (muslims + women, len(plan.test) - muslims - women)
    assert texts.by_axis["religion"].flip_rate == wilson(muslims, muslims)
    assert texts.by_axis["gender"].flip_rate == wilson(0, women)
    assert (templates.kind, templates.name) == ("templates", BUILT_IN)
    effects = templates.by_groups["religion"]
    assert effects["Muslim"].established
    assert effects["Muslim"].mean_change.value == pytest.approx(-0.3 * 6 / 7)
    assert effects["Muslim"].failure_rate is not None


@pytest.mark.parametrize("last", [0, 1, 2, 9])
def test_a_stopped_run_goes_on_and_ends_as_an_undisturbed_one(plan: Plan, tmp_path: Path, last: int) -> None:
    whole = Partial()
    with Ledger(tmp_path / "whole.sqlite") as ledger:
        undisturbed = found(plan, ledger, whole)
    stopped, gone_on = Partial(last), Partial()
    with Ledger(tmp_path / "stopped.sqlite") as ledger, pytest.raises(KeyboardInterrupt):
        found(plan, ledger, stopped)
    with Ledger(tmp_path / "stopped.sqlite") as ledger:
        assert found(plan, ledger, gone_on) == undisturbed
    assert stopped.asked + gone_on.asked == whole.asked


def test_a_finished_run_asks_nothing_and_other_terms_are_asked_for_themselves(
    plan: Plan, tmp_path: Path
) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        first = found(plan, ledger, Partial())
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert found(plan, ledger, Partial(last=0)) == first
        other = Partial()
        (texts,) = found(plan, ledger, other, set_up(LABELS, axes=["religion"], templates=False))
    assert other.asked
    assert list(texts.by_axis) == ["religion"]


def test_only_so_many_texts_and_variants_are_asked(plan: Plan, tmp_path: Path) -> None:
    run = set_up(LABELS, axes=["religion"], templates=False, max_examples=4, max_variants=2)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        (texts,) = found(plan, ledger, Partial(), run)
    assert texts.n + texts.not_applicable == 4
    assert texts.variants == 2 * texts.n


# What is wrong in a configuration.


TERMS = "axis,group,term\nrel2,Jedi,Jedi\nrel2,Sith,Sith\n"


def configured(folder: Path, counterfactual: str, terms: str = TERMS) -> Plan:
    """The plan of an audit with this [counterfactual] and a file rel2.csv."""
    (folder / "my_model.py").write_text(MODULE, encoding="utf-8")
    (folder / "rel2.csv").write_text(terms, encoding="utf-8")
    candidate = '[[candidates]]\nname = "own"\nmodel = "my_model:words"\n'
    rest = f"[counterfactual]\n{counterfactual}\n"
    return make_plan(load_config(write_config(folder, candidate, rest=rest)))


def test_an_axis_of_a_file_of_terms_can_be_the_only_one(tmp_path: Path) -> None:
    run = configured(tmp_path, 'terms = ["rel2.csv"]\naxes = ["rel2"]').counterfactual
    assert run is not None
    assert [each.axis for each in run.terms] == ["rel2"]
    assert [str(swap.text) for swap in run.swapper.swaps("she is a Jedi")] == ["she is a Sith"]
    assert {swap.axis for example in run.templates for swap in example.swaps} <= {"rel2"}


def test_the_format_of_a_file_of_terms_is_told_before_its_axes_are(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"rel2\.csv, row 1: expected the columns axis, group, term"):
        configured(tmp_path, 'terms = ["rel2.csv"]\naxes = ["rel2"]', "group,term\nJedi,Jedi\n")
    with pytest.raises(AssayError, match=r'"rel3"\. Did you mean "rel2"\?'):
        configured(tmp_path, 'terms = ["rel2.csv"]\naxes = ["rel3"]')


def test_the_outcome_is_the_second_of_two_labels_and_must_be_one(tmp_path: Path) -> None:
    assert RUN.outcome == "positive"
    assert set_up(("a", "b", "c")).outcome is None
    assert set_up(("a", "b", "c"), outcome="a").outcome == "a"
    with pytest.raises(AssayError, match=r'no label "positve"\. Did you mean "positive"\?'):
        set_up(LABELS, outcome="positve")
    assert set_up(LABELS, templates=False).templates == ()
    file = tmp_path / "mine.csv"
    file.write_text("text\n{people}\n", encoding="utf-8")
    mine = set_up(LABELS, axes=["age"], templates=file)
    assert (mine.templates_name, len(mine.templates)) == ("mine.csv", 1)


def test_a_section_is_checked() -> None:
    section = CounterfactualConfig.model_validate(
        {"axes": ["age"], "terms": [Path("a.csv")], "templates": False, "max_examples": 5}
    )
    assert section.templates is False
    assert CounterfactualConfig().templates is True
    for wrong in ({"axes": []}, {"max_variants": 0}, {"axis": ["age"]}, {"templates": "yes"}):
        with pytest.raises(ValidationError):
            CounterfactualConfig.model_validate(wrong)
    with pytest.raises(ValidationError, match="template_labels are for the built-in templates"):
        CounterfactualConfig.model_validate({"templates": False, "template_labels": {"neutral": "x"}})


# Findings.


def findings(*results: CounterfactualResult) -> list[Finding]:
    candidate: CandidateResult = replace(example_candidate("plain"), counterfactuals=list(results))
    return list(counterfactual_findings(candidate))


def test_a_finding_names_the_axis_that_flips_most_and_the_largest_established_change(
    plan: Plan, tmp_path: Path
) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        texts, templates = found(plan, ledger, Partial())
    flip, change = findings(templates)
    assert (flip.id, flip.subject, flip.severity) == (
        "counterfactual.flip",
        f"religion, {BUILT_IN}",
        "warning",
    )
    assert flip.observed == templates.by_axis["religion"].flip_rate
    rate = templates.by_axis["religion"].flip_rate
    assert flip.message == (
        f"Another identity along religion changes the predicted label of {full(rate)} of the {rate.n} "
        "templates, whose words say only whom they speak of."
    )
    assert (change.id, change.subject) == ("counterfactual.change", f"Muslim, {BUILT_IN}")
    effect = templates.by_groups["religion"]["Muslim"]
    assert change.message == (
        f"Naming “Muslim” lowers the score of “positive” by 25.7 points on average in {effect.n} templates, "
        "against the mean of all groups."
    )
    assert change.limit == LARGE_CHANGE
    flips = findings(texts)[0]
    muslims = texts.by_axis["religion"].n
    assert flips.id == "counterfactual.flip"
    assert f"of the {muslims} texts with an identity to exchange." in flips.message


def test_small_or_unsure_effects_are_no_findings() -> None:
    none = Estimate.undefined("nothing")
    rare = AxisEffect(100, 100, wilson(2, 100), none, none, none)
    few = AxisEffect(3, 3, wilson(1, 3), none, none, none)
    result = CounterfactualResult(
        "texts", "texts", "positive", 100, 0, 100, wilson(2, 100), none, none, none, none,
        by_axis={"age": rare, "gender": replace(few, flip_rate=wilson(0, 3))}, by_groups={}, by_term={},
    )  # fmt: skip
    assert findings(result) == []
    assert findings() == []


def swaps(**changes: tuple[float, float, float]) -> CounterfactualResult:
    """Established changes (value, low, high) of each of 12 texts, by the swap."""
    none, rate = Estimate.undefined("nothing"), wilson(9, 12)
    effects = {
        f"{key} -> other": TermEffect(12, rate, Estimate(*change, 12), 0.001, 0.002, established=True)
        for key, change in changes.items()
    }
    axis = AxisEffect(12, 12, rate, none, none, none)
    return CounterfactualResult(
        "texts", "texts", "positive", 12, 0, 12, rate, none, none, none, none,
        by_axis={"age": axis, "religion": axis, "sexual_orientation": axis}, by_groups={"age": effects},
        by_term={},
    )  # fmt: skip


def test_findings_are_written_as_the_tables_are_and_with_their_n() -> None:
    flip, change = findings(swaps(young=(-0.2, -0.3, -0.1)))
    assert flip.message == (
        "Another identity along age changes the predicted label of 75.0 % (46.8 to 91.1) of the 12 texts "
        "with an identity to exchange. The same holds for religion and sexual orientation."
    )
    assert change.subject == "young → other, texts"
    assert change.message == (
        "The exchange “young → other” lowers the score of “positive” by 20.0 points (10.0 to 30.0) on "
        "average in 12 texts."
    )


@pytest.mark.parametrize(
    ("others", "told"),
    [
        (
            {"b": (0.06, 0.01, 0.1)},
            " 1 other exchange moves it by at least 5.0 points too, by more than chance.",
        ),
        (
            {"b": (-0.06, -0.1, 0.0), "c": (0.05, 0.0, 0.1), "d": (0.04, 0.03, 0.05)},
            " 2 other exchanges move it by at least 5.0 points too, by more than chance.",
        ),
    ],
)
def test_a_finding_counts_the_other_large_changes(
    others: dict[str, tuple[float, float, float]], told: str
) -> None:
    (_, change) = findings(swaps(a=(0.3, 0.25, 0.35), **others))
    assert change.message == (
        "The exchange “a → other” raises the score of “positive” by 30.0 points (25.0 to 35.0) on average in "
        f"12 texts.{told}"
    )
