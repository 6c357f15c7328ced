"""What the report tells of behavioural tests and of suites of labelled cases."""

from dataclasses import replace
from typing import Any

import pytest

from attacks.errors import AssayError
from reports import behaviours as words
from reports.behaviours import settings_in_words, summary_of
from reports.html import render_html
from reports.markdown import MAX_ROWS, render_markdown
from reports.model import AuditReport
from reports.sections.behaviour import MOST_GROUPS, SHOWN
from reports.suites import MOST_ROWS, WORST, worst_first
from robustness.behaviour.results import (
    BehaviouralResult,
    FailingCase,
    FailingExample,
    FunctionalityResult,
    GroupBehaviour,
)
from robustness.behaviour.summarize import LABELS_ONLY
from robustness.estimate import Estimate, wilson
from tests.reports.behaviour_example import TYPOS, suites
from tests.reports.example import no_attacks
from tests.reports.page import Element
from tests.reports.test_html import rows_of
from tests.reports.test_robustness_sections import section


@pytest.fixture(scope="module")
def report(black_box: AuditReport) -> AuditReport:
    return black_box


@pytest.fixture(scope="module")
def html(black_box_html: str) -> str:
    return black_box_html


def changed(report: AuditReport, **fields: Any) -> AuditReport:
    """The report with these fields of the first candidate's robustness, no other candidate and few charts."""
    one = report.candidates[0]
    clean = replace(one.robustness.clean, reliability=[])
    robust = replace(one.robustness, clean=clean, attacks=[], curves=[], validity=None, **fields)
    return replace(report, candidates=[replace(one, robustness=robust, fairness=None)])


def first(report: AuditReport, name: str) -> BehaviouralResult:
    return next(each for each in report.candidates[0].robustness.behaviours if each.name == name)


def headings(found: Element, level: int) -> list[str]:
    return [each.words() for each in found.all(f"h{level}")]


def summaries(found: Element) -> list[str]:
    return [each.words() for each in found.all("summary")]


def tables(html: str, caption: str) -> list[list[str]]:
    """The row names of each table with this caption."""
    return [
        [row.children[0].words() for row in table.all("tbody")[0].all("tr")]
        for table in section(html, "behaviour").all("table")
        if table.all("caption")[0].words() == caption
    ]


# Tests.


def test_noise_stands_apart_from_tests_of_meaning(html: str) -> None:
    found = section(html, "behaviour")
    assert headings(found, 3) == [
        "Natural noise",
        "Same meaning, other words",
        "Another meaning: does the answer follow?",
        "Failures by group",
        "Minimum functionality: labelled cases",
    ]
    assert tables(html, "Failure rate: lower is better") == [
        [
            "typos 640 of 640 texts",
            "typos errors 3, layout qwertz · 640 of 640 texts",
            "whitespace 640 of 640 texts",
        ],
        ["names 160 of 640 texts"],
        ["negation 640 of 640 texts"],
    ]


def test_a_failure_is_explained_for_each_kind_and_told_from_attacks(html: str) -> None:
    told = section(html, "behaviour").words()
    assert "These are no attacks: nobody searched for the change that does the most harm" in told
    assert told.count("A text fails a test where the predicted label changes for one of its variants.") == 2
    assert "A text fails a test where the probability of the label predicted before does not move" in told


def test_kinds_that_share_a_nature_are_told_apart(report: AuditReport) -> None:
    names = first(report, "names")
    directional = replace(names, name="praise", kind="directional")
    told = section(render_html(changed(report, behaviours=[names, directional])), "behaviour").words()
    assert "names: a text fails where the predicted label changes for one of its variants." in told
    assert "praise: a text fails where the probability of the label predicted before" in told


def test_rates_and_accuracies_are_those_of_the_audit(report: AuditReport) -> None:
    html = render_html(changed(report, behaviours=[first(report, "names")], suites=[]))
    # 8 of 160 fail; 136 are right as they are and 129 on every variant.
    assert rows_of(html, "Failure rate: lower is better") == {"names 160 of 640 texts": ["5.0 % 2.6 to 9.6"]}
    caption = "Accuracy on these texts: as they are → right on every variant"
    assert rows_of(html, caption) == {"names": ["85.0 → 80.6 % −4.3 points · −5.0 to 0.0"]}
    more = rows_of(html, "More figures of plain")["names"]
    assert more[0] == "480"
    assert more[1].startswith("2.9 %")
    assert more[2].startswith("83.0 %")
    assert more[3] == "0.040 0.030 to 0.050"


def test_a_test_that_may_change_the_label_has_no_accuracy(report: AuditReport) -> None:
    html = render_html(changed(report, behaviours=[first(report, "negation")]))
    assert "Accuracy on these texts" not in html
    assert len(rows_of(html, "Failure rate: lower is better")) == 1


