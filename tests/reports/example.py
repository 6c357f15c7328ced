"""A whole audit made of invented counts: two candidates, six attacks, two group columns, a gate."""

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
    Verdict,
)
from reports.verdict import verdict_of
from robustness.estimate import Estimate, wilson
from robustness.results import (
    AdversarialExample,
    AttackResult,
    Calibration,
    CleanResult,
    CurvePoint,
    EpochRecord,
    EpsilonCurve,
    GroupRobustness,
    ReliabilityBin,
    RobustnessResult,
    ValidityCheck,
    ValidityResult,
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
TOKENS = (1, 3)
FLIPPED = {"plain": (0.6, 0.2), "fgsm-trained": (0.85, 0.55)}
NORMS_FOUND = {"plain": 0.012, "fgsm-trained": 0.041}
CLEAN = {"plain": 0.86, "fgsm-trained": 0.84}
KEPT = {"plain": (0.7, 0.3, 0.02), "fgsm-trained": (0.9, 0.68, 0.25)}


def example_report() -> AuditReport:
    return with_verdict(_example())


def with_verdict(report: AuditReport) -> AuditReport:
    """The report with the verdict that its gate and findings give."""
    names = [each.name for each in report.candidates]
    return replace(report, verdict=verdict_of(names, report.findings, report.gate))


def with_candidates(report: AuditReport, candidates: list[CandidateResult]) -> AuditReport:
    """The report with these candidates, and of gate and findings what is about them or about all."""
    names = {each.name for each in candidates}
    checks = [check for check in report.gate.checks if check.candidate in names]
    gate = replace(report.gate, checks=checks, passed=all(check.passed for check in checks))
    findings = [finding for finding in report.findings if finding.candidate in {None, *names}]
    return with_verdict(replace(report, candidates=candidates, gate=gate, findings=findings))


def _example() -> AuditReport:
    return AuditReport(
        schema_version=2,
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
        verdict=Verdict("ship", "", [], []),
    )


def no_attacks(report: AuditReport) -> AuditReport:
    """The same audit without attacks, behavioural tests, groups, findings and gate."""
    candidates = [
        replace(
            each,
            robustness=RobustnessResult(each.robustness.clean, [], each.robustness.worst_case_accuracy),
            fairness=None,
            training=None,
        )
        for each in report.candidates
    ]
    return with_verdict(
        replace(
            report,
            data=replace(report.data, groups={}, notes=[]),
            candidates=candidates,
            findings=[],
            gate=GateResult(passed=True, checks=[]),
        )
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
    robust = robustness(name)
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
        robustness=robust,
        fairness=fairness(name, robust.attacks),
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
    attacks += [
        flips(name, right, max_tokens=tokens, kept=kept)
        for tokens, kept in zip(TOKENS, FLIPPED[name], strict=True)
    ]
    attacks += [smallest(name, right), towards(name, right)]
    worst = wilson(round(right * KEPT[name][2] * 0.75), N)
    return RobustnessResult(clean, attacks, worst, curves(name, right, attacks), validity(name))


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


def flips(name: str, right: int, *, max_tokens: int, kept: float) -> AttackResult:
    """An attack that changes tokens, with texts."""
    params = {"max_tokens": max_tokens, "beam": 4}
    embedding = attack(name, right, "hotflip", "linf", params, epsilon=0.1, kept=kept)
    del embedding.params["epsilon"], embedding.params["special_tokens"]
    survivors = round(kept * right)
    return replace(
        embedding,
        threat_model=ThreatModel("white-box", "token", None, float(max_tokens)),
        epsilon_absolute=None,
        mean_queries=Estimate(31.5, None, None, right),
        successes=right - survivors,
        examples=texts(),
    )


def texts() -> list[AdversarialExample]:
    long = " ".join(["The acting holds up and the story does not let go."] * 12)
    pairs = [
        (["a warm and funny film"], ["a warm and tapping film"]),
        ([f"{long} I loved it. {long}"], [f"{long} I zoning it. {long}"]),
        (["a film", "that nobody could dislike"], ["a film", "that nobody could Ré dislike"]),
        (["סרט טוב מאוד, very good"], ["סרט רע מאוד, very good"]),
        (["nice 🙂 👍🏽"], ["nice 🙁 👍🏽"]),
    ]
    return [
        AdversarialExample(f"sentences.csv:{i}", "positive", "positive", "negative", original, perturbed)
        for i, (original, perturbed) in enumerate(pairs, start=2)
    ]


def smallest(name: str, right: int) -> AttackResult:
    """An attack that looks for the smallest norm."""
    params = {"norm": "l2_per_token", "steps": 50}
    found = attack(name, right, "fmn", "l2_per_token", params, epsilon=0.1, kept=0.01)
    del found.params["epsilon"]
    norm = NORMS_FOUND[name]
    return replace(
        found,
        threat_model=ThreatModel("white-box", "embedding", "l2_per_token", None),
        epsilon_absolute=None,
        # Of the trained one the upper end lies among the examples that were not turned.
        minimal_norm=Estimate(norm, 0.8 * norm, 1.3 * norm if name == "plain" else None, N),
    )


def towards(name: str, right: int) -> AttackResult:
    """An attack with a target and one budget."""
    found = attack(name, right, "noise", "l2", {"target": "positive"}, epsilon=0.1, kept=0.95)
    return replace(found, threat_model=ThreatModel("none", "embedding", "l2", 0.1, "positive"))


def curves(name: str, right: int, attacks: list[AttackResult]) -> list[EpsilonCurve]:
    """Through the clean accuracy and the attacks that have several budgets, and one of minimal norms."""
    families: dict[str, list[AttackResult]] = {}
    for each in attacks:
        families.setdefault(each.name, []).append(each)
    found = [
        EpsilonCurve(
            attack=key,
            params={k: v for k, v in of[0].params.items() if k not in ("epsilon", "max_tokens")},
            points=[
                CurvePoint(0.0, wilson(right, N)),
                *(CurvePoint(each.threat_model.epsilon or 0.0, each.accuracy_under_attack) for each in of),
            ],
            area=Estimate(0.4, 0.37, 0.43, N) if name == "plain" else Estimate(0.61, 0.58, 0.64, N),
        )
        for key, of in families.items()
        if len(of) > 1
    ]
    budgets = [i * 0.005 for i in range(21)]
    norms = [CurvePoint(b, wilson(round(right * 0.5 ** (b / NORMS_FOUND[name])), N)) for b in budgets]
    smallest = EpsilonCurve(
        "fmn",
        {"special_tokens": False, "norm": "l2_per_token", "steps": 50},
        norms,
        Estimate(0.14, 0.12, 0.16, N),
    )
    return [*found, smallest]


def validity(name: str) -> ValidityResult:
    """One candidate passes; of the other the checks find that its confidence hides gradients."""
    honest = name == "plain"
    transfer = "no other candidate has the same tokens and embedding size to make adversarial embeddings on"
    shares = {"deterministic": 0, "zero_gradient": 0, "loss_rises": 2, "noise_is_weaker": 1}
    checks = [
        ValidityCheck(key, True, wilson(odd, 100), 0.0 if key == "deterministic" else 0.05, "It holds.")
        for key, odd in shares.items()
    ]
    if not honest:
        checks[1] = ValidityCheck(
            "zero_gradient",
            False,
            wilson(37, 100),
            0.05,
            "The loss has no gradient for many examples: gradient attacks cannot see where to go "
            "(37 of 100).",
        )
    checks += [
        ValidityCheck("more_steps_are_stronger", True, Estimate(-0.05, -0.1, 0.0, 100), 0.0, "It holds."),
        ValidityCheck("more_budget_is_stronger", True, Estimate(-0.2, -0.3, -0.1, 100), 0.0, "It holds."),
        ValidityCheck("no_bound_breaks", True, wilson(0, 100), 0.1, "It holds."),
        ValidityCheck(
            "transfer_is_weaker", None, Estimate.undefined(transfer), None, f"Not checked: {transfer}."
        ),
    ]
    difference = Estimate(0.01, -0.02, 0.04, 100) if honest else Estimate(0.3, 0.2, 0.4, 100)
    checks.append(
        ValidityCheck(
            "confidence_hides_nothing",
            honest,
            difference,
            0.0,
            "It holds."
            if honest
            else "PGD is stronger on the calibrated model (temperature 38.2, fitted to 400 validation "
            "examples): confidence hides gradients from the attack.",
        )
    )
    return ValidityResult(
        n=100,
        norm="linf",
        epsilon=0.03,
        checks=checks,
        calibration=Calibration(
            temperature=1.31 if honest else 38.2,
            n_fit=400,
            held_out="validation examples",
            as_is=wilson(30 if honest else 80, 100),
            calibrated=wilson(29 if honest else 50, 100),
            difference=difference,
        ),
    )


def fairness(name: str, attacks: list[AttackResult]) -> FairnessResult:
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
                each.name,
                each.params,
                columns(each.accuracy_under_attack.value or 0.0),
            )
            for each in attacks
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
