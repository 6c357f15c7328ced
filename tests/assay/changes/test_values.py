"""What is recomputed from kept outcomes is what the audit said, for every metric that a gate may name."""

from pathlib import Path

import numpy as np
import pytest

from assay.changes.audited import Audited
from assay.changes.change import change_of
from assay.changes.compared import Side, answered
from assay.changes.metrics import FLIP_RATES, METRICS, split_label
from assay.changes.observed import observed
from assay.changes.pairing import Pairs, UnmeasuredError, pairs_of
from assay.changes.subject import Subject
from assay.changes.values import RATES, Answered, rate_of, weighing
from assay.outcome_table import Answers
from robustness.estimate import Estimate
from tests.assay.changes.audits import audited, every_subject, people


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory, learnt_model: Path, random_model: Path) -> Audited:
    models = {"plain": learnt_model, "random": random_model}
    return audited(tmp_path_factory.mktemp("values"), models, people())


def recomputed(subject: Subject, side: Side, pairs: Pairs) -> float:
    """From the outcomes alone."""
    mine, _ = answered(subject, pairs, side, side)
    if split_label(subject.metric)[0] in RATES:
        counted, successes = rate_of(subject.metric, mine)
        return float(successes[counted].mean()) if counted.any() else np.nan
    weighed = weighing(subject.metric, mine)
    weights = np.bincount(weighed.codes, minlength=weighed.rows).astype(float)
    return float(weighed.value(weights[None])[0])


@pytest.mark.parametrize("position", [0, 1])
def test_every_metric_is_recomputed_as_the_audit_has_it(audit: Audited, position: int) -> None:
    assert audit.outcomes is not None
    candidate = audit.candidates[position]
    side, pairs = Side(audit.outcomes, candidate), pairs_of(audit.outcomes, audit.outcomes)
    seen, wrong = set(), []
    for subject in every_subject(candidate):
        if subject.behaviour or subject.metric in (*FLIP_RATES, "worst_case_accuracy"):
            continue
        expected = observed(subject, candidate)
        if expected.value is None:
            continue
        seen.add(subject.metric)
        if recomputed(subject, side, pairs) != pytest.approx(expected.value, abs=1e-9):
            wrong.append(subject.named(candidate))
    assert wrong == []
    rest = set(METRICS) - seen - {*FLIP_RATES, "failure_rate", "worst_case_accuracy"}
    assert rest <= {"minimal_norm"}, "the small audit must have every metric"


@pytest.mark.parametrize(
    "subject",
    [
        Subject("worst_case_accuracy"),
        *(Subject(rate) for rate in FLIP_RATES),
        Subject("accuracy"),
        Subject("macro_f1"),
        Subject("bias_score", group="first & second"),
        Subject("equalized_odds_difference", group="named"),
    ],
    ids=lambda each: each.metric,
)
def test_a_change_holds_the_figures_of_both_audits(audit: Audited, subject: Subject) -> None:
    _holds_the_figures(audit, subject)


def test_a_change_of_a_failure_rate_holds_the_figures_of_both_audits(audit: Audited) -> None:
    tests = [each for each in every_subject(audit.candidates[0]) if each.metric == "failure_rate"]
    assert [each.behaviour for each in tests] == ["typos"]
    _holds_the_figures(audit, tests[0])


def _holds_the_figures(audit: Audited, subject: Subject) -> None:
    first, second = (observed(subject, each) for each in audit.candidates)
    found = change_of(subject, audit, audit, "plain", "random")
    assert first.value is not None
    assert second.value is not None
    assert found.now.value == pytest.approx(first.value)
    assert found.then.value == pytest.approx(second.value)
    assert found.now.low == pytest.approx(first.low)
    assert found.change.value == pytest.approx(first.value - second.value)
    assert found.shared > 0
    assert found.p_drop is not None
    assert found.p_rise is not None


def of_answers(prediction: list[int], **more: np.ndarray) -> Answers:
    n = len(prediction)
    no = np.zeros(n, dtype=bool)
    plain = {"probabilities": None, "skipped": no, "success": no, "reached": ~no, "queries": np.zeros(n)}
    return Answers(np.array(prediction), **{**plain, **more})  # type: ignore[arg-type]


