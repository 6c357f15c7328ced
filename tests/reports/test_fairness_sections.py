import re
from dataclasses import replace

import pytest

from fairness.results import FairnessResult
from reports.definitions import definitions
from reports.formatting import duration
from reports.groupings import groupings
from reports.highlights import largest_disparity
from reports.html import pieces, render_html
from reports.json_io import from_json, to_json
from reports.markdown import render_markdown
from reports.model import AuditReport
from reports.tradeoffs import compared, trade_off
from robustness.estimate import Estimate
from tests.reports.example import GROUPS, example_report, group_metrics, no_attacks, with_candidates
from tests.reports.fairness_example import fairness_report, grouping, mitigated, predictions_report
from tests.reports.page import Element, parse


@pytest.fixture(scope="module")
def page() -> Element:
    return parse(render_html(fairness_report()))


@pytest.fixture(scope="module")
def alone() -> Element:
    return parse(render_html(predictions_report()))


def section(page: Element, anchor: str) -> Element:
    (found,) = (each for each in page.all("section") if each.attributes["id"] == anchor)
    return found


def rows(page: Element, caption: str) -> dict[str, list[str]]:
    (table,) = (each for each in page.all("table") if each.all("caption")[0].words() == caption)
    return {
        " ".join(row.children[0].words().split()): [
            " ".join(cell.words().split()) for cell in row.children[1:]
        ]
        for row in table.all("tbody")[0].all("tr")
    }


def captions(page: Element) -> list[str]:
    return [table.all("caption")[0].words() for table in page.all("table")]


def test_columns_come_first_then_overlapping_groups_then_intersections_then_limits(page: Element) -> None:
    headings = [each.words() for each in section(page, "fairness").all("h3")]
    assert headings == [
        "By domain",
        "By mentions",
        "By identity, groups that overlap",
        "Intersections",
        "What these metrics cannot show",
    ]


def test_a_disparity_is_shown_with_interval_status_p_values_and_between_whom(alone: Element) -> None:
    found = rows(alone, "Disparities by domain, answers")
    assert found["Equalized odds"] == [
        "20.0 points 16.0 to 24.0 · n 640",
        "established",
        "editorials … tweets False positive rate",
        "< 0.001 alone < 0.001",
        "0.700 0.500 to 0.900",
    ]
    assert found["Demographic parity"][1:4] == [
        "suggestive about 1,300 examples would decide it",
        "tweets … editorials Selection rate",
        "0.080 alone 0.030",
    ]
    assert found["Accuracy"][1:] == [
        "undecided about 13,000 examples would decide it",
        "tweets … editorials",
        "0.300 alone 0.210",
        "",
    ]
    assert found["Log loss"] == ["0.310 0.100 to 0.500 · n 640", "not tested", "", "", ""]


def test_candidates_stand_side_by_side_with_what_is_established(page: Element) -> None:
    found = rows(page, "Disparities by domain, unperturbed text")
    assert found["Equalized odds difference"] == [
        f"{odds} points {low} to {high} · n 640 · established"
        for odds, low, high in (
            ("20.0", "16.0", "24.0"),
            ("5.0", "1.0", "9.0"),
            ("2.0", "0.0", "6.0"),
            ("30.0", "26.0", "34.0"),
        )
    ]
    assert "Disparities by domain, leace, unperturbed text" in captions(page)


def test_an_assessment_without_tests_has_no_columns_for_them(alone: Element) -> None:
    found = rows(alone, "Disparities by mentions, answers")
    assert [len(cells) for cells in found.values()] == [2] * 4


def test_the_worst_group_stands_with_the_n_that_its_rate_is_of(alone: Element) -> None:
    assert rows(alone, "Who fares worst, by domain") == {"Accuracy": ["tweets 42.9 % (35.0 to 51.1) · n 140"]}


def test_of_more_than_two_groups_the_extremes_are_not_said_to_be_what_was_tested() -> None:
    report = predictions_report()
    (only,) = report.candidates
    assert only.fairness is not None
    for values, told in (({"a": 90, "b": 80, "c": 70}, True), ({"a": 90, "b": 80, "c": 7}, False)):
        groups = {"g": grouping(values, 0.2)}
        changed = replace(only, fairness=replace(only.fairness, groups=groups))
        page = parse(render_html(replace(report, candidates=[changed])))
        (table,) = (each for each in page.all("table") if "Disparities by g" in each.words())
        assert "Extremes: lowest … highest" in [each.words() for each in table.all("thead")[0].all("th")]
        said = "that these two differ is not what was tested" in section(page, "fairness").words()
        assert said is told


