"""What an audit advises, and which five findings it names for it."""

from dataclasses import replace
from itertools import product

import pytest

from reports.decisions import Recommendation
from reports.definitions import terms_in
from reports.html import render_html
from reports.markdown import render_markdown
from reports.model import Finding, GateCheck, GateResult, Severity
from reports.verdict import FAILED, REASONS, verdict_of
from robustness.estimate import Estimate
from tests.reports.example import example_report, with_verdict


def finding(
    kind: str,
    severity: Severity = "warning",
    candidate: str | None = "plain",
    value: float | None = None,
    limit: float | None = None,
    subject: str = "",
) -> Finding:
    observed = None if value is None else Estimate.exact(value, 100)
    return Finding(kind, severity, candidate, "m", subject, observed, limit, f"{kind} {subject}.")


def check(name: str, passed: bool, candidate: str = "plain") -> GateCheck:
    observed = Estimate(0.5, 0.4, 0.6, 100)
    return GateCheck(
        name, "accuracy", candidate, observed, 0.6, None, passed, "50.0 % is below 60.0 %", max_drop=None
    )


def gate(*checks: GateCheck) -> GateResult:
    return GateResult(all(each.passed for each in checks), list(checks))


SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")


@pytest.mark.parametrize(
    ("results", "severities"),
    list(
        product(
            [(), (True,), (True, True), (True, False), (False,)],
            [(), ("info",), ("warning",), ("critical",), ("critical", "warning")],
        )
    ),
)
def test_do_not_ship_is_said_exactly_where_a_check_failed(
    results: tuple[bool, ...], severities: tuple[Severity, ...]
) -> None:
    checks = [check(str(i), passed) for i, passed in enumerate(results)]
    findings = [finding(f"fairness.{severity}", severity) for severity in severities]
    verdict = verdict_of(["plain"], findings, gate(*checks))
    assert (verdict.state == "do not ship") == (False in results)
    # "ship" needs checks that hold, and nothing that is worth a warning.
    clean = all(severity == "info" for severity in severities)
    assert (verdict.state == "ship") == (bool(results) and all(results) and clean)


@pytest.mark.parametrize(
    ("checks", "severities", "state", "reason"),
    [
        ([], [], "ship with care", "No check was set, so nothing could fail."),
        (
            [],
            ["warning", "critical", "info"],
            "ship with care",
            "No check was set, so nothing could fail. The audit has 1 critical finding and 1 warning.",
        ),
        ([True], [], "ship", "The one check of the gate holds."),
        ([True] * 2, ["warning"], "ship with care", "Both checks of the gate hold, but with 1 warning."),
        ([True] * 3, ["info"], "ship", "All 3 checks of the gate hold."),
        ([False, True, False], ["critical"], "do not ship", "2 of 3 checks of the gate do not hold."),
    ],
)
def test_the_reason_is_one_plain_sentence_with_its_numbers(
    checks: list[bool], severities: list[Severity], state: Recommendation, reason: str
) -> None:
    made = gate(*(check(str(i), passed) for i, passed in enumerate(checks)))
    verdict = verdict_of(["plain"], [finding("data.x", each) for each in severities], made)
    assert (verdict.state, verdict.reason) == (state, reason)


def test_each_candidate_is_judged_by_its_own_checks_and_findings_and_by_those_about_all() -> None:
    made = gate(check("a", True, "plain"), check("b", False, "hard"))
    findings = [finding("robustness.drop", candidate="plain"), finding("data.truncated", "info", None)]
    found = {each.candidate: each for each in verdict_of(["plain", "hard", "new"], findings, made).candidates}
    assert {name: each.state for name, each in found.items()} == {
        "plain": "ship with care",
        "hard": "do not ship",
        "new": "ship with care",
    }
    assert found["plain"].reason == "The one check of the gate holds, but with 1 warning."
    assert found["new"].reason == "No check was set, so nothing could fail."


def test_a_failed_check_leads_and_says_what_it_found() -> None:
    made = gate(check("accuracy, plain", False), check("b", True))
    first, second = verdict_of(["plain"], [finding("training.collapse", "critical")], made).because
    assert (first.id, first.severity, first.metric, first.limit) == (FAILED, "critical", "accuracy", 0.6)
    assert first.observed == Estimate(0.5, 0.4, 0.6, 100)
    assert first.message == "The check “accuracy, plain” failed: 50.0 % is below 60.0 %."
    assert second.id == "training.collapse"


def test_five_of_a_kind_do_not_crowd_out_the_others() -> None:
    many = [finding("comparison.worse", candidate=f"c{i}") for i in range(8)]
    others = [finding("fairness.disparity"), finding("robustness.drop"), finding("counterfactual.flip")]
    because = verdict_of(["plain"], many + others, gate()).because
    assert [each.id for each in because] == [
        "robustness.drop",
        "fairness.disparity",
        "counterfactual.flip",
        "comparison.worse",
        "comparison.worse",
    ]