def test_a_test_that_applies_to_no_text_is_named_and_has_no_row(report: AuditReport) -> None:
    html = render_html(changed(report, behaviours=[first(report, "accents")], suites=[]))
    found = section(html, "behaviour")
    assert "Applies to none of these texts: accents." in found.words()
    assert not found.all("table")
    assert summaries(found) == ["What each of these tests does"]


def test_a_test_run_on_one_candidate_is_not_measured_on_the_other(report: AuditReport) -> None:
    one, other = report.candidates
    without = replace(other, robustness=replace(other.robustness, behaviours=[]))
    html = render_html(replace(report, candidates=[without, one]))
    failing, *_ = (
        row.all("td")
        for table in section(html, "behaviour").all("table")
        for row in table.all("tbody")[0].all("tr")
    )
    assert [cell.words() for cell in failing] == ["not measured", "20.0 % 17.1\u00a0to\u00a023.3"]


def test_a_model_that_gives_labels_only_has_rates_and_no_probabilities(report: AuditReport) -> None:
    none = Estimate.undefined(LABELS_ONLY)
    typos = replace(first(report, "typos"), mean_change=none)
    negation = replace(
        first(report, "negation"), failure_rate=none, mean_change=none, failures=0, examples=[]
    )
    html = render_html(changed(report, behaviours=[typos, negation]))
    assert "probability of “positive”" not in html
    assert "probability of “positive”" in render_html(report)
    found = section(html, "behaviour")
    assert f"not measured {LABELS_ONLY}" in " ".join(found.words().split())
    assert "plain, typos: showing 5 of 128" in headings(found, 4)


def test_failing_texts_are_shown_as_changes_with_probabilities(report: AuditReport) -> None:
    html = render_html(changed(report, behaviours=[first(report, "typos"), first(report, "negation")]))
    found = section(html, "behaviour")
    assert headings(found, 4)[:2] == ["plain, typos: showing 5 of 128", "plain, negation: showing 5 of 256"]
    typo, *_, turned = (item for each in found.all("ol")[:2] for item in each.all("li"))
    assert [each.words() for each in typo.all("del", "ins")] == ["and funny", "amd fnuny"]
    assert typo.all("p")[-1].words() == "probability of “positive” 0.912 before, 0.310 after"
    assert [each.words() for each in turned.all("ins")] == ["not"]
    assert turned.all("p")[-1].words() == "probability of “positive” 0.912 before, 0.954 after"
    assert all(len(each.all("li")) <= SHOWN for each in found.all("ol"))


def test_white_space_that_changed_is_drawn_and_explained(report: AuditReport) -> None:
    found = section(render_html(changed(report, behaviours=[first(report, "whitespace")])), "behaviour")
    item = found.all("ol")[0].all("li")[0]
    assert [each.words() for each in item.all("ins")] == ["␣␣", "⏎"]
    assert item.all("p")[-1].words().endswith("· ␣ is a space, ⏎ a line break, ⇥ a tab")


def test_hostile_texts_and_names_stay_text(report: AuditReport) -> None:
    script = "<script>document.title='owned'</script>"
    text = FailingExample(
        f"</li>{script}",
        script,
        f"</bdi>{script}",
        script,
        0.9,
        0.1,
        ["a"],
        [f"</ins>{script} \u202eb {'y' * 5000}"],
    )
    case = FailingCase(script, script, f"</p>{script}", [f"</p>{script} \u202ec {'z' * 5000}"])
    typos = replace(first(report, "typos"), name=script, params={script: [script]}, examples=[text])
    suite = replace(
        report.candidates[0].robustness.suites[0],
        name=script,
        column=script,
        by_functionality={script: FunctionalityResult(1, wilson(1, 1), {script: wilson(1, 1)}, 1, [case])},
    )
    html = render_html(changed(report, behaviours=[typos], suites=[suite]))
    assert html.count("<script") == 1  # that of the page itself
    assert "\u202e" not in html
    assert "y" * 2000 not in html
    assert "z" * 2000 not in html
    assert "\\u202eb" in section(html, "behaviour").words()
    assert "<script" not in render_markdown(changed(report, behaviours=[typos], suites=[suite]))