def test_the_four_fifths_rule_is_told_in_words(alone: Element) -> None:
    told = [each.words() for each in section(alone, "fairness").all("li") if "four-fifths" in each.words()]
    assert told[0] == (
        "answers: the four-fifths rule is violated: the smallest selection rate is less than four fifths of "
        "the largest (ratio 0.620 (0.510 to 0.740))."
    )


def test_the_disparities_of_many_classes_are_folded_away() -> None:
    report = predictions_report()
    (only,) = report.candidates
    assert only.fairness is not None
    base = grouping({"a": 60, "b": 60}, 0.2)
    difference = Estimate(0.1, 0.0, 0.2, 120)
    for classes, folded in ((5, False), (50, True)):
        disparities = {f"equalized_odds_difference[{i}]": difference for i in range(classes)}
        groups = {"g": replace(base, disparities=disparities, tests={}, worst={}, four_fifths={})}
        changed = replace(only, fairness=replace(only.fairness, groups=groups))
        page = parse(render_html(replace(report, candidates=[changed])))
        found = [each.all("summary")[0].words() for each in section(page, "fairness").all("details")]
        assert ("50 disparities" in found) is folded
        assert len(rows(page, "Disparities by g, answers")) == classes


def test_intersections_are_folded_and_without_charts(page: Element) -> None:
    folded = [
        each
        for each in section(page, "fairness").all("details")
        if each.all("summary")[0].words() == "domain & mentions: 3 groups"
    ]
    assert len(folded) == 1
    assert folded[0].all("svg") == []
    assert "tweets & men (n 8)" in folded[0].words()


def test_bias_areas_are_shown_and_explained(alone: Element) -> None:
    means = rows(alone, "Bias AUCs by identity, outcome “positive” (generalised mean with power −5)")
    assert means["BPSN AUC, generalised mean"] == ["0.710 0.680 to 0.740"]
    assert means["Bias score: the mean of these four"] == ["0.820 0.800 to 0.840"]
    groups = rows(alone, "Each group of identity against all others, outcome “positive”, answers")
    assert groups["muslim too few to judge (n < 30)"] == [
        "12",
        "0.830 0.800 to 0.860",
        "0.830 0.800 to 0.860",
        "not measured no example of the group is positive",
        "0.040 −0.010 to 0.090",
        "−0.120 −0.200 to −0.040",
    ]
    words = section(alone, "fairness").words()
    for term in ("Subgroup AUC", "BPSN AUC", "BNSP AUC", "Average equality gap", "generalised mean"):
        assert re.search(rf"{term}[^.]*(\.|:)", words)


def test_what_the_attacker_spends_is_shown_by_group() -> None:
    report = fairness_report()
    (first, *others) = report.candidates
    attacks = [
        replace(
            attack,
            by_group={
                column: {
                    group: replace(
                        found,
                        mean_queries=Estimate(12.5, 11.0, 14.0, found.n),
                        minimal_norm=None
                        if attack.minimal_norm is None
                        else Estimate(0.02, 0.01, None, found.n),
                    )
                    for group, found in values.items()
                }
                for column, values in attack.by_group.items()
            },
        )
        for attack in first.robustness.attacks
    ]
    changed = replace(first, robustness=replace(first.robustness, attacks=attacks))
    page = parse(render_html(replace(report, candidates=[changed, *others])))
    words = page.words()
    assert "Queries per example, the same for every group: 12.5 under fgsm (L∞) at epsilon" in words
    assert "12.5 under fgsm (L∞) at epsilon 0.03" in words
    assert rows(page, "Median minimal norm by domain, plain") == {
        "fmn (L2 per token)": [f"0.02 0.01 or more · n {n}" for n in GROUPS["domain"].values()]
    }
    # Before these were measured by group, an audit has none.
    assert set(rows(page, "Queries per example by domain, leace")["fgsm (L∞) at epsilon 0.03"]) == {
        "not measured"
    }


def test_a_column_of_one_value_stays_short() -> None:
    report = predictions_report()
    (only,) = report.candidates
    assert only.fairness is not None
    one = replace(grouping({"all": 640, "none": 30}, 0.1), tests={}, worst={}, four_fifths={})
    one = replace(one, by_group={"all": group_metrics(640, 0.9)})
    fairness = replace(only.fairness, groups={"country": one})
    page = parse(render_html(replace(report, candidates=[replace(only, fairness=fairness)])))
    words = section(page, "fairness").words()
    assert "There is one group, “all”: nothing to compare." in words
    assert "Metrics by country, answers" in captions(page)
    assert section(page, "fairness").all("svg") == []


