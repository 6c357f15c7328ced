"""The page and the Markdown of a comparison: what is said, what is never said, and that nothing is lost."""

import re
from dataclasses import replace

import pytest

from reports.comparison.html import render_html
from reports.comparison.markdown import render_markdown
from reports.comparison.model import Comparison, Difference
from reports.comparison.provenance import runs_table
from reports.comparison.settings import differing
from reports.comparison.summary import headline
from reports.comparison.words import change_cell, signed, signed_interval, standing_cell
from reports.formatting import Kind
from reports.markdown_text import MAX_CHARACTERS
from robustness.estimate import Estimate
from tests.reports.comparison_example import (
    NEW,
    N,
    comparison,
    difference,
    example_comparison,
    measure,
    three_runs,
    without_common_candidates,
)
from tests.reports.hostile import hostile_report
from tests.reports.page import Element, parse

RANKING = re.compile(r"\b(better|worse|best|worst|higher|lower|stronger|weaker|more|less|rose|fell)\b")


def overlapping(*, runs: int = 2) -> Comparison:
    """Numbers that differ, of which no difference is established."""
    counts = [500, *[520 - i for i in range(runs - 1)]]
    differences = [difference(count, 500, 0.2, established=False) for count in counts[1:]]
    return comparison([measure("Accuracy", counts, differences)], runs)


def plain(words: str) -> str:
    return words.replace("\xa0", " ")


def cells(table: Element) -> list[list[str]]:
    return [[plain(cell.words()) for cell in row.all("th", "td")] for row in table.all("tr")]


def table(page: str, caption: str) -> list[list[str]]:
    """The rows of the table whose caption starts so."""
    found = [t for t in parse(page).all("table") if t.all("caption")[0].words().startswith(caption)]
    assert len(found) == 1, caption
    return cells(found[0])


@pytest.mark.parametrize("runs", [2, 5])
def test_two_runs_whose_difference_is_not_established_are_never_ranked(runs: int) -> None:
    made = overlapping(runs=runs)
    tone, title, told = headline(made)
    assert (tone, title) == ("plain", "No difference established")
    page = parse(render_html(made))
    parts = [_section(page, anchor) for anchor in ("differs", "metrics")]
    said = " ".join(each.words() for part in parts for each in part.all("p", "td", "li"))
    assert not RANKING.search(said), said
    metrics = render_markdown(made).split("### plain")[1].split("### Findings")[0]
    assert "no difference established" in metrics
    assert not RANKING.search(metrics), metrics
    # Behind the chart and in the tables; of several runs beside the values too.
    assert said.count("no difference established") == (runs - 1) * (2 if runs == 2 else 3)
    assert not RANKING.search(told)


def _section(page: Element, anchor: str) -> Element:
    return next(each for each in page.all("section") if each.attributes["id"] == anchor)


@pytest.mark.parametrize(("right", "told"), [(530, True), (400, False)])
def test_where_only_the_pairs_establish_a_difference_it_says_that_the_intervals_overlap(
    right: int, told: bool
) -> None:
    made = comparison([measure("Accuracy", [560, right], [difference(right, 560, 0.001, established=True)])])
    assert ("the two intervals alone overlap" in render_markdown(made)) is told
    assert ("the two intervals alone overlap" in render_html(made)) is told


def test_an_established_difference_is_told_with_its_numbers_and_its_test() -> None:
    page = parse(render_html(example_comparison()))
    remark = _section(page, "differs").all("li")[0]
    assert [each.words() for each in remark.all("span", "b")] == ["worse", "plain"]
    assert plain(remark.all("p")[0].text.strip()) == (
        "Accuracy is lower in run1: 78.1 % (74.8 to 81.2) against 85.9 % (83.0 to 88.4), −7.8 points "
        "(−10.8 to −4.8; exact McNemar test on 640 shared examples; p < 0.001 after correction)."
    )