def test_many_tests_keep_the_report_small(report: AuditReport) -> None:
    long = "word " * 400
    example = FailingExample("id", "positive", "positive", "negative", 0.9, 0.1, [long], [f"{long} x"])
    typos = replace(first(report, "typos"), examples=[example] * 20, failures=500)
    many = [replace(typos, params=TYPOS | {"errors": errors}) for errors in range(1, 61)]
    both = replace(
        report,
        candidates=[
            replace(each, robustness=replace(each.robustness, behaviours=many)) for each in report.candidates
        ],
    )
    html = render_html(both)
    assert len(html.encode()) < 1_500_000
    assert len(tables(html, "Failure rate: lower is better")[0]) == 60
    text = render_markdown(both)
    assert f"The others, {61 - MAX_ROWS} of them, are in report.html." in text


# Words for tests.


def test_only_settings_that_are_not_the_default_are_told() -> None:
    assert settings_in_words("typos", TYPOS) == ""
    assert settings_in_words("typos", TYPOS | {"min_letters": 6, "rate": 0.1}) == "rate 0.1, min letters 6"
    assert settings_in_words("negation", {"strict": False, "tolerance": 0.01}) == "strict no"


def test_a_test_of_another_package_is_told_with_all_its_settings() -> None:
    assert settings_in_words("theirs", {"part": "first", "limit": None}) == "part first, limit none"
    assert "another package" in summary_of("theirs")
    assert summary_of("typos").startswith("Typing errors")


def test_a_broken_package_does_not_stop_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise AssayError("a package whose test cannot be loaded")

    monkeypatch.setattr(words, "describe", broken)
    words._descriptions.cache_clear()
    try:
        assert settings_in_words("typos", {"errors": 1}) == "errors 1"
    finally:
        words._descriptions.cache_clear()


# Groups.


def test_failures_are_told_by_group_and_small_groups_are_pale(report: AuditReport) -> None:
    small = changed(report, behaviours=[first(report, "typos"), first(report, "accents")])
    judged = replace(small.candidates[0], fairness=report.candidates[0].fairness)
    html = render_html(replace(small, candidates=[judged]))
    rows = rows_of(html, "Failure rate by mentions, plain")
    assert list(rows) == ["typos"]
    # 2 of 12, 22 of 110, 86 of 428, 18 of 90.
    assert [cell.split(" %")[0] for cell in rows["typos"]] == ["16.7", "20.0", "20.1", "20.0"]
    (table,) = (
        each
        for each in section(html, "behaviour").all("table")
        if each.all("caption")[0].words() == "Failure rate by mentions, plain"
    )
    pale = ["tone-muted" in cell.attributes["class"] for cell in table.all("td")]
    assert pale == [True, False, False, False]
    assert "Pale figures: too few texts to judge (n < 30)." in section(html, "behaviour").words()


def test_groups_without_a_text_and_many_groups_are_told(report: AuditReport) -> None:
    none = GroupBehaviour(0, Estimate.undefined("the test applies to no text of the group"))
    groups = {f"g{i:02}": none for i in range(MOST_GROUPS + 3)}
    typos = replace(first(report, "typos"), by_group={"domain": groups})
    html = render_html(changed(report, behaviours=[typos]))
    parts = [rows_of(html, f"Failure rate by domain, plain, part {i} of 3")["typos"] for i in (1, 2, 3)]
    assert [cell for part in parts for cell in part] == [
        "not measured the test applies to no text of the group"
    ] * MOST_GROUPS
    assert f"The first {MOST_GROUPS} groups; audit.json has all {MOST_GROUPS + 3}." in html


def test_without_groups_there_is_no_part_for_them(report: AuditReport) -> None:
    without = replace(first(report, "typos"), by_group={})
    html = render_html(changed(report, behaviours=[without]))
    assert "Failures by group" not in html


# Suites.


def test_functionalities_come_worst_first_below_the_whole(html: str) -> None:
    rows = rows_of(html, "Failure rate by functionality, worst first")
    assert list(rows) == [
        "All cases",
        "Mean over 4 functionalities",
        "F14 negated hate",
        "F20 counter-speech",
        "F1 slurs",
        "F25 typing errors",
    ]
    # 21 of 30, 10 of 25, 4 of 40, none of 35: 35 of 130, and (0.7 + 0.4 + 0.1) / 4.
    assert rows["All cases"][1].startswith("26.9 %")
    assert rows["Mean over 4 functionalities"] == ["", "30.0 %", "14.6 %"]
    assert rows["F14 negated hate"][:2] == ["non-hateful", "70.0 % 52.1 to 83.3 · n 30"]
    assert rows["F25 typing errors"][1] == "0.0 % 0.0 to 9.9 · n 35"


