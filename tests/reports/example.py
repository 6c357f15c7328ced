"""A whole audit made of invented counts: two candidates, three attacks, two group columns, a gate."""

from dataclasses import replace
from typing import Any

from attacks.threat_model import Norm, ThreatModel
from fairness.results import FairnessResult, FairnessUnderAttack, GroupAssessment, GroupMetrics
from reports.model import (
    AuditReport,
    CandidateResult,
    DataSummary,
    Finding,
    GateCheck,
    GateResult,
    ModelInfo,
    Provenance,
    TrainingSummary,
)
from robustness.estimate import Estimate, wilson
from robustness.results import (
    AttackResult,
    CleanResult,
    EpochRecord,
    GroupRobustness,
    ReliabilityBin,
    RobustnessResult,
)

N = 640
GROUPS = {
    "domain": {"editorials": 180, "movie reviews": 220, "product reviews": 160, "tweets": 80},
    "mentions": {"both": 12, "men": 110, "neither": 428, "women": 90},
}
LABELS = ("negative", "positive")
EPSILONS = (0.01, 0.03, 0.1)
ATTACKS: tuple[tuple[str, Norm, dict[str, Any]], ...] = (
    ("fgsm", "linf", {}),
    ("fgm", "l2", {}),
    ("pgd", "linf", {"norm": "linf", "steps": 10, "step_size": 0.25}),
)
CLEAN = {"plain": 0.86, "fgsm-trained": 0.84}
KEPT = {"plain": (0.7, 0.3, 0.02), "fgsm-trained": (0.9, 0.68, 0.25)}


def example_report() -> AuditReport:
    return AuditReport(
        schema_version=1,
        provenance=Provenance(
            started="2026-02-03T10:15:00Z",
            seconds=241.7,
            seed=7,
            confidence=0.9,
            device="cpu",
            versions={"assay": "0.1.0", "torch": "2.13.0", "transformers": "4.57.6"},
            data_sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
            config={
                "data": {"path": "sentences.csv", "text": "text", "groups": list(GROUPS)},
                "attacks": [{"name": "fgsm", "epsilon": list(EPSILONS)}],
            },
        ),
        data=DataSummary(
            name="vader sentences",
            n=N,
            label_counts={"negative": 290, "positive": 350},
            groups=GROUPS,
            notes=["Sentences whose mean rating is below 0.5 either way were left out.", "A sample of 640."],
        ),
        candidates=[candidate("plain"), candidate("fgsm-trained")],
        findings=[
            Finding(
                "robustness.drop",
                "critical",
                "plain",
                "accuracy_under_attack",
                "fgsm at epsilon 0.03",
                wilson(165, N),
                None,
                "Accuracy falls from 85.9 % to 25.8 % under fgsm at epsilon 0.03.",
            ),
            Finding(
                "fairness.disparity",
                "warning",
                "fgsm-trained",
                "equalized_odds_difference",
                "domain",
                Estimate(0.16, 0.07, 0.25, N),
                0.1,
                "True positive rates differ by 16.0 points between editorials and tweets.",
            ),
            Finding(
                "fairness.small_group", "info", None, "n", "mentions", None, None, "1 group is too small."
            ),
        ],
        gate=GateResult(
            passed=False,
            checks=[
                GateCheck(
                    "accuracy under fgsm 0.03, plain",
                    "accuracy_under_attack",
                    "plain",
                    wilson(165, N),
                    0.6,
                    None,
                    False,
                    "25.8 % is below 60.0 %",
                ),
                GateCheck(
                    "accuracy under fgsm 0.03, fgsm-trained",
                    "accuracy_under_attack",
                    "fgsm-trained",
                    wilson(400, N),
                    0.6,
                    None,
                    True,
                    "62.5 % is at least 60.0 %",
                ),
                GateCheck(
                    "demographic parity by mentions",
                    "demographic_parity_difference",
                    "plain",
                    Estimate.undefined("only one group is large enough"),
                    None,
                    0.1,
                    False,
                    "it was not measured",
                ),
            ],
        ),
    )


def no_attacks(report: AuditReport) -> AuditReport:
    """The same audit without attacks, groups, findings and gate."""
    candidates = [
        replace(each, robustness=replace(each.robustness, attacks=[]), fairness=None, training=None)
        for each in report.candidates
    ]
    return replace(
        report,
        data=replace(report.data, groups={}, notes=[]),
        candidates=candidates,
        findings=[],
        gate=GateResult(passed=True, checks=[]),
    )


def candidate(name: str) -> CandidateResult:
    epochs = [
        EpochRecord(
            epoch=i,
            loss=0.9 / i,
            validation_accuracy=0.8 + 0.01 * i,
            validation_loss=0.5 / i,
            validation_accuracy_under_attack=0.5 + 0.02 * i if name == "fgsm-trained" else None,
            epsilon=0.01 * i if name == "fgsm-trained" else None,
            seconds=30.0,
        )
        for i in (1, 2, 3)
    ]
    return CandidateResult(
        name=name,
        model=ModelInfo(f"trained from MiniLM ({name})", "ab" * 32, 22_713_216, list(LABELS)),
        training=TrainingSummary(
            objective="fgsm" if name == "fgsm-trained" else "standard",
            params={"epsilon": 0.03} if name == "fgsm-trained" else {},
            epochs=3,
            best_epoch=2,
            n_train=4000,
            n_validation=400,
            collapsed=False,
            history=epochs,
            seconds=92.4,
        ),
        robustness=robustness(name),
        fairness=fairness(name),
    )


