"""Thresholds and calibration by group."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from fairlearn import postprocessing
from scipy.optimize import minimize

from attacks.errors import AssayError
from fairness.mitigation.methods import threshold_optimizer
from fairness.mitigation.methods.group_calibration import GroupCalibration, platt
from fairness.mitigation.methods.threshold_optimizer import ThresholdOptimizerMitigation, branches
from robustness.calibration import fit_temperature
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.heads import Head, embeddings, head_of
from tests.fairness.mitigation.biased import answers, biased


@pytest.mark.parametrize("constraint", ["equalized_odds", "demographic_parity", "true_positive_rate_parity"])
def test_the_routes_give_the_outcome_as_often_as_fairlearns_thresholds(
    classifier: Classifier, validation: TextDataset, constraint: Any
) -> None:
    method = ThresholdOptimizerMitigation(group="topic", constraint=constraint)
    model = method.apply(classifier, validation, validation, 0)
    logits = head_of(classifier).logits(embeddings(classifier, validation.inputs))
    scores, groups = logits[:, 1] - logits[:, 0], validation.groups["topic"]
    oracle = postprocessing.ThresholdOptimizer(
        estimator=threshold_optimizer._given(),
        constraints=constraint,
        prefit=True,
        predict_method="decision_function",
    ).fit(scores[:, None], validation.labels, sensitive_features=groups)
    expected = oracle._pmf_predict(scores[:, None], sensitive_features=groups)[:, 1]
    found = np.zeros(len(validation))
    for value in ("film", "music"):
        rows = groups == value
        for share, head in zip(model.routing.shares[value], model.heads, strict=True):
            found[rows] += (
                share * (head.logits(embeddings(classifier, validation.inputs)).argmax(1) == 1)[rows]
            )
    # A score on a threshold may fall on either side once the head is in single precision.
    assert np.mean(np.abs(found - expected) > 1e-6) < 0.02
    assert all(sum(shares) == pytest.approx(1) for shares in model.routing.shares.values())


def test_constants_and_thresholds_share_out_a_group_as_its_interpolation_says() -> None:
    rule = postprocessing._threshold_operation.ThresholdOperation
    parts = {
        "p_ignore": 0.2,
        "prediction_constant": 0.25,
        "p0": 0.6,
        "operation0": rule(">", 1.5),
        "p1": 0.4,
        "operation1": rule(">", -np.inf),
    }
    head = Head(np.array([[0.0], [1.0]]), np.array([0.0, 0.0]))
    x = np.array([[1.4], [1.6], [-50.0]])
    for positive in (0, 1):
        turned = head if positive else Head(head.weight[::-1], head.bias)
        found = branches(parts, turned, positive)
        outcomes = [(each.logits(x).argmax(axis=1) == positive).tolist() for _, each in found]
        # Above 1.5; always; always; never.
        assert outcomes == [[False, True, False], [True] * 3, [True] * 3, [False] * 3]
        assert [share for share, _ in found] == pytest.approx([0.48, 0.32, 0.05, 0.15])


def test_a_small_group_keeps_its_threshold_and_the_notes_say_so(
    classifier: Classifier, training: TextDataset, validation: TextDataset
) -> None:
    values = validation.groups["topic"].astype("<U7").copy()
    values[:20] = "theatre"
    more = dataclasses.replace(validation, groups={"topic": values})
    model = ThresholdOptimizerMitigation(group="topic").apply(classifier, training, more, 0)
    (member,) = np.flatnonzero(model.routing.shares["theatre"])
    np.testing.assert_array_equal(model.heads[member].bias, head_of(classifier).bias)
    assert 'Fewer than 30 validation examples of either label are of the group "theatre"' in model.notes[0]
    alone = dataclasses.replace(validation, groups={"topic": np.full(len(validation), "film")})
    unchanged = ThresholdOptimizerMitigation(group="topic").apply(classifier, training, alone, 0)
    np.testing.assert_array_equal(answers(unchanged, training), answers(classifier, training))
    assert unchanged.notes[0].startswith("Changed nothing: thresholds of groups are fitted together")
    assert not any("Changed nothing" in note for note in model.notes)


def test_the_other_label_as_outcome_swaps_the_rates(
    classifier: Classifier, training: TextDataset, validation: TextDataset, test_data: TextDataset
) -> None:
    # Alike in true positives of the first label is alike in true negatives of the second.
    method = ThresholdOptimizerMitigation(
        group="topic", constraint="true_positive_rate_parity", positive_label="negative"
    )
    model = method.apply(classifier, training, validation, 0)
    given, film = answers(model, validation), validation.groups["topic"] == "film"
    of = validation.labels == 0
    assert abs(np.mean(given[of & film] == 0) - np.mean(given[of & ~film] == 0)) < 0.08
    plain = answers(classifier, validation)
    assert abs(np.mean(plain[of & film] == 0) - np.mean(plain[of & ~film] == 0)) > 0.2


# Calibration by group.


def test_platt_scaling_is_the_likeliest_line_through_smoothed_targets() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=150)
    y = rng.random(150) < 1 / (1 + np.exp(-(2 * scores - 1)))
    ones, zeros = y.sum(), (~y).sum()
    target = np.where(y, (ones + 1) / (ones + 2), 1 / (zeros + 2))

    def loss(line: np.ndarray) -> float:
        odds = line[0] * scores + line[1]
        return float((target * np.logaddexp(0, -odds) + (1 - target) * np.logaddexp(0, odds)).sum())

    np.testing.assert_allclose(platt(scores, y), minimize(loss, [1.0, 0.0], tol=1e-10).x, atol=1e-3)
    slope, _ = platt(np.array([-1.0] * 40 + [1.0] * 40), np.arange(80) >= 40)
    assert 0 < slope < 10


def test_each_groups_logits_are_scaled_by_its_own_line(
    classifier: Classifier, training: TextDataset, validation: TextDataset
) -> None:
    model = GroupCalibration(group="topic").apply(classifier, training, validation, 0)
    logits = head_of(classifier).logits(embeddings(classifier, validation.inputs))
    scores = logits[:, 1] - logits[:, 0]
    given = model.probabilities(validation)
    for value in ("film", "music"):
        rows = validation.groups["topic"] == value
        slope, offset = platt(scores[rows], validation.labels[rows] == 1)
        np.testing.assert_allclose(
            np.log(given[rows, 1] / given[rows, 0]), slope * scores[rows] + offset, atol=1e-4
        )
        # The likeliest line gives the outcome, on average, as often as it is there (but for the smoothing).
        assert given[rows, 1].mean() == pytest.approx(validation.labels[rows].mean(), abs=0.01)


def test_a_temperature_by_group_changes_no_answer(
    classifier: Classifier, training: TextDataset, validation: TextDataset
) -> None:
    model = GroupCalibration(group="topic", scaling="temperature").apply(classifier, training, validation, 0)
    np.testing.assert_array_equal(answers(model, validation), answers(classifier, validation))
    logits = head_of(classifier).logits(embeddings(classifier, validation.inputs))
    rows = validation.groups["topic"] == "film"
    temperature = fit_temperature(logits[rows], validation.labels[rows])
    given = model.probabilities(validation)[rows]
    scaled = (logits[rows, 1] - logits[rows, 0]) / temperature
    np.testing.assert_allclose(np.log(given[:, 1] / given[:, 0]), scaled, atol=1e-4)


def test_platt_scaling_of_three_labels_is_refused() -> None:
    three = dataclasses.replace(biased(60, 0), label_names=("negative", "positive", "neither"))
    with pytest.raises(AssayError, match='scaling = "platt" is for 2 labels, and the data has 3'):
        GroupCalibration(group="topic").check(three)
    GroupCalibration(group="topic", scaling="temperature").check(three)


def test_a_group_too_small_to_calibrate_keeps_its_scores(
    classifier: Classifier, training: TextDataset, validation: TextDataset
) -> None:
    few = validation.take(np.flatnonzero(validation.groups["topic"] == "film")[:59])
    model = GroupCalibration(group="topic").apply(classifier, training, few, 0)
    np.testing.assert_allclose(model.probabilities(few), classifier.predict_proba(few.inputs), atol=1e-6)
    assert model.notes[0] == "Changed nothing: no group has 30 validation examples of each label."
    assert [note.split('"')[1] for note in model.notes[1:]] == ["film", "music"]
    some = GroupCalibration(group="topic").apply(classifier, training, validation, 0)
    assert not any("Changed nothing" in note for note in some.notes)
