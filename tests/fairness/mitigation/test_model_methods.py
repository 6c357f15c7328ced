"""Mitigations after training: what each makes of a model that treats two groups differently."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fairlearn import postprocessing, preprocessing, reductions
from fairlearn.metrics import equalized_odds_difference
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from attacks.errors import AssayError
from fairness.mitigation import heads as heads_module
from fairness.mitigation.base import ModelMitigation
from fairness.mitigation.embeddings import embeddings_of
from fairness.mitigation.heads import Mitigated, head_from
from fairness.mitigation.methods import threshold_optimizer
from fairness.mitigation.methods.correlation_remover import CorrelationRemoverMitigation, group_shifts
from fairness.mitigation.methods.exponentiated_gradient import ExponentiatedGradientMitigation
from fairness.mitigation.methods.grid_search import GridSearchMitigation
from fairness.mitigation.methods.group_calibration import GroupCalibration, platt
from fairness.mitigation.methods.leace import Leace, eraser
from fairness.mitigation.methods.smote import Smote
from fairness.mitigation.methods.threshold_optimizer import ThresholdOptimizerMitigation, branches
from robustness import heads
from robustness.calibration import fit_temperature
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.heads import Head, embeddings, head_of, with_head
from robustness.loading import load_classifier
from robustness.routed import Routed
from tests.robustness.judging import CPU
from tests.robustness.tiny import BAD, GOOD, tiny_folder

METHODS: list[ModelMitigation] = [
    ExponentiatedGradientMitigation(group="topic", eps=0.01, max_iter=6),
    GridSearchMitigation(group="topic", max_loss=0.1),
    Smote(group="topic"),
    CorrelationRemoverMitigation(group="topic"),
    Leace(group="topic"),
    ThresholdOptimizerMitigation(group="topic"),
    GroupCalibration(group="topic"),
]
BY_GROUP = {"correlation_remover", "threshold_optimizer", "group_calibration"}


def biased(n: int, seed: int) -> TextDataset:
    """Texts with a word that tells the group (``film`` or ``music``) and words that hint at the label.

    Of ``film`` 65 % are positive, of ``music`` 35 %: who learns from it takes the group's word for a hint.
    """
    rng = np.random.default_rng(seed)
    film = rng.random(n) < 0.5
    labels = (rng.random(n) < np.where(film, 0.65, 0.35)).astype(np.int64)
    texts = []
    for is_film, label in zip(film, labels, strict=True):
        hint = GOOD if (rng.random() < 0.8) == bool(label) else BAD
        words = [str(word) for word in rng.choice(hint, size=2)]
        texts.append(" ".join(["film" if is_film else "music", *words]))
    return TextDataset(
        name="biased",
        ids=tuple(f"{seed}:{row}" for row in range(n)),
        texts=tuple(texts),
        text_pairs=None,
        labels=labels,
        label_names=("negative", "positive"),
        groups={"topic": np.where(film, "film", "music")},
        splits=np.full(n, "train"),
    )


@pytest.fixture(scope="module")
def training() -> TextDataset:
    return biased(800, 1)


@pytest.fixture(scope="module")
def validation() -> TextDataset:
    return biased(500, 2)


@pytest.fixture(scope="module")
def test_data() -> TextDataset:
    return biased(800, 3)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory, training: TextDataset) -> Classifier:
    """A random encoder whose head was fitted to the biased data."""
    folder = tiny_folder(tmp_path_factory.mktemp("biased"), seed=5)
    random = load_classifier(str(folder), device=CPU, max_length=16)
    regression = LogisticRegression(max_iter=1000).fit(embeddings(random, training.inputs), training.labels)
    return with_head(random, head_from(regression, 2))


@pytest.fixture(scope="module")
def x(classifier: Classifier, training: TextDataset) -> np.ndarray:
    return embeddings(classifier, training.inputs)


def answers(model: Any, dataset: TextDataset) -> np.ndarray:
    """(n,) the predicted labels."""
    given = model.probabilities(dataset) if isinstance(model, Routed) else model.predict_proba(dataset.inputs)
    return np.asarray(given.argmax(axis=1))


def gap(model: Any, dataset: TextDataset) -> float:
    return float(
        equalized_odds_difference(
            dataset.labels, answers(model, dataset), sensitive_features=dataset.groups["topic"]
        )
    )


# What holds for all of them.


@pytest.fixture(scope="module")
def made(
    classifier: Classifier, training: TextDataset, validation: TextDataset
) -> Callable[[ModelMitigation], Any]:
    """What a method makes of the classifier; made once."""
    known: dict[str, Any] = {}

    def make(method: ModelMitigation) -> Any:
        if method.name not in known:
            known[method.name] = method.apply(classifier, training, validation, 7)
        return known[method.name]

    return make


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_method_makes_the_same_model_again_and_leaves_its_base_alone(
    method: ModelMitigation,
    classifier: Classifier,
    training: TextDataset,
    validation: TextDataset,
    made: Callable[[ModelMitigation], Any],
) -> None:
    before = classifier.fingerprint()
    first, second = made(method), method.apply(classifier, training, validation, 7)
    assert first.fingerprint() == second.fingerprint() != before
    assert classifier.fingerprint() == before
    assert first.label_names == classifier.label_names
    assert all(note.endswith(".") for note in first.notes)
    assert first.notes


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_the_group_is_asked_where_the_method_says_so_and_nowhere_else(
    method: ModelMitigation, test_data: TextDataset, made: Callable[[ModelMitigation], Any]
) -> None:
    assert method.needs_group == (method.name in BY_GROUP)
    model = made(method)
    if isinstance(model, Routed):
        assert model.routing.column == ("topic" if method.needs_group else None)
        model.check(test_data)
    else:
        assert not method.needs_group
        assert isinstance(model, Classifier)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_planted_disparity_gets_smaller_on_data_that_was_not_seen(
    method: ModelMitigation,
    classifier: Classifier,
    test_data: TextDataset,
    made: Callable[[ModelMitigation], Any],
) -> None:
    before, model = gap(classifier, test_data), made(method)
    assert before > 0.25
    right, right_before = (
        np.mean(answers(each, test_data) == test_data.labels) for each in (model, classifier)
    )
    assert right > right_before - 0.08
    if method.name == "group_calibration":
        # Calibrated scores follow the groups' base rates: that is another aim.
        assert gap(model, test_data) > 2 / 3 * before
    else:
        assert gap(model, test_data) < 2 / 3 * before


def test_embeddings_are_computed_once_and_anew_where_the_model_or_the_data_changed(
    training: TextDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing = load_classifier(str(tiny_folder(tmp_path)), device=CPU)
    few, asked = training.take(range(12)), []
    compute = heads.embeddings

    def counted(*arguments: Any) -> np.ndarray:
        asked.append(arguments)
        return compute(*arguments)

    monkeypatch.setattr(heads, "embeddings", counted)
    first = embeddings_of(changing, few)
    assert embeddings_of(changing, training.take(range(12))) is first
    assert len(asked) == 1
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 1.0
    assert len(embeddings_of(changing, training.take(range(5)))) == 5
    with torch.no_grad():
        next(changing.model.parameters()).mul_(2)
    assert np.abs(embeddings_of(changing, few) - first).max() > 0
    assert len(asked) == 3


# Heads.


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


# ThresholdOptimizer.


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


# Reductions.


def test_the_mixture_is_fairlearns(classifier: Classifier, training: TextDataset, x: np.ndarray) -> None:
    method = ExponentiatedGradientMitigation(group="topic", eps=0.02, max_iter=8)
    model = method.apply(classifier, training, training, 0)
    oracle = reductions.ExponentiatedGradient(
        LogisticRegression(max_iter=1000),
        reductions.EqualizedOdds(difference_bound=0.02),
        eps=0.02,
        max_iter=8,
    ).fit(x, training.labels, sensitive_features=training.groups["topic"])
    shares = model.routing.shares[""]
    assert len(shares) > 1
    found = sum(
        share * (head.logits(x).argmax(1) == 1) for share, head in zip(shares, model.heads, strict=True)
    )
    np.testing.assert_allclose(found, oracle._pmf_predict(x)[:, 1], atol=1e-6)


def test_constant_predictors_of_a_reduction_become_constant_heads(
    classifier: Classifier, training: TextDataset, validation: TextDataset
) -> None:
    # Where all that counts is that groups are alike, answering everybody the same is a solution.
    method = GridSearchMitigation(group="topic", constraint="demographic_parity", grid_size=40, max_loss=1.0)
    model = method.apply(classifier, training, validation, 0)
    given = answers(model, validation)
    film = validation.groups["topic"] == "film"
    assert abs(given[film].mean() - given[~film].mean()) < 0.05
    turned = dataclasses.replace(method, positive_label="negative").apply(classifier, training, validation, 0)
    given = answers(turned, validation)
    assert abs(given[film].mean() - given[~film].mean()) < 0.05


def test_a_tradeoff_that_may_cost_nothing_keeps_the_accuracy_on_validation_data(
    classifier: Classifier, training: TextDataset, validation: TextDataset
) -> None:
    model = GridSearchMitigation(group="topic", max_loss=0.0).apply(classifier, training, validation, 0)
    before, after = (np.mean(answers(each, validation) == validation.labels) for each in (classifier, model))
    assert after >= before


def few_of_one_label(validation: TextDataset, film: int, music: int) -> TextDataset:
    """``validation`` with only so many positive examples of each topic."""
    topic = validation.groups["topic"]
    kept = [
        np.flatnonzero((validation.labels == 1) & (topic == value))[:count]
        for value, count in (("film", film), ("music", music))
    ]
    return validation.take(sorted(np.concatenate([np.flatnonzero(validation.labels == 0), *kept]).tolist()))


@pytest.mark.parametrize(
    "method",
    [GridSearchMitigation(group="topic"), ExponentiatedGradientMitigation(group="topic")],
    ids=lambda method: method.name,
)
def test_a_choice_that_the_validation_data_cannot_make_is_refused_before_anything_is_fitted(
    method: Any, training: TextDataset, validation: TextDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LogisticRegression, "fit", lambda *arguments, **options: 1 / 0)
    lacking = few_of_one_label(validation, 12, 0)
    told = (
        r'at least two groups of "topic" with validation examples of the label "positive", '
        r'got "music" none, "film" 12\. Give more validation data'
    )
    with pytest.raises(AssayError, match=told):
        method.apply(None, training, lacking, 0)
    both = dataclasses.replace(
        training,
        ids=(*training.ids, *lacking.ids),
        texts=(*training.texts, *lacking.texts),
        labels=np.concatenate([training.labels, lacking.labels]),
        groups={"topic": np.concatenate([training.groups["topic"], lacking.groups["topic"]])},
        splits=np.array(["train"] * len(training) + ["validation"] * len(lacking)),
    )
    with pytest.raises(AssayError, match=told):
        method.check(both)
    # What compares no true positive rates needs none.
    dataclasses.replace(method, constraint="false_positive_rate_parity").check(both)
    dataclasses.replace(method, constraint="demographic_parity").check(both)
    with pytest.raises(AssayError, match=told):
        dataclasses.replace(method, constraint="true_positive_rate_parity").check(both)


def test_a_given_eps_leaves_no_choice_and_says_that_nothing_could_be_measured(
    classifier: Classifier, training: TextDataset, validation: TextDataset
) -> None:
    method = ExponentiatedGradientMitigation(group="topic", eps=0.05, max_iter=3)
    lacking = few_of_one_label(validation, 12, 0)
    told = " ".join(method.apply(classifier, training, lacking, 0).notes)
    assert (
        'Validation data has too few examples of the label "positive" to measure how far groups differ: '
        '"music" none, "film" 12.' in told
    )
    assert "differ by" not in told
    assert f"On the {len(lacking)} validation examples accuracy is " in told


def test_a_choice_that_rests_on_few_says_so_and_is_made_by_them(
    classifier: Classifier, training: TextDataset, validation: TextDataset
) -> None:
    few = few_of_one_label(validation, 12, 7)
    method = GridSearchMitigation(group="topic", max_loss=0.1, grid_size=6)
    notes = method.apply(classifier, training, few, 0).notes
    assert f"On the {len(few)} validation examples groups differ by 0." in notes[1]
    assert notes[2] == (
        'The difference rests on few examples of the label "positive" in the validation data: "music" 7, '
        '"film" 12. Expect another one on other data.'
    )


def test_a_search_that_keeps_the_head_as_it_was_says_so_first(
    classifier: Classifier, training: TextDataset, validation: TextDataset, made: Any
) -> None:
    # Where the model is always right, any other answer costs more than nothing.
    right = dataclasses.replace(validation, labels=answers(classifier, validation))
    method = GridSearchMitigation(group="topic", max_loss=0.0, grid_size=6)
    model = method.apply(classifier, training, right, 0)
    np.testing.assert_array_equal(answers(model, right), right.labels)
    assert model.notes[0] == "Changed nothing: the head as it was is the best of 7 heads."
    assert made(METHODS[1]).notes[0] == "Chosen among 41 heads."


@pytest.mark.parametrize(
    ("method", "wrong", "told"),
    [
        (Smote, {"neighbours": 0}, "neighbours"),
        (Smote, {"strategy": "some"}, "strategy"),
        (Smote, {"c": 0.0}, "c"),
        (CorrelationRemoverMitigation, {"alpha": 1.5}, "alpha"),
        (ExponentiatedGradientMitigation, {"eps": 0.0}, "eps"),
        (ExponentiatedGradientMitigation, {"max_iter": 0}, "max_iter"),
        (ExponentiatedGradientMitigation, {"max_loss": 2.0}, "max_loss"),
        (GridSearchMitigation, {"grid_size": 1}, "grid_size"),
        (GridSearchMitigation, {"constraint": "fairness"}, "constraint"),
        (ThresholdOptimizerMitigation, {"objective": "speed"}, "objective"),
        (GroupCalibration, {"scaling": "isotonic"}, "scaling"),
    ],
)
def test_a_parameter_out_of_range_is_refused_by_name(
    method: Callable[..., ModelMitigation], wrong: dict[str, Any], told: str
) -> None:
    with pytest.raises(AssayError, match=told):
        method(group="topic", **wrong)


def test_a_positive_label_that_the_data_does_not_have_is_refused(training: TextDataset) -> None:
    method = ThresholdOptimizerMitigation(group="topic", positive_label="positiv")
    with pytest.raises(AssayError, match=r'no label "positiv".*Did you mean "positive"'):
        method.check(training)