def robustness(name: str) -> RobustnessResult:
    right = round(CLEAN[name] * N)
    rates = {"precision": 0.85, "recall": 0.84, "f1-score": 0.845, "support": 290.0}
    bins = [
        ReliabilityBin(i / 10, (i + 1) / 10, 0, None, None)
        if i < 5
        else ReliabilityBin(
            i / 10,
            (i + 1) / 10,
            60 + i,
            i / 10 + 0.05,
            i / 10 + (0.06 if name == "plain" else 0.02) - 0.02 * (i - 4),
        )
        for i in range(10)
    ]
    clean = CleanResult(
        accuracy=wilson(right, N),
        macro_f1=Estimate(CLEAN[name] - 0.01, CLEAN[name] - 0.04, CLEAN[name] + 0.02, N),
        roc_auc=Estimate(0.93, 0.91, 0.95, N),
        expected_calibration_error=Estimate(0.041, 0.022, 0.063, N),
        classification_report={
            "negative": rates,
            "positive": rates | {"support": 350.0},
            "accuracy": CLEAN[name],
            "macro avg": rates | {"support": 640.0},
            "weighted avg": rates | {"support": 640.0},
        },
        confusion_matrix=[[245, 45], [350 - (right - 245), right - 245]],
        reliability=bins,
        truncated=3,
    )
    attacks = [
        attack(name, right, *each, epsilon=epsilon, kept=kept)
        for each in ATTACKS
        for epsilon, kept in zip(EPSILONS, KEPT[name], strict=True)
    ]
    return RobustnessResult(clean, attacks, wilson(round(right * KEPT[name][2] * 0.75), N))


def attack(
    name: str, right: int, attack: str, norm: Norm, params: dict[str, Any], *, epsilon: float, kept: float
) -> AttackResult:
    share = kept * (0.8 if attack == "pgd" else 1.0)
    survivors = round(share * right)

    def group(n: int, shift: float) -> GroupRobustness:
        correct = round(CLEAN[name] * n)
        left = round(max(0.0, share + shift) * correct)
        return GroupRobustness(n, wilson(left, n), wilson(correct - left, correct))

    return AttackResult(
        name=attack,
        params={"epsilon": epsilon, "special_tokens": False, **params},
        threat_model=ThreatModel("white-box", "embedding", norm, epsilon),
        epsilon_absolute=epsilon * (0.056 if norm == "linf" else 1.07),
        n=N,
        skipped=N - right,
        accuracy_under_attack=wilson(survivors, N),
        attack_success_rate=wilson(right - survivors, right),
        mean_queries=Estimate.exact(11.0 if attack == "pgd" else 2.0, right),
        seconds=14.2 if attack == "pgd" else 2.3,
        by_group={
            column: {value: group(n, -0.05 * i) for i, (value, n) in enumerate(values.items())}
            for column, values in GROUPS.items()
        },
    )


def fairness(name: str) -> FairnessResult:
    def assessment(values: dict[str, int], rate: float, enough: bool) -> GroupAssessment:
        return GroupAssessment(
            by_group={
                value: group_metrics(n, max(0.0, rate - 0.03 * i))
                for i, (value, n) in enumerate(values.items())
            },
            disparities={
                "accuracy_difference": Estimate(0.09, 0.0, 0.19, N),
                "demographic_parity_difference": Estimate(0.12, 0.02, 0.23, N),
                "demographic_parity_ratio": Estimate(0.78, 0.62, 0.96, N),
                "equalized_odds_difference": Estimate(0.16, 0.07, 0.25, N),
                "equal_opportunity_difference": Estimate(0.0, 0.0, 0.12, N)
                if enough
                else Estimate.undefined("1 of the 4 groups large enough to judge has a true positive rate"),
            },
        )

    def columns(rate: float) -> dict[str, GroupAssessment]:
        return {column: assessment(values, rate, column == "domain") for column, values in GROUPS.items()}

    return FairnessResult(
        positive_label="positive",
        min_group_size=30,
        groups=columns(CLEAN[name]),
        under_attack=[
            FairnessUnderAttack(
                attack,
                {"epsilon": epsilon, "special_tokens": False, **params},
                columns(CLEAN[name] * kept),
            )
            for attack, _, params in ATTACKS
            for epsilon, kept in zip(EPSILONS, KEPT[name], strict=True)
        ],
    )


def group_metrics(n: int, rate: float) -> GroupMetrics:
    half = n // 2
    right = round(rate * half)
    small = n < 30
    return GroupMetrics(
        n=n,
        n_by_label={"negative": n - half, "positive": half},
        small=small,
        metrics={
            "accuracy": wilson(round(rate * n), n),
            "selection_rate": wilson(round(0.5 * n), n),
            "tpr": Estimate.undefined('no example of the group is labelled "positive"')
            if small
            else wilson(right, half),
            "fpr": wilson(round(0.2 * (n - half)), n - half),
            "fnr": wilson(half - right, half),
            "f1": Estimate(0.83, 0.78, 0.88, n),
        },
    )
