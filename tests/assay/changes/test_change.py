"""How a metric changed between two audits: pairs, samples, and what cannot be compared."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, norm

from assay.changes.audited import Audited
from assay.changes.change import Change, change_of
from assay.changes.compared import bounded_attacks
from assay.changes.resampling import Paired, bootstrap, interval_of, swapping_test
from assay.changes.subject import Subject
from assay.changes.two_samples import difference_of_samples
from assay.config_models import GateConfig
from assay.gate.decide import decide
from assay.outcome_table import CLEAN, Answers, OutcomeTable, attack_subject
from assay.run_folder import RunFolder
from assay.saved_runs import SavedRun
from fairness.assess import assess
from robustness.estimate import Estimate, wilson
from robustness.metrics import clean_result_of
from tests.reports.example import candidate, example_report

NAMES = ("no", "yes")
ACCURACY = Subject("accuracy")


def answers_of(prediction: np.ndarray, names: int = 2) -> Answers:
    no = np.zeros(len(prediction), dtype=bool)
    return Answers(prediction, np.eye(names)[prediction] * 0.8 + 0.1, no, no, ~no, np.ones(len(no)))


def audit_of(
    labels: Sequence[int],
    predictions: Sequence[int],
    *,
    ids: Sequence[str] | None = None,
    names: tuple[str, ...] = NAMES,
    groups: dict[str, np.ndarray] | None = None,
    confidence: float = 0.95,
) -> Audited:
    """Of one candidate "model" that answered ``predictions``, clean only."""
    y_true, y_pred = np.array(labels), np.array(predictions)
    given = answers_of(y_pred, len(names))
    base = candidate("plain")
    clean = clean_result_of(
        y_true, y_pred, given.probabilities, names, truncated=0, confidence=confidence, n_boot=50, seed=0
    )
    fairness = assess(y_true, y_pred, groups, names, scores=given.probabilities) if groups else None
    robustness = replace(base.robustness, clean=clean, attacks=[], behaviours=[])
    result = replace(base, name="model", robustness=robustness, fairness=fairness, counterfactuals=[])
    kept = tuple(ids or (f"e{i}" for i in range(len(labels))))
    table = OutcomeTable(names, kept, y_true, groups or {}, {"model": {CLEAN: given}})
    return Audited([result], table, confidence, 0)


def change(now: Audited, then: Audited, subject: Subject = ACCURACY) -> Change:
    return change_of(subject, now, then, "model", "model")


def samples(n: int, right: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return labels, np.where(rng.random(n) < right, labels, 1 - labels)


def test_a_rate_on_the_same_examples_worked_by_hand() -> None:
    labels = [1] * 20
    # 12 right in both, 1 gained, 6 lost, 1 wrong in both.
    now = audit_of(labels, [1] * 12 + [1] + [0] * 6 + [0])
    then = audit_of(labels, [1] * 12 + [0] + [1] * 6 + [0])
    found = change(now, then)
    assert (found.now, found.then) == (wilson(13, 20), wilson(18, 20))
    assert found.change.value == pytest.approx(-0.25)
    assert found.p_drop == pytest.approx(binom.cdf(1, 7, 0.5)) == pytest.approx(8 / 128)
    assert found.p_rise == pytest.approx(127 / 128)
    assert found.test == "exact McNemar test on 20 shared examples"
    assert found.shared == 20


def test_examples_are_paired_by_id_and_labels_by_name() -> None:
    labels, predictions = samples(50, 0.8, 0)
    order = np.random.default_rng(1).permutation(50)
    now = audit_of(labels.tolist(), predictions.tolist())
    then = audit_of(
        (1 - labels[order]).tolist(),
        (1 - predictions[order]).tolist(),
        ids=[f"e{i}" for i in order],
        names=("yes", "no"),
    )
    found = change(now, then)
    assert found.shared == 50
    assert (found.change.value, found.p_drop, found.p_rise) == (0.0, 1.0, 1.0)
    loss = change(now, then, Subject("roc_auc"))
    assert loss.change.value == pytest.approx(0)
    assert (loss.p_drop, loss.p_rise) == (1.0, 1.0)


@pytest.mark.parametrize(("kept", "shared"), [(80, 80), (79, 0)])
def test_pairs_are_compared_where_four_fifths_of_the_larger_audit_are_shared(kept: int, shared: int) -> None:
    labels, predictions = samples(100, 0.8, 0)
    now = audit_of(labels.tolist(), predictions.tolist())
    then = audit_of(labels[:kept].tolist(), predictions[:kept].tolist())
    found = change(now, then)
    assert found.shared == shared
    if shared:
        assert found.now.value == pytest.approx((labels == predictions)[:kept].mean())
    else:
        assert found.test == "test of two samples (79 of 100 examples are shared)"
        assert found.now.value == pytest.approx((labels == predictions).mean())


def test_rows_without_ids_are_the_same_examples_only_where_all_labels_agree() -> None:
    labels, predictions = samples(100, 0.8, 0)
    now = replace(audit_of(labels.tolist(), predictions.tolist()), by_row=True)
    assert change(now, audit_of(labels.tolist(), predictions.tolist())).shared == 100
    other = labels.copy()
    other[3] = 1 - other[3]
    for then in (audit_of(other, predictions.tolist()), audit_of(labels[:90], predictions[:90])):
        for pair in ((now, then), (then, now)):
            found = change(*pair)
            assert found.shared == 0
            assert found.test == "test of two samples on other examples (none known to be shared)"


def test_the_same_data_have_the_same_rows_though_they_have_no_ids() -> None:
    """Two samples of one file, of which nine in ten examples are shared."""
    labels, predictions = samples(100, 0.8, 0)
    ids = [f"test:{row}" for row in range(100)]
    whole = audit_of(labels.tolist(), predictions.tolist(), ids=ids)
    part = audit_of(labels[:90].tolist(), predictions[:90].tolist(), ids=ids[:90])
    for mine, theirs, shared in (("a", "a", 90), ("a", "b", 0), (None, None, 0)):
        now = replace(whole, by_row=True, data_sha256=mine)
        assert change(now, replace(part, by_row=True, data_sha256=theirs)).shared == shared
    # With ids on either side the data may well differ.
    assert change(replace(whole, data_sha256="a"), replace(part, data_sha256="b")).shared == 90


@pytest.mark.parametrize(
    ("config", "by_row"),
    [
        ({"data": {"path": "x.csv", "id": "number"}}, False),
        ({"data": {"path": "x.csv", "id": None}}, True),
        ({"data": {"path": "x.csv"}}, True),
        ({"command": "fairness", "id": "number", "data": "x.csv"}, False),
        ({"command": "fairness", "id": None, "data": "x.csv"}, True),
        ({}, True),
    ],
)
def test_an_audit_without_a_column_of_ids_knows_its_examples_by_row(
    config: dict[str, Any], by_row: bool
) -> None:
    report = example_report()
    about = replace(report.provenance, config=config, data_sha256="c0ffee")
    found = Audited.of(SavedRun(RunFolder(Path("/nowhere/run")), replace(report, provenance=about)))
    assert (found.by_row, found.data_sha256) == (by_row, "c0ffee")


def test_a_collapse_on_other_texts_is_not_hidden_by_rows_that_happen_to_have_one_label() -> None:
    """The minority of 5 % is found in 95 % and then in 5 % of the examples; the others are always right. By
    row number nine in ten examples of two files have the same label, nearly all of them of the majority."""
    rng, n = np.random.default_rng(0), 1000

    def of(recall: float, data: str) -> Audited:
        labels = (rng.permutation(n) < n // 20).astype(int)
        predictions = np.where((labels == 1) & (rng.random(n) >= recall), 0, labels)
        ids = [f"test:{row}" for row in range(n)]
        given = audit_of(labels.tolist(), predictions.tolist(), ids=ids)
        return replace(given, by_row=True, data_sha256=data)

    then, now = of(0.95, "a"), of(0.05, "b")
    asked = GateConfig(metric="accuracy", max_drop=0.01)
    (found,) = decide([asked], now, then).checks
    assert not found.passed
    assert found.test == "one-sided test of two samples on other examples (none known to be shared)"
    assert found.p_value is not None
    assert found.p_value < 1e-4


def test_three_labels_in_another_order_are_the_same_labels() -> None:
    """Permuted in a circle, so that there and back are not alike."""
    labels = np.array([0, 1, 2] * 20)
    predictions = np.where(np.arange(60) % 5 == 0, (labels + 1) % 3, labels)
    now = audit_of(labels.tolist(), predictions.tolist(), names=("a", "b", "c"))
    turned = (labels + 1) % 3, (predictions + 1) % 3
    then = audit_of(turned[0].tolist(), turned[1].tolist(), names=("c", "a", "b"))
    for metric in ("accuracy", "roc_auc", "expected_calibration_error", "macro_f1"):
        found = change(now, then, Subject(metric))
        assert found.shared == 60, metric
        assert found.then.value == pytest.approx(found.now.value), metric
        assert found.change.value == pytest.approx(0), metric
        assert 0 < (found.now.value or 0) < 1, metric


def test_an_interval_of_all_examples_is_not_said_of_those_that_are_shared() -> None:
    labels = [0, 1] * 50
    predictions = [1 - label if i % 10 < 2 else label for i, label in enumerate(labels)]
    whole = audit_of(labels, predictions)
    part = audit_of(labels[:90], predictions[:90])
    found = change(whole, part, Subject("macro_f1"))
    assert (found.shared, found.now.n, found.then.n) == (90, 90, 90)
    assert found.now.value == pytest.approx(whole.candidates[0].robustness.clean.macro_f1.value)
    assert (found.now.low, found.now.high) == (None, None)
    assert found.then == part.candidates[0].robustness.clean.macro_f1


def test_on_other_examples_the_words_say_so() -> None:
    labels, predictions = samples(100, 0.8, 0)
    now, then = (
        audit_of(labels.tolist(), predictions.tolist(), ids=[f"{letter}{i}" for i in range(100)])
        for letter in "ab"
    )
    found = change(now, then)
    assert found.test == "test of two samples on other examples (none shared)"
    assert (found.change.value, found.p_drop) == (0, 0.5)


@pytest.mark.parametrize(("few", "compared"), [(40, False), (5, True)])
def test_differences_between_other_groups_are_no_change(few: int, compared: bool) -> None:
    """A group too small to be compared may be missing by chance."""
    labels, predictions = samples(200, 0.8, 0)
    names = np.array(["m", "w"])[np.arange(200) % 2].astype(object)
    more = names.copy()
    more[:few] = "x"
    now, then = (
        audit_of(
            labels.tolist(),
            predictions.tolist(),
            ids=[f"{letter}{i}" for i in range(200)],
            groups={"gender": column},
        )
        for letter, column in (("a", names), ("b", more))
    )
    subject = Subject("accuracy_difference", group="gender")
    for pair, which in (((now, then), "this"), ((then, now), "the other")):
        found = change(*pair, subject)
        assert (found.change.value is not None) == compared
        if not compared:
            assert found.change.reason == f'the groups of gender are not the same: {which} audit has no "x"'
        # A rate of one group goes by no other.
        assert change(*pair, Subject("tpr", group="gender", value="m")).change.value is not None


def test_examples_whose_label_was_mended_are_not_shared() -> None:
    labels, predictions = samples(100, 0.8, 0)
    other = labels.copy()
    other[:10] = 1 - other[:10]
    found = change(
        audit_of(labels.tolist(), predictions.tolist()), audit_of(other.tolist(), predictions.tolist())
    )
    assert found.shared == 90
    assert found.change.value == 0


def test_without_outcomes_of_the_other_audit_they_are_two_samples() -> None:
    labels, predictions = samples(100, 0.8, 0)
    now = audit_of(labels.tolist(), predictions.tolist())
    found = change(now, replace(now, outcomes=None))
    assert found.test == "test of two samples (the outcomes of one of them were not kept)"
    assert (found.change.value, found.p_drop, found.p_rise) == (0, 0.5, 0.5)


def test_what_was_not_measured_has_an_undefined_change_with_the_reason() -> None:
    labels, predictions = samples(40, 0.8, 0)
    now = audit_of(labels.tolist(), predictions.tolist())
    attacked = Subject("accuracy_under_attack", "fgsm", {"epsilon": 0.1})
    cases = {
        "fgsm was not run with these parameters": change(now, now, attacked),
        "no candidate is called": change_of(ACCURACY, now, now, "nobody", "model"),
        'no candidate "nobody"': change_of(ACCURACY, now, now, "model", "nobody"),
        "the audits have different labels": change(now, audit_of([0, 1], [0, 1], names=("no", "maybe"))),
        "typos was not run": change(now, now, Subject("failure_rate", behaviour="typos")),
    }
    for reason, found in cases.items():
        assert found.change.value is None
        assert reason in f"{found.change.reason} {found.then.reason}" or "not run" in (
            found.change.reason or ""
        )
        assert (found.p_drop, found.p_rise, found.shared, found.test) == (None, None, 0, "not tested")


def test_an_attack_is_found_by_its_parameters_and_must_have_reached_every_example() -> None:
    labels, predictions = samples(60, 0.9, 0)
    base = audit_of(labels.tolist(), predictions.tolist())
    (result,) = base.candidates
    example = candidate("plain").robustness.attacks[0]

    def attacked(n_right: int, *, unreached: int = 0, epsilon: float = 0.1) -> Audited:
        params = {"epsilon": epsilon}
        after = np.where(np.arange(60) < n_right, labels, 1 - labels)
        rate = wilson(n_right, 60)
        attack = replace(
            example, params=params, accuracy_under_attack=rate, unreached=unreached, bounded=True
        )
        worst = int(((after == labels) & (predictions == labels)).sum())
        robustness = replace(result.robustness, attacks=[attack], worst_case_accuracy=wilson(worst, 60))
        assert base.outcomes is not None
        key = attack_subject(attack.name, params)
        kept = {"model": {**base.outcomes.answers["model"], key: answers_of(after)}}
        return replace(
            base,
            candidates=[replace(result, robustness=robustness)],
            outcomes=replace(base.outcomes, answers=kept),
        )

    subject = Subject("accuracy_under_attack", example.name, {"epsilon": 0.1})
    found = change(attacked(30), attacked(40), subject)
    assert (found.shared, found.change.value) == (60, pytest.approx(-1 / 6))
    assert found.p_drop == pytest.approx(0.5**10)
    early = change(attacked(30), attacked(40, unreached=5), subject)
    assert "ended early" in (early.change.reason or "")
    other = change(attacked(30), attacked(40, epsilon=0.2), subject)
    name = example.name
    assert other.change.reason == f"in the other audit {name} was not run with these parameters"
    worst = change(attacked(30), attacked(40), Subject("worst_case_accuracy"))
    assert (worst.change.value or 0) < 0
    apart = change(attacked(30), attacked(40, epsilon=0.2), Subject("worst_case_accuracy"))
    assert "by both audits" in (apart.change.reason or "")
    # One that ended early is no part of the worst case, in which there is then nothing.
    ended = change(attacked(30), attacked(40, unreached=5), Subject("worst_case_accuracy"))
    assert "by both audits" in (ended.change.reason or "")
    (one,), (cut,) = attacked(30).candidates, attacked(30, unreached=5).candidates
    assert (bounded_attacks(one), bounded_attacks(cut)) == (
        {attack_subject(example.name, subject.params or {})},
        set(),
    )


def test_a_group_is_compared_on_its_own_examples() -> None:
    labels, predictions = samples(200, 0.8, 3)
    groups = {"side": np.where(np.arange(200) < 80, "left", "right")}
    worse = np.where(np.arange(200) < 20, 1 - labels, predictions)
    now = audit_of(labels.tolist(), worse.tolist(), groups=groups)
    then = audit_of(labels.tolist(), predictions.tolist(), groups=groups)
    left, right = (change(now, then, Subject("accuracy", group="side", value=v)) for v in ("left", "right"))
    assert (left.shared, right.shared) == (80, 120)
    assert right.change.value == 0
    assert left.p_drop is not None
    assert left.p_drop < 0.001
    tpr = change(now, then, Subject("tpr", group="side", value="left"))
    assert tpr.shared == labels[:80].sum()
    gap = change(now, then, Subject("accuracy_difference", group="side"))
    assert gap.test == "swapping test on 200 shared examples"
    assert gap.p_rise is not None
    assert gap.p_rise < 0.05
    assert gap.change.low is not None
    assert gap.change.low <= (gap.change.value or 0)


def test_the_swapping_test_is_the_exact_mcnemar_test_of_a_rate() -> None:
    # 9 gained and 3 lost of 40: a share of right answers, with rows wrong (0) and right (1).
    now, then = np.array([1] * 9 + [0] * 3 + [1] * 28), np.array([0] * 9 + [1] * 3 + [1] * 28)
    paired = Paired(now, then, 2, lambda weights: weights[:, 1] / weights.sum(axis=1))
    p_drop, p_rise = swapping_test(paired, np.random.default_rng(0), 20_000)
    assert p_rise == pytest.approx(binom.sf(8, 12, 0.5), abs=0.005)
    assert p_drop == pytest.approx(binom.cdf(9, 12, 0.5), abs=0.05)  # of no interest, so left early


def test_a_p_value_is_never_zero_and_equal_audits_differ_by_nothing() -> None:
    share = lambda weights: weights[:, 1] / weights.sum(axis=1)  # noqa: E731
    far = Paired(np.ones(100, dtype=int), np.zeros(100, dtype=int), 2, share)
    # One of 1,000 deals and 1,000 mirrors.
    assert swapping_test(far, np.random.default_rng(0), 999) == (1.0, 1 / 2000)
    same = Paired(np.ones(100, dtype=int), np.ones(100, dtype=int), 2, share)
    assert swapping_test(same, np.random.default_rng(0)) == (1.0, 1.0)
    assert not bootstrap(same, np.random.default_rng(0)).any()


@pytest.mark.parametrize(
    "metric", ["macro_f1", "roc_auc", "expected_calibration_error", "accuracy_difference"]
)
def test_the_other_way_round_only_signs_differ(metric: str) -> None:
    (labels, first), rng = samples(300, 0.8, 3), np.random.default_rng(1)
    groups = {"side": rng.choice(["a", "b", "c"], 300)}
    second = np.where(rng.random(300) < 0.9, labels, 1 - labels)
    subject = Subject(metric, group="side" if metric == "accuracy_difference" else None)
    one, other = (
        replace(audit_of(labels.tolist(), answered.tolist(), groups=groups), seed=seed)
        for seed, answered in enumerate((first, second))
    )
    there, back = change(one, other, subject), change(other, one, subject)
    assert (there.p_drop, there.p_rise) == (back.p_rise, back.p_drop)
    assert there.change.value == pytest.approx(-(back.change.value or 0))
    assert there.change.low == pytest.approx(-(back.change.high or 0))
    assert there.change.high == pytest.approx(-(back.change.low or 0))


def test_the_bootstrap_of_counts_is_that_of_rows() -> None:
    rng = np.random.default_rng(0)
    now, then = rng.integers(0, 2, 400), rng.integers(0, 2, 400)
    drawn = bootstrap(Paired(now, then, 2, lambda w: w[:, 1] / w.sum(axis=1)), rng, 4000)
    rows = rng.integers(0, 400, (4000, 400))
    expected = now[rows].mean(axis=1) - then[rows].mean(axis=1)
    assert drawn.std() == pytest.approx(expected.std(), rel=0.06)
    assert drawn.mean() == pytest.approx((now - then).mean(), abs=0.003)
    # The same with a row for each answer, which is drawn example by example.
    whole = np.append(now, then)
    single = Paired(np.arange(400), np.arange(400, 800), 800, lambda w: w @ whole / w.sum(axis=1))
    assert bootstrap(single, rng, 4000).std() == pytest.approx(expected.std(), rel=0.06)


def test_a_deal_that_leaves_the_metric_undefined_counts_as_extreme() -> None:
    # Undefined but for the answers as they were given, all right now and all wrong then.
    def value(weights: np.ndarray) -> np.ndarray:
        return np.where((weights == 0).any(axis=1), weights[:, 1] / 20, np.nan)

    given = Paired(np.ones(20, dtype=int), np.zeros(20, dtype=int), 2, value)
    assert swapping_test(given, np.random.default_rng(0), 499) == (1.0, pytest.approx(1.0, abs=0.01))


def test_the_interval_makes_up_for_the_bias_that_a_bootstrap_shows() -> None:
    drawn = np.random.default_rng(0).normal(0.15, 0.01, 20_000)  # a bias of 0.05
    low, high = interval_of(0.1, drawn, 0.95) or (0.0, 0.0)
    assert low == pytest.approx(0.1 - 0.05 * (1 + 2**0.5) - 1.96 * 0.01, abs=0.001)
    assert high == pytest.approx(0.15 + 1.96 * 0.01, abs=0.001)


def test_an_interval_needs_nine_tenths_of_the_draws() -> None:
    drawn = np.random.default_rng(0).normal(0.1, 0.02, 1000)
    low, high = interval_of(0.1, drawn, 0.95) or (0.0, 0.0)
    assert (low, high) == (pytest.approx(0.061, abs=0.005), pytest.approx(0.139, abs=0.005))
    drawn[:101] = np.nan
    assert interval_of(0.1, drawn, 0.95) is None


def test_false_alarms_of_a_disparity_stay_at_the_level_where_the_audits_are_alike() -> None:
    rng, alarms = np.random.default_rng(7), np.zeros(2)
    cells = np.repeat([0, 1, 2], 100)

    def gap(weights: np.ndarray) -> np.ndarray:
        table = weights.reshape(-1, 3, 2)
        rates = table[..., 1] / table.sum(axis=-1)
        return np.asarray(rates.max(axis=1) - rates.min(axis=1))

    for _ in range(300):
        one, other = (cells * 2 + (rng.random(300) < 0.85) for _ in range(2))
        alarms += np.array(swapping_test(Paired(one, other, 6, gap), rng, 399)) <= 0.05
    assert (alarms / 300 <= 0.085).all()  # 0.05 and 2.8 standard errors


def test_two_samples_by_hand_and_at_the_level_at_which_the_interval_ends_at_zero() -> None:
    now, then = Estimate(0.8, 0.7, 0.88, 100), Estimate(0.6, 0.5, 0.69, 100)
    found = difference_of_samples(now, then, 0.95, 0.95)
    assert found.change.value == pytest.approx(0.2)
    assert found.change.low == pytest.approx(0.2 - np.hypot(0.1, 0.09))
    assert found.change.high == pytest.approx(0.2 + np.hypot(0.08, 0.1))
    z = 0.2 / (np.hypot(0.1, 0.09) / norm.ppf(0.975))
    assert (found.p_rise, found.p_drop) == (pytest.approx(norm.sf(z)), pytest.approx(norm.cdf(z)))
    turned = difference_of_samples(then, now, 0.95, 0.95)
    assert (turned.p_drop, turned.change.low) == (
        pytest.approx(norm.sf(z)),
        pytest.approx(-(found.change.high or 0)),
    )


def test_two_samples_at_different_levels_and_without_an_interval() -> None:
    found = difference_of_samples(wilson(80, 100, 0.9), wilson(60, 100, 0.99), 0.9, 0.99)
    same = difference_of_samples(wilson(80, 100, 0.9), wilson(60, 100, 0.9), 0.9, 0.9)
    assert found.p_rise == pytest.approx(same.p_rise or 0, rel=0.5)
    assert found.change.low == pytest.approx(same.change.low, abs=0.01)
    bare = difference_of_samples(Estimate.exact(0.4, 9), wilson(1, 9), 0.95, 0.95)
    assert bare.change.value == pytest.approx(0.4 - 1 / 9)
    assert (bare.change.low, bare.p_drop, bare.p_rise) == (None, None, None)
    # Intervals without a width, and so no scale for the difference.
    sure = difference_of_samples(Estimate(0.8, 0.8, 0.8, 9), Estimate(0.6, 0.6, 0.6, 9), 0.95, 0.95)
    assert (sure.change.value, sure.change.low, sure.change.high) == pytest.approx((0.2, 0.2, 0.2))
    assert (sure.p_drop, sure.p_rise) == (None, None)
