"""Answers reach TextAttack as it would have got them from its own wrapper."""

from types import ModuleType

import numpy as np
import torch

from attacks.textattack.answers import ask


class Logits:
    label_names = ("a", "b")

    def __init__(self, logits: torch.Tensor) -> None:
        self.given = logits

    def text_logits(self, texts: list[str]) -> torch.Tensor:
        return self.given[: len(texts)]


class Probabilities:
    label_names = ("a", "b", "c")

    def __init__(self, rows: list[list[float]]) -> None:
        self.rows = np.array(rows)

    def predict_proba(self, texts: list[str]) -> np.ndarray:
        return self.rows[: len(texts)]


def as_TextAttack_uses_them(ta: ModuleType, scores: torch.Tensor) -> torch.Tensor:
    goal = ta.goal_functions.UntargetedClassification.__new__(ta.goal_functions.UntargetedClassification)
    used: torch.Tensor = goal._process_model_outputs(list(range(len(scores))), scores)
    return used


def test_logits_give_TextAttacks_own_softmax_to_the_last_bit(ta: ModuleType) -> None:
    logits = torch.randn((200, 3), generator=torch.Generator().manual_seed(0)) * 4
    answers = ask(Logits(logits), [""] * 200)
    assert torch.equal(as_TextAttack_uses_them(ta, answers), as_TextAttack_uses_them(ta, logits))


def test_logits_that_sum_to_one_are_logits_all_the_same(ta: ModuleType) -> None:
    logits = torch.tensor([[3.0, -2.0], [0.25, 0.75]])
    used = as_TextAttack_uses_them(ta, ask(Logits(logits), [""] * 2))
    assert torch.allclose(used, torch.softmax(logits, dim=1))


def test_with_very_many_classes_nothing_is_softmaxed_twice(ta: ModuleType) -> None:
    logits = torch.randn((4, 300_000), generator=torch.Generator().manual_seed(1)) * 3
    used = as_TextAttack_uses_them(ta, ask(Logits(logits), [""] * 4))
    assert torch.allclose(used, torch.softmax(logits.double(), dim=1))


def test_rounded_probabilities_are_scaled_not_softmaxed(ta: ModuleType) -> None:
    victim = Probabilities([[0.333, 0.333, 0.333], [0.9, 0.05, 0.0499]])
    used = as_TextAttack_uses_them(ta, ask(victim, [""] * 2))
    expected = [[1 / 3] * 3, [0.9 / 0.9999, 0.05 / 0.9999, 0.0499 / 0.9999]]
    assert torch.allclose(used, torch.tensor(expected, dtype=torch.float64))