def test_what_the_metrics_cannot_show_is_said_and_nothing_is_promised(page: Element) -> None:
    words = section(page, "fairness").words()
    for needed in (
        "No metric here shows that a model is fair",
        "Kleinberg, Mullainathan and Raghavan 2016; Chouldechova 2017",
        "The labels are taken for the truth",
        "Groups are those named in the data",
        "the chance of drawing these examples",
        "terms that are swapped in texts are partial",
    ):
        assert needed in words
    everything = page.all("body")[0].words().lower()
    for promise in ("debias", "unbiased", "fair model", "is fairer"):
        assert promise not in everything


def test_a_report_without_groups_says_so_once() -> None:
    page = parse(render_html(no_attacks(example_report())))
    assert "The data names no groups" in section(page, "fairness").words()
    assert "What these metrics cannot show" not in section(page, "fairness").words()


def test_predictions_alone_are_shown_without_what_needs_a_model(alone: Element) -> None:
    assert {each.attributes["id"] for each in alone.all("section")} == {
        "verdict",
        "data",
        "performance",
        "fairness",
        "method",
    }
    everything = alone.words()
    for needless in ("Robustness", "unperturbed", "Clean ", ", clean", "checks are switched off"):
        assert needless not in everything
    facts = section(alone, "data").words()
    assert "File, SHA-256" in facts
    assert "predictions in answers.csv" in facts
    for absent in ("Weights", "Parameters", "maximum length", "came trained"):
        assert absent not in facts
    verdict = section(alone, "verdict").words()
    assert "attack" not in verdict
    words = section(alone, "method").words()
    assert "Epsilon" not in words
    assert "Bias AUCs" in words


def test_every_word_of_a_whole_audit_is_defined() -> None:
    terms = [term for term, _ in definitions(fairness_report())]
    assert {"Accuracy", "Epsilon", "Selection rate", "Bias AUCs", "Interval"} <= set(terms)
    assert len(terms) == len(set(terms))


def test_what_a_mitigation_did_is_told(page: Element) -> None:
    words = section(page, "data").words()
    assert "threshold_optimizer by domain: its predictions are changed, starting from plain" in words
    assert "constraint equalized_odds" in words
    assert "12 thresholds were chosen on 400 validation examples." in words


def test_what_stands_on_another_candidate_claims_no_free_training(page: Element) -> None:
    costs = rows(page, "What each candidate costs")
    assert costs["Training"][1].startswith("none of its own stands on plain: ")
    seconds = fairness_report().candidates[0].training
    assert seconds is not None
    assert costs["Training"][1].endswith(duration(seconds.seconds))
    assert "that of plain, on which it stands" in section(page, "data").words()
    assert "came trained" not in page.words()


def test_the_time_of_a_training_that_is_the_mitigation_is_told_once() -> None:
    report = fairness_report()
    first = report.candidates[0]
    done = report.candidates[1].mitigation
    assert first.training is not None
    assert done is not None
    own = replace(done, method="group-dro", stage="training", base=None, seconds=first.training.seconds)
    changed = with_candidates(report, [first, replace(first, name="dro", mitigation=own)])
    page = parse(render_html(changed))
    assert rows(page, "What each candidate costs")["Mitigation"][1] == "within the training group-dro"
    assert "Time of the mitigation" not in section(page, "data").words()


