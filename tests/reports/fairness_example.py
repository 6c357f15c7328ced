"""The example audit with everything that a fairness assessment can find, and three mitigated candidates."""

from dataclasses import replace

from fairness.results import (
    BiasAUC,
    DisparityTest,
    FairnessResult,
    GroupAssessment,
    SubgroupAUC,
    WorstGroup,
)
from reports.model import AuditReport, CandidateResult, MitigationSummary, ModelInfo
from reports.naming import PREDICTIONS
from robustness.estimate import Estimate, wilson
from robustness.results import RobustnessResult
from tests.reports.example import GROUPS, N, example_report, group_metrics, with_candidates

LABEL_COUNTS = (290, 350)

IDENTITIES = {"black": 90, "jewish": 45, "muslim": 12}
CROSSED = {"editorials & men": 60, "editorials & women": 44, "tweets & men": 8}


def fairness_report() -> AuditReport:
    """``plain``, and what three methods made of it: one beats it, one trades, one is worse in everything."""
    report = example_report()
    first = assessed(report.candidates[0], odds=0.2)
    better = mitigated(first, "threshold_optimizer", odds=0.05, right=540)
    traded = mitigated(first, "reweighing", odds=0.02, right=470)
    worse = mitigated(first, "leace", odds=0.3, right=450)
    return with_candidates(report, [first, better, traded, worse])


def predictions_report() -> AuditReport:
    """What ``assay fairness`` makes: one candidate without a model, attacks or a gate."""
    report = fairness_report()
    (first, *_) = report.candidates
    assert first.fairness is not None
    alone = replace(
        first,
        name="answers",
        model=ModelInfo(f"{PREDICTIONS}answers.csv", "cd" * 32, None, ["negative", "positive"]),
        training=None,
        robustness=RobustnessResult(first.robustness.clean, [], Estimate.undefined("no model")),
        fairness=replace(first.fairness, under_attack=[]),
    )
    return with_candidates(replace(report, findings=[]), [alone])


def mitigated(of: CandidateResult, method: str, *, odds: float, right: int) -> CandidateResult:
    done = MitigationSummary(
        method=method,
        stage="predictions",
        group="domain",
        params={"constraint": "equalized_odds"},
        base=of.name,
        notes=["12 thresholds were chosen on 400 validation examples."],
        seconds=3.2,
    )
    (negative, positive), wrong = LABEL_COUNTS, N - right
    matrix = [[negative - wrong // 2, wrong // 2], [wrong - wrong // 2, positive - (wrong - wrong // 2)]]
    clean = replace(of.robustness.clean, accuracy=wilson(right, N), confusion_matrix=matrix)
    changed = replace(of, name=method, training=None, mitigation=done)
    return assessed(replace(changed, robustness=replace(of.robustness, clean=clean)), odds=odds)


def assessed(of: CandidateResult, *, odds: float) -> CandidateResult:
    """The candidate with a column that has everything, overlapping groups and an intersection."""
    assert of.fairness is not None
    groups = {
        "domain": full(of.fairness.groups["domain"], odds),
        "mentions": of.fairness.groups["mentions"],
        "identity": replace(grouping(IDENTITIES, odds / 2), kind="overlapping", bias={"positive": bias()}),
        "domain & mentions": replace(grouping(CROSSED, odds), kind="intersection"),
    }
    fairness: FairnessResult = replace(of.fairness, groups=groups)
    return replace(of, fairness=fairness)


def full(of: GroupAssessment, odds: float) -> GroupAssessment:
    return replace(grouping(GROUPS["domain"], odds), by_group=of.by_group)


def grouping(values: dict[str, int], odds: float) -> GroupAssessment:
    first, *_, last = values
    disparities = {
        "accuracy_difference": Estimate(0.06, 0.0, 0.13, N),
        "demographic_parity_difference": Estimate(0.12, 0.02, 0.23, N),
        "demographic_parity_ratio": Estimate(0.62, 0.51, 0.74, N),
        "equalized_odds_difference": Estimate(odds, max(0.0, odds - 0.04), odds + 0.04, N),
        "equalized_odds_ratio": Estimate(0.7, 0.5, 0.9, N),
        "false_positive_equality_difference": Estimate(1.2, 0.8, 1.5, N),
        "log_loss_difference": Estimate(0.31, 0.1, 0.5, N),
    }
    return GroupAssessment(
        by_group={
            value: group_metrics(n, 0.9 / (1 + 0.03 * i)) for i, (value, n) in enumerate(values.items())
        },
        disparities=disparities,
        tests={
            "accuracy_difference": DisparityTest(
                0.21, 0.3, "undecided", "accuracy", last, first, examples_needed=12_345
            ),
            "demographic_parity_difference": DisparityTest(
                0.03, 0.08, "suggestive", "selection_rate", last, first, examples_needed=1_210
            ),
            "equalized_odds_difference": DisparityTest(
                0.00005, 0.0002, "established", "fpr", first, last, examples_needed=None
            ),
        },
        worst={"accuracy": WorstGroup(last, values[last], wilson(60, values[last] + 60))},
        four_fifths={"demographic_parity_ratio": "violated"},
    )


def bias() -> BiasAUC:
    area = Estimate(0.83, 0.8, 0.86, N)
    return BiasAUC(
        power=-5.0,
        overall_auc=Estimate(0.91, 0.9, 0.92, N),
        mean_subgroup_auc=area,
        mean_bpsn_auc=Estimate(0.71, 0.68, 0.74, N),
        mean_bnsp_auc=area,
        bias_score=Estimate(0.82, 0.8, 0.84, N),
        by_group={
            group: SubgroupAUC(
                n=n,
                small=n < 30,
                subgroup_auc=area,
                bpsn_auc=area,
                bnsp_auc=Estimate.undefined("no example of the group is positive") if n < 30 else area,
                positive_aeg=Estimate(0.04, -0.01, 0.09, n),
                negative_aeg=Estimate(-0.12, -0.2, -0.04, n),
            )
            for group, n in IDENTITIES.items()
        },
    )
