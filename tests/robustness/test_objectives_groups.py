"""Objectives that train on groups: their formulas, worked out again another way, and what they refuse."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from attacks.errors import AssayError
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.loading import load_classifier
from robustness.objectives import registry
from robustness.objectives.adversarial_head import AdversarialHead
from robustness.objectives.base import Step
from robustness.objectives.group_dro import GroupDRO, GroupWeights
from robustness.objectives.standard import Standard
from robustness.objectives.strata import Strata, by_group
from robustness.training import train
from tests.robustness.objective_cases import GROUPED, assert_same, gradients, names, tiny_batch
from tests.robustness.small_training import FAST, LEARNING
from tests.robustness.tiny import tiny_dataset, tiny_folder

DATA = tiny_dataset(6)
GENDERS = by_group(DATA, "gender", "test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def classifier(folder: Path) -> Classifier:
    return load_classifier(str(folder), device=torch.device("cpu"))


def step_of(memory: Any, strata: Strata, **given: Any) -> Step:
    return Step(0.0, lambda loss: loss.backward(), 0.25, memory, strata=torch.tensor(strata.codes), **given)


def losses_of(classifier: Classifier, batch: Any) -> Tensor:
    """The cross-entropy of each example, through transformers alone."""
    encoding, y = batch
    return cross_entropy(classifier.model(**encoding.inputs).logits, y, reduction="none")


# Strata.


def test_strata_are_the_groups_or_the_groups_of_each_label() -> None:
    data = replace(
        tiny_dataset(4),
        labels=np.array([0, 1, 1, 0]),
        groups={"team": np.array(["b", "a", "b", "b"])},
    )
    groups = by_group(data, "team", "test")
    assert groups.names == ("a", "b")
    assert groups.codes.tolist() == [1, 0, 1, 1]
    assert groups.counts.tolist() == [1, 3]
    both = by_group(data, "team", "test", with_label=True)
    assert both.names == ("a, positive", "b, negative", "b, positive")
    assert both.codes.tolist() == [1, 0, 2, 1]


@pytest.mark.parametrize("objective", GROUPED, ids=names(GROUPED))
def test_a_column_that_is_missing_or_has_one_group_is_refused(objective: Any) -> None:
    misspelt = replace(objective, group="gendr")
    with pytest.raises(AssayError, match=r'no group column "gendr"\. Did you mean "gender"'):
        misspelt.strata(DATA)
    alone = DATA.take(np.flatnonzero(DATA.groups["gender"] == "man"))
    with pytest.raises(
        AssayError, match='two groups in "gender" among the training examples, got "man" alone'
    ):
        objective.strata(alone)
    with pytest.raises(AssayError, match="got no example alone"):
        objective.strata(DATA.take([]))


@pytest.mark.parametrize("objective", GROUPED, ids=names(GROUPED))
def test_training_refuses_data_without_the_groups_before_it_begins(
    objective: Any, classifier: Classifier, tmp_path: Path
) -> None:
    bare = replace(tiny_dataset(16), groups={})
    with pytest.raises(AssayError, match="Group columns: none"):
        train(classifier, bare, bare, objective, FAST, tmp_path / "state")
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("group-dro", {"step_size": 0}, "expected step_size to be a number above zero"),
        ("group-dro", {"adjustment": -1}, "expected adjustment to be a number that is zero or above"),
        ("adversarial-head", {"strength": 0}, "expected strength to be a number above zero"),
        ("adversarial-head", {"hidden": -1}, "expected hidden to be a number that is zero or above"),
        ("adversarial-head", {"adversary_learning_rate": 0}, "adversary_learning_rate"),
        ("adversarial-head", {"criterion": "parity"}, "equalized_odds"),
    ],
)
def test_parameters_out_of_range_are_refused(name: str, params: Any, message: str) -> None:
    with pytest.raises(AssayError, match=message):
        registry.build(name, {"group": "gender", **params})


# Group DRO.


def test_group_dro_weighs_the_mean_losses_of_the_groups_by_q(classifier: Classifier) -> None:
    """On the whole data: the sum of q_g R_g, R_g the mean loss of group g (Sagawa et al. 2020)."""
    objective, batch = GroupDRO(group="gender", by_label=False), tiny_batch(classifier)
    memory = objective.memory(classifier, GENDERS)
    memory.log_weights = torch.tensor([0.3, 0.7]).log()
    classifier.model.zero_grad()
    loss = objective.backward(classifier, *batch, step_of(memory, GENDERS))
    found = gradients(classifier)

    classifier.model.zero_grad()
    each = losses_of(classifier, batch)
    men = torch.tensor(DATA.groups["gender"] == "man")
    expected = 0.3 * each[men].mean() + 0.7 * each[~men].mean()
    expected.backward()
    assert float(loss) == pytest.approx(float(expected.detach()), rel=1e-5)
    assert_same(found, gradients(classifier))
    torch.testing.assert_close(memory.risks, torch.stack([each[men].mean(), each[~men].mean()]).detach())


def test_after_an_update_q_has_grown_by_the_exponential_of_the_losses(classifier: Classifier) -> None:
    objective = GroupDRO(group="gender", step_size=0.5, adjustment=2.0)
    memory = GroupWeights(Strata(np.array([0, 0, 0, 0, 1]), ("a", "b")), torch.device("cpu"))
    assert memory.weights.tolist() == pytest.approx([0.5, 0.5])
    memory.risks.copy_(torch.tensor([1.0, 3.0]))
    objective.after_update(classifier, memory)
    # R + C / sqrt(n): 1 + 2 / 2 and 3 + 2 / 1.
    a, b = math.exp(0.5 * 2), math.exp(0.5 * 5)
    assert memory.weights.tolist() == pytest.approx([a / (a + b), b / (a + b)])
    assert memory.risks.tolist() == [0, 0]


def test_batches_that_lack_a_group_come_to_the_same_on_average(classifier: Classifier) -> None:
    """Three batches of two: the mean of their losses and risks is that of the six examples at once."""
    objective, (encoding, y) = GroupDRO(group="gender", by_label=False), tiny_batch(classifier)
    whole = objective.memory(classifier, GENDERS)
    expected = objective.backward(classifier, encoding, y, step_of(whole, GENDERS))
    memory = objective.memory(classifier, GENDERS)
    losses = []
    for rows in ([0, 1], [2, 3], [4, 5]):
        part = Strata(GENDERS.codes[rows], GENDERS.names)
        step = step_of(memory, part, share=1 / 3)
        losses.append(float(objective.backward(classifier, encoding.take(torch.tensor(rows)), y[rows], step)))
    assert len(set(GENDERS.codes[[0, 1]].tolist())) == 1
    assert np.mean(losses) == pytest.approx(float(expected), rel=1e-5)
    torch.testing.assert_close(memory.risks, whole.risks)


def test_what_is_computed_for_nothing_moves_no_group(classifier: Classifier) -> None:
    objective = GroupDRO(group="gender")
    memory = objective.memory(classifier, GENDERS)
    objective.backward(classifier, *tiny_batch(classifier), step_of(memory, GENDERS, share=0.0))
    assert memory.risks.tolist() == [0, 0]


def test_the_group_that_cannot_be_learnt_comes_to_count_more(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every text of the group "odd", a fifth of the examples, is there with both labels; it has half of q."""
    kept: list[GroupWeights] = []
    made = GroupDRO.memory
    monkeypatch.setattr(GroupDRO, "memory", lambda *given: kept.append(made(*given)) or kept[-1])
    data = tiny_dataset(100, seed=1)
    odd = np.arange(100) < 20
    texts = [data.texts[row // 2] if row < 20 else data.texts[row] for row in range(100)]
    data = replace(
        data,
        texts=tuple(texts),
        labels=np.where(odd, np.arange(100) % 2, data.labels),
        groups={"kind": np.where(odd, "odd", "plain")},
    )
    objective = GroupDRO(group="kind", by_label=False, step_size=1.0)
    train(classifier, data, tiny_dataset(20, seed=2), objective, LEARNING, tmp_path / "state")
    odd_weight, plain_weight = kept[0].weights.tolist()
    assert by_group(data, "kind", "test").names == ("odd", "plain")
    assert odd_weight > 0.6 > plain_weight


# The adversarial head.


def guessed(adversary: Any, heard: Tensor, y: Tensor | None) -> Tensor:
    seen = heard if y is None else torch.cat([heard, torch.eye(2)[y]], dim=1)
    return cross_entropy(adversary.network(seen), torch.tensor(GENDERS.codes))


@pytest.mark.parametrize("criterion", ["equalized_odds", "demographic_parity"])
@pytest.mark.parametrize("hidden", [0, 5])
def test_the_model_descends_its_loss_and_ascends_that_of_the_adversary(
    criterion: Any, hidden: int, classifier: Classifier
) -> None:
    """Against two backward passes of their own: the model's, and the adversary's on the pooled output."""
    objective = AdversarialHead(group="gender", criterion=criterion, hidden=hidden, strength=0.8)
    adversary = objective.memory(classifier, GENDERS)
    encoding, y = tiny_batch(classifier)
    classifier.model.zero_grad()
    loss = objective.backward(classifier, encoding, y, step_of(adversary, GENDERS))
    found = gradients(classifier)
    mine = [parameter.grad.clone() for parameter in adversary.network.parameters()]

    model = classifier.model
    told = y if criterion == "equalized_odds" else None
    parameters = list(model.parameters())
    own = cross_entropy(model(**encoding.inputs).logits, y)
    its = guessed(adversary, model.bert(**encoding.inputs).pooler_output, told)
    plain = torch.autograd.grad(own, parameters)
    against = torch.autograd.grad(its, parameters, retain_graph=True, allow_unused=True)
    theirs = torch.autograd.grad(its, list(adversary.network.parameters()))
    strength = 0.8 * (2 / (1 + math.exp(-10 * 0.25)) - 1)
    expected = {
        name: a if b is None else a - strength * b
        for (name, _), a, b in zip(model.named_parameters(), plain, against, strict=True)
    }
    assert float(loss) == pytest.approx(float(own.detach()), rel=1e-5)
    assert_same(found, expected)
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one, other)


def test_the_reversal_rises_from_nothing_to_its_strength() -> None:
    objective = AdversarialHead(group="gender", strength=3.0)
    assert objective.reversal(0) == 0
    assert objective.reversal(0.1) == pytest.approx(3 * math.tanh(0.5))
    assert objective.reversal(1) == pytest.approx(3, rel=1e-4)


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert"])
def test_the_adversary_hears_what_the_last_layer_is_given(kind: str, tmp_path: Path) -> None:
    classifier = load_classifier(str(tiny_folder(tmp_path, kind=kind)), device=torch.device("cpu"))
    adversary = AdversarialHead(group="gender").memory(classifier, GENDERS)
    encoding, _ = tiny_batch(classifier)
    with adversary.listening() as heard:
        logits = classifier.logits(encoding, classifier.embed(encoding))
    torch.testing.assert_close(adversary.layer(heard[-1]), logits)
    assert not adversary.layer._forward_pre_hooks


def test_the_adversary_learns_and_ends_nowhere_in_the_model(classifier: Classifier, tmp_path: Path) -> None:
    data = tiny_dataset(48, seed=1)
    # The group can be read off every text: it is what the label is.
    data = replace(data, groups={"side": np.where(data.labels == 1, "left", "right")})
    objective = AdversarialHead(group="side", criterion="demographic_parity", adversary_learning_rate=1e-2)
    before = sorted(classifier.model.state_dict())
    kept: list[Any] = []
    made = AdversarialHead.memory

    class Watched(AdversarialHead):
        def memory(self, *given: Any) -> Any:
            kept.append(made(self, *given))
            kept.append([parameter.detach().clone() for parameter in kept[0].network.parameters()])
            return kept[0]

    watched = Watched(**objective.params())
    train(classifier, data, data, watched, replace(FAST, epochs=2), tmp_path / "state")
    assert sorted(classifier.model.state_dict()) == before
    adversary, start = kept
    moved = [
        float((now.detach() - then).abs().max())
        for now, then in zip(adversary.network.parameters(), start, strict=True)
    ]
    assert min(moved) > 1e-3


def leaning(n: int, seed: int, agreement: float) -> TextDataset:
    """The first word names a group, which goes with the label in a share ``agreement`` of the examples."""
    data, rng = tiny_dataset(n, seed), np.random.default_rng(seed + 100)
    left = np.where(rng.random(n) < agreement, data.labels == 1, data.labels == 0)
    texts = [f"{'music' if each else 'plot'} {text}" for each, text in zip(left, data.texts, strict=True)]
    return replace(data, texts=tuple(texts), groups={"side": np.where(left, "left", "right")})


def other_side(text: str) -> str:
    first, rest = text.split(" ", 1)
    return f"{'plot' if first == 'music' else 'music'} {rest}"


def test_an_adversary_makes_the_answer_depend_less_on_the_group(folder: Path, tmp_path: Path) -> None:
    """Measured is how far the probability moves when nothing but the group's word is exchanged."""
    data, other = leaning(480, 1, 0.85), leaning(200, 2, 0.5)
    settings = replace(FAST, epochs=6, learning_rate=1e-3)
    adversarial = AdversarialHead(group="side", strength=0.3, adversary_learning_rate=1e-2)
    moved, reached = {}, {}
    for objective in (Standard(), adversarial):
        classifier = load_classifier(str(folder), device=torch.device("cpu"))
        outcome = train(classifier, data, other, objective, settings, tmp_path / objective.name)
        before, after = (
            classifier.predict_proba(texts)[:, 1]
            for texts in (other.texts, [other_side(text) for text in other.texts])
        )
        moved[objective.name] = float(np.abs(after - before).mean())
        reached[objective.name] = outcome.history[outcome.best_epoch - 1].validation_accuracy
    assert moved["adversarial-head"] < 0.6 * moved["standard"]
    assert reached["adversarial-head"] > 0.9