def test_failing_cases_are_shown_with_both_labels(report: AuditReport) -> None:
    html = render_html(changed(report, behaviours=[]))
    found = section(html, "behaviour")
    assert headings(found, 5) == [
        "F14 negated hate: showing 3 of 21",
        "F20 counter-speech: showing 3 of 10",
        "F1 slurs: showing 3 of 4",
    ]
    about, text = found.all("li")[0].all("p")
    assert (
        about.words().replace("  ", " ") == "· labelled · predicted cases.csv:2 non-hateful not non-hateful"
    )
    assert text.words() == "case 2 of F14 negated hate"
    assert "before the change" not in found.words()


def test_a_suite_without_failures_shows_no_cases(report: AuditReport) -> None:
    suite = report.candidates[0].robustness.suites[0]
    clean = {"F1": FunctionalityResult(9, wilson(0, 9), {"hateful": wilson(0, 9)}, 0)}
    html = render_html(changed(report, behaviours=[], suites=[replace(suite, by_functionality=clean)]))
    found = section(html, "behaviour")
    assert not found.all("details")
    assert "Mean over 1 functionality" in found.words()


def test_a_suite_that_one_candidate_was_not_asked_is_not_measured(report: AuditReport) -> None:
    one, other = report.candidates
    without = replace(other, robustness=replace(other.robustness, suites=[]))
    rows = rows_of(
        render_html(replace(report, candidates=[one, without])), "Failure rate by functionality, worst first"
    )
    assert {cells[2] for cells in rows.values()} == {"not measured"}


def test_many_functionalities_are_cut_with_their_number(report: AuditReport) -> None:
    case = FailingCase("id", "hateful", "non-hateful", ["one"])
    suite = report.candidates[0].robustness.suites[0]
    many = {
        f"F{i}": FunctionalityResult(100, wilson(i, 100), {"hateful": wilson(i, 100)}, i, [case] * 20)
        for i in range(1, MOST_ROWS + 6)
    }
    html = render_html(changed(report, behaviours=[], suites=[replace(suite, by_functionality=many)]))
    rows = rows_of(html, "Failure rate by functionality, worst first")
    assert list(rows)[2] == f"F{MOST_ROWS + 5}"
    assert len(rows) == 2 + MOST_ROWS
    found = section(html, "behaviour")
    assert "audit.json has 5 more, which fail less." in found.words()
    assert len(found.all("ol")) == WORST
    assert summaries(found) == [f"plain: cases that failed, of the {WORST} worst functionalities"]


def test_an_undefined_rate_comes_last() -> None:
    def of(rate: Estimate) -> FunctionalityResult:
        return FunctionalityResult(rate.n, rate, {}, 0)

    rates = {"a": of(Estimate.undefined("no cases")), "b": of(wilson(0, 3)), "c": of(wilson(1, 3))}
    suite = replace(suites("plain")[0], by_functionality=rates)
    assert worst_first([None, suite]) == ["c", "b", "a"]
    assert worst_first([None]) == []


# Nothing, and the summary.


def test_without_tests_and_suites_there_is_no_section(report: AuditReport) -> None:
    assert 'id="behaviour"' not in render_html(no_attacks(report))
    assert "### Behaviour" not in render_markdown(no_attacks(report))
    only = render_html(changed(report, behaviours=[]))
    assert headings(section(only, "behaviour"), 3) == ["Minimum functionality: labelled cases"]


def test_the_summary_has_one_table_of_behaviour(report: AuditReport) -> None:
    text = render_markdown(report)
    assert text.count("### Behaviour") == 1
    assert (
        "| typos (errors 3, layout qwertz · natural noise) | 35.0 % (31.4 to 38.8 · n 640) | 17.5 %" in text
    )
    assert "| negation (meaning changed) | 40.0 % (36.3 to 43.8 · n 640) |" in text
    assert "| accents (natural noise) | not measured (the test applies to none of the texts) |" in text
    assert "| hatecheck.csv (labelled cases) | 26.9 % (20.0 to 35.1 · n 130) |" in text
    assert "nobody searched for the worst change" in text


def test_a_suite_is_told_by_its_other_group_columns_worst_first(report: AuditReport) -> None:
    one = suites("plain")[0]
    targets = {"women": wilson(1, 10), "men": wilson(5, 10), "nobody": Estimate.undefined("no cases")}
    html = render_html(changed(report, behaviours=[], suites=[replace(one, by_group={"target": targets})]))
    rows = rows_of(html, "Failure rate by target, worst first")
    assert list(rows) == ["men", "women", "nobody"]
    assert rows["men"][0].startswith("50.0 %")
    assert "By target: 3 groups" in summaries(section(html, "behaviour"))
    many = {f"g{i}": wilson(i, 100) for i in range(MOST_ROWS + 2)}
    html = render_html(changed(report, behaviours=[], suites=[replace(one, by_group={"target": many})]))
    assert len(rows_of(html, "Failure rate by target, worst first")) == MOST_ROWS
