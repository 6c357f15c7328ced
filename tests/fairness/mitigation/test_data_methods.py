"""Mitigations of the training data: their numbers worked by hand, and what stays as it was."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from attacks.errors import AssayError
from fairness.counterfactual.swapping import Swapper
from fairness.counterfactual.terms import load_terms
from fairness.mitigation import registry
from fairness.mitigation.examples import repeated, with_copies
from fairness.mitigation.methods.augmentation import Augmentation
from fairness.mitigation.methods.filtering import Filtering, masked, telling_terms, without_duplicates
from fairness.mitigation.methods.resampling import Resampling
from fairness.mitigation.methods.reweighing import Reweighing
from robustness.dataset import TextDataset


def dataset(
    labels: list[int], groups: list[str] | None = None, texts: list[str] | None = None, k: int = 2
) -> TextDataset:
    n = len(labels)
    return TextDataset(
        name="d",
        ids=tuple(f"i{row}" for row in range(n)),
        texts=tuple(texts or [f"text {row}" for row in range(n)]),
        text_pairs=None,
        labels=np.array(labels, dtype=np.int64),
        label_names=tuple(f"l{i}" for i in range(k)),
        groups={"g": np.array(groups or ["a"] * n)},
        splits=np.full(n, "train"),
    )


def strata(data: TextDataset) -> Counter[tuple[str, int]]:
    return Counter(zip(data.groups["g"].tolist(), data.labels.tolist(), strict=True))


labelled = st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abc")), min_size=2, max_size=40).filter(
    lambda rows: len({group for _, group in rows}) > 1
)


# Reweighing.


def test_the_weights_are_those_of_the_formula() -> None:
    """4 of a (3 positive), 6 of b (1 positive): P(a) P(+) / P(a, +) = 0.4 * 0.4 / 0.3 and so on."""
    data = dataset([1, 1, 1, 0, 1, 0, 0, 0, 0, 0], list("aaaabbbbbb"))
    done = Reweighing(group="g").apply(data, seed=0)
    assert done.training is data
    assert done.weights is not None
    expected = [0.16 / 0.3] * 3 + [0.24 / 0.1] + [0.24 / 0.1] + [0.36 / 0.5] * 5
    assert done.weights.tolist() == pytest.approx(expected)
    # 100 over the sum of the squares: 3 * 0.284 + 2 * 5.76 + 5 * 0.518.
    assert done.notes == [
        "The weights of the 10 training examples lie between 0.53 and 2.40; together they count as much as "
        "7 examples of equal weight."
    ]


@settings(max_examples=60, deadline=None)
@given(labelled)
def test_weighed_groups_and_labels_are_independent_where_every_pair_occurs(rows: Any) -> None:
    labels, groups = (list(column) for column in zip(*rows, strict=True))
    data = dataset(labels, groups, k=3)
    weights = Reweighing(group="g").apply(data, seed=0).weights
    assert weights is not None
    assert np.isfinite(weights).all()
    assert (weights > 0).all()
    assert weights.mean() == pytest.approx(1)
    names, group = np.unique(groups, return_inverse=True)
    classes, label = np.unique(labels, return_inverse=True)
    joint = np.zeros((len(names), len(classes)))
    np.add.at(joint, (group, label), weights / len(rows))
    if len(set(rows)) == joint.size:
        np.testing.assert_allclose(joint, np.outer(joint.sum(axis=1), joint.sum(axis=0)), atol=1e-12)
        np.testing.assert_allclose(joint.sum(axis=1), np.bincount(group) / len(rows))
        np.testing.assert_allclose(joint.sum(axis=0), np.bincount(label) / len(rows))


def test_independent_data_weigh_one_and_pairs_that_do_not_occur_are_named() -> None:
    even = Reweighing(group="g").apply(dataset([0, 1, 0, 1], list("aabb")), seed=0)
    assert even.weights is not None
    assert even.weights.tolist() == [1, 1, 1, 1]
    assert len(even.notes) == 1
    lacking = Reweighing(group="g").apply(dataset([0, 1, 1, 1], list("aabb")), seed=0)
    assert lacking.weights is not None
    assert lacking.weights.mean() == pytest.approx(1)
    assert 'that no training example has: "b" with "l0"; with these' in lacking.notes[1]


# Resampling.


@pytest.mark.parametrize(
    ("strategy", "ratio", "expected"),
    [
        ("over", 1.0, {("a", 0): 6, ("a", 1): 6, ("b", 0): 6, ("b", 1): 6}),
        ("over", 0.5, {("a", 0): 6, ("a", 1): 3, ("b", 0): 3, ("b", 1): 4}),
        ("under", 1.0, {("a", 0): 1, ("a", 1): 1, ("b", 0): 1, ("b", 1): 1}),
        ("under", 0.3, {("a", 0): 3, ("a", 1): 2, ("b", 0): 1, ("b", 1): 3}),
    ],
)
def test_pairs_of_group_and_label_end_as_frequent_as_asked(
    strategy: Any, ratio: float, expected: dict[tuple[str, int], int]
) -> None:
    data = dataset([0] * 6 + [1] * 2 + [0] + [1] * 4, list("aaaaaaaabbbbb"))
    done = Resampling(group="g", strategy=strategy, ratio=ratio).apply(data, seed=0)
    assert dict(strata(done.training)) == expected
    assert done.weights is None
    assert done.notes == [
        f"4 pairs of group and label with 1 to 6 training examples now have {min(expected.values())} to "
        f"{max(expected.values())}: 13 examples became {sum(expected.values())}."
    ]


def test_every_example_stays_or_is_one_of_the_old_ones_with_an_id_of_its_own() -> None:
    data = dataset([0] * 20 + [1] * 3, ["a"] * 10 + ["b"] * 13)
    over = Resampling(group="g").apply(data, seed=1).training
    assert set(over.ids) >= set(data.ids)
    assert len(set(over.ids)) == len(over)
    known = set(zip(data.texts, data.labels.tolist(), data.groups["g"].tolist(), strict=True))
    assert set(zip(over.texts, over.labels.tolist(), over.groups["g"].tolist(), strict=True)) == known
    under = Resampling(group="g", strategy="under").apply(data, seed=1).training
    assert set(under.ids) < set(data.ids)


@pytest.mark.parametrize("strategy", ["over", "under"])
def test_the_draw_is_that_of_the_seed(strategy: Any) -> None:
    data = dataset([0] * 20 + [1] * 5, ["a"] * 10 + ["b"] * 15)
    method = Resampling(group="g", strategy=strategy)
    first, again, other = (method.apply(data, seed=seed).training.fingerprint for seed in (1, 1, 2))
    assert first == again != other


def test_one_pair_alone_stays_as_it_is() -> None:
    data = dataset([1, 1, 1])
    assert Resampling(group="g").apply(data, seed=0).training.ids == data.ids


def test_without_its_package_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from fairness.mitigation import base

    monkeypatch.setattr(base, "find_spec", lambda name: None)
    with pytest.raises(AssayError, match=r'"resampling" needs imblearn.*pip install "assay\[mitigation\]"'):
        Resampling(group="g").require_installed()
    Reweighing(group="g").require_installed()


# Copies.


def test_repeated_ids_get_numbers_that_are_free() -> None:
    data = replace(dataset([0, 1, 1]), ids=("x", "x~2", "y"))
    assert repeated(data, [0, 0, 0, 1, 2, 2]).ids == ("x", "x~3", "x~4", "x~2", "y", "y~2")


def test_copies_stand_behind_the_data_with_the_labels_of_their_originals() -> None:
    data = replace(dataset([0, 1]), text_pairs=("p", "q"))
    made = with_copies(data, [(1, ("new", "pair")), (1, ("newer", "pair"))])
    assert made.inputs == [("text 0", "p"), ("text 1", "q"), ("new", "pair"), ("newer", "pair")]
    assert made.ids == ("i0", "i1", "i1~2", "i1~3")
    assert made.labels.tolist() == [0, 1, 1, 1]
    assert with_copies(data, []).fingerprint == data.fingerprint


# Augmentation.

PEOPLE = ["he is kind", "the film was good", "she saw her king", "a plot", "the Muslims left", "my aunt"]


def test_texts_that_name_somebody_get_a_copy_about_somebody_else() -> None:
    data = dataset([0, 1, 1, 0, 1, 0], texts=PEOPLE)
    done = Augmentation(axes=["gender"]).apply(data, seed=0)
    assert done.training.texts[:6] == tuple(PEOPLE)
    swapper = Swapper(load_terms(["gender"]))
    for text, label, id_ in zip(
        done.training.texts[6:], done.training.labels[6:], done.training.ids[6:], strict=True
    ):
        row = data.ids.index(id_.removesuffix("~2"))
        assert text in [swap.text for swap in swapper.swaps(data.texts[row])]
        assert text != data.texts[row]
        assert label == data.labels[row]
    assert done.training.texts[6] == "she is kind"
    assert len(done.training) == 6 + 3
    assert done.notes == [
        "3 of 6 training texts name somebody; 3 copies about somebody else were added (gender: 3)."
    ]


def test_copies_and_share_say_how_many() -> None:
    data = dataset([0] * 40, texts=["the Muslims and the women left"] * 40)
    some = Augmentation(axes=["gender", "religion"], copies=3, share=0.25).apply(data, seed=0).training
    assert len(some) == 40 + 10 * 3
    assert max(Counter(id_.split("~")[0] for id_ in some.ids).values()) == 4
    first, again, other = (
        Augmentation(axes=["religion"]).apply(data, seed=seed).training.fingerprint for seed in (3, 3, 4)
    )
    assert first == again != other


def test_training_texts_that_name_nobody_are_refused_before_any_training() -> None:
    data = dataset([0, 1], texts=["the film", "a plot"])
    for refuse in (lambda m: m.check(data), lambda m: m.apply(data, 0)):
        with pytest.raises(
            AssayError, match="no training text has a term that could be swapped along gender"
        ):
            refuse(Augmentation(axes=["gender"]))
    with pytest.raises(AssayError, match="gendre"):
        Augmentation(axes=["gendre"]).check(dataset([0], texts=["he"]))


# Filtering.


def test_the_first_of_equal_texts_stays_and_none_of_contradicting_ones() -> None:
    texts = ["A film", "a  FILM ", "a plot", "A plot", "the end", "a film!"]
    data = dataset([1, 1, 0, 1, 0, 0], texts=texts)
    kept, same, contradicting = without_duplicates(data)
    assert kept.texts == ("A film", "the end", "a film!")
    assert (same, contradicting) == (1, 2)
    done = Filtering(terms="keep").apply(data, seed=0)
    assert done.training.fingerprint == kept.fingerprint
    assert done.notes == ["Dropped of 6 training texts: 1 repeated, 2 whose labels contradict each other."]


def test_pairs_are_the_same_only_where_both_texts_are() -> None:
    data = replace(dataset([0, 0, 0], texts=["a", "A", "a"]), text_pairs=("x", "x", "y"))
    assert without_duplicates(data)[0].ids == ("i0", "i2")


def telling() -> TextDataset:
    """ "Muslims" is in 20 texts of label 1 alone; "women" in as many of both labels."""
    texts = [f"the Muslims left {row}" for row in range(20)]
    texts += [f"the women left {row}" for row in range(20)] + [f"they left {row}" for row in range(40)]
    labels = [1] * 20 + [0, 1] * 10 + [0] * 30 + [1] * 10
    return dataset(labels, texts=texts)


def test_a_term_gives_the_label_away_where_fishers_test_says_so() -> None:
    data = telling()
    swapper = Swapper(load_terms(["gender", "religion"]))
    mentions = [swapper.mentions(text) for text in data.inputs]
    assert fisher_exact([[20, 0], [20, 40]]).pvalue < 0.025 < fisher_exact([[10, 10], [30, 30]]).pvalue
    assert telling_terms(mentions, data.labels, 0.05) == [("religion", "muslims")]
    # A false discovery rate that nothing reaches.
    assert telling_terms(mentions, data.labels, 1e-12) == []
    assert telling_terms([[] for _ in mentions], data.labels, 0.05) == []
    assert telling_terms(mentions, np.ones(80, dtype=np.int64), 0.05) == []


def test_such_terms_are_masked_or_their_texts_dropped_and_others_kept() -> None:
    data, axes = telling(), ["gender", "religion"]
    done = Filtering(axes=axes).apply(data, seed=0)
    assert done.training.texts[:2] == ("the people left 0", "the people left 1")
    assert done.training.texts[20:] == data.texts[20:]
    assert done.training.ids == data.ids
    assert done.notes[1] == (
        "Identity terms that give a label away (religion: 1): muslims; texts with neutral words in their "
        "place: 20."
    )
    dropped = Filtering(axes=axes, terms="drop").apply(data, seed=0)
    assert dropped.training.ids == data.ids[20:]
    assert dropped.notes[1].endswith("texts with them that were dropped: 20.")
    none = Filtering(axes=["gender"]).apply(data, seed=0)
    assert none.training.texts == data.texts
    assert none.notes[1] == "No identity term gives a label away."


def test_masking_keeps_the_rest_of_the_text_and_works_on_pairs() -> None:
    swapper = Swapper(load_terms(["gender", "religion"]))
    text = "He saw a Jewish man; her king too."
    assert masked(text, swapper.mentions(text)) == "They saw a certain person; their someone too."
    pair = ("a mosque", "she is his")
    assert masked(pair, swapper.mentions(pair)) == ("a place", "they is theirs")


# What all of them keep to.

DATA_METHODS = [name for name, method in registry.available().items() if method.stage == "data"]


def example(name: str) -> Any:
    needs_group = any(p.name == "group" for p in _described(name).parameters)
    return registry.build(name, {"group": "g"} if needs_group else {})


def _described(name: str) -> Any:
    return next(each for each in registry.describe() if each.name == name)


@pytest.mark.parametrize("name", DATA_METHODS)
def test_every_method_leaves_usable_data_and_repeats_itself(name: str) -> None:
    rng = np.random.default_rng(0)
    words = ["he", "women", "Muslims", "film", "a", "my aunt", "Jewish"]
    texts = [" ".join(rng.choice(words, size=5)) for _ in range(60)]
    data = dataset(rng.integers(2, size=60).tolist(), rng.choice(["a", "b"], size=60).tolist(), texts)
    before = data.fingerprint
    method = example(name)
    method.check(data)
    done, again = method.apply(data, 3), method.apply(data, 3)
    assert data.fingerprint == before
    assert done.training.fingerprint == again.training.fingerprint
    assert done.training.label_names == data.label_names
    assert set(done.training.splits) == {"train"}
    assert set(done.training.labels.tolist()) == {0, 1}
    assert done.notes
    assert all(note.endswith(".") for note in done.notes)
    if done.weights is not None:
        assert done.weights.shape == (len(done.training),)
        assert done.weights.mean() == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("resampling", {"group": "g", "ratio": 0}, "expected ratio to be a number above 0 and at most 1"),
        ("resampling", {"group": "g", "strategy": "ovr"}, 'expected strategy to be "over" or "under"'),
        ("augmentation", {"copies": 0}, "expected copies to be a number above zero"),
        ("augmentation", {"share": 1.5}, "expected share to be a number above 0 and at most 1"),
        ("augmentation", {"axes": "gender"}, "expected axes to be a list of axes of identity, got 'gender'"),
        ("augmentation", {"axes": []}, "expected axes to be a list"),
        ("filtering", {"alpha": 1}, "expected alpha to be a number between 0 and 1"),
        ("filtering", {"terms": "hide"}, "expected terms to be"),
        ("reweighing", {}, 'Mitigation "reweighing" needs group, which is missing'),
        ("reweighing", {"group": 3}, "expected group to be a text"),
    ],
)
def test_wrong_parameters_are_refused(name: str, params: Any, message: str) -> None:
    with pytest.raises(AssayError, match=message):
        registry.build(name, params)
