"""Heads that are fitted anew: regressions, SMOTE, LEACE and the correlation remover."""

import dataclasses

import numpy as np
import pytest
from fairlearn import preprocessing
from sklearn.linear_model import LogisticRegression

from fairness.mitigation import heads as heads_module
from fairness.mitigation.heads import Mitigated, head_from
from fairness.mitigation.methods.correlation_remover import CorrelationRemoverMitigation, group_shifts
from fairness.mitigation.methods.leace import Leace, eraser
from fairness.mitigation.methods.smote import Smote
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.heads import Head


def test_the_head_of_a_regression_answers_as_the_regression() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    for k in (2, 4):
        y = rng.integers(k, size=200)
        regression = LogisticRegression().fit(x, y)
        logits = head_from(regression, k).logits(x)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), regression.predict_proba(x))


def test_a_label_that_no_example_has_is_never_answered() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    for labels, k in ((np.array([0, 2]), 3), (np.array([0, 2, 3]), 5)):
        y = labels[rng.integers(len(labels), size=60)]
        logits = head_from(LogisticRegression().fit(x, y), k).logits(x)
        assert set(logits.argmax(axis=1)) <= set(labels.tolist())


def test_a_constant_head_answers_whatever_the_text() -> None:
    like = Head(np.ones((2, 3)), np.ones(2))
    x = np.random.default_rng(0).normal(scale=100, size=(20, 3))
    for label in (0, 1):
        assert set(heads_module.constant(label, like).logits(x).argmax(axis=1)) == {label}


# SMOTE.


def test_smote_raises_every_stratum_to_the_largest_and_lies_between_its_examples() -> None:
    # One number each, and strata that lie apart: what is made up between two of a stratum stays within it.
    sizes = {("a", 0): 12, ("a", 1): 3, ("b", 0): 1, ("b", 1): 2}
    centres = {("a", 0): 0.0, ("a", 1): 10.0, ("b", 0): 20.0, ("b", 1): 30.0}
    groups = np.array([group for (group, _), n in sizes.items() for _ in range(n)])
    y = np.array([label for (_, label), n in sizes.items() for _ in range(n)])
    rng = np.random.default_rng(0)
    x = np.concatenate([centres[pair] + rng.random((n, 2)) for pair, n in sizes.items()])
    made_x, made_y = Smote(group="g").oversampled(x, y, groups, seed=0)
    np.testing.assert_array_equal(made_x[:18], x)
    np.testing.assert_array_equal(made_y[:18], y)
    nearest = {pair: np.abs(made_x[:, 0] - centre - 0.5) < 1 for pair, centre in centres.items()}
    # A single example has no neighbour.
    assert {pair: int(rows.sum()) for pair, rows in nearest.items()} == {
        **dict.fromkeys(sizes, 12),
        ("b", 0): 1,
    }
    for pair, rows in nearest.items():
        assert set(made_y[rows].tolist()) == {pair[1]}
    # Between two examples there is but one line.
    two = x[nearest[("b", 1)][:18]]
    made = made_x[18:][nearest[("b", 1)][18:]]
    share = (made - two[0]) / (two[1] - two[0])
    np.testing.assert_allclose(share[:, 0], share[:, 1])
    assert ((share >= 0) & (share <= 1)).all()


def test_smote_within_groups_evens_the_labels_of_each_group_alone() -> None:
    groups = np.array(["a"] * 30 + ["b"] * 9)
    y = np.array([0] * 20 + [1] * 10 + [0] * 3 + [1] * 6)
    x = np.random.default_rng(0).normal(size=(39, 2))
    _, made = Smote(group="g", strategy="within_groups").oversampled(x, y, groups, seed=0)
    assert np.bincount(made[39:]).tolist() == [3, 10]
    unchanged = Smote(group="g").oversampled(x[:4], np.array([0, 1, 0, 1]), np.array(list("aabb")), seed=0)
    np.testing.assert_array_equal(unchanged[0], x[:4])


# LEACE.


def test_leace_leaves_no_linear_trace_of_the_group(x: np.ndarray, training: TextDataset) -> None:
    groups = training.groups["topic"]
    matrix, shift = eraser(x, groups)
    erased = x @ matrix.T + shift
    film = groups == "film"
    assert LogisticRegression(max_iter=1000).fit(x, film).score(x, film) > 0.9
    np.testing.assert_allclose(erased[film].mean(axis=0), erased[~film].mean(axis=0), atol=1e-6)
    # Equal means: what is likeliest is the share of the groups, for every example.
    regression = LogisticRegression(C=1e6, max_iter=1000).fit(erased, film)
    np.testing.assert_allclose(regression.predict_proba(erased)[:, 1], film.mean(), atol=1e-3)
    np.testing.assert_allclose(erased.mean(axis=0), x.mean(axis=0), atol=1e-6)


def test_the_head_after_leace_answers_by_what_is_left_of_the_embeddings(
    classifier: Classifier, training: TextDataset, x: np.ndarray
) -> None:
    model = Leace(group="topic").apply(classifier, training, training, 0)
    assert isinstance(model, Mitigated)
    matrix, shift = eraser(x, training.groups["topic"])
    erased = x @ matrix.T + shift
    by_hand = LogisticRegression(max_iter=1000).fit(erased, training.labels).predict_proba(erased)
    np.testing.assert_allclose(model.predict_proba(training.inputs), by_hand, atol=1e-4)


# CorrelationRemover.


@pytest.mark.parametrize("alpha", [1.0, 0.4])
def test_correlation_remover_answers_as_fairlearns_on_the_embeddings(
    classifier: Classifier, training: TextDataset, x: np.ndarray, alpha: float
) -> None:
    model = CorrelationRemoverMitigation(group="topic", alpha=alpha).apply(classifier, training, training, 0)
    film = training.groups["topic"] == "film"
    remover = preprocessing.CorrelationRemover(sensitive_feature_ids=[0], alpha=alpha)
    filtered = remover.fit_transform(np.hstack([film[:, None].astype(float), x]))
    by_hand = LogisticRegression(max_iter=1000).fit(filtered, training.labels).predict_proba(filtered)
    np.testing.assert_allclose(model.probabilities(training), by_hand, atol=1e-4)


def test_several_groups_lose_their_means() -> None:
    rng = np.random.default_rng(0)
    groups = np.array(list("aaabbbbccc"))
    x = rng.normal(size=(10, 4)) + (groups == "c")[:, None]
    shifts = group_shifts(x, groups, 1.0)
    for value in "abc":
        moved = x[groups == value] + shifts[value]
        np.testing.assert_allclose(moved.mean(axis=0), x.mean(axis=0), atol=1e-9)


def test_a_group_of_validation_examples_alone_keeps_its_embeddings(
    classifier: Classifier, training: TextDataset, validation: TextDataset, x: np.ndarray
) -> None:
    values = validation.groups["topic"].astype("<U7").copy()
    values[:40] = "theatre"
    more = dataclasses.replace(validation, groups={"topic": values})
    model = CorrelationRemoverMitigation(group="topic").apply(classifier, training, more, 0)
    assert model.notes[1:] == ('No training example is of the group "theatre": its embeddings stay.',)
    model.check(more)
    weights = {tuple(head.weight.ravel()) for head in model.heads}
    assert len(weights) == 1
    assert len(model.heads) == 3