def test_every_metric_stands_beside_its_change_and_the_reason_where_there_is_none() -> None:
    page = render_html(example_comparison())
    assert table(page, "plain: on the texts as they are") == [
        ["Metric", "Change", "Standing", "run0", "run1"],
        [
            "Accuracy",
            "−7.8 points −10.8 to −4.8",
            "lower: worse p < 0.001",
            "85.9 % 83.0 to 88.4",
            "78.1 % 74.8 to 81.2",
        ],
        [
            "Accuracy under fgsm",
            "+1.6 points −1.4 to +4.6",
            "no difference established p = 0.400",
            "46.9 % 43.0 to 50.7",
            "48.4 % 44.6 to 52.3",
        ],
    ]
    (untested,) = table(page, "plain: under attack")[1:]
    assert untested[1:3] == ["not compared the runs did not run the same attacks", "not tested"]


def test_more_than_two_runs_stand_side_by_side_with_their_changes_behind() -> None:
    page = render_html(three_runs())
    metrics = [
        t
        for t in parse(page).all("table")
        if t.all("caption")[0].words() == "plain: on the texts as they are"
    ]
    (_, *rows) = cells(metrics[0])
    assert rows == [
        [
            "Accuracy",
            "78.1 % 74.8 to 81.2",
            "85.9 % 83.0 to 88.4 · +7.8 points, higher: better",
            "no such candidate",
        ]
    ]
    folded = [each.all("summary")[0].words() for each in parse(page).all("details")]
    assert "run1 against run0: changes and tests" in folded
    assert "run2 against run0: changes and tests" not in folded


def test_what_is_neither_better_nor_worse_is_only_higher_or_lower() -> None:
    change = difference(200, 100, 0.001)
    made = comparison([measure("Parity difference", [100, 200], [change], "demographic_parity_difference")])
    assert headline(made)[0] == "plain"
    assert standing_cell(change).text == "higher"
    assert "neither direction is better" in headline(made)[2]


def test_on_other_examples_nothing_is_called_better_or_worse() -> None:
    apart = replace(difference(400, 500, 0.001), apart=True)
    made = comparison([measure("Accuracy", [500, 400], [apart])])
    assert headline(made)[0] == "plain"
    assert "1 on other examples or in metrics of which neither direction is better" in headline(made)[2]
    assert standing_cell(apart).text == "lower on other examples"
    told = render_markdown(made)
    assert "- **lower** (plain) Accuracy is lower in run1" in told
    assert "worse" not in told.split("### Gate")[0]


def test_a_candidate_that_is_called_otherwise_is_told_with_both_names() -> None:
    made = comparison([measure("Accuracy", [500, 400], [difference(400, 500, 0.001, better=False)])])
    renamed = replace(made, candidates=[replace(made.candidates[0], names=["plain", "new"])])
    assert "- **worse** (new against plain) Accuracy is lower" in render_markdown(renamed)
    assert "- **worse** (plain) Accuracy is lower" in render_markdown(made)


def test_data_whose_examples_are_all_shared_are_not_called_other_data() -> None:
    made = comparison([])
    first, run = made.runs
    about = replace(run.report.provenance, data_sha256="f" * 64)

    def told(shared: int | None, sha: str = about.data_sha256) -> str:
        report = replace(run.report, provenance=replace(about, data_sha256=sha))
        (data,) = [
            row
            for row in runs_table(
                replace(made, runs=[first, replace(run, report=report, shared=shared)])
            ).rows
            if row.header == "Data"
        ]
        return data.cells[1].note

    assert told(N).endswith(", the same examples audited by id and label, other texts or training data")
    assert told(N - 1).endswith(", other data")
    assert told(None).endswith(", other data")
    assert told(N, first.report.provenance.data_sha256) == "the same data"


