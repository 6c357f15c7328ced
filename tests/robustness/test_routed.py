"""A model of several heads: which of them answers an example, and that attacks are made on that one."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from attacks import registry
from attacks.black_box import QueryAttack
from attacks.embedding.fgsm import FGSM
from attacks.errors import AssayError
from robustness import evaluate
from robustness.asking import Budget
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.heads import Head, embeddings, head_of, last_linear, with_head
from robustness.loading import load_classifier, with_labels
from robustness.outcomes import MemoryStore, Outcome
from robustness.routed import Routed, Routing
from robustness.routed_files import is_routed, load_routes, save_routes
from tests.robustness.judging import CPU, half_right, undecided
from tests.robustness.tiny import tiny_dataset, tiny_folder

MIXED = {"woman": (0.5, 0.0, 0.5), "man": (0.0, 1.0, 0.0)}


@pytest.fixture
def classifier(tmp_path: Path) -> Classifier:
    return undecided(tmp_path)


@pytest.fixture
def dataset(classifier: Classifier) -> TextDataset:
    return half_right(classifier, tiny_dataset(64))


@pytest.fixture
def routed(classifier: Classifier) -> Routed:
    """The model as it is, one that favours the first label, and one that favours the second."""
    head = head_of(classifier)
    heads = (head, head.plus(np.array([0.5, 0.0])), head.plus(np.array([0.0, 0.5])))
    return Routed(classifier, heads, Routing("gender", MIXED, seed=3), ("a note",))


# Heads.


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "electra"])
def test_the_head_of_the_embeddings_gives_the_logits_of_any_architecture(tmp_path: Path, kind: str) -> None:
    classifier = load_classifier(str(tiny_folder(tmp_path, kind=kind)), device=CPU)
    texts = tiny_dataset(20).inputs
    found = embeddings(classifier, texts)
    assert found.shape == (20, 32)
    logits = head_of(classifier).logits(found)
    np.testing.assert_allclose(logits, classifier.text_logits(texts).detach().numpy(), atol=1e-5)
    head = Head(*_random(head_of(classifier)))
    changed = with_head(classifier, head)
    np.testing.assert_allclose(changed.text_logits(texts).detach().numpy(), head.logits(found), atol=1e-4)
    np.testing.assert_allclose(changed.predict_proba(texts), _softmax(head.logits(found)), atol=1e-5)


def test_another_head_leaves_the_classifier_as_it_is_and_shares_its_encoder(classifier: Classifier) -> None:
    texts = tiny_dataset(8).inputs
    before, answers = classifier.fingerprint(), classifier.predict_proba(texts)
    changed = with_head(classifier, Head(*_random(head_of(classifier))))
    assert classifier.fingerprint() == before != changed.fingerprint()
    np.testing.assert_array_equal(classifier.predict_proba(texts), answers)
    name = last_linear(classifier)
    own = {key: value.data_ptr() for key, value in classifier.model.state_dict().items()}
    shared = {key: value.data_ptr() for key, value in changed.model.state_dict().items()}
    assert {key for key in own if own[key] != shared[key]} == {f"{name}.weight", f"{name}.bias"}


def test_a_head_speaks_of_the_labels_in_the_order_of_the_classifier(classifier: Classifier) -> None:
    other = with_labels(classifier, ("positive", "negative"))
    texts = tiny_dataset(6).inputs
    found = embeddings(classifier, texts)
    np.testing.assert_allclose(
        head_of(other).logits(found), head_of(classifier).logits(found)[:, ::-1], atol=1e-9
    )
    favours = with_head(other, head_of(other).plus(np.array([30.0, 0.0])))
    assert (favours.predict_proba(texts)[:, 0] > 0.99).all()


def test_a_head_after_an_affine_map_does_both() -> None:
    rng = np.random.default_rng(0)
    head = Head(rng.normal(size=(3, 4)), rng.normal(size=3))
    matrix, shift, x = rng.normal(size=(4, 4)), rng.normal(size=4), rng.normal(size=(5, 4))
    np.testing.assert_allclose(head.after(matrix, shift).logits(x), head.logits(x @ matrix.T + shift))


def test_a_model_without_a_linear_layer_at_its_end_is_refused(classifier: Classifier) -> None:
    layer = classifier.model.classifier
    classifier.model.classifier = nn.Sequential(layer, nn.Tanh())
    with pytest.raises(AssayError, match="something comes after it"):
        embeddings(classifier, ["good"])
    classifier.model.classifier = nn.Linear(layer.in_features, 2, bias=False)
    with pytest.raises(AssayError, match="linear layer with 2 outputs and a bias"):
        head_of(classifier)


def test_a_head_of_another_shape_is_refused(classifier: Classifier) -> None:
    with pytest.raises(ValueError, match=r"expected a head \(2, 32\)"):
        with_head(classifier, Head(np.zeros((2, 31)), np.zeros(2)))


# Routes.


def test_an_example_is_answered_by_its_group_and_its_draw() -> None:
    dataset = tiny_dataset(4000)
    routes = Routing("gender", {"woman": (0.3, 0.0, 0.7), "man": (0.0, 1.0, 0.0)}, seed=1).routes(dataset)
    women = dataset.groups["gender"] == "woman"
    assert set(routes[~women]) == {1}
    assert set(routes[women]) == {0, 2}
    # The standard error of a share of 0.3 among 2,000 is 0.01.
    assert np.mean(routes[women] == 0) == pytest.approx(0.3, abs=0.04)


def test_a_draw_depends_on_the_seed_and_the_example_alone() -> None:
    dataset = tiny_dataset(300)
    routing = Routing(None, {"": (0.5, 0.5)}, seed=1)
    routes = routing.routes(dataset)
    rows = np.arange(299, -1, -3)
    np.testing.assert_array_equal(routing.routes(dataset.take(rows)), routes[rows])
    renamed = dataclasses.replace(dataset, texts=tuple(f"{text} !" for text in dataset.texts))
    np.testing.assert_array_equal(routing.routes(renamed), routes)
    other = dataclasses.replace(routing, seed=2).routes(dataset)
    assert 0.3 < np.mean(other != routes) < 0.7


def test_data_that_does_not_tell_the_route_is_refused(routed: Routed, dataset: TextDataset) -> None:
    without = dataclasses.replace(dataset, groups={"gendr": dataset.groups["gender"]})
    with pytest.raises(AssayError, match=r'"gender".*Did you mean "gendr"\?'):
        routed.check(without)
    values = dataset.groups["gender"].astype("<U9").copy()
    values[5] = "nonbinary"
    unseen = dataclasses.replace(dataset, groups={"gender": values})
    with pytest.raises(AssayError, match='never saw in training or validation data: "nonbinary"'):
        evaluate.predict(routed, unseen, MemoryStore())
    by_draw = dataclasses.replace(routed, routing=Routing(None, {"": (0.2, 0.3, 0.5)}, 0))
    by_draw.check(without)


def test_the_parts_are_all_rows_once_in_the_given_order(routed: Routed, dataset: TextDataset) -> None:
    parts = routed.parts(dataset)
    assert sorted(row for rows, _ in parts for row in rows) == list(range(64))
    assert all(rows == sorted(rows) for rows, _ in parts)
    some = routed.parts(dataset, [9, 2, 40])
    assert sorted(row for rows, _ in some for row in rows) == [2, 9, 40]
    assert all(member in routed.members for _, member in some)


def test_texts_alone_are_refused(routed: Routed) -> None:
    with pytest.raises(AssayError, match='answers by "gender", so texts alone are not enough'):
        routed.predict_proba(["good"])


def test_every_part_of_a_routed_model_counts_in_its_fingerprint_and_size(routed: Routed) -> None:
    head = routed.heads[2]
    others = [
        dataclasses.replace(routed, heads=(*routed.heads[:2], head.plus(np.array([0.0, 1e-9])))),
        dataclasses.replace(routed, routing=dataclasses.replace(routed.routing, seed=4)),
        dataclasses.replace(routed, routing=dataclasses.replace(routed.routing, column="domain")),
        dataclasses.replace(
            routed, routing=dataclasses.replace(routed.routing, shares={**MIXED, "man": (0.0, 0.9, 0.1)})
        ),
    ]
    prints = {each.fingerprint() for each in [routed, *others]}
    assert len(prints) == 5
    assert routed.base.fingerprint() not in prints
    # Two more heads of 2 x 32 weights and 2 biases.
    assert routed.num_parameters == routed.base.num_parameters + 2 * 66


# Evaluation.


def test_predictions_are_those_of_the_members_in_the_order_of_the_data(
    routed: Routed, dataset: TextDataset
) -> None:
    outcomes = evaluate.predict(routed, dataset, MemoryStore())
    assert [outcome.example_id for outcome in outcomes] == list(dataset.ids)
    found = np.array([outcome.probabilities for outcome in outcomes])
    by_hand = [
        _softmax(routed.heads[route].logits(embeddings(routed.base, [text])))[0]
        for route, text in zip(routed.routing.routes(dataset), dataset.inputs, strict=True)
    ]
    np.testing.assert_allclose(found, by_hand, atol=1e-5)
    np.testing.assert_allclose(routed.probabilities(dataset), by_hand, atol=1e-5)
    # The members disagree, so which of them is asked matters.
    assert len({tuple(member.predict_proba(dataset.inputs[:1])[0]) for member in routed.members}) == 3


def test_what_is_in_the_store_is_not_asked_again(routed: Routed, dataset: TextDataset) -> None:
    store, told = MemoryStore(), []
    first = evaluate.predict(routed, dataset, store)
    marked = dataclasses.replace(first[7], seconds=99.0)
    store.add([marked])
    second = evaluate.predict(routed, dataset, store, told.append)
    assert second[7] == marked
    assert sum(told) == len(dataset)


def test_an_attack_on_the_embeddings_faces_the_member_that_answers(
    routed: Routed, dataset: TextDataset
) -> None:
    clean = evaluate.predict(routed, dataset, MemoryStore())
    attack, told = FGSM(epsilon=0.05), []
    found = evaluate.attack(routed, dataset, clean, attack, MemoryStore(), seed=1, advance=told.append)
    assert sum(told) == len(dataset)
    for rows, member in routed.parts(dataset):
        part = [clean[row] for row in rows]
        alone = evaluate.attack(member, dataset.take(rows), part, attack, MemoryStore(), seed=1)
        mine = [found[row] for row in rows]
        assert [_judged(each) for each in mine] == [_judged(each) for each in alone]
    assert {outcome.skipped for outcome in found} == {True, False}
    assert any(outcome.success for outcome in found)


def test_a_black_box_attack_faces_the_member_that_answers_whatever_engine_there_is(
    routed: Routed, dataset: TextDataset
) -> None:
    dataset = dataset.take(range(24))
    clean = evaluate.predict(routed, dataset, MemoryStore())
    attack = registry.build("deletions", {})

    def elsewhere(attack: QueryAttack, rows: Sequence[int]) -> Iterator[list[Outcome]]:
        raise AssertionError("a routed model is not known in other processes")

    found = evaluate.attack(routed, dataset, clean, attack, MemoryStore(), seed=1, engine=elsewhere)
    for rows, member in routed.parts(dataset):
        part = [clean[row] for row in rows]
        alone = evaluate.attack(member, dataset.take(rows), part, attack, MemoryStore(), seed=1)
        assert [each.text for each in alone] == [found[row].text for row in rows]
        assert [each.prediction for each in alone] == [found[row].prediction for row in rows]
    assert any(outcome.text for outcome in found)


def test_a_budget_is_for_all_members_together(routed: Routed, dataset: TextDataset) -> None:
    dataset = dataset.take(range(32))
    clean = evaluate.predict(routed, dataset, MemoryStore())
    attack = registry.build("deletions", {})
    whole = evaluate.attack(routed, dataset, clean, attack, MemoryStore(), seed=1)
    asked = sum(outcome.queries for outcome in whole)
    half = evaluate.attack(
        routed, dataset, clean, attack, MemoryStore(), seed=1, budget=Budget(queries=int(asked / 2))
    )
    spent = sum(outcome.queries for outcome in half if outcome.reached)
    assert 0 < spent <= 0.75 * asked
    assert {outcome.reached for outcome in half} == {True, False}


# The folder.


@pytest.fixture
def saved(routed: Routed, tmp_path: Path) -> Path:
    folder = tmp_path / "saved"
    routed.base.model.save_pretrained(folder, safe_serialization=True)
    routed.base.tokenizer.save_pretrained(folder)
    save_routes(routed, folder)
    return folder


def test_a_saved_model_answers_as_before(routed: Routed, dataset: TextDataset, saved: Path) -> None:
    again = load_routes(saved, load_classifier(str(saved), device=CPU))
    assert again.routing == routed.routing
    assert again.notes == ("a note",)
    np.testing.assert_array_equal(again.probabilities(dataset), routed.probabilities(dataset))
    assert again.fingerprint() == routed.fingerprint()


def test_a_saved_model_can_be_loaded_with_its_labels_in_another_order(
    routed: Routed, dataset: TextDataset, saved: Path
) -> None:
    base = with_labels(load_classifier(str(saved), device=CPU), ("positive", "negative"))
    turned = load_routes(saved, base).probabilities(dataset.with_label_names(("positive", "negative")))
    np.testing.assert_allclose(turned[:, ::-1], routed.probabilities(dataset), atol=1e-7)


def test_a_folder_without_routes_is_an_ordinary_model(saved: Path, tmp_path: Path) -> None:
    assert is_routed(saved)
    assert not is_routed(tiny_folder(tmp_path))
    (saved / "heads.safetensors").unlink()
    assert not is_routed(saved)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "routes.json").write_text("{}"),
        lambda folder: (folder / "routes.json").write_text("no json"),
        lambda folder: (folder / "heads.safetensors").write_bytes(b"no tensors"),
    ],
)
def test_damaged_routes_are_refused(saved: Path, damage: Callable[[Path], object]) -> None:
    damage(saved)
    with pytest.raises(AssayError, match="Delete the folder and run again"):
        load_routes(saved, load_classifier(str(saved), device=CPU))


def test_routes_of_another_model_are_refused(saved: Path, tmp_path: Path) -> None:
    smaller = load_classifier(str(tiny_folder(tmp_path, hidden=16)), device=CPU)
    with pytest.raises(AssayError, match="belongs to another model"):
        load_routes(saved, smaller)


def _judged(outcome: Outcome) -> tuple[str, int, bool, bool]:
    return outcome.example_id, outcome.prediction, outcome.success, outcome.skipped


def _random(like: Head) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.normal(size=like.weight.shape), rng.normal(size=like.bias.shape)


def _softmax(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