def test_the_trade_off_marks_the_front_and_ranks_only_what_intervals_tell_apart(page: Element) -> None:
    found = rows(page, "What each candidate gives, against plain")
    # Accuracy 86, 84, 73 and 70 %; odds 20, 5, 2 and 30 points; all alike under attack.
    assert [cells[-1] for cells in found.values()] == ["yes", "yes", "yes", "no"]
    assert list(found)[1] == "2 threshold_optimizer mitigation: threshold_optimizer"
    assert found["2 threshold_optimizer mitigation: threshold_optimizer"][:2] == [
        "84.4 % 81.4 to 87.0 · intervals overlap",
        "5.0 points 1.0 to 9.0 · lower",
    ]
    assert found["4 leace mitigation: leace"][1].endswith("26.0 to 34.0 · higher")
    words = section(page, "trade-offs").words()
    assert "equalized odds difference by domain, the column that was mitigated" in words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("threshold_optimizer", ["threshold_", "optimizer"]),
        ("textattack:pwws", ["textattack:", "pwws"]),
        ("runs/a_b", ["runs/", "a_", "b"]),
        ("__init__", ["__", "init__"]),
        ("mitigation: leace", ["mitigation: leace"]),
        ("plain", ["plain"]),
        ("", [""]),
    ],
)
def test_a_long_name_may_break_between_its_words(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_names_of_candidates_may_break_in_tables_and_legends() -> None:
    html = render_html(fairness_report())
    assert html.count("2 threshold_<wbr>optimizer") >= 3
    assert "mitigation: threshold_<wbr>optimizer" in html


def test_a_candidate_whose_training_collapsed_is_not_on_the_front_and_says_why() -> None:
    report = fairness_report()
    plain, better, *rest = report.candidates
    assert plain.training is not None
    collapsed = replace(better, training=replace(plain.training, collapsed=True))
    page = parse(render_html(replace(report, candidates=[plain, collapsed, *rest])))
    found = rows(page, "What each candidate gives, against plain")
    assert [cells[-1] for cells in found.values()] == ["yes", "no its training collapsed", "yes", "no"]
    assert "A candidate whose training collapsed is not on it" in section(page, "trade-offs").words()


def test_what_collapsed_keeps_nobody_from_the_front() -> None:
    """It answers alike to all, so that its difference between groups is the smallest there is."""
    report = fairness_report()
    plain, better, traded, worse = report.candidates
    assert plain.training is not None
    constant = replace(
        mitigated(plain, "group_dro", odds=0.0, right=640), training=replace(plain.training, collapsed=True)
    )
    found = trade_off(replace(report, candidates=[plain, better, traded, worse, constant]))
    assert found is not None
    assert [each.front for each in found.measures] == [True, True, True, False, False]


def test_the_trade_off_compares_with_the_first_candidate_that_is_not_mitigated() -> None:
    report = fairness_report()
    plain, better, *_ = report.candidates
    for candidates, reference in (([better, plain], "plain"), ([better, better], "threshold_optimizer")):
        found = trade_off(replace(report, candidates=candidates))
        assert found is not None
        assert found.reference.candidate.name == reference
    page = parse(render_html(replace(report, candidates=[better, plain])))
    first, second = rows(page, "What each candidate gives, against plain").values()
    assert first[1].endswith("· lower")
    assert not second[1].endswith(("lower", "higher", "apart"))


def test_the_trade_off_names_where_it_is_worst_when_nothing_was_mitigated() -> None:
    report = fairness_report()
    plain = replace(report, candidates=[replace(each, mitigation=None) for each in report.candidates])
    found = trade_off(plain)
    assert found is not None
    assert (found.grouping, found.metric) == ("domain", "equalized_odds_difference")
    assert found.why == "where it is largest for plain, the first candidate"


@pytest.mark.parametrize("kept", [0, 1])
def test_fewer_than_two_candidates_have_no_trade_off(kept: int) -> None:
    report = fairness_report()
    assert trade_off(replace(report, candidates=report.candidates[:kept])) is None


def test_a_trade_off_without_attacks_has_one_chart() -> None:
    report = fairness_report()
    bare = [replace(each, robustness=replace(each.robustness, attacks=[])) for each in report.candidates]
    page = parse(render_html(replace(report, candidates=bare)))
    assert len(section(page, "trade-offs").all("figure")) == 1
    assert section(page, "trade-offs").all("figcaption")[0].words() == "Accuracy"


def test_candidates_that_were_not_assessed_are_left_out_of_the_trade_off() -> None:
    report = fairness_report()
    changed = [*report.candidates[:2], replace(report.candidates[2], fairness=None)]
    found = trade_off(replace(report, candidates=changed))
    assert found is not None
    assert [each.candidate.name for each in found.measures] == ["plain", "threshold_optimizer"]


@pytest.mark.parametrize(
    ("mine", "word"),
    [
        (Estimate(0.5, 0.4, 0.6, 9), "higher"),
        (Estimate(0.1, 0.0, 0.19, 9), "lower"),
        (Estimate(0.1, 0.0, 0.2, 9), "intervals overlap"),
        (Estimate(0.5, None, None, 9), "intervals overlap"),
        (Estimate.undefined("no"), ""),
        (None, ""),
    ],
)
def test_only_intervals_that_do_not_meet_rank(mine: Estimate | None, word: str) -> None:
    assert compared(mine, Estimate(0.25, 0.2, 0.3, 9)) == word


def test_the_largest_difference_is_the_largest_of_like_ones_whatever_its_test_says() -> None:
    first = fairness_report().candidates[0]
    assert first.fairness is not None
    domain = first.fairness.groups["domain"]
    # An area is no share, and a smaller difference is not larger for being established.
    changed = replace(
        domain,
        disparities=domain.disparities
        | {
            "accuracy_difference": Estimate(0.25, 0.0, 0.4, 640),
            "roc_auc_difference": Estimate(0.3, 0.2, 0.4, 640),
            "equal_opportunity_difference": Estimate(0.28, 0.2, 0.4, 640),
        },
    )
    found = largest_disparity(replace(first, fairness=replace(first.fairness, groups={"domain": changed})))
    assert found is not None
    assert (found.metric, found.estimate.value, found.status) == ("accuracy_difference", 0.25, "undecided")


def test_what_the_largest_difference_ranges_over_and_its_status_stand_beside_it(page: Element) -> None:
    table = rows(page, "The candidates side by side, with intervals of 90 % confidence")
    (header,) = [row for row in table if row.startswith("Largest")]
    assert header.endswith(" accuracy, demographic parity, equalized odds")
    assert table[header][0] == "20.0 points 16.0 to 24.0 · equalized odds, by domain · established"
    overview = rows(
        page, "The largest difference between groups: accuracy, demographic parity, equalized odds"
    )
    assert overview["By domain"][0] == "20.0 points 16.0 to 24.0 · equalized odds · established"


def test_the_largest_difference_leaves_out_intersections() -> None:
    first = fairness_report().candidates[0]
    found = largest_disparity(first)
    assert found is not None
    assert (found.column, found.metric, found.estimate.value) == ("domain", "equalized_odds_difference", 0.2)
    assert first.fairness is not None
    only = replace(first.fairness.groups["domain & mentions"], kind="intersection")
    assert largest_disparity(replace(first, fairness=replace(first.fairness, groups={"x": only}))) is None


def test_groupings_are_aligned_over_candidates() -> None:
    report = fairness_report()
    second = report.candidates[1]
    assert second.fairness is not None
    more = replace(second.fairness, groups={"mentions": grouping({"men": 50, "nobody": 40}, 0.1)})
    aligned = groupings(replace(report, candidates=[report.candidates[0], replace(second, fairness=more)]))
    assert [(each.name, each.kind) for each in aligned][:3] == [
        ("domain", "column"),
        ("mentions", "column"),
        ("identity", "overlapping"),
    ]
    assert list(aligned[1].values) == ["both", "men", "neither", "women", "nobody"]


def test_it_survives_json_and_becomes_markdown() -> None:
    report = predictions_report()
    assert from_json(to_json(report), "audit.json") == report
    text = render_markdown(report)
    assert "| Largest group difference (accuracy, demographic parity, equalized odds) | 20.0 points" in text
    assert "attack" not in text


def test_fifty_groups_of_three_classes_make_a_page_of_a_reasonable_size() -> None:
    report = predictions_report()
    (only,) = report.candidates
    assert only.fairness is not None
    values = {f"group {i:02}": 40 + i for i in range(50)}
    base = grouping(values, 0.2)
    names = [f"{m}[{label}]" for label in "abc" for m in ("selection_rate", "tpr", "fpr", "tnr", "fnr", "f1")]
    by_group = {
        group: replace(
            each, metrics=dict.fromkeys(["accuracy", "balanced_accuracy", *names], each.metrics["accuracy"])
        )
        for group, each in base.by_group.items()
    }
    fairness: FairnessResult = replace(only.fairness, groups={"region": replace(base, by_group=by_group)})
    page = render_html(replace(report, candidates=[replace(only, fairness=fairness)]))
    assert len(page.encode()) < 500_000
    assert "The charts show the first 30 groups, the tables all." in page


def test_hostile_names_stay_text() -> None:
    script = "<script>document.title='owned'</script>"
    report = predictions_report()
    text = to_json(report).replace("tweets", script).replace("black", script + "b").replace("domain", script)
    hostile: AuditReport = from_json(text, "audit.json")
    html = render_html(hostile)
    assert html.count("<script") == 1  # that of the page itself
    assert "&lt;script&gt;" in html
