"""The judge of attacks on tokens: budgets, what an attack needs of a model, and attacks that are learned."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from attacks.embedding.fgsm import FGSM
from attacks.errors import AssayError
from attacks.goals import Goal
from attacks.token.base import LearnedTokenAttack, TokenAttack
from attacks.token.hotflip import HotFlip
from attacks.token.universal_trigger import UniversalTrigger
from attacks.victims import Encoding, TextInput, TokenVictim
from robustness import access, batched, evaluate
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.outcomes import MemoryStore, Outcome
from tests.robustness.judging import LongHandTokenizer, by_hand, clean_of, half_right, undecided
from tests.robustness.tiny import tiny_dataset


@pytest.fixture
def classifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classifier:
    monkeypatch.setattr(Classifier, "token_budget", 40)
    return undecided(tmp_path)


def never(embeddings: Tensor, encoding: Encoding, radius: float) -> Tensor:
    raise AssertionError("this attack was not to be asked")


# Token attacks that cheat.


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextCheat(TokenAttack):
    """Proposes whatever ``cheat`` makes of the victim and the texts."""

    name: ClassVar[str] = "text-cheat"
    cheat: Any = None

    def perturb(
        self, victim: TokenVictim, texts: Sequence[TextInput], goal: Goal, seeds: Sequence[int]
    ) -> list[TextInput]:
        return cast(list[TextInput], self.cheat(victim, list(texts)))


TEXT_CHEATS: dict[str, tuple[Callable[[Any, list[Any]], list[Any]], str]] = {
    "four words more": (
        lambda v, texts: [f"good bad good bad {text}" for text in texts],
        "at most 3 .* got 4",
    ),
    "another text": (lambda v, texts: ["very bad film today and music"] * len(texts), "at most 3 .* got"),
    # One word was written, but it is none of the vocabulary: its letters are four tokens.
    "a word that falls apart": (lambda v, texts: [f"zzzz {text}" for text in texts], "at most 3 .* got 4"),
    "words that vanish": (lambda v, texts: [""] * len(texts), "at most 3 .* got"),
    "a proposal missing": (lambda v, texts: texts[1:], "a text, .* for each of .* got . proposals"),
    "no text": (lambda v, texts: [None] * len(texts), "expected a text"),
    "a pair of a text": (lambda v, texts: [(text, "") for text in texts], "expected a text, or a pair"),
}


@pytest.mark.parametrize(("cheat", "message"), TEXT_CHEATS.values(), ids=TEXT_CHEATS)
def test_a_token_attack_that_leaves_its_budget_is_caught(
    classifier: Classifier, cheat: Callable[[Any, list[Any]], list[Any]], message: str
) -> None:
    dataset = half_right(classifier, tiny_dataset(12))
    clean, store = clean_of(classifier, dataset), MemoryStore()
    with pytest.raises(AssayError, match=f"attack text-cheat: .*{message}"):
        evaluate.attack(classifier, dataset, clean, TextCheat(cheat=cheat), store, seed=0)
    assert all(outcome.skipped for outcome in store.load().values()), "nothing that was not judged is kept"


def test_what_is_cut_off_counts_as_changed_too() -> None:
    classifier, dataset = by_hand(["p", "p"], [1, 1])
    classifier = dataclasses.replace(classifier, tokenizer=LongHandTokenizer(), max_length=10)
    dataset = dataclasses.replace(dataset, texts=("p" * 50, "p"))
    clean = clean_of(classifier, dataset)
    # Black-box, so that this tokenizer, which knows no places, will do.
    cheat = BlackBox(cheat=lambda victim, texts: [text[:40] + "n" * len(text[40:]) for text in texts])
    with pytest.raises(AssayError, match="at most 3 changed tokens, got 10"):
        evaluate.attack(classifier, dataset, clean, cheat, MemoryStore(), seed=0)


class BlackBox(TextCheat):
    access = "score"


def test_a_text_is_judged_by_what_it_is_tokenised_to() -> None:
    # "n" in the place of "p" turns the sum; a merge that only looks like it, would not.
    classifier, dataset = by_hand(["ps", "psn"], [1, 1])
    clean = clean_of(classifier, dataset)
    flip = BlackBox(max_tokens=1, cheat=lambda victim, texts: [text.replace("p", "n") for text in texts])
    outcomes = evaluate.attack(classifier, dataset, clean, flip, MemoryStore(), seed=0)
    assert [outcome.text for outcome in outcomes] == ["ns", "nsn"]
    assert [outcome.success for outcome in outcomes] == [True, True]
    assert [outcome.distance for outcome in outcomes] == [1.0, 1.0]
    # -1 + 0.25 and -1 + 0.25 - 1
    assert [outcome.probabilities[1] for outcome in outcomes] == pytest.approx(
        [1 / (1 + np.exp(0.75)), 1 / (1 + np.exp(1.75))], rel=1e-5
    )
    idle = BlackBox(cheat=lambda victim, texts: texts)
    outcomes = evaluate.attack(classifier, dataset, clean, idle, MemoryStore(), seed=0)
    assert [(o.text, o.success, o.distance) for o in outcomes] == [(None, False, 0.0)] * 2


def test_whatever_way_a_model_is_asked_it_is_counted(classifier: Classifier) -> None:
    def curious(victim: Any, texts: list[TextInput]) -> list[TextInput]:
        victim.predict_proba(texts)
        victim.text_logits(texts)
        encoding = victim.tokenize(texts)
        victim.logits(encoding, victim.embed(encoding))
        return texts

    dataset = half_right(classifier, tiny_dataset(12))
    clean = clean_of(classifier, dataset)
    outcomes = evaluate.attack(classifier, dataset, clean, TextCheat(cheat=curious), MemoryStore(), seed=0)
    assert [outcome.queries for outcome in outcomes] == [3, 0] * 6


# What an attack needs of a model.


class OnlyAnswers:
    """A model behind an interface: it answers, and that is all."""

    label_names = ("negative", "positive")

    def predict_proba(self, texts: Sequence[TextInput]) -> np.ndarray:
        raise AssertionError("this model was not to be asked")


@pytest.mark.parametrize("attack", [FGSM(epsilon=0.1), HotFlip(), UniversalTrigger()], ids=lambda a: a.name)
def test_a_model_without_gradients_is_told_of_black_box_attacks(attack: Any) -> None:
    dataset = tiny_dataset(4)
    clean = [Outcome(example_id=i, label=0, prediction=0, probabilities=(1.0, 0.0)) for i in dataset.ids]
    model = cast(Classifier, OnlyAnswers())
    with pytest.raises(AssayError, match=f'"{attack.name}" needs the gradients .*OnlyAnswers.* black-box'):
        evaluate.attack(model, dataset, clean, attack, MemoryStore(), seed=0)


def test_the_black_box_attacks_there_are_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access.registry, "available", lambda: {"fgsm": FGSM, "swap": BlackBox})
    with pytest.raises(AssayError, match=r"Those there are: swap\.$"):
        access.check_victim(OnlyAnswers(), FGSM(epsilon=0.1))
    access.check_victim(OnlyAnswers(), BlackBox())


def test_a_slow_tokenizer_is_refused_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier, dataset = by_hand(["p"], [1])
    clean = clean_of(classifier, dataset)
    monkeypatch.setattr(classifier.model, "forward", never)
    with pytest.raises(AssayError, match=r"hand: .* need a fast tokenizer, .* got the slow HandTokenizer"):
        evaluate.attack(classifier, dataset, clean, HotFlip(), MemoryStore(), seed=0)


# Attacks that are learned.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Studious(LearnedTokenAttack):
    """Remembers what it was learned on and used on; each text of its learning costs 2 queries."""

    name: ClassVar[str] = "studious"
    lessons: Any = None

    def learn(self, victim: TokenVictim, texts: Sequence[TextInput], goal: Goal, seed: int) -> TokenAttack:
        assert goal.y.tolist() == [1 - int("bad" in text) for text in texts]
        lesson: dict[str, list[TextInput]] = {"learned": list(texts), "used": []}
        self.lessons.append(lesson)
        for _ in range(2):
            victim.text_logits(texts)  # type: ignore[attr-defined]

        def use(victim: Any, given: list[TextInput]) -> list[TextInput]:
            lesson["used"] += given
            return given

        return TextCheat(cheat=use)


def learnable(classifier: Classifier, n: int) -> TextDataset:
    """Texts that the model gets right if it says "bad" of those with the word."""
    texts = tuple(f"{'bad' if i % 2 else 'good'} film {i}" for i in range(n))
    dataset = dataclasses.replace(tiny_dataset(n), texts=texts)
    return dataclasses.replace(dataset, labels=np.array([1 - i % 2 for i in range(n)]))


def all_right(dataset: TextDataset) -> list[Outcome]:
    return [
        Outcome(example_id=i, label=int(label), prediction=int(label), probabilities=(0.5, 0.5))
        for i, label in zip(dataset.ids, dataset.labels, strict=True)
    ]


@pytest.mark.parametrize("n", [2, 9, 16])
def test_no_example_is_attacked_with_what_was_learned_on_it(classifier: Classifier, n: int) -> None:
    dataset = learnable(classifier, n)
    lessons: list[dict[str, list[TextInput]]] = []
    outcomes = evaluate.attack(
        classifier, dataset, all_right(dataset), Studious(lessons=lessons), MemoryStore(), seed=0
    )
    assert len(lessons) == 2
    for lesson in lessons:
        assert not set(lesson["learned"]) & set(lesson["used"])
        assert set(lesson["learned"]) | set(lesson["used"]) == set(dataset.texts)
    assert sorted([*lessons[0]["used"], *lessons[1]["used"]]) == sorted(dataset.texts)
    # Each half bears the cost of what was learned for it.
    assert sum(outcome.queries for outcome in outcomes) == pytest.approx(2 * n)


def test_the_halves_depend_on_the_seed(classifier: Classifier) -> None:
    dataset, halves = learnable(classifier, 16), []
    for seed in (0, 0, 1):
        lessons: list[dict[str, list[TextInput]]] = []
        attack = Studious(lessons=lessons)
        evaluate.attack(classifier, dataset, all_right(dataset), attack, MemoryStore(), seed=seed)
        halves.append(frozenset(lessons[0]["used"]))
    assert halves[0] == halves[1] != halves[2]


def test_no_more_is_learned_on_than_is_worth_it(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batched, "LEARN_FROM", 3)
    dataset, lessons = learnable(classifier, 16), list[dict[str, list[TextInput]]]()
    attack = Studious(lessons=lessons)
    evaluate.attack(classifier, dataset, all_right(dataset), attack, MemoryStore(), seed=0)
    assert [len(lesson["learned"]) for lesson in lessons] == [3, 3]


def test_learning_that_does_not_fit_into_memory_uses_fewer_texts(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, lessons = learnable(classifier, 16), list[dict[str, list[TextInput]]]()
    attack, learn = Studious(lessons=lessons), Studious.learn

    def small_gpu(self: Studious, victim: Any, texts: Sequence[TextInput], *more: Any) -> TokenAttack:
        if len(texts) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return learn(self, victim, texts, *more)

    monkeypatch.setattr(Studious, "learn", small_gpu)
    evaluate.attack(classifier, dataset, all_right(dataset), attack, MemoryStore(), seed=0)
    assert [len(lesson["learned"]) for lesson in lessons] == [2, 2]
