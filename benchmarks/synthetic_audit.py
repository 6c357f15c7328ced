"""A large audit of random outcomes, which the library summarises: rates, curves, disparities, findings."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from assay.fairness_findings import fairness_findings
from attacks.base import Attack
from attacks.registry import build
from attacks.victims import EmbeddingScale
from fairness.assess import AttackedPredictions, assess
from reports.model import AuditReport, CandidateResult, DataSummary, GateResult, ModelInfo, Provenance
from reports.verdict import verdict_of
from robustness.curves import curves
from robustness.dataset import TextDataset
from robustness.metrics import clean_result
from robustness.outcomes import Outcome
from robustness.quality.limits import Limits
from robustness.quality.measured import Quality
from robustness.results import AttackResult, EpsilonCurve, RobustnessResult
from robustness.summarize import attack_result, worst_case_accuracy

CONFIDENCE = 0.95
LABELS = ("negative", "positive")
CANDIDATES = {"baseline": 0.91, "hardened": 0.9, "distilled": 0.88, "quantised": 0.905}
"""{name: accuracy}."""
GROUPS = {"gender": 3, "age band": 6, "country": 12}
SCALE = EmbeddingScale(l2=1.07, linf=0.056)
BUDGETS: tuple[dict[str, Any], ...] = ({"epsilon": 0.01}, {"epsilon": 0.03}, {"epsilon": 0.1})
Family = tuple[str, Sequence[dict[str, Any]]]
FAMILIES: tuple[Family, ...] = (
    ("fgsm", BUDGETS),
    ("fgm", BUDGETS),
    ("pgd", BUDGETS),
    ("mi-fgsm", BUDGETS),
    ("fmn", ({},)),
    ("hotflip", ({"max_tokens": 1}, {"max_tokens": 3})),
    ("homoglyphs", ({"max_injections": 1}, {"max_injections": 3})),
    ("invisible", ({"max_injections": 1}, {"max_injections": 3})),
    ("textattack:pwws", ({},)),
)
"""20 attacks: names, and the parameters of those that differ in their budget alone."""
WORDS = (
    "a",
    "the",
    "film",
    "story",
    "actor",
    "plot",
    "music",
    "scene",
    "warm",
    "dull",
    "funny",
    "slow",
    "kind",
)


def audit_of(
    rows: int,
    candidates: int,
    *,
    families: Sequence[Family] = FAMILIES,
    intersections: int = 1,
    seed: int = 0,
) -> AuditReport:
    """An audit of this many examples and candidates (4 at most), without gate and training."""
    rng = np.random.default_rng(seed)
    dataset = dataset_of(rows, rng)
    results = [
        candidate_of(name, dataset, accuracy, families, intersections, rng)
        for name, accuracy in list(CANDIDATES.items())[:candidates]
    ]
    findings = [finding for result in results for finding in fairness_findings(result)]
    gate = GateResult(passed=True, checks=[])
    return AuditReport(
        schema_version=2,
        provenance=Provenance(
            started="2026-02-03T10:15:00+00:00",
            seconds=3600.0,
            seed=seed,
            confidence=CONFIDENCE,
            device="cpu",
            versions={"assay": "0.1.0"},
            data_sha256=dataset.fingerprint,
            config={"attacks": [{"name": name} for name, _ in families]},
        ),
        data=DataSummary(dataset.name, rows, dataset.label_counts, dataset.group_counts),
        candidates=results,
        findings=findings,
        gate=gate,
        verdict=verdict_of([result.name for result in results], findings, gate),
    )


def dataset_of(rows: int, rng: np.random.Generator) -> TextDataset:
    """Texts of 8 to 30 words, with labels and groups that know nothing of them."""
    words = np.array(WORDS)[rng.integers(0, len(WORDS), (rows, 30))].tolist()
    lengths = rng.integers(8, 31, rows).tolist()
    return TextDataset(
        name="reviews",
        ids=tuple(f"reviews.csv:{i}" for i in range(2, rows + 2)),
        texts=tuple(" ".join(line[:n]) for line, n in zip(words, lengths, strict=True)),
        text_pairs=None,
        labels=rng.integers(0, 2, rows),
        label_names=LABELS,
        groups={
            name: np.array([f"{name} {g + 1}" for g in range(size)])[
                (rng.beta(1, 2, rows) * size).astype(int).clip(0, size - 1)
            ]
            for name, size in GROUPS.items()
        },
        splits=np.array(["test"] * rows),
    )


def candidate_of(
    name: str,
    dataset: TextDataset,
    accuracy: float,
    families: Sequence[Family],
    intersections: int,
    rng: np.random.Generator,
) -> CandidateResult:
    """A candidate that is right this often, summarised as an audit does."""
    n = len(dataset)
    wrong = rng.random(n) >= accuracy
    answers = np.where(wrong, 1 - dataset.labels, dataset.labels)
    sure = np.where(wrong, rng.beta(3, 2, n), rng.beta(6, 1.5, n)) / 2 + 0.5
    columns = zip(dataset.ids, dataset.labels.tolist(), answers.tolist(), sure.tolist(), strict=True)
    clean = [
        Outcome(key, label, answer, (1 - p, p) if answer else (p, 1 - p)) for key, label, answer, p in columns
    ]
    margin = 0.1 * rng.exponential(accuracy, n)
    attacks: list[AttackResult] = []
    found: list[EpsilonCurve] = []
    attacked: list[AttackedPredictions] = []
    # One family at a time: all outcomes of 20 attacks would take a gigabyte.
    for family, members in families:
        made = [build(family, params) for params in members]
        judged = [outcomes_under(attack, dataset, clean, margin, rng) for attack in made]
        found += curves(made, clean, judged, scale=SCALE, confidence=CONFIDENCE)
        for attack, outcomes in zip(made, judged, strict=True):
            attacks.append(summary(attack, dataset, clean, outcomes, rng))
            attacked.append(
                AttackedPredictions(attack.name, attack.params(), answers_of(outcomes), scores_of(outcomes))
            )
    fooled = np.any([each.y_pred != dataset.labels for each in attacked], axis=0)
    worst = [
        Outcome(each.example_id, each.label, 1 - each.label if lost else each.label, each.probabilities)
        for each, lost in zip(clean, fooled.tolist(), strict=True)
    ]
    return CandidateResult(
        name=name,
        model=ModelInfo(f"models/{name}", "ab" * 32, 22_713_216, list(LABELS)),
        training=None,
        robustness=RobustnessResult(
            clean_result(clean, LABELS, confidence=CONFIDENCE, n_boot=1000, seed=0),
            attacks,
            worst_case_accuracy(clean, [worst], CONFIDENCE),
            found,
        ),
        fairness=assess(
            dataset.labels,
            answers,
            dataset.groups,
            LABELS,
            scores=scores_of(clean),
            intersections=intersections,
            attacked=attacked,
        ),
    )


def outcomes_under(
    attack: Attack,
    dataset: TextDataset,
    clean: Sequence[Outcome],
    margin: np.ndarray,
    rng: np.random.Generator,
) -> list[Outcome]:
    """n outcomes of an attack that turns what is right and whose margin (n,) its budget exceeds."""
    budget, embeds = attack.threat_model.epsilon, attack.space == "embedding"
    reach = 0.05 if budget is None else budget if embeds else 0.02 * budget
    # An attack without a budget finds all margins.
    turned = (margin * rng.uniform(0.7, 1.3, len(clean)) < reach) | (attack.name == "fmn")
    queries = rng.integers(20, 200, len(clean))
    made = []
    for before, text, far, hit, asked in zip(
        clean, dataset.texts, margin.tolist(), turned.tolist(), queries.tolist(), strict=True
    ):
        skipped = before.prediction != before.label
        success = hit and not skipped
        made.append(
            Outcome(
                before.example_id,
                before.label,
                1 - before.label if success else before.prediction,
                before.probabilities[::-1] if success else before.probabilities,
                skipped=skipped,
                success=success,
                queries=0.0 if skipped else float(asked),
                distance=far * SCALE.linf if success else None,
                seconds=0.0 if skipped else 0.001,
                text=f"{text.replace('film', 'movie')} indeed" if success and not embeds else None,
            )
        )
    return made


def summary(
    attack: Attack,
    dataset: TextDataset,
    clean: Sequence[Outcome],
    outcomes: Sequence[Outcome],
    rng: np.random.Generator,
) -> AttackResult:
    """Its rates, with invented qualities of the texts that it changed."""
    qualities: list[Quality | None] = []
    if attack.space != "embedding":
        near = rng.uniform(0.6, 1, len(outcomes)).tolist()
        changed = rng.integers(1, 8, len(outcomes)).tolist()
        qualities = [
            Quality(cosine, words, 20, 2.0 * words, 1.5) if outcome.text else None
            for outcome, cosine, words in zip(outcomes, near, changed, strict=True)
        ]
    return attack_result(
        attack,
        dataset,
        clean,
        outcomes,
        scale=SCALE,
        confidence=CONFIDENCE,
        qualities=qualities,
        limits=Limits() if qualities else None,
    )


def answers_of(outcomes: Sequence[Outcome]) -> np.ndarray:
    return np.array([outcome.prediction for outcome in outcomes])


def scores_of(outcomes: Sequence[Outcome]) -> np.ndarray:
    return np.array([outcome.probabilities for outcome in outcomes])
