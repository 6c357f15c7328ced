"""How often a gate against a baseline cries wolf, and how often it catches a real drop.

    python -m benchmarks.gate [--pairs 200] [--runs RUN RUN] [--json]

Pairs of audits are made, the first of each the baseline of the second, and gated: one check for each kind of
metric, none of which may get worse. In three ways nothing got worse, and every failure is a false alarm:

- another sample: the same model, audited on 1,000 examples and on 1,000 others.
- retrained: two models trained alike, on the same 1,000 examples. Which of the two answers an example for the
  baseline, and which for the candidate, is a coin's choice, so that neither is better.
- the same: the same model on the same examples, which differ in nothing.

And in two it did: retrained and, beyond that, a share of the right answers turned wrong, so that accuracy
falls by 5 points on average (worse); and the same without retraining, on other examples.
``false_alarm_rate`` is the largest share of the first three, ``power_5_points`` the share of drops on the
same examples in which the check of accuracy fails, and ``plain_false_alarm_rate`` the false alarms on the
same pairs of a gate that holds the estimates to the baseline's, give or take one point (0.01 where the
metric is no share).

--runs: two audits of models trained alike on the same examples, whose answers are then resampled (2,000
examples at least; examples/gate.toml makes such audits). Without it answers are simulated: margins that two
models share in part.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from assay.changes.audited import Audited
from assay.config_models import GateConfig
from assay.gate.decide import decide
from assay.outcome_table import CLEAN, Answers, OutcomeTable, attack_subject
from assay.saved_runs import open_run
from attacks import registry
from attacks.base import Attack
from fairness.assess import AttackedPredictions, assess
from reports.formatting import full
from reports.model import CandidateResult, GateResult, ModelInfo
from robustness.dataset import TextDataset
from robustness.estimate import wilson
from robustness.metrics import clean_result
from robustness.outcomes import Outcome
from robustness.results import RobustnessResult
from robustness.summarize import attack_result, worst_case_accuracy

N = 1000
DROP = 0.05
TOLERANCE = 0.01
CONFIDENCE = 0.95
N_BOOT = 200
NAME = "model"
EPSILONS = (0.02, 0.05)
UNDER = {"attack": "fgsm", "epsilon": EPSILONS[1]}
RISING = ("expected_calibration_error", "attack_success_rate", "equalized_odds_difference")
"""Metrics that must not rise; the others must not fall."""
WAYS = ("another sample", "retrained", "the same")
"""How pairs are made in which nothing got worse."""
WORSE = ("worse", "worse, another sample")


@dataclass(frozen=True)
class Pool:
    """Answers of two models trained alike to the same examples: a table with the candidates "0" and "1"."""

    table: OutcomeTable

    @classmethod
    def of_runs(cls, first: Path, second: Path) -> "Pool":
        """The only candidate of each run, on the examples of the first, which must be those of the second."""
        tables = [open_run(path).outcomes for path in (first, second)]
        one, two = tables
        if one is None or two is None or one.ids != two.ids or len(one.ids) < 2 * N:
            raise SystemExit(f"expected two runs with outcomes of the same {2 * N:,} examples or more")
        answers = {str(i): next(iter(each.answers.values())) for i, each in enumerate((one, two))}
        return cls(replace(one, answers=answers, failures={}))


def simulated(rng: np.random.Generator) -> Pool:
    """2 N examples; margins of about 0.86 accuracy, of which two models share most."""
    n = 2 * N
    labels = rng.integers(0, 2, n)
    groups = {"group": rng.choice(["a", "b", "c"], size=n, p=[0.5, 0.3, 0.2])}
    common = rng.normal(2.2, 1.8, n)
    answers = {}
    for model in ("0", "1"):
        margin = common + rng.normal(0, 0.9, n)
        fragile = rng.gamma(4, 0.25, n)
        attacked = [margin - epsilon * 40 * fragile * (margin > 0) for epsilon in EPSILONS]
        clean = margin > 0
        answers[model] = {CLEAN: _answers(labels, margin, clean)} | {
            attack_subject(attack.name, attack.params()): _answers(labels, each, clean)
            for attack, each in zip(attacks(), attacked, strict=True)
        }
    ids = tuple(map(str, range(n)))
    return Pool(OutcomeTable(("negative", "positive"), ids, labels, groups, answers))


def _answers(labels: np.ndarray, margin: np.ndarray, clean: np.ndarray) -> Answers:
    right = margin > 0
    prediction = np.where(right, labels, 1 - labels)
    positive = 1 / (1 + np.exp(-np.where(labels == 1, margin, -margin)))
    everyone = np.ones(len(labels), dtype=bool)
    return Answers(
        prediction=prediction,
        probabilities=np.column_stack([1 - positive, positive]),
        skipped=~clean,
        success=clean & ~right,
        reached=everyone,
        queries=np.where(clean, 2.0, 0.0),
    )


def attacks() -> list[Attack]:
    return [registry.build("fgsm", {"epsilon": epsilon}) for epsilon in EPSILONS]


def pair(pool: Pool, way: str, rng: np.random.Generator) -> tuple[OutcomeTable, OutcomeTable]:
    """(baseline, candidate), N examples each."""
    table = pool.table
    rows = rng.permutation(len(table.ids))
    here, there = np.sort(rows[:N]), np.sort(rows[N : 2 * N])
    first = table.answers["0"]
    if way == "another sample":
        return _taken(table, first, here), _taken(table, first, there)
    if way == "worse, another sample":
        return _taken(table, first, here), _taken(table, worsened(table.labels, first, rng), there)
    if way == "the same":
        return _taken(table, first, here), _taken(table, first, here)
    coin = rng.random(len(table.ids)) < 0.5
    second = table.answers["1"]
    then = {key: mixed(first[key], second[key], coin) for key in first}
    now = {key: mixed(first[key], second[key], ~coin) for key in first}
    if way == "worse":
        now = worsened(table.labels, now, rng)
    return _taken(table, then, here), _taken(table, now, here)


def mixed(first: Answers, second: Answers, coin: np.ndarray) -> Answers:
    """The answers of ``second`` where the coin (n,) says so, else those of ``first``."""
    if first.probabilities is None or second.probabilities is None:
        raise SystemExit("expected models that give probabilities")
    return Answers(
        prediction=np.where(coin, second.prediction, first.prediction),
        probabilities=np.where(coin[:, None], second.probabilities, first.probabilities),
        skipped=np.where(coin, second.skipped, first.skipped),
        success=np.where(coin, second.success, first.success),
        reached=np.where(coin, second.reached, first.reached),
        queries=np.where(coin, second.queries, first.queries),
    )


def worsened(labels: np.ndarray, now: dict[str, Answers], rng: np.random.Generator) -> dict[str, Answers]:
    """Right answers turned wrong, clean and under every attack, so that accuracy falls by ``DROP``."""
    right = now[CLEAN].prediction == labels
    turned = right & (rng.random(len(labels)) < DROP / right.mean())
    found = {}
    for key, each in now.items():
        wrong = turned & (each.prediction == labels)
        probabilities = np.where(wrong[:, None], each.probabilities[:, ::-1], each.probabilities)  # type: ignore[index]
        found[key] = replace(
            each,
            prediction=np.where(wrong, 1 - labels, each.prediction),
            probabilities=probabilities,
            skipped=each.skipped | (turned if key != CLEAN else False),
            success=each.success & ~turned,
        )
    return found


def _taken(table: OutcomeTable, answers: dict[str, Answers], rows: np.ndarray) -> OutcomeTable:
    part = {
        key: replace(
            each,
            **{name: value[rows] for name, value in vars(each).items() if isinstance(value, np.ndarray)},
        )
        for key, each in answers.items()
    }
    return OutcomeTable(
        label_names=table.label_names,
        ids=tuple(table.ids[row] for row in rows.tolist()),
        labels=table.labels[rows],
        groups={name: column[rows] for name, column in table.groups.items()},
        answers={NAME: part},
    )


def audited(table: OutcomeTable) -> Audited:
    """What an audit makes of the outcomes, by the functions that an audit calls."""
    answers = table.answers[NAME]
    clean = _outcomes(table, answers[CLEAN])
    data = TextDataset(
        name="resampled",
        ids=table.ids,
        texts=table.ids,
        text_pairs=None,
        labels=table.labels,
        label_names=table.label_names,
        groups=table.groups,
        splits=np.full(len(table.ids), "test"),
    )
    run = [(attack, answers[attack_subject(attack.name, attack.params())]) for attack in attacks()]
    attacked = [(attack, _outcomes(table, each)) for attack, each in run]
    result = CandidateResult(
        name=NAME,
        model=ModelInfo("answers", "", None, list(table.label_names)),
        training=None,
        robustness=RobustnessResult(
            clean=clean_result(clean, table.label_names, confidence=CONFIDENCE, n_boot=N_BOOT, seed=0),
            attacks=[
                attack_result(attack, data, clean, outcomes, scale=None, confidence=CONFIDENCE)
                for attack, outcomes in attacked
            ],
            worst_case_accuracy=worst_case_accuracy(clean, [o for _, o in attacked], CONFIDENCE),
        ),
        fairness=assess(
            table.labels,
            answers[CLEAN].prediction,
            table.groups,
            table.label_names,
            scores=answers[CLEAN].probabilities,
            attacked=[
                AttackedPredictions(attack.name, attack.params(), each.prediction, each.probabilities)
                for attack, each in run
            ],
            confidence=CONFIDENCE,
        ),
    )
    return Audited([result], table, CONFIDENCE, 0)


def _outcomes(table: OutcomeTable, each: Answers) -> list[Outcome]:
    if each.probabilities is None:
        raise SystemExit("expected models that give probabilities")
    return [
        Outcome(
            example_id=table.ids[i],
            label=int(table.labels[i]),
            prediction=int(each.prediction[i]),
            probabilities=tuple(each.probabilities[i].tolist()),
            skipped=bool(each.skipped[i]),
            success=bool(each.success[i]),
            queries=float(each.queries[i]),
        )
        for i in range(len(table.ids))
    ]


def subjects(table: OutcomeTable) -> list[dict[str, object]]:
    """The keys of the checks: every kind of metric once."""
    column = next(iter(table.groups))
    value = max(set(table.groups[column].tolist()), key=table.groups[column].tolist().count)
    return [
        {"metric": "accuracy"},
        {"metric": "macro_f1"},
        {"metric": "roc_auc"},
        {"metric": "expected_calibration_error"},
        {"metric": "worst_case_accuracy"},
        *({"metric": "accuracy_under_attack", "attack": "fgsm", "epsilon": e} for e in EPSILONS),
        {"metric": "attack_success_rate", **UNDER},
        {"metric": "accuracy", "group": column, "value": value},
        {"metric": "tpr", "group": column, "value": value},
        {"metric": "equalized_odds_difference", "group": column},
    ]


def against_baseline(table: OutcomeTable) -> list[GateConfig]:
    return [
        GateConfig.model_validate({**keys, "max_rise" if keys["metric"] in RISING else "max_drop": 0.0})
        for keys in subjects(table)
    ]


def plain(table: OutcomeTable, baseline: GateResult) -> list[GateConfig]:
    """The limits that somebody types in who looks at the baseline's report."""
    checks = []
    for keys, decided in zip(subjects(table), baseline.checks, strict=True):
        value = decided.observed.value if decided.observed is not None else None
        if value is None:
            raise SystemExit(f"{decided.name} could not be measured")
        rising = keys["metric"] in RISING
        limit = min(1.0, value + TOLERANCE) if rising else max(0.0, value - TOLERANCE)
        checks.append(GateConfig.model_validate({**keys, "max" if rising else "min": limit}))
    return checks


