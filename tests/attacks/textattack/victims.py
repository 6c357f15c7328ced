"""Victims whose answers are arithmetic, the serial loop that is the oracle, and texts to attack."""

import random
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from attacks.goals import Goal
from attacks.textattack.attack import DrivenAttack
from attacks.textattack.cooperative import RecipeProposal
from attacks.victims import TextInput

TEXTS = (
    "John Smith was a truly wonderful actor in this moving film",
    "the plot is dull, and I can't forgive the 12 bad jokes from Paris",
    "a quick and clever story about brave children",
    "nothing works here; it's slow and they've lost all sense of humor",
    "fine",
)


class NoisyVictim:
    """Two classes, whose logits are drawn from the text's checksum, and lean to class 1."""

    label_names = ("negative", "positive")

    def __init__(self) -> None:
        self.asked: list[list[TextInput]] = []

    def logits(self, texts: Sequence[TextInput]) -> torch.Tensor:
        sums = [zlib.crc32(repr(text).encode()) % 1000 for text in texts]
        return torch.tensor([[each / 500, 1.8] for each in sums], dtype=torch.float32)

    def text_logits(self, texts: Sequence[TextInput]) -> torch.Tensor:
        self.asked.append(list(texts))
        return self.logits(texts)

    def predict_proba(self, texts: Sequence[TextInput]) -> np.ndarray:
        raise AssertionError("a victim with logits is asked for them")

    def labels(self, texts: Sequence[TextInput]) -> torch.Tensor:
        return self.logits(texts).argmax(dim=1)


class StubbornVictim(NoisyVictim):
    """It says 1 to everything, a little less to some texts."""

    def logits(self, texts: Sequence[TextInput]) -> torch.Tensor:
        return super().logits(texts) / 10 + torch.tensor([0.0, 1.0])


def attacked(
    attack: DrivenAttack,
    victim: Any,
    texts: Sequence[TextInput],
    labels: Sequence[int],
    seeds: Sequence[int] | None = None,
    target: int | None = None,
    hash_order: bool = False,
) -> list[RecipeProposal]:
    """Our proposals, in the order of the texts."""
    y = torch.tensor(labels)
    goal = Goal(y, None if target is None else torch.full_like(y, target))
    run = attack._scheduled(victim, target is not None, hash_order).run(
        texts, goal, seeds or range(len(texts))
    )
    return sorted(run, key=lambda proposal: proposal.row)


def serially(
    attack: Any, texts: Sequence[TextInput], labels: Sequence[int], seeds: Sequence[int]
) -> list[tuple[str, str, int]]:
    """(text, kind of result, count of queries) by TextAttack alone, one example after the other."""
    found = []
    for text, label, seed in zip(texts, labels, seeds, strict=True):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        attack.clear_cache()
        example = text if isinstance(text, str) else OrderedDict(premise=text[0], hypothesis=text[1])
        result = attack.attack(example, label)
        final = result.perturbed_result
        found.append((final.attacked_text.tokenizer_input, type(result).__name__, final.num_queries))
    return found


ENDINGS = {
    "SuccessfulAttackResult": "succeeded",
    "FailedAttackResult": "failed",
    "MaximizedAttackResult": "maximized",
}


def as_found(proposals: Sequence[RecipeProposal]) -> list[tuple[TextInput, str, int]]:
    return [(each.text, each.ending, each.num_queries) for each in proposals]