def test_the_tone_is_a_warning_as_soon_as_something_is_worse() -> None:
    worse, better = difference(400, 500, 0.001, better=False), difference(500, 400, 0.001, better=True)
    both = [measure("Accuracy", [500, 400], [worse]), measure("F1", [400, 500], [better])]
    assert headline(comparison(both))[:2] == ("warn", "2 differences established")
    assert headline(comparison(both[1:]))[:2] == ("good", "1 difference established")
    assert headline(comparison([], tests=0))[1] == "Nothing could be compared"


def test_a_group_of_differences_is_one_sentence_that_leads_with_the_largest() -> None:
    measures = [
        measure(
            f"Accuracy under a{i}",
            [500, 400 - i],
            [difference(400 - i, 500, 0.001, better=False)],
            topic="attacks",
        )
        for i in range(6)
    ]
    page = parse(render_html(comparison(measures, tests=6)))
    items = [each for each in _section(page, "differs").all("li") if each.all("span")]
    assert len(items) == 1
    words = items[0].words()
    assert "Accuracy under a5 is lower" in words
    assert "Also lower: Accuracy under a4; Accuracy under a3; Accuracy under a2; 2 more." in words


def test_settings_versions_gates_and_findings_that_differ_are_shown() -> None:
    page = render_html(example_comparison())
    assert table(page, "Settings that differ") == [
        ["Setting", "run0", "run1"],
        ["offline", "not set", "true"],
    ]
    assert table(page, "Versions that differ")[1:] == [["torch", "2.13.0", "2.14.0"]]
    runs = {row[0]: row[1:] for row in table(page, "The runs")[1:]}
    assert runs["Seed"] == ["7", "8"]
    assert runs["Started"] == ["3 February 2026, 10:15 UTC", "4 March 2026, 09:00 UTC"]
    assert runs["Data"][1] == "vader sentences the same data"
    gate = table(page, "The checks of the gates")[1:]
    assert [row[1][:8] for row in gate] == ["✗ failed", "✓ passed", "✗ failed"]
    assert [row[2][:8] for row in gate] == ["✓ passed", "✓ passed", "✗ failed"]
    assert "at least 20.0 %" in gate[0][2]
    findings = _section(parse(page), "findings").words()
    assert re.search(r"New: 1 finding", findings)
    assert re.search(r"Gone: 1 finding", findings)
    assert "Three texts leaked." in findings
    # A third in both is about a candidate that is not compared.
    assert "In both: 1 finding" in findings
    assert "Only in run1, and not compared: distilled." in parse(page).words()


def test_markdown_says_what_the_page_says() -> None:
    text = render_markdown(example_comparison())
    assert text.startswith("## Comparison of run1 with run0\n\n**1 difference established.** 2 differences")
    row = "| Accuracy | −7.8 points (−10.8 to −4.8) | lower: worse (p &lt; 0.001) | 85.9 %"
    assert row in plain(text)
    assert "- new: **warning** (plain) Three texts leaked." in text
    assert "- 1 finding in both" in text
    assert "no difference established (p = 0.400)" in plain(text)


def test_a_table_that_is_too_long_for_a_comment_is_left_out_and_the_rest_stays() -> None:
    changes = [difference(400, 500, 0.5, established=False)] * 4
    many = [measure(f"Accuracy under attack {i} {'x' * 60}", [500, *[400] * 4], changes) for i in range(800)]
    rate = measure("Failure rate", [500, *[400] * 4], changes, "failure_rate", "behaviour")
    text = render_markdown(comparison([*many, rate], runs=5))
    assert len(text) < MAX_CHARACTERS
    assert "### plain: on the texts as they are" not in text
    assert "### plain: behavioural tests\n\n| Metric |" in text
    assert "### Gate" in text
    assert "### Findings in run4" in text
    assert text.endswith("\n\n1 part too long for this summary: see compare.html.\n")