@dataclass(frozen=True)
class Counted:
    """Of pairs made in one way: how many failed the gate, its check of accuracy, and the plain gate."""

    way: str
    pairs: int
    failed: int
    accuracy: int
    plain: int


def measure(way: str, pairs: int, pool: Pool | None, seed: int) -> Counted:
    """pool: None for a freshly simulated one each time."""
    rng = np.random.default_rng([seed, (*WAYS, *WORSE).index(way)])
    failed = accuracy = typed = 0
    for _ in range(pairs):
        then, now = pair(simulated(rng) if pool is None else pool, way, rng)
        before, after = audited(then), audited(now)
        gate = decide(against_baseline(now), after, before)
        failed += not gate.passed
        accuracy += not gate.checks[0].passed
        typed += not decide(plain(now, decide(against_baseline(then), before, before)), after).passed
    return Counted(way, pairs, failed, accuracy, typed)


def summary(rows: Sequence[Counted]) -> dict[str, float]:
    null = [row for row in rows if row.way in WAYS]
    worse = next(row for row in rows if row.way == WORSE[0])
    return {
        "false_alarm_rate": max(row.failed / row.pairs for row in null),
        "power_5_points": worse.accuracy / worse.pairs,
        "plain_false_alarm_rate": max(row.plain / row.pairs for row in null),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--runs", type=Path, nargs=2, metavar="RUN", help="resample the answers of two runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    pool = Pool.of_runs(*options.runs) if options.runs else None
    rows = [measure(way, options.pairs, pool, options.seed) for way in (*WAYS, *WORSE)]
    found = summary(rows)
    if options.json:
        print(json.dumps(found))
        return
    table = Table(title=f"gates of {len(subjects(simulated(np.random.default_rng(0)).table))} checks, failed")
    for column in ("pairs of audits", "against the baseline", "its check of accuracy", "plain limits"):
        table.add_column(column)
    for row in rows:
        cells = [full(wilson(count, row.pairs)) for count in (row.failed, row.accuracy, row.plain)]
        table.add_row(f"{row.way} ({row.pairs})", *cells)
    Console().print(table)
    for name, figure in found.items():
        Console().print(f"{name}: {figure:.3f}")


if __name__ == "__main__":
    main()
