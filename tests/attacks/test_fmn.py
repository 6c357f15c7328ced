import math
from typing import get_args

import foolbox
import pytest
import torch
from torch import Tensor, nn

from attacks.embedding.apgd import APGD
from attacks.embedding.fmn import FMN
from attacks.embedding.pgd import PGD
from attacks.goals import Goal
from attacks.norms import delta_norm
from attacks.threat_model import Norm
from attacks.victims import EmbeddingScale, Encoding
from tests.attacks.victims import BertVictim, LinearVictim, encode

NORMS = get_args(Norm)
EVERY_NORM = pytest.mark.parametrize("norm", NORMS)
ROWS = [[1, 7, 8, 9, 10, 11, 2], [1, 20, 21, 2], [1, 31, 32, 33, 34, 2], [1, 45, 46, 45, 2]]


def minimal(attack: FMN, victim: BertVictim, rows: list[list[int]] = ROWS) -> tuple[Tensor, Tensor]:
    """Norms (b,) of the proposals, and whether they reach the goal."""
    encoding = encode(rows)
    clean, goal = victim.embed(encoding), Goal(victim.predict(encoding))
    moved = attack.perturb(victim, encoding, clean, goal, range(len(rows)))
    with torch.no_grad():
        reached = goal.reached(victim.logits(encoding, moved))
    return delta_norm(moved - clean, attack.norm), reached


@pytest.mark.parametrize("distance", [0.01, 1.0, 1000.0])
@EVERY_NORM
def test_on_a_linear_model_it_finds_the_exact_distance(norm: Norm, distance: float) -> None:
    # Only the two tokens in the middle may move. The logits differ by the margin; one unit of perturbation
    # changes it by the dual norm of the weights: 3 + 4 + 5 + 12, the length of (3, 4, 5, 12), or 5 + 13.
    dual = {"linf": 24.0, "l2": math.sqrt(194), "l2_per_token": 18.0}[norm]
    victim = LinearVictim(torch.tensor([[9.0, 9.0], [3.0, 4.0], [5.0, 12.0], [9.0, 9.0]]))
    encoding, goal = encode([[1, 5, 6, 2], [1, 5, 6, 2]]), Goal(torch.tensor([0, 0]))
    clean = torch.zeros(2, 4, 2)
    # Token 0 alone decides the margins: twice as large for the second example.
    clean[0, 0, 0], clean[1, 0, 0] = distance * dual / 9, 2 * distance * dual / 9
    moved = FMN(norm=norm).perturb(victim, encoding, clean, goal, range(2))
    assert goal.reached(victim.logits(encoding, moved)).all()
    sizes = delta_norm(moved - clean, norm)
    torch.testing.assert_close(sizes, torch.tensor([distance, 2 * distance]), rtol=1e-5, atol=0)


def bisected(victim: BertVictim, row: list[int], norm: Norm) -> float:
    """The smallest norm at which PGD fools the victim, within 2.3 %."""
    encoding = encode([row])
    clean, goal = victim.embed(encoding), Goal(victim.predict(encoding))
    low, high = 0.005, 1.5
    for _ in range(8):
        middle = math.sqrt(low * high)
        attack = PGD(epsilon=middle, norm=norm, steps=20, step_size=0.1)
        logits = victim.logits(encoding, attack.perturb(victim, encoding, clean, goal, [0]))
        low, high = (low, middle) if goal.reached(logits) else (middle, high)
    assert 0.005 < low < high < 1.5
    return high * victim.embedding_scale.of(norm)


@EVERY_NORM
def test_it_is_no_larger_than_what_a_bisection_over_the_epsilon_of_pgd_finds(norm: Norm) -> None:
    victim = BertVictim(seed=3)
    found, reached = minimal(FMN(norm=norm), victim)
    assert reached.all()
    by_pgd = torch.tensor([bisected(victim, row, norm) for row in ROWS[:3]])
    assert (found[:3] <= 1.1 * by_pgd).all()
    # Cross-entropy is not the shortest way, so that PGD may need more; but not much more.
    assert (found[:3] >= 0.6 * by_pgd).all()


@EVERY_NORM
def test_a_ball_a_tenth_smaller_withstands_the_strongest_ascent(norm: Norm) -> None:
    victim = BertVictim(seed=3)
    found, _ = minimal(FMN(norm=norm), victim)
    for size, row in zip(found.tolist(), ROWS, strict=True):
        encoding = encode([row])
        clean, goal = victim.embed(encoding), Goal(victim.predict(encoding))
        epsilon = 0.9 * size / victim.embedding_scale.of(norm)
        attack = APGD(epsilon=epsilon, norm=norm, loss="margin", steps=30, restarts=2)
        logits = victim.logits(encoding, attack.perturb(victim, encoding, clean, goal, [0]))
        assert not goal.reached(logits).any()


