"""What the report tells of swapped identities."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from fairness.counterfactual.results import CounterfactualResult
from fairness.counterfactual.summarize import summarize
from fairness.counterfactual.templates import IdentityTemplate, template_examples
from fairness.counterfactual.terms import load_terms
from reports.counterfactual_tables import MOST_ROWS, SHOWN
from reports.html import render_html
from reports.json_io import from_json, to_json
from reports.model import AuditReport
from tests.fairness.counterfactual.victims import (
    LABELS,
    WeightedWords,
    dataset,
    examples_of,
    outcomes_of,
)
from tests.reports.example import example_report, with_candidates
from tests.reports.page import Element
from tests.reports.test_html import rows_of
from tests.reports.test_robustness_sections import section

WEIGHTS = {"muslims": 0.5, "she": 0.1, "her": 0.1}
TEXTS = [*(f"Muslims wrote number {i}" for i in range(12)), "She came", "Nobody came"]
SCRIPT = "<script>document.title='owned'</script>"


def texts_result(outcome: str | None = "bad", *, scores: bool = True) -> CounterfactualResult:
    victim = WeightedWords(WEIGHTS)
    examples = examples_of(victim, dataset(TEXTS))
    return summarize(
        outcomes_of(victim, examples),
        examples,
        name="posts.csv",
        kind="texts",
        label_names=LABELS,
        outcome=outcome,
        scores=scores,
    )


def templates_result() -> CounterfactualResult:
    given = [
        IdentityTemplate("{people} came.", "fine", "here"),
        IdentityTemplate("A {person}.", None, "here"),
    ]
    examples = template_examples(given, load_terms(["religion"]), LABELS)
    return summarize(
        outcomes_of(WeightedWords(WEIGHTS), examples),
        examples,
        name="mine.csv",
        kind="templates",
        label_names=LABELS,
        outcome="bad",
    )


def with_results(*results: Sequence[CounterfactualResult]) -> AuditReport:
    """The example with one candidate for each list of results."""
    report = example_report()
    one = replace(
        report.candidates[0], fairness=None, robustness=replace(report.candidates[0].robustness, curves=[])
    )
    names = ("plain", "hardened")
    candidates = [
        replace(one, name=name, counterfactuals=list(mine))
        for name, mine in zip(names, results, strict=False)
    ]
    return with_candidates(replace(report, findings=[]), candidates)


@pytest.fixture(scope="module")
def html() -> str:
    return render_html(with_results([texts_result(), templates_result()], [texts_result()]))


@pytest.fixture(scope="module")
def found(html: str) -> Element:
    return section(html, "counterfactual-fairness")


def test_flip_rates_are_told_by_axis_for_each_candidate(html: str) -> None:
    rows = rows_of(html, "Share of texts with a variant that gets another label")
    assert list(rows) == ["All axes", "religion", "gender"]
    # 12 of 13 that name an identity.
    assert [cell.split(" %")[0] for cell in rows["All axes"]] == ["92.3", "92.3"]
    assert [cell.split(" %")[0] for cell in rows["religion"]] == ["100.0", "100.0"]
    assert rows["gender"][0].startswith("0.0 %")
    changes = rows_of(html, "Mean change of the score, up or down, in texts")
    assert changes["religion"][0].startswith("50.0 points")
    assert changes["gender"][0].startswith("10.0 points")


def test_a_set_that_a_candidate_was_not_asked_is_not_measured(html: str) -> None:
    rows = rows_of(html, "Share of templates with a variant that gets another label")
    assert rows["religion"][1] == "not measured"


def test_established_changes_are_told_by_group_and_term(html: str) -> None:
    rows = rows_of(html, "plain, texts: by group")
    christian = rows["Muslim → Christian religion"]
    assert christian[0] == "12"
    assert rows["women → men gender"][0] == "1 too few to judge"
    assert christian[2].startswith("−50.0 points")
    assert christian[3].startswith("established")
    assert rows["women → men gender"][3] == "not tested fewer than 6"
    assert "Muslims → Christians religion" in rows_of(html, "plain, texts: by term")


def test_templates_are_told_with_their_extremes_and_failures(html: str) -> None:
    rows = rows_of(html, "plain: by template")
    people = rows["{people} came. religion"]
    assert people[0].startswith("14.3 %")
    assert people[1] == "50.0 points"
    assert people[2] == "Muslims"
    assert people[4].startswith("14.3 %")
    assert rows["A {person}. religion"][4] == "no label"


def test_what_flipped_is_shown_as_a_change_with_both_scores(found: Element) -> None:
    titles = [each.words() for each in found.all("summary")]
    assert f"plain, texts: variants with another label, showing {SHOWN} of 72" in titles
    first, *others = found.all("ol")[0].all("li")
    numbers = {re.findall(r"number (\d+)", each.all("p")[1].words())[0] for each in (first, *others)}
    assert len(numbers) == len(others) + 1 == SHOWN
    assert [each.words() for each in first.all("del", "ins")] == ["Muslims", "Christians"]
    note = first.all("p")[-1].words()
    assert note == "religion: Muslim → Christian · score of “bad” 0.750 before, 0.250 here"
    assert any("on average over all fillings" in each.words() for each in found.all("p"))


def test_the_section_says_how_many_texts_and_what_it_cannot_show(found: Element) -> None:
    told = found.words()
    assert "13 texts with 73 variants; 1 text named no identity that can be swapped." in told
    assert "The score is the probability of “bad”." in told
    assert "What swapping cannot show" in told
    assert "unbiased" not in told.lower()
    assert "debias" not in told.lower()


def test_without_an_outcome_or_scores_the_section_says_so() -> None:
    told = section(render_html(with_results([texts_result(None)])), "counterfactual-fairness").words()
    assert "The score is the probability of the label predicted first." in told
    html = render_html(with_results([texts_result(scores=False)]))
    assert "Mean change of the score" not in html
    assert rows_of(html, "plain, texts: by group")["Muslim → Christian religion"][0] == "12"
    assert "score of “bad”" not in html


def test_without_swaps_there_is_no_section_and_without_mentions_no_table() -> None:
    assert 'id="counterfactual-fairness"' not in render_html(with_results([]))
    nobody = summarize([], [], name="posts.csv", kind="texts", label_names=LABELS, outcome="bad")
    found = section(render_html(with_results([nobody])), "counterfactual-fairness")
    assert not found.all("table")
    assert "0 texts with 0 variants" in found.words()


def test_hostile_names_and_texts_stay_text() -> None:
    result = texts_result()
    flip = replace(
        result.examples[0],
        example_id=f"</li>{SCRIPT}",
        axis=SCRIPT,
        old=SCRIPT,
        new=f"{SCRIPT}\u202e",
        before=SCRIPT,
        after=SCRIPT,
        original=["a"],
        variant=[f"</ins>{SCRIPT} \u202eb {'y' * 5000}"],
    )
    effects = {f"{SCRIPT} -> \u202e": next(iter(result.by_term["religion"].values()))}
    hostile = replace(
        result,
        name=SCRIPT,
        outcome=SCRIPT,
        by_term={SCRIPT: effects},
        by_groups={SCRIPT: effects},
        by_axis={SCRIPT: result.by_axis["religion"]},
        examples=[flip],
    )
    given = templates_result()
    (_, template), *_ = given.by_template["religion"].items()
    templates = replace(given, name=SCRIPT, by_template={SCRIPT: {SCRIPT: template}})
    html = render_html(with_results([hostile, templates]))
    assert html.count("<script") == 1  # that of the page itself
    assert "\u202e" not in html
    assert "y" * 2000 not in html


def test_many_terms_are_cut_with_their_number() -> None:
    result = texts_result()
    effect = next(iter(result.by_term["religion"].values()))
    many = {f"a{i} -> b{i}": effect for i in range(MOST_ROWS + 4)}
    html = render_html(with_results([replace(result, by_term={"religion": many})]))
    assert len(rows_of(html, "plain, texts: by term")) == MOST_ROWS
    assert "audit.json has 4 more." in section(html, "counterfactual-fairness").words()


def test_results_are_the_same_after_json() -> None:
    report = with_results([texts_result(), templates_result()])
    assert from_json(to_json(report), "audit.json") == report