def test_without_probabilities_metrics_of_scores_are_refused_with_the_reason() -> None:
    given = Answered(
        np.array([0, 1]), of_answers([0, 1]), 2, 1, np.zeros(2, dtype=int), np.eye(1, dtype=bool)
    )
    for metric in ("roc_auc", "log_loss", "expected_calibration_error", "bias_score", "roc_auc_difference"):
        with pytest.raises(UnmeasuredError, match="labels only"):
            weighing(metric, given)
    for metric in ("filtered_success_rate", "minimal_norm"):
        with pytest.raises(UnmeasuredError, match="one of the audits"):
            weighing(metric, given)


def test_success_is_of_attacked_examples_alone() -> None:
    answers = of_answers(
        [0, 0, 0, 0],
        skipped=np.array([True, False, False, False]),
        success=np.array([False, True, True, False]),
        near=np.array([False, True, False, False]),
    )
    cells = np.zeros(4, dtype=int)
    for metric, expected in (("attack_success_rate", 2 / 3), ("filtered_success_rate", 1 / 3)):
        weighed = weighing(metric, Answered(cells, answers, 2, None, cells, np.zeros((1, 0), dtype=bool)))
        assert weighed.codes[0] == 0
        ones = np.bincount(weighed.codes, minlength=3)[None].astype(float)
        assert weighed.value(ones) == pytest.approx([expected])
        assert np.isnan(weighed.value(np.array([[3.0, 0, 0]]))).all()


def test_two_of_three_groups_that_have_a_metric_make_a_difference_and_one_makes_none() -> None:
    # Group 0: tpr 1 of 2; group 1: 1 of 1; group 2 has no positive.
    y_true, cells = np.array([1, 1, 1, 0]), np.array([0, 0, 1, 2])
    given = Answered(y_true, of_answers([1, 0, 1, 1]), 2, 1, cells, np.eye(3, dtype=bool))
    weighed = weighing("equal_opportunity_difference", given)
    whole = np.bincount(weighed.codes, minlength=weighed.rows)[None].astype(float)
    assert weighed.value(whole) == pytest.approx([0.5])
    without = np.bincount(weighed.codes[[0, 1, 3]], minlength=weighed.rows)[None].astype(float)
    assert np.isnan(weighed.value(without)).all()


def test_weighing_an_example_twice_is_having_it_twice() -> None:
    rng = np.random.default_rng(0)
    n = 60
    y_true, cells = rng.integers(0, 2, n), rng.integers(0, 3, n)
    score = rng.random(n).round(1)
    answers = of_answers(
        (score > 0.5).astype(int).tolist(),
        probabilities=np.column_stack([1 - score, score]),
        minimal_norm=np.where(rng.random(n) < 0.3, np.inf, rng.random(n)),
    )
    metrics = ("roc_auc", "log_loss", "expected_calibration_error", "bias_score", "minimal_norm", "macro_f1")
    rows = rng.integers(0, n, n)
    for metric in (*metrics, "roc_auc_difference", "log_loss_difference", "f1_ratio", "mean_bpsn_auc"):
        positive = None if metric in ("log_loss", "macro_f1") else 1
        given = weighing(metric, Answered(y_true, answers, 2, positive, cells, np.eye(3, dtype=bool)))
        weights = np.bincount(given.codes[rows], minlength=given.rows)[None].astype(float)
        again = Answered(y_true[rows], answers.take(rows), 2, positive, cells[rows], np.eye(3, dtype=bool))
        drawn = weighing(metric, again)
        ones = np.bincount(drawn.codes, minlength=drawn.rows)[None].astype(float)
        assert given.value(weights) == pytest.approx(drawn.value(ones), nan_ok=True), metric


def test_an_undefined_metric_has_an_undefined_change(audit: Audited) -> None:
    found = change_of(Subject("accuracy", group="first", value="nobody"), audit, audit, "plain", "plain")
    assert found.change == Estimate.undefined(found.change.reason or "")
    assert 'first = "nobody"' in (found.change.reason or "")
    assert (found.p_drop, found.p_rise, found.shared) == (None, None, 0)