@pytest.mark.parametrize("seed", [0, 2, 3])
@EVERY_NORM
def test_every_example_falls_and_more_steps_find_hardly_less(norm: Norm, seed: int) -> None:
    found, reached = minimal(FMN(norm=norm), BertVictim(seed=seed))
    further, _ = minimal(FMN(norm=norm, steps=120), BertVictim(seed=seed))
    assert reached.all()
    assert (found <= 1.05 * further).all()


def test_the_norms_are_no_larger_than_those_that_foolbox_finds() -> None:
    victim, encoding = BertVictim(seed=3), encode(ROWS)
    clean, y = victim.embed(encoding), victim.predict(encoding)
    mask = (encoding.real & ~encoding.special)[..., None]

    class Masked(nn.Module):
        def forward(self, embeddings: Tensor) -> Tensor:
            return victim.logits(encoding, torch.where(mask, embeddings, clean))

    model = foolbox.PyTorchModel(Masked().eval(), bounds=(-100, 100), device="cpu")
    # Foolbox's steps are absolute; this is about the size of the whole sentence's perturbation.
    oracle = foolbox.attacks.LInfFMNAttack(steps=200, max_stepsize=0.3)
    theirs, _, success = oracle(model, clean, y, epsilons=None)
    theirs_size = delta_norm(torch.where(mask, theirs - clean, 0), "linf")
    ours, reached = minimal(FMN(norm="linf"), victim)
    assert success.all()
    assert reached.all()
    assert (ours <= 1.02 * theirs_size).all()
    assert (ours >= 0.5 * theirs_size).all()


@EVERY_NORM
def test_bisecting_the_length_only_makes_it_smaller_and_loses_no_success(norm: Norm) -> None:
    rough, _ = minimal(FMN(norm=norm, steps=5, bisections=0), BertVictim())
    fine, reached = minimal(FMN(norm=norm, steps=5, bisections=20), BertVictim())
    assert reached.all()
    assert (fine <= rough * (1 + 1e-6)).all()
    assert (fine < rough).any()


def test_an_example_that_is_at_its_goal_already_needs_no_perturbation() -> None:
    victim, encoding = BertVictim(), encode(ROWS)
    clean, y = victim.embed(encoding), victim.predict(encoding)
    for goal in (Goal((y + 1) % 3), Goal((y + 1) % 3, y)):
        assert torch.equal(FMN(steps=5).perturb(victim, encoding, clean, goal, range(4)), clean)


def test_where_nothing_is_found_the_clean_embeddings_are_proposed() -> None:
    class Unmoved(LinearVictim):
        """The true class leads by at least 1, wherever the embeddings go, yet there are gradients."""

        def logits(self, encoding: Encoding, embeddings: Tensor) -> Tensor:
            return super().logits(encoding, embeddings).sigmoid() + torch.tensor([1.0, -1.0])

    clean = torch.randn(1, 3, 4, generator=torch.Generator().manual_seed(0))
    victim = Unmoved(torch.ones(3, 4))
    goal = Goal(torch.tensor([0]))
    assert torch.equal(FMN().perturb(victim, encode([[5, 6, 7]]), clean, goal, [0]), clean)


@EVERY_NORM
def test_targeted_it_finds_the_target_at_no_smaller_a_norm_than_any_wrong_class(norm: Norm) -> None:
    victim, encoding = BertVictim(seed=3), encode(ROWS)
    clean, y = victim.embed(encoding), victim.predict(encoding)
    sizes = []
    for offset in (1, 2):
        goal = Goal(y, (y + offset) % 3)
        moved = FMN(norm=norm).perturb(victim, encoding, clean, goal, range(4))
        assert goal.reached(victim.logits(encoding, moved)).all()
        sizes.append(delta_norm(moved - clean, norm))
    untargeted, _ = minimal(FMN(norm=norm), victim)
    nearest = torch.minimum(*sizes)
    assert (nearest >= 0.98 * untargeted).all()
    assert (nearest <= 1.1 * untargeted).all()


def test_it_has_no_budget_and_an_infinite_radius() -> None:
    attack = FMN(norm="l2", target="spam")
    assert attack.budget is None
    assert attack.threat_model.epsilon is None
    assert attack.radius(EmbeddingScale(l2=2.0, linf=0.5)) == math.inf
    assert attack.params() == {
        "target": "spam",
        "special_tokens": False,
        "norm": "l2",
        "steps": 50,
        "bisections": 20,
    }