def test_many_long_findings_do_not_make_the_comment_too_long() -> None:
    made = comparison([], runs=5)
    found = [replace(NEW, subject=str(i), message="Three texts leaked. " * 40) for i in range(25)]
    gone = [replace(each, id="data.other") for each in found]
    runs = [
        replace(run, report=replace(run.report, findings=found if i else gone))
        for i, run in enumerate(made.runs)
    ]
    text = render_markdown(replace(made, runs=runs))
    assert len(text) < MAX_CHARACTERS
    assert "- new: 5 more, in the reports of the runs" in text
    assert re.search(r"\d parts? too long for this summary: see compare.html.\n$", text)


def test_of_many_settings_the_counts_are_those_of_what_is_shown() -> None:
    made = comparison([])
    about = replace(made.runs[1].report.provenance, config={f"k{i}": i for i in range(100)})
    report = replace(made.runs[1].report, provenance=about)
    many = replace(made, runs=[made.first, replace(made.runs[1], report=report)])
    n = len(differing([run.report.provenance.config for run in many.runs]))
    page = render_html(many)
    caption = f"Settings that differ ({n}, the first 60 of them)"
    assert caption in [each.words() for each in parse(page).all("summary")]
    assert len(table(page, caption)) == 1 + 60
    shown = render_markdown(many).split(f"### Settings that differ ({n}, the first 20 of them)")[1]
    assert len(re.findall(r"^\| (?!Setting|---)", shown.split("###")[0], re.MULTILINE)) == 20
    assert "others" not in shown.split("###")[0]


def test_runs_without_a_common_candidate_are_told_so_and_how_to_compare_them() -> None:
    made = without_common_candidates()
    _, title, told = headline(made)
    assert title == "Nothing was compared: no candidate in common"
    assert told.startswith("run0 has plain and fgsm-trained; run1 has other plain and other fgsm-trained. ")
    assert "the same name in the assay.toml of both runs" in told
    assert told in plain(render_markdown(made))
    page = parse(render_html(made))
    assert told in _section(page, "differs").words()
    assert [each.attributes["id"] for each in page.all("section")] == [
        "differs",
        "compared",
        "gate",
        "findings",
    ]


def test_findings_of_candidates_that_are_not_compared_are_neither_new_nor_gone() -> None:
    text = render_markdown(without_common_candidates())
    findings = text.split("### Findings in run1")[1].split("###")[0]
    # Of both runs only what is about no candidate is told.
    assert [line for line in findings.splitlines() if line] == [
        "- gone: **info** 1 group is too small.",
        "- Findings about candidates that only one of the two runs has are in the reports of the runs.",
    ]
    gate = table(render_html(without_common_candidates()), "The checks of the gates")
    assert [row[1:].index("no such candidate") for row in gate[1:]] == [1, 1, 1, 0, 0, 0]


def test_one_of_several_runs_without_a_common_candidate_is_named() -> None:
    made = without_common_candidates(runs=3)
    assert headline(made)[1] != "Nothing was compared: no candidate in common"
    told = (
        "run2 is not compared with run0, for they have no candidate in common: run0 has plain and "
        "fgsm-trained; run2 has other plain and other fgsm-trained."
    )
    assert told in render_markdown(made)
    assert told in [each.text.strip() for each in parse(render_html(made)).all("li")]
    assert "run1 is not compared" not in render_markdown(made)


def test_of_many_candidates_those_without_an_established_difference_are_folded_away() -> None:
    made = comparison([measure("Accuracy", [500, 400], [difference(400, 500, 0.001, better=False)])])
    same = replace(overlapping().candidates[0], names=["same"] * 2)
    others = [replace(same, names=[f"same {i}"] * 2) for i in range(4)]
    page = parse(render_html(replace(made, candidates=[*made.candidates, *others])))
    metrics = _section(page, "metrics")
    assert [each.words() for each in metrics.all("h3") if "changes" not in each.words()] == ["plain"]
    folded = [each.words() for each in metrics.all("summary")]
    assert [each for each in folded if each.endswith(": no difference established")] == [
        f"same {i}: no difference established" for i in range(4)
    ]


