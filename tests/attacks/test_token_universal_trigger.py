"""The universal trigger is the best one by hand, and stays within the budget on every text."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from attacks.errors import AssayError
from attacks.goals import Goal
from attacks.registry import available
from attacks.token.base import TokenAttack
from attacks.token.universal_trigger import UniversalTrigger, changed_span, changed_tokens, prefixed
from attacks.victims import TextInput
from robustness.classifier import Classifier
from robustness.judge import CountingVictim
from robustness.loading import load_classifier
from tests.attacks.token_victims import scoring, scoring_pieces, summing
from tests.robustness.tiny import tiny_folder

SCORES = {"the": 0.0, "good": 2.0, "fine": 1.0, "film": 0.0, "bad": -1.0, "awful": -3.0, "!": 0.5, "?": -9.0}
TEXTS: list[TextInput] = ["good film", "bad film", "fine", "the awful film", "good good"]
Y = torch.tensor([1, 0, 1, 0, 1])


@pytest.fixture
def victim(tmp_path: Path) -> Classifier:
    return scoring(tmp_path, SCORES)


def learned(victim: Classifier, attack: UniversalTrigger) -> TokenAttack:
    return attack.learn(victim, TEXTS, attack.goal(Y, victim.label_names), 0)


def test_the_trigger_of_each_class_is_the_best_by_hand(victim: Classifier) -> None:
    attack = learned(victim, UniversalTrigger(max_tokens=2, candidates=1))
    assert isinstance(attack, UniversalTrigger.Learned)
    assert attack.triggers == {0: "good good", 1: "awful awful"}
    assert attack.perturb(victim, TEXTS, Goal(Y), [0] * 5) == [
        "awful awful good film",
        "good good bad film",
        "awful awful fine",
        "good good the awful film",
        "awful awful good good",
    ]


def test_a_target_is_what_the_trigger_leads_to(tmp_path: Path) -> None:
    says = {"the": (0.0, 0.0, 0.0), "zero": (3.0, 0.0, 0.0), "one": (0.0, 9.0, 0.0), "two": (0.0, 0.0, 4.0)}
    victim = summing(tmp_path, says)
    texts: list[TextInput] = ["zero", "one the"]
    y = torch.tensor([0, 1])
    for target, word in ((None, "one"), ("class 2", "two")):
        attack = UniversalTrigger(max_tokens=1, target=target)
        ready = attack.learn(victim, texts, attack.goal(y, victim.label_names), 0)
        assert ready.perturb(victim, texts[:1], Goal(y[:1]), [0]) == [f"{word} zero"]
        assert ready.params().get("target") == target


def test_a_class_that_was_not_learned_on_is_left_alone(victim: Classifier) -> None:
    attack = UniversalTrigger(max_tokens=1).learn(victim, ["good film"], Goal(torch.tensor([1])), 0)
    assert attack.perturb(victim, ["good", "bad"], Goal(torch.tensor([1, 0])), [0, 0]) == [
        "awful good",
        "bad",
    ]


def test_the_trigger_goes_before_the_first_text_of_a_pair(victim: Classifier) -> None:
    pairs: list[TextInput] = [("The  film", "good"), ("", "good")]
    attack = UniversalTrigger(max_tokens=1).learn(victim, pairs, Goal(torch.tensor([1, 1])), 0)
    assert attack.perturb(victim, pairs, Goal(torch.tensor([1, 1])), [0, 0]) == [
        ("awful The  film", "good"),
        ("awful ", "good"),
    ]


def test_rounds_never_make_it_worse_and_are_counted(victim: Classifier) -> None:
    counting = CountingVictim(victim)
    UniversalTrigger(max_tokens=2, rounds=3, candidates=2).learn(counting, TEXTS, Goal(Y), 0)
    # One round finds the best; in the next nothing is better, and it is the last.
    most = 1 + 2 * (1 + 2 * 2)
    assert 5 * (1 + 1 + 2) <= counting.rows <= 5 * most
    before = counting.rows
    attack = learned(victim, UniversalTrigger(max_tokens=2))
    attack.perturb(counting, TEXTS, Goal(Y), [0] * 5)
    assert counting.rows == before


def test_only_some_of_many_texts_are_learned_on_and_the_seed_says_which(tmp_path: Path) -> None:
    # Texts of two sorts call for different triggers; of one text each, the drawn one decides.
    says = {"the": (0.0, 0.0), "left": (0.0, 4.0), "right": (0.0, 4.0), "no": (0.0, -9.0)}
    victim = summing(tmp_path, says)
    asked: list[str] = []
    tokenize_all = victim.tokenize_all

    def remembering(texts: list[str]) -> object:
        asked.extend(texts)
        return tokenize_all(texts)

    victim.tokenize_all = remembering
    texts: list[TextInput] = [f"left{' the' * i}" for i in range(8)]
    used = []
    for seed in (0, 0, 1, 2):
        asked.clear()
        UniversalTrigger(max_tokens=1, examples=1).learn(victim, texts, Goal(torch.ones(8).long()), seed)
        used.append({text.split(" ", 1)[1] for text in asked})
    assert all(len(each) == 1 for each in used)
    assert used[0] == used[1]
    assert len({frozenset(each) for each in used}) > 1


# Tokenizers that spell the first word of a text in their own way.


@pytest.fixture
def roberta(tmp_path: Path) -> Classifier:
    return load_classifier(str(tiny_folder(tmp_path, kind="roberta")), device=torch.device("cpu"))


def test_where_the_first_word_changes_too_the_trigger_is_a_token_shorter(roberta: Classifier) -> None:
    texts: list[TextInput] = ["film was good", "the plot and music"]
    goal = Goal(torch.tensor([1, 1]))
    attack = UniversalTrigger(max_tokens=3, rounds=1, candidates=3).learn(roberta, texts, goal, 0)
    proposals = attack.perturb(roberta, texts, goal, [0, 0])
    assert all(proposal != text for proposal, text in zip(proposals, texts, strict=True))
    ids = zip(roberta.token_ids(texts), roberta.token_ids(proposals), strict=True)
    assert [Levenshtein.distance(old, new) for old, new in ids] == [3, 3]


def test_a_budget_without_room_for_a_trigger_is_an_error(roberta: Classifier) -> None:
    with pytest.raises(AssayError, match=r"max_tokens = 1 leaves no room for a trigger.* Raise max_tokens"):
        UniversalTrigger(max_tokens=1).learn(roberta, ["film was good"], Goal(torch.tensor([1])), 0)


def test_a_text_of_which_too_much_would_change_stays(roberta: Classifier) -> None:
    attack = UniversalTrigger.Learned(max_tokens=2, triggers={0: "film"})
    # "today" is one token at the start and another after a space; "superb" is several at the start.
    texts: list[TextInput] = ["film plot", "superb film"]
    costs = changed_tokens(roberta, texts, [prefixed("film", text) for text in texts])
    assert costs[0] <= 2 < costs[1], "otherwise this tokenizer is no case of it"
    assert attack.perturb(roberta, texts, Goal(torch.tensor([0, 0])), [0, 0]) == ["film film plot", texts[1]]


def test_a_vocabulary_without_the_starts_with_another_word(tmp_path: Path) -> None:
    victim = scoring(tmp_path, {"##x": 0.0, "!": 9.0, "gut": 2.0, "schlecht": -3.0})
    attack = UniversalTrigger(max_tokens=2).learn(victim, ["gut"], Goal(torch.tensor([1])), 0)
    assert attack.perturb(victim, ["gut"], Goal(torch.tensor([1])), [0]) == ["schlecht schlecht gut"]


def test_sentence_piece_vocabularies_work_too() -> None:
    victim = scoring_pieces({"▁the": 0.0, "▁good": 2.0, "▁bad": -5.0, "ly": -9.0})
    goal = Goal(torch.tensor([1]))
    attack = UniversalTrigger(max_tokens=2).learn(victim, ["good the"], goal, 0)
    assert attack.perturb(victim, ["good the"], goal, [0]) == ["bad bad good the"]


# Parts.


@given(old=st.lists(st.integers(0, 3), max_size=8), new=st.lists(st.integers(0, 3), max_size=8))
def test_the_changed_span_is_never_less_than_the_edit_distance(old: list[int], new: list[int]) -> None:
    assert Levenshtein.distance(old, new) <= changed_span(old, new) <= max(len(old), len(new))


@pytest.mark.parametrize(
    ("old", "new", "span"),
    [
        ([1, 5, 2], [1, 5, 2], 0),
        ([1, 5, 2], [1, 7, 7, 5, 2], 2),
        ([1, 5, 2], [1, 7, 6, 2], 2),
        ([1, 5, 5, 2], [1, 5, 5, 5, 2], 1),
        ([], [], 0),
    ],
)
def test_the_changed_span_by_hand(old: list[int], new: list[int], span: int) -> None:
    assert changed_span(old, new) == span


def test_what_was_learned_is_no_attack_of_its_own() -> None:
    assert available()["universal-trigger"] is UniversalTrigger


@pytest.mark.parametrize("key", ["max_tokens", "rounds", "candidates", "beam", "examples"])
def test_bad_parameters_are_said(key: str) -> None:
    with pytest.raises(AssayError, match=f"expected {key} to be a number above zero, got 0"):
        UniversalTrigger(**{key: 0})