def test_failed_checks_come_first_and_findings_fill_what_they_leave() -> None:
    made = gate(*(check(str(i), False) for i in range(9)))
    findings = [finding("robustness.drop", "critical")] * 4
    for found in ([], findings):
        assert [each.id for each in verdict_of(["plain"], found, made).because] == [FAILED] * REASONS
    few = gate(*(check(str(i), False) for i in range(4)), check("holds", True))
    assert [each.id for each in verdict_of(["plain"], findings, few).because] == [
        *[FAILED] * 4,
        "robustness.drop",
    ]


def test_of_many_failed_checks_those_of_different_subjects_are_told() -> None:
    under = [
        replace(check(f"accuracy_under_attack under fgsm {i}", False, who), metric="accuracy_under_attack")
        for i in range(4)
        for who in ("a", "b")
    ]
    others = [replace(check(metric, False, "b"), metric=metric) for metric in ("macro_f1", "roc_auc")]
    because = verdict_of(["a", "b"], [], gate(*under, *others)).because
    assert {"macro_f1", "roc_auc"} < {each.metric for each in because}
    assert len({each.subject for each in because}) == REASONS


@pytest.mark.parametrize(
    ("name", "metric", "words"),
    [
        ("accuracy_under_attack under fgsm at epsilon 0.03", None, "accuracy under fgsm at epsilon 0.03"),
        ("tpr[hate] of gender = woman", "tpr[hate]", "true positive rate (hate) of gender = woman"),
        ("worst_case_accuracy", None, "worst case accuracy"),
        ("named by hand", "tpr", "named by hand"),
    ],
)
def test_a_failed_check_is_named_in_words(name: str, metric: str | None, words: str) -> None:
    failed = replace(check(name, False), metric=metric or name.split()[0])
    (first,) = verdict_of(["plain"], [], gate(failed)).because
    assert first.message.startswith(f"The check “{words}” failed: ")
    assert first.subject == name


def test_what_is_critical_goes_before_every_warning_and_information_is_no_reason() -> None:
    findings = [
        finding("robustness.drop"),
        finding("fairness.disparity"),
        finding("data.truncated", "info"),
        finding("training.collapse", "critical", "a"),
        finding("training.collapse", "critical", "b"),
        finding("training.collapse", "critical", "c"),
    ]
    ids = [each.id for each in verdict_of(["a"], findings, gate()).because]
    # The third of a kind waits for those of other kinds; what is shown is in the order of gravity.
    assert ids == ["training.collapse"] * 3 + ["robustness.drop", "fairness.disparity"]


def test_among_findings_of_a_kind_the_largest_effect_is_named() -> None:
    drops = [
        finding("robustness.drop", candidate="mild", value=0.5, limit=0.55),
        finding("robustness.drop", candidate="grave", value=0.1, limit=0.55),
        finding("robustness.drop", candidate="none"),
    ]
    first, *_ = verdict_of(["mild", "grave"], drops, gate()).because
    assert first.candidate == "grave"


def test_the_second_of_a_kind_is_about_another_candidate() -> None:
    findings = [
        finding("fairness.disparity", candidate="a", value=0.9, limit=0.1),
        finding("fairness.disparity", candidate="a", value=0.8, limit=0.1, subject="second"),
        finding("fairness.disparity", candidate="b", value=0.2, limit=0.1),
    ]
    first, second, third = verdict_of(["a", "b"], findings, gate()).because
    assert [first.candidate, second.candidate, third.candidate] == ["a", "b", "a"]


def test_words_that_not_everybody_knows_are_explained_below_the_findings_that_use_them() -> None:
    used = [
        "Loses 41.7 points of accuracy under hotflip with at most 1 changed token.",
        "It is 2.0 points less accurate under fgsm (L∞) at epsilon 0.1 than plain.",
        "The groups of domain differ by 34.4 points in demographic parity.",
    ]
    terms = [term for term, _ in terms_in(used)]
    assert terms == ["epsilon", "L∞, L2", "fgsm, fgm", "hotflip", "demographic parity"]
    assert terms_in(["3 of 1,000 texts were truncated."]) == []


def test_the_first_section_and_the_summary_explain_the_words_of_their_findings() -> None:
    report = example_report()
    heads = {render_html(report): "What these words mean", render_markdown(report): "Words used above:"}
    for shown, words in heads.items():
        assert words in shown
        assert "relative to their usual size" in shown
    quiet = with_verdict(replace(report, findings=[], gate=GateResult(passed=True, checks=[])))
    assert "Words used above:" not in render_markdown(quiet)
