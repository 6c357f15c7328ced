"""Every token attack on trained classifiers: what counts as success fools the model in plain text."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rapidfuzz.distance import Levenshtein

from attacks import registry
from attacks.base import Attack
from attacks.token.base import TokenBudgetAttack
from attacks.token.gbda import GBDA
from attacks.token.hotflip import HotFlip
from attacks.token.universal_trigger import UniversalTrigger
from attacks.victims import TextInput
from robustness import evaluate
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.loading import load_classifier
from robustness.outcomes import MemoryStore, Outcome
from tests.robustness.judging import clean_of
from tests.robustness.test_evaluate_resume import FailingStore, KilledError
from tests.robustness.tiny import tiny_dataset, tiny_folder

CPU = torch.device("cpu")
KINDS = ["bert", "roberta", "distilbert", "deberta-v2", "electra"]

SMALL: dict[str, TokenBudgetAttack] = {
    "hotflip": HotFlip(beam=2, candidates=5),
    "gbda": GBDA(steps=20, learning_rate=1.0, samples=1, final_samples=20),
    "universal-trigger": UniversalTrigger(rounds=1, candidates=8, examples=12),
}
"""An example of every token attack, cheap enough for a test."""


def test_every_token_attack_is_among_the_examples() -> None:
    ours = {
        name: attack
        for name, attack in registry.available().items()
        if issubclass(attack, TokenBudgetAttack) and attack.__module__.startswith("attacks.")
    }
    assert ours == {name: type(attack) for name, attack in SMALL.items()}


def trained(folder: Path, kind: str, *, pairs: bool = False) -> Classifier:
    """A classifier that has learned the tiny data in a few steps."""
    classifier = load_classifier(str(tiny_folder(folder, kind=kind)), device=CPU)
    data = tiny_dataset(256, seed=1)
    inputs = paired(data).inputs if pairs else data.inputs
    optimizer = torch.optim.Adam(classifier.model.parameters(), 3e-3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for step in range(24):
            rows = [(step * 32 + i) % 256 for i in range(32)]
            encoding = classifier.tokenize([inputs[row] for row in rows])
            logits = classifier.logits(encoding, classifier.embed(encoding))
            loss = torch.nn.functional.cross_entropy(logits, torch.tensor(data.labels[rows]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return classifier


def paired(dataset: TextDataset) -> TextDataset:
    """Each text cut in two."""
    halves = [text.split(" ", 2) for text in dataset.texts]
    return dataclasses.replace(
        dataset,
        texts=tuple(" ".join(words[:2]) for words in halves),
        text_pairs=tuple(" ".join(words[2:]) for words in halves),
    )


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return trained(tmp_path_factory.mktemp("trained"), "bert")


def attacked(
    classifier: Classifier, dataset: TextDataset, attack: Attack, seed: int = 0
) -> tuple[list[Outcome], list[Outcome]]:
    clean = clean_of(classifier, dataset)
    return clean, evaluate.attack(classifier, dataset, clean, attack, MemoryStore(), seed=seed)


def check(classifier: Classifier, dataset: TextDataset, attack: TokenBudgetAttack) -> list[Outcome]:
    """Attack and hold every outcome against the model itself; those that were not skipped."""
    clean, outcomes = attacked(classifier, dataset, attack)
    target = None if attack.target is None else dataset.label_names.index(attack.target)
    mine: list[Outcome] = []
    for text, before, after in zip(dataset.inputs, clean, outcomes, strict=True):
        if after.skipped:
            continue
        mine.append(after)
        proposal = text if after.text is None else after.text
        answer = classifier.predict_proba([proposal])[0]
        np.testing.assert_allclose(after.probabilities, answer, rtol=0, atol=1e-5)
        fooled = answer.argmax() != after.label if target is None else answer.argmax() == target
        assert after.success == fooled
        old, new = classifier.token_ids([text, proposal])
        assert after.distance == Levenshtein.distance(old, new) <= attack.max_tokens
        assert (after.text is None) == (after.distance == 0)
        assert before.prediction == after.label
    assert len(mine) > len(dataset) / 3, "hardly anything was attacked"
    return mine


@pytest.mark.parametrize("kind", KINDS)
def test_success_is_real_on_every_architecture(tmp_path: Path, kind: str) -> None:
    classifier, dataset = trained(tmp_path, kind), tiny_dataset(16)
    # Byte pairs are the ones that make it hard to put something before a text.
    for name in ["hotflip"] + ["universal-trigger"] * (kind == "roberta"):
        assert any(outcome.success for outcome in check(classifier, dataset, SMALL[name])), name


@pytest.mark.parametrize("attack", SMALL.values(), ids=SMALL)
@pytest.mark.parametrize("target", [None, "positive"])
def test_success_is_real_for_every_attack_and_target(
    bert: Classifier, attack: TokenBudgetAttack, target: str | None
) -> None:
    outcomes = check(bert, tiny_dataset(24), dataclasses.replace(attack, target=target))
    assert any(outcome.success for outcome in outcomes)
    if target is not None:
        assert {outcome.label for outcome in outcomes} == {0}, "what is positive already is not attacked"


@pytest.mark.parametrize("attack", SMALL.values(), ids=SMALL)
def test_pairs_are_attacked_as_pairs(tmp_path: Path, attack: TokenBudgetAttack) -> None:
    classifier, dataset = trained(tmp_path, "bert", pairs=True), paired(tiny_dataset(16))
    outcomes = check(classifier, dataset, attack)
    texts = [outcome.text for outcome in outcomes if outcome.success]
    assert texts
    assert all(isinstance(text, tuple) and len(text) == 2 for text in texts)


@pytest.mark.parametrize("max_tokens", [1, 2])
@pytest.mark.parametrize("name", ["hotflip", "gbda"])
def test_a_replacement_changes_whole_words_in_their_place(
    bert: Classifier, name: str, max_tokens: int
) -> None:
    """Each word of the tiny data is a token: only so many words differ, and all else is as it was."""
    dataset = tiny_dataset(24)
    dataset = dataclasses.replace(dataset, texts=tuple(text.title() for text in dataset.texts))
    outcomes = check(bert, dataset, dataclasses.replace(SMALL[name], max_tokens=max_tokens))
    by_id = dict(zip(dataset.ids, dataset.texts, strict=True))
    for outcome in outcomes:
        old = by_id[outcome.example_id].split(" ")
        new = (outcome.text or by_id[outcome.example_id]).split(" ")
        assert len(old) == len(new)
        assert sum(one != other for one, other in zip(old, new, strict=True)) == outcome.distance
        assert all(word == word.title() for word in new)
    assert any(outcome.success for outcome in outcomes)


ODD: list[TextInput] = [
    "",
    "!!!",
    "  \t ",
    "🙂🙂 👩‍👩‍👧 good",
    "na\u00efve cafe\u0301 \u4e2d\u6587 film",
    "[SEP] [MASK] [CLS] good [unused1]",
    "good " * 100,
    "the\u00a0film\u200b was\u2028good",
    "\u202egood\u202c film",
    "<b>good</b> film & 'plot'",
    "x" * 300,
]


@pytest.mark.parametrize("kind", ["bert", "roberta"])
@pytest.mark.parametrize("attack", SMALL.values(), ids=SMALL)
def test_odd_texts_are_judged_like_any_other(tmp_path: Path, kind: str, attack: TokenBudgetAttack) -> None:
    classifier = load_classifier(str(tiny_folder(tmp_path, kind=kind, seed=3)), device=CPU)
    texts = tuple(str(text) for text in ODD)
    labels = classifier.predict_proba(ODD).argmax(axis=1)
    dataset = dataclasses.replace(
        tiny_dataset(len(ODD)), texts=texts, labels=labels, groups={}, splits=np.full(len(ODD), "test")
    )
    check(classifier, dataset, dataclasses.replace(attack, max_tokens=4))


@pytest.mark.parametrize("attack", SMALL.values(), ids=SMALL)
def test_outcomes_depend_on_seed_and_example_only(
    bert: Classifier, attack: TokenBudgetAttack, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = tiny_dataset(16)
    backwards = dataset.take(range(15, -1, -1))

    def texts(data: TextDataset) -> dict[str, Any]:
        return {outcome.example_id: outcome.text for outcome in attacked(bert, data, attack, seed=4)[1]}

    together = texts(dataset)
    assert texts(dataset) == together
    monkeypatch.setattr(Classifier, "token_budget", 30)
    assert texts(backwards) == together


@pytest.mark.parametrize("attack", SMALL.values(), ids=SMALL)
def test_queries_are_the_rows_that_the_model_computed(
    bert: Classifier, attack: TokenBudgetAttack, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = tiny_dataset(12)
    clean = clean_of(bert, dataset)
    forward, rows = bert.model.forward, []

    def counting(**inputs: torch.Tensor) -> Any:
        rows.append(len(inputs["input_ids"]))
        return forward(**inputs)

    monkeypatch.setattr(bert.model, "forward", counting)
    monkeypatch.setitem(vars(bert), "_first_token", None)  # it does not call forward
    outcomes = evaluate.attack(bert, dataset, clean, attack, MemoryStore(), seed=0)
    asked = sum(not outcome.skipped for outcome in outcomes)
    # The judge itself asks once about each proposal, which is not the attack's.
    assert sum(outcome.queries for outcome in outcomes) == pytest.approx(sum(rows) - asked)


@pytest.mark.parametrize("attack", SMALL.values(), ids=SMALL)
@pytest.mark.parametrize("stopped_after", [1, 4])
def test_a_stopped_attack_goes_on_and_ends_as_if_undisturbed(
    bert: Classifier, attack: TokenBudgetAttack, stopped_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Classifier, "token_budget", 30)
    dataset = tiny_dataset(12)
    clean, undisturbed = attacked(bert, dataset, attack)
    store = FailingStore(stopped_after)
    with pytest.raises(KilledError):
        evaluate.attack(bert, dataset, clean, attack, store, seed=0)
    store.left = -1
    told: list[int] = []
    resumed = evaluate.attack(bert, dataset, clean, attack, store, seed=0, advance=told.append)
    assert sum(told) == len(dataset)

    def untimed(outcomes: Sequence[Outcome]) -> list[Outcome]:
        return [dataclasses.replace(outcome, seconds=0.0) for outcome in outcomes]

    assert untimed(resumed) == untimed(undisturbed)
    told.clear()
    monkeypatch.setattr(Classifier, "logits", None)
    again = evaluate.attack(bert, dataset, clean, attack, store, seed=0, advance=told.append)
    assert again == resumed
    assert sum(told) == len(dataset)


@pytest.mark.parametrize("attack", SMALL.values(), ids=SMALL)
def test_out_of_memory_ends_in_the_same_texts(
    bert: Classifier, attack: TokenBudgetAttack, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = tiny_dataset(12)
    clean, expected = attacked(bert, dataset, attack)
    logits, failed = Classifier.logits, []

    def once_too_much(self: Classifier, encoding: Any, embeddings: torch.Tensor) -> torch.Tensor:
        if embeddings.requires_grad and len(failed) < 1:
            failed.append(len(encoding))
            raise torch.OutOfMemoryError("out of memory")
        return logits(self, encoding, embeddings)

    monkeypatch.setattr(Classifier, "logits", once_too_much)
    outcomes = evaluate.attack(bert, dataset, clean, attack, MemoryStore(), seed=0)
    assert failed
    if not isinstance(attack, UniversalTrigger):  # learned on fewer texts, it may be another
        assert [outcome.text for outcome in outcomes] == [outcome.text for outcome in expected]
    assert any(outcome.success for outcome in outcomes)
