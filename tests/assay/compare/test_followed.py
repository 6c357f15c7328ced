"""What is matched between runs: candidates, attacks, tests and disparities."""

from dataclasses import replace
from pathlib import Path

from assay.changes.observed import observed
from assay.changes.subject import Subject
from assay.compare.data import unique_names
from assay.compare.followed import followed_metrics, incomparable
from assay.run_folder import RunFolder
from assay.saved_runs import SavedRun
from reports.comparison.html import render_html
from reports.comparison.markdown import render_markdown
from reports.model import CandidateResult
from robustness.behaviour.results import BehaviouralResult
from robustness.estimate import Estimate
from tests.assay.compare.runs import compared, saved, standings
from tests.reports.behaviour_example import behaviours
from tests.reports.example import example_report
from tests.reports.fairness_example import fairness_report


def test_the_worst_case_is_followed_only_where_there_is_more_than_one_attack() -> None:
    report = example_report()
    one = report.candidates[0]
    bounded = [each for each in one.robustness.attacks if each.bounded]
    for n, followed in ((1, False), (2, True)):
        few = replace(one, robustness=replace(one.robustness, attacks=bounded[:n]))
        metrics = [each.subject.metric for each in followed_metrics(report, [few, few])]
        assert ("worst_case_accuracy" in metrics) == followed


def test_only_candidates_of_one_name_or_the_only_ones_are_compared() -> None:
    report = example_report()
    renamed = replace(report, candidates=[replace(report.candidates[0], name="new"), report.candidates[1]])
    both = compared(saved(report, renamed))
    assert [each.names for each in both.candidates] == [["fgsm-trained", "fgsm-trained"]]
    assert both.alone == {"run0": ["plain"], "run1": ["new"]}
    singles = [replace(each, candidates=each.candidates[:1]) for each in (report, renamed)]
    only = compared(saved(*singles))
    assert [each.names for each in only.candidates] == [["plain", "new"]]
    assert only.alone == {}
    assert "It is plain in run0, new in run1." in render_html(only)


def test_no_candidate_in_common_leaves_two_lists_and_no_test() -> None:
    report = example_report()
    other = replace(report, candidates=[replace(each, name=f"new {each.name}") for each in report.candidates])
    made = compared(saved(report, other))
    assert made.candidates == []
    assert made.tests == 0
    assert "Only in run1, and not compared: new plain, new fgsm-trained." in render_markdown(made)


def test_the_worst_case_over_other_attacks_is_not_compared() -> None:
    report = example_report()
    fewer = replace(
        report,
        candidates=[
            replace(each, robustness=replace(each.robustness, attacks=each.robustness.attacks[1:]))
            for each in report.candidates
        ],
    )
    worst_case = Subject("worst_case_accuracy")
    assert standings(compared(saved(report, report), 1e-6))["worst_case_accuracy"] == "lower"
    made = compared(saved(report, fewer), 1e-6)
    assert standings(made)["worst_case_accuracy"] is None
    (worst,) = [each for each in made.candidates[0].measures if each.metric == "worst_case_accuracy"]
    assert worst.differences[0] is not None
    assert worst.differences[0].change.reason == "the runs did not run the same attacks"
    there = [observed(worst_case, made.runs[i].report.candidates[0]) for i in (0, 1)]
    assert worst.observed == there


def test_an_attack_that_shortens_texts_measures_no_accuracy_to_follow() -> None:
    report = example_report()
    one = report.candidates[0]
    bounded, *_ = one.robustness.attacks
    shortening = replace(
        bounded,
        name="input_reduction",
        bounded=False,
        minimal_norm=None,
        threat_model=replace(bounded.threat_model, norm=None, epsilon=None),
    )
    both = replace(one, robustness=replace(one.robustness, attacks=[bounded, shortening]))
    attacks = [each.subject.attack for each in followed_metrics(report, [both, both]) if each.subject.attack]
    assert attacks == [bounded.name]


def test_an_attack_without_a_budget_is_no_part_of_the_worst_case() -> None:
    report = example_report()
    with_norms, without = (
        [
            replace(each, robustness=replace(each.robustness, attacks=attacks))
            for each in report.candidates
            for bounded in [each.robustness.attacks[:3]]
            for attacks in [[*bounded, replace(bounded[0], name="fmn", bounded=False)] if more else bounded]
        ]
        for more in (True, False)
    )
    for pair in ((with_norms, without), (without, with_norms)):
        made = compared(saved(*(replace(report, candidates=each) for each in pair)), 1e-6)
        assert standings(made)["worst_case_accuracy"] == "lower"


