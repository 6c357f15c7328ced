from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from attacks.embedding.apgd import APGD
from attacks.embedding.auto import Auto
from attacks.embedding.base import EmbeddingAttack
from attacks.embedding.fmn import FMN
from attacks.embedding.noise import Noise
from attacks.embedding.pgd import PGD
from attacks.goals import Goal, margin
from attacks.threat_model import Norm
from tests.attacks.victims import BertVictim, LinearVictim, encode

GENERATOR = torch.Generator().manual_seed(0)
ROWS = [
    [1, *torch.randint(3, 50, (int(n),), generator=GENERATOR).tolist(), 2]
    for n in torch.randint(2, 12, (24,), generator=GENERATOR)
]


def fooled(attack: EmbeddingAttack, victim: BertVictim, goal: Goal) -> Tensor:
    """(24,) bool: whose proposals reach the goal."""
    encoding = encode(ROWS)
    moved = attack.perturb(victim, encoding, victim.embed(encoding), goal, range(len(ROWS)))
    with torch.no_grad():
        return goal.reached(victim.logits(encoding, moved))


def goals(victim: BertVictim, targeted: bool) -> Goal:
    y = victim.predict(encode(ROWS))
    return Goal(y, (y + 1) % 3 if targeted else None)


@pytest.mark.parametrize("targeted", [False, True], ids=["untargeted", "targeted"])
@pytest.mark.parametrize(
    ("norm", "epsilon"), [("linf", 0.16), ("l2", 0.35), ("l2_per_token", 0.14)], ids=lambda value: str(value)
)
def test_no_attack_that_it_is_made_of_finds_more(norm: Norm, epsilon: float, targeted: bool) -> None:
    victim, auto = BertVictim(), Auto(epsilon=epsilon, norm=norm, steps=10)
    goal = goals(victim, targeted)
    by_auto = fooled(auto, victim, goal)
    for part in auto.attacks(3, targeted):
        # FMN has no budget: as good as this is its success within one.
        if not isinstance(part, FMN):
            assert by_auto.sum() >= fooled(part, victim, goal).sum()
    assert (by_auto | ~fooled(auto.attacks(3, targeted)[0], victim, goal)).all()
    assert by_auto.sum() > fooled(Noise(epsilon=epsilon, norm=norm), victim, goal).sum()


def test_its_accuracy_is_that_of_the_smallest_norms() -> None:
    victim, encoding = BertVictim(), encode(ROWS)
    clean, goal = victim.embed(encoding), goals(victim, targeted=False)
    smallest = (FMN(norm="l2", steps=100).perturb(victim, encoding, clean, goal, range(24)) - clean).norm(
        dim=(1, 2)
    )
    for epsilon in (0.1, 0.3, 0.6):
        by_auto = fooled(Auto(epsilon=epsilon, norm="l2"), victim, goal)
        within = smallest <= epsilon * victim.embedding_scale.l2
        assert (by_auto | ~within).all()
        assert (by_auto & ~within).sum() <= 1


def test_it_names_its_attacks_by_the_number_of_classes_and_the_target() -> None:
    auto = Auto(epsilon=0.2, norm="l2", steps=7, restarts=3, special_tokens=True, target="spam")
    common: dict[str, Any] = {"norm": "l2", "steps": 7, "special_tokens": True, "target": "spam"}
    apgd = APGD(epsilon=0.2, loss="ce", **common)
    for classes, targeted, second in [(2, False, "margin"), (3, False, "dlr"), (9, True, "margin")]:
        assert auto.attacks(classes, targeted) == [
            apgd,
            replace(apgd, loss=second),
            FMN(bisections=5, **common),
            PGD(epsilon=0.2, random_start=True, restarts=3, **common),
        ]


def test_examples_that_fell_are_not_attacked_again() -> None:
    easy, hard = BertVictim(), BertVictim()
    fooled(Auto(epsilon=10.0, steps=5), easy, goals(easy, targeted=False))
    stood = ~fooled(Auto(epsilon=1e-4, steps=5), hard, goals(hard, targeted=False))
    assert stood.all()
    # The look at the clean embeddings, APGD's 6 passes and a look at what it proposed, and the last one here.
    assert easy.rows == 24 * (1 + 6 + 1 + 1)
    # 6 passes twice, FMN's 5 + 1 + 5, PGD's 2 runs of 5 with a look after each, and a look after each attack.
    assert hard.rows == 24 * (1 + (6 + 6 + 11 + 12) + 4 + 1)


def test_a_later_attack_finds_what_the_first_cannot() -> None:
    # At logits of (200, 0) the cross-entropy has no gradient; the margin has.
    victim, clean = LinearVictim(torch.full((1, 2), 100.0)), torch.ones(1, 1, 2)
    goal, encoding = Goal(torch.tensor([0])), encode([[5]])
    auto = Auto(epsilon=3.0, steps=5)
    first = auto.attacks(2, targeted=False)[0].perturb(victim, encoding, clean, goal, [0])
    assert not goal.reached(victim.logits(encoding, first)).any()
    moved = auto.perturb(victim, encoding, clean, goal, [0])
    assert goal.reached(victim.logits(encoding, moved)).all()


def test_an_example_that_withstands_gets_the_proposal_nearest_to_the_goal() -> None:
    victim, encoding = BertVictim(), encode(ROWS)
    clean, goal = victim.embed(encoding), goals(victim, targeted=False)
    auto = Auto(epsilon=0.02, steps=5)
    leads = margin(victim.logits(encoding, auto.perturb(victim, encoding, clean, goal, range(24))), goal)
    first = auto.attacks(3, targeted=False)[0].perturb(victim, encoding, clean, goal, range(24))
    standing = ~fooled(auto, victim, goal)
    assert standing.any()
    assert (leads >= margin(victim.logits(encoding, first), goal) - 1e-5)[standing].all()