def test_hostile_names_and_settings_are_text_and_nothing_else() -> None:
    made = example_comparison()
    evil = "<script>document.title='owned'</script>|`@all"
    runs = [
        replace(run, name=f"{evil}{i}", path=evil, report=hostile_report(run.report))
        for i, run in enumerate(made.runs)
    ]
    hostile = replace(made, runs=runs, notes=[evil], alone={f"{evil}1": [evil]})
    page = render_html(hostile)
    assert not parse(page).all("script")
    assert evil in parse(page).words()
    assert "\u202e" not in page
    text = render_markdown(hostile)
    assert "<script" not in text
    assert "@all" not in text
    rows = [line for line in text.splitlines() if line.startswith("| Folder")]
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 4


def test_the_page_allows_no_script_and_loads_nothing() -> None:
    page = parse(render_html(example_comparison()))
    (policy,) = [m.attributes["content"] for m in page.all("meta") if "http-equiv" in m.attributes]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in policy
    assert "unsafe" not in policy
    for element in page.everything():
        assert "style" not in element.attributes
        assert not element.attributes.get("href", "#").startswith("http")
        assert "src" not in element.attributes


@pytest.mark.parametrize(
    ("value", "kind", "written"),
    [
        (0.0, "points", "0.0 points"),
        (0.0121, "points", "+1.2 points"),
        (-0.0121, "points", "−1.2 points"),
        (-0.0001, "points", "−0.1 points"),
        (0.0123, "number", "+0.012"),
    ],
)
def test_a_change_carries_its_sign_and_is_never_rounded_to_nothing(
    value: float, kind: Kind, written: str
) -> None:
    assert signed(value, kind) == written


def test_an_open_or_missing_interval_is_left_out() -> None:
    assert signed_interval(Estimate(0.1, 0.0, None, 3), "points") == ""
    assert signed_interval(Estimate.exact(0.1, 3), "points") == ""
    assert signed_interval(Estimate(0.1, -0.05, 0.25, 3), "points") == "−5.0 to +25.0"


def test_a_change_of_a_rate_is_in_points_and_of_a_norm_in_its_own_unit() -> None:
    change = Difference(Estimate.exact(0.3, 9), Estimate.exact(0.2, 9), Estimate.exact(0.1, 9))
    assert change_cell(measure("a", [1, 2], [change]), change).text == "+10.0 points"
    assert change_cell(measure("a", [1, 2], [change], "minimal_norm"), change).text == "+0.100"


def test_settings_of_named_tables_are_matched_by_name_and_others_by_number() -> None:
    first = {
        "a": {"x": 1, "same": [1, 2]},
        "attacks": [{"name": "fgsm", "epsilon": 0.1}],
        "gate": [{"metric": "accuracy", "min": 0.5, "group": None}],
        "unset": None,
        "workers": 0,
    }
    then = {
        "a": {"x": 2, "same": [1, 2]},
        "attacks": [{"name": "pgd", "epsilon": 0.3}, {"name": "fgsm", "epsilon": 0.1}],
        "gate": [{"metric": "accuracy", "min": 0.5}, {"metric": "tpr", "max_drop": 0.1, "group": "g"}],
        "empty": [],
        "nothing": {"deep": ""},
    }
    assert differing([first, then]) == [
        ("a.x", ["1", "2"]),
        ("workers", ["0", None]),
        ("gate", ["1 check: accuracy, min 0.5", "2 checks: accuracy, min 0.5; tpr, group g, max_drop 0.1"]),
        ("attacks[pgd].name", [None, '"pgd"']),
        ("attacks[pgd].epsilon", [None, "0.3"]),
    ]
    assert differing([first, first]) == []


def test_two_attacks_of_one_name_are_matched_by_number() -> None:
    first = {"attacks": [{"name": "pgd", "steps": 5}, {"name": "pgd", "steps": 10}]}
    then = {"attacks": [{"name": "pgd", "steps": 5}, {"name": "pgd", "steps": 20}]}
    assert differing([first, then]) == [("attacks[1].steps", ["10", "20"])]