def test_a_behavioural_test_with_other_settings_and_other_swaps_are_not_compared() -> None:
    report = example_report()
    tests = behaviours("plain", 640, {})[-1:]
    harsher = [replace(each, params={**each.params, "tolerance": 0.5}) for each in tests]

    def run(found: list[BehaviouralResult], swaps: object) -> tuple[SavedRun, CandidateResult]:
        about = replace(report.provenance, config={"counterfactual": swaps})
        result = report.candidates[0]
        return (
            saved(replace(report, provenance=about))[0],
            replace(result, robustness=replace(result.robustness, behaviours=found)),
        )

    flips = Subject("flip_rate")
    first, other = run(tests, {"axes": ["gender"]}), run(harsher, None)
    assert incomparable(flips, run([], {"axes": ["gender"]}), first) is None
    assert incomparable(flips, run([], {"axes": ["religion"]}), first) == "other identities were swapped"

    def followed(*there: CandidateResult) -> dict[str, list[str | None]]:
        """{its failure rates: why each candidate has none}"""
        return {
            each.label: [observed(each.subject, one).reason for one in there]
            for each in followed_metrics(report, there)
            if each.topic == "behaviour"
        }

    assert followed(first[1], run(tests, None)[1]) == {"Failure rate of negation": [None, None]}
    nothing = "negation was not run with these parameters"
    assert followed(first[1], other[1]) == {
        "Failure rate of negation (tolerance 0.01)": [None, nothing],
        "Failure rate of negation (tolerance 0.5)": [nothing, None],
    }


def test_rates_of_another_label_are_not_compared() -> None:
    report = fairness_report()
    other = replace(
        report,
        candidates=[
            replace(each, fairness=each.fairness and replace(each.fairness, positive_label="negative"))
            for each in report.candidates
        ],
    )
    assert report.candidates[0].fairness is not None
    assert report.candidates[0].fairness.positive_label != "negative"
    assert standings(compared(saved(report, report), 1e-6))["equalized_odds_difference"] == "lower"
    assert standings(compared(saved(report, other), 1e-6))["equalized_odds_difference"] is None


def test_attacks_of_one_name_with_other_parameters_are_two_rows_with_two_names() -> None:
    report = example_report()
    candidate = report.candidates[0]
    (pgd, *_) = [each for each in candidate.robustness.attacks if each.name == "pgd"]
    slower = replace(pgd, params={**pgd.params, "steps": 50})
    other = replace(candidate, robustness=replace(candidate.robustness, attacks=[slower]))
    labels = [
        each.label for each in followed_metrics(report, [candidate, other]) if each.subject.attack == "pgd"
    ]
    assert len(labels) == len(set(labels)) == 4
    assert any("steps 50" in label for label in labels)


def test_the_largest_disparities_do_not_depend_on_the_order_of_the_runs() -> None:
    report = fairness_report()
    one, two = report.candidates[0], report.candidates[3]
    there = {each.subject.metric for each in followed_metrics(report, [one, two]) if each.topic == "groups"}
    back = {each.subject.metric for each in followed_metrics(report, [two, one]) if each.topic == "groups"}
    assert there == back
    by_grouping: dict[str, int] = {}
    for each in followed_metrics(report, [one, two]):
        if each.subject.group is not None:
            by_grouping[each.subject.group] = by_grouping.get(each.subject.group, 0) + 1
    assert set(by_grouping) == {"domain", "mentions", "identity", "domain & mentions"}
    assert set(by_grouping.values()) == {3}


def test_what_was_measured_nowhere_has_no_row() -> None:
    report = example_report()
    clean = replace(report.candidates[0].robustness.clean, roc_auc=Estimate.undefined("labels only"))
    bare = [replace(each, robustness=replace(each.robustness, clean=clean)) for each in report.candidates[:1]]
    without = replace(report, candidates=bare)
    assert "roc_auc" not in standings(compared(saved(without, without)))
    assert "roc_auc" in standings(compared(saved(without, replace(report, candidates=report.candidates[:1]))))


def test_five_runs_are_compared_with_the_first_alone() -> None:
    report = example_report()
    made = compared(saved(*[report] * 5))
    assert [run.name for run in made.runs] == ["run0", "run1", "run2", "run3", "run4"]
    assert {len(measure.differences) for each in made.candidates for measure in each.measures} == {4}


def test_folders_of_one_name_are_told_apart_by_those_above_them() -> None:
    paths = ["/a/x/demo", "/a/y/demo", "/b/y/demo", "/b/other"]
    runs = [SavedRun(RunFolder(Path(path)), example_report()) for path in paths]
    assert unique_names(runs) == ["x/demo", "a/y/demo", "b/y/demo", "other"]
