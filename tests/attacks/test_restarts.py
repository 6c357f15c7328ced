"""Several attempts at one example: what is kept, who is tried again, and with which seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from attacks.embedding.apgd import APGD
from attacks.embedding.base import AscentAttack, EmbeddingAttack, attempt_seed, strongest
from attacks.embedding.pgd import PGD
from attacks.goals import Goal, ce, margin
from attacks.threat_model import Norm
from attacks.victims import Encoding, GradientVictim
from tests.attacks.victims import BertVictim, LinearVictim, encode, rows_of

ROWS = [[1, 7, 8, 9, 10, 11, 2], [1, 20, 2], [1, 31, 32, 33, 34, 2], [1, 45, 46, 45, 2]]
RESTARTED = pytest.mark.parametrize("attack", [PGD, APGD], ids=["pgd", "apgd"])


@dataclass(frozen=True, kw_only=True)
class Shove(EmbeddingAttack):
    """Moves everything by the same amount, within no budget, and keeps the seeds that it was given."""

    name: ClassVar[str] = "shove"
    norm: ClassVar[Norm] = "linf"
    seen: ClassVar[list[list[int]]] = []

    by: float

    def perturb(
        self,
        victim: GradientVictim,
        encoding: Encoding,
        embeddings: Tensor,
        goal: Goal,
        seeds: Sequence[int],
    ) -> Tensor:
        self.seen.append(list(seeds))
        return embeddings + self.by


def shoved(*by: float, clean: float = 1.0, radius: float = torch.inf) -> float:
    """How far the kept attempt moved an example whose true class wins where its embedding is above 0."""
    victim, at = LinearVictim(torch.ones(1, 1)), torch.full((1, 1, 1), clean)
    attempts = [Shove(by=each) for each in by]
    goal = Goal(torch.tensor([0]))
    kept = strongest(attempts, victim, encode([[5]]), at, goal, [3], margin, radius)
    return float(kept - at)


def test_the_attempt_of_highest_loss_is_kept_whatever_its_place() -> None:
    assert shoved(-0.25, -0.75, -0.5) == -0.75
    assert shoved(-0.75, -0.25) == -0.75
    assert shoved(0.5) == 0.5


def test_an_example_that_reached_its_goal_keeps_that_proposal_and_is_not_tried_again() -> None:
    Shove.seen.clear()
    assert shoved(-0.5, -2.0, -9.0) == -2.0
    assert len(Shove.seen) == 2


def test_what_goes_beyond_the_radius_without_a_budget_of_its_own_counts_as_none() -> None:
    assert shoved(-2.0, -0.5, radius=1.0) == -0.5
    assert shoved(-2.0, radius=1.0) == 0.0
    assert shoved(-2.0, radius=2.0) == -2.0


def test_each_attempt_has_a_seed_that_depends_on_the_example_and_its_number_only() -> None:
    Shove.seen.clear()
    shoved(-0.5, -0.5, -0.5)
    assert Shove.seen == [[attempt_seed(3, number)] for number in range(3)]
    assert attempt_seed(3, 0) == 3
    seeds = {attempt_seed(seed, number) for seed in (3, 4) for number in range(5)}
    assert len(seeds) == 10
    assert all(0 <= seed < 2**63 for seed in seeds)


@RESTARTED
def test_only_examples_that_still_stand_are_started_again(attack: type[AscentAttack]) -> None:
    encoding = encode(ROWS)
    victim, made = BertVictim(), attack(epsilon=0.2, steps=5, restarts=3)
    clean, goal = victim.embed(encoding), Goal(victim.predict(encoding))
    one = made.perturb(victim, encoding, clean, goal, range(4))
    rows = victim.rows

    first = attack(epsilon=0.2, steps=5)
    standing = ~goal.reached(victim.logits(encoding, first.perturb(victim, encoding, clean, goal, range(4))))
    assert 0 < standing.sum() < 4
    passes = 6 + (attack is APGD)
    # One look tells who stands; whoever does is tried again at the cost of a whole run.
    assert rows <= passes * (4 + 2 * int(standing.sum()))
    assert rows >= passes * (4 + int(standing.sum()))
    fallen = first.perturb(victim, encoding, clean, goal, range(4))[~standing]
    assert torch.equal(one[~standing], fallen)


@RESTARTED
def test_restarts_never_lose_what_one_start_found(attack: type[AscentAttack]) -> None:
    encoding = encode(ROWS)
    for seed in range(3):
        victim = BertVictim(seed=seed)
        clean, goal = victim.embed(encoding), Goal(victim.predict(encoding))
        once, often = (
            victim.logits(encoding, made.perturb(victim, encoding, clean, goal, range(4)))
            for made in (attack(epsilon=0.1, steps=4), attack(epsilon=0.1, steps=4, restarts=4))
        )
        assert (goal.reached(often) | ~goal.reached(once)).all()
        assert ((ce(often, goal) >= ce(once, goal) - 1e-5) | goal.reached(often)).all()


@RESTARTED
def test_restarts_are_reproducible_and_independent_of_the_rest_of_the_batch(
    attack: type[AscentAttack],
) -> None:
    generator = torch.Generator().manual_seed(0)
    encoding, goal = encode(ROWS), Goal(torch.zeros(4, dtype=torch.int64))
    victim = LinearVictim(torch.randn(7, 4, generator=generator))
    clean = 3 * torch.randn(4, 7, 4, generator=generator)
    made = attack(epsilon=0.5, norm="l2", steps=3, restarts=3, random_start=True)
    together = made.perturb(victim, encoding, clean, goal, [11, 12, 13, 14])
    assert torch.equal(together, made.perturb(victim, encoding, clean, goal, [11, 12, 13, 14]))
    some = torch.tensor([3, 0])
    apart = made.perturb(victim, rows_of(encoding, 3, 0), clean[some], goal.take(some), [14, 11])
    assert torch.equal(together[some], apart)


@RESTARTED
def test_a_targeted_attack_is_started_again_until_the_target_is_reached(attack: type[AscentAttack]) -> None:
    encoding, victim = encode(ROWS), BertVictim()
    clean, y = victim.embed(encoding), victim.predict(encoding)
    goal = Goal(y, (y + 1) % 3)
    once, often = (
        goal.reached(victim.logits(encoding, made.perturb(victim, encoding, clean, goal, range(4))))
        for made in (attack(epsilon=0.4, steps=3), attack(epsilon=0.4, steps=3, restarts=5))
    )
    assert (often | ~once).all()
    assert often.any()
