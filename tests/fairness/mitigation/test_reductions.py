"""Fairlearn's reductions on embeddings, and parameters that are refused."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fairlearn import reductions
from sklearn.linear_model import LogisticRegression

from attacks.errors import AssayError
from fairness.mitigation.base import ModelMitigation
from fairness.mitigation.methods.correlation_remover import CorrelationRemoverMitigation
from fairness.mitigation.methods.exponentiated_gradient import ExponentiatedGradientMitigation
from fairness.mitigation.methods.grid_search import GridSearchMitigation
from fairness.mitigation.methods.group_calibration import GroupCalibration
from fairness.mitigation.methods.smote import Smote
from fairness.mitigation.methods.threshold_optimizer import ThresholdOptimizerMitigation
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from tests.fairness.mitigation.biased import answers


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
    assert made(GridSearchMitigation(group="topic", max_loss=0.1)).notes[0] == "Chosen among 41 heads."


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
