"""What is told of one candidate's groups: what is established as such, and the rest with its doubt."""

from dataclasses import replace

import pytest

from assay.fairness_findings import fairness_findings
from fairness.results import (
    BiasAUC,
    DisparityTest,
    FairnessResult,
    GroupAssessment,
    GroupingKind,
    Status,
    SubgroupAUC,
)
from reports.model import CandidateResult, Finding
from reports.naming import texts_of
from robustness.estimate import Estimate
from tests.reports.example import candidate

METRIC = "equalized_odds_difference"


def disparity(value: float = 0.2, low: float = 0.05) -> Estimate:
    return Estimate(value, low, value + 0.1, 640)


def judged(status: Status, needed: int | None = None) -> DisparityTest:
    return DisparityTest(0.01, 0.02, status, "tpr", "rural", "urban", needed)


def domain(
    disparities: dict[str, Estimate] | None = None,
    tests: dict[str, DisparityTest] | None = None,
    **others: object,
) -> GroupAssessment:
    whole = candidate("plain").fairness
    assert whole is not None
    found: GroupAssessment = replace(
        whole.groups["domain"], disparities=disparities or {}, tests=tests or {}, **others
    )
    return found


def with_groups(**groups: GroupAssessment) -> CandidateResult:
    return replace(candidate("plain"), fairness=FairnessResult("positive", 30, groups))


def found(result: CandidateResult) -> dict[str, Finding]:
    findings = {finding.id: finding for finding in fairness_findings(result)}
    assert all(
        finding.observed is not None and finding.message.endswith(".") for finding in findings.values()
    )
    return findings


def test_an_established_difference_is_a_warning_with_its_groups() -> None:
    finding = found(with_groups(domain=domain({METRIC: disparity()}, {METRIC: judged("established")})))
    told = finding["fairness.disparity"]
    assert told.severity == "warning"
    assert told.message == (
        "The groups of domain differ by 20.0 points (5.0 to 30.0) in equalized odds (highest for texts with "
        "domain = urban, lowest for texts with domain = rural)."
    )


@pytest.mark.parametrize(
    ("status", "words"),
    [("suggestive", "but not among as many as were tested"), ("undecided", "chance alone may have made it")],
)
def test_what_is_not_established_is_no_warning_and_says_what_would_decide_it(
    status: Status, words: str
) -> None:
    result = with_groups(domain=domain({METRIC: disparity(low=0.0)}, {METRIC: judged(status, 12_345)}))
    told = found(result)[f"fairness.disparity_{status}"]
    assert told.severity == "info"
    assert "may differ by 20.0 points" in told.message
    assert words in told.message
    assert told.message.endswith("About 13,000 examples would decide it.")


def test_small_ratios_untested_and_undefined_differences_are_not_told() -> None:
    test = {METRIC: judged("established"), "equalized_odds_ratio": judged("established")}
    assert found(with_groups(domain=domain({METRIC: disparity(0.09)}, test))) == {}
    assert found(with_groups(domain=domain({"equalized_odds_ratio": disparity(0.5)}, test))) == {}
    assert found(with_groups(domain=domain({METRIC: disparity()}))) == {}
    assert found(with_groups(domain=domain({METRIC: Estimate.undefined("one group")}, test))) == {}


def test_several_large_differences_of_a_column_are_one_finding() -> None:
    large = {"accuracy_difference": disparity(0.15), METRIC: disparity(0.3)}
    result = with_groups(domain=domain(large, dict.fromkeys(large, judged("established"))))
    told = found(result)["fairness.disparity"]
    assert (told.metric, told.subject) == (METRIC, "domain")
    assert told.message.endswith("; also in accuracy.")


def test_of_the_intersections_the_worst_is_told() -> None:
    test = {METRIC: judged("established")}
    result = with_groups(
        **{
            "a & b": domain({METRIC: disparity(0.2)}, test, kind="intersection"),
            "a & c": domain({METRIC: disparity(0.4)}, test, kind="intersection"),
        }
    )
    findings = list(fairness_findings(result))
    assert [finding.subject for finding in findings] == ["a & c"]


def test_the_four_fifths_rule_is_told_where_the_whole_interval_is_below() -> None:
    ratio = {"demographic_parity_ratio": Estimate(0.5, 0.4, 0.6, 640)}
    result = with_groups(domain=domain(ratio, four_fifths={"demographic_parity_ratio": "violated"}))
    told = found(result)["fairness.four_fifths"]
    assert "50.0 % (40.0 to 60.0)" in told.message
    assert "“positive”" in told.message
    for verdict in ("held", "undecided"):
        silent = with_groups(domain=domain(ratio, four_fifths={"demographic_parity_ratio": verdict}))
        assert found(silent) == {}


def areas(bpsn: Estimate, *, small: bool = False) -> dict[str, BiasAUC]:
    good = Estimate(0.9, 0.88, 0.92, 500)
    group = SubgroupAUC(100, small, good, bpsn, good, Estimate(0.0, -0.1, 0.1, 100), good)
    return {"positive": BiasAUC(-5, good, good, good, good, good, {"urban": group})}


def test_a_group_whose_scores_rank_worse_is_told_with_the_direction() -> None:
    low = Estimate(0.7, 0.65, 0.75, 300)
    told = found(with_groups(domain=domain(bias=areas(low))))["fairness.auc"]
    assert (told.metric, told.observed) == ("bpsn_auc", low)
    assert told.message == (
        "Of texts with domain = urban, those not labelled “positive” get too high a score for it: it tells "
        "them less well from other texts that are (BPSN AUC 0.700 (0.650 to 0.750); over all texts, the AUC "
        "is 0.900 (0.880 to 0.920))."
    )
    unsure = Estimate(0.7, 0.5, 0.89, 300)
    for silent in (areas(unsure), areas(low, small=True), areas(Estimate.undefined("one class"))):
        assert found(with_groups(domain=domain(bias=silent))) == {}


@pytest.mark.parametrize(
    ("grouping", "group", "kind", "told"),
    [
        ("religion", "1", "column", "texts with religion = 1"),
        ("a & b", "x & y", "column", "texts with a & b = x & y"),
        ("age & gender", "old & man", "intersection", "texts with age = old and gender = man"),
        ("age & gender", "1 & 2 & man", "intersection", "texts with age & gender = 1 & 2 & man"),
        ("identity", "muslim", "overlapping", "texts of the group “muslim”"),
    ],
)
def test_a_group_is_named_with_its_column(grouping: str, group: str, kind: GroupingKind, told: str) -> None:
    """“1” alone says nothing to somebody who did not make the columns."""
    assert texts_of(grouping, group, kind) == told


def test_groups_too_small_to_judge_are_named() -> None:
    whole = candidate("plain").fairness
    assert whole is not None
    told = found(replace(candidate("plain"), fairness=whole))["fairness.small_groups"]
    assert (told.severity, told.subject) == ("info", "mentions")
    assert "both (fewer than 30)" in told.message


def test_without_groups_nothing_is_told() -> None:
    assert found(replace(candidate("plain"), fairness=None)) == {}
