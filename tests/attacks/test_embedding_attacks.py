import json
from collections.abc import Sequence
from typing import Any, get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from attacks.embedding import apgd, base, fmn
from attacks.embedding.apgd import APGD
from attacks.embedding.auto import Auto
from attacks.embedding.base import AscentAttack, EmbeddingAttack, loss_gradient
from attacks.embedding.fgm import FGM
from attacks.embedding.fgsm import FGSM
from attacks.embedding.fmn import FMN
from attacks.embedding.mifgsm import MIFGSM
from attacks.embedding.noise import Noise
from attacks.embedding.pgd import PGD
from attacks.errors import AssayError
from attacks.goals import Goal, margin
from attacks.norms import delta_norm, uniform_in_ball
from attacks.threat_model import Norm, ThreatModel
from attacks.victims import EmbeddingScale, Encoding
from tests.attacks.examples import embedding_attacks, example, gradient_attacks
from tests.attacks.victims import BertVictim, LinearVictim, encode, rows_of

ROWS = [[1, 7, 8, 9, 10, 11, 2], [1, 20, 2], [1, 2], [1, 45, 46, 45, 2]]
Y = torch.tensor([0, 1, 0, 0])
NORMS = get_args(Norm)
EVERY_ATTACK = pytest.mark.parametrize("attack", embedding_attacks().values(), ids=embedding_attacks())
EVERY_GRADIENT_ATTACK = pytest.mark.parametrize("attack", gradient_attacks().values(), ids=gradient_attacks())


def perturbed(
    attack: EmbeddingAttack,
    victim: BertVictim,
    encoding: Encoding,
    seeds: Sequence[int] = range(4),
) -> tuple[Tensor, Tensor]:
    """Clean and proposed embeddings, where every example is classified correctly at first."""
    clean = victim.embed(encoding)
    return clean, attack.perturb(victim, encoding, clean, Goal(victim.predict(encoding)), seeds)


@EVERY_ATTACK
class TestEveryAttack:
    def test_declares_its_threat_model_and_json_able_parameters(self, attack: type[EmbeddingAttack]) -> None:
        made = example(attack, epsilon=0.5)
        assert made.threat_model == ThreatModel(attack.access, "embedding", made.norm, made.budget)
        assert made.budget in (0.5, None)
        assert attack(**json.loads(json.dumps(made.params()))) == made
        aimed = example(attack, target="spam")
        assert aimed.threat_model.target == "spam"
        assert aimed.params() == {"target": "spam", **made.params()}

    def test_radius_is_relative_to_the_embedding_scale(self, attack: type[EmbeddingAttack]) -> None:
        made = example(attack, epsilon=0.5)
        expected = torch.inf if made.budget is None else {"l2": 4.0, "linf": 1.0}[made.norm]
        assert made.radius(EmbeddingScale(l2=8.0, linf=2.0)) == expected

    @pytest.mark.parametrize("special_tokens", [False, True])
    def test_moves_only_what_it_may(self, attack: type[EmbeddingAttack], special_tokens: bool) -> None:
        encoding = encode(ROWS, width=9)
        made = example(attack, special_tokens=special_tokens)
        clean, moved = perturbed(made, BertVictim(), encoding)
        may = encoding.real if special_tokens else encoding.real & ~encoding.special
        assert torch.equal(moved[~may].view(torch.int32), clean[~may].view(torch.int32))
        assert (moved[may] != clean[may]).any(dim=1).all()

    @given(seed=st.integers(0, 2**32), epsilon=st.floats(1e-3, 10.0), norm=st.sampled_from(NORMS))
    @settings(max_examples=10, deadline=None)
    def test_stays_in_its_budget(
        self, attack: type[EmbeddingAttack], seed: int, epsilon: float, norm: Norm
    ) -> None:
        generator = torch.Generator().manual_seed(seed)
        rows = [torch.randint(1, 50, (n,), generator=generator).tolist() for n in (1, 5, 9)]
        victim, made = BertVictim(), example(attack, epsilon=epsilon, norm=norm)
        clean, moved = perturbed(made, victim, encode(rows), seeds=[seed, 1, 2])
        radius = made.radius(victim.embedding_scale)
        assert (delta_norm(moved - clean, made.norm) <= radius * (1 + 1e-5) + 1e-6).all()

    def test_leaves_no_gradients_and_no_graph_behind(self, attack: type[EmbeddingAttack]) -> None:
        victim = BertVictim()
        clean, moved = perturbed(example(attack), victim, encode(ROWS))
        assert not moved.requires_grad
        assert not clean.requires_grad
        assert all(weight.grad is None for weight in victim.model.parameters())

    def test_leaves_the_clean_embeddings_as_they_were(self, attack: type[EmbeddingAttack]) -> None:
        victim, encoding = BertVictim(), encode(ROWS)
        clean, _ = perturbed(example(attack), victim, encoding)
        assert torch.equal(clean, victim.embed(encoding))

    def test_is_the_same_again_and_without_grad_mode(self, attack: type[EmbeddingAttack]) -> None:
        victim, encoding, made = BertVictim(), encode(ROWS), example(attack)
        with torch.inference_mode():
            clean = victim.embed(encoding)
        goal = Goal(victim.predict(encoding))
        with torch.no_grad():
            first = made.perturb(victim, encoding, clean, goal, range(4))
        assert torch.equal(first, perturbed(made, victim, encoding)[1])

    def test_keeps_its_budget_in_half_precision(self, attack: type[EmbeddingAttack]) -> None:
        victim, made = BertVictim(dtype=torch.bfloat16), example(attack, epsilon=0.05)
        clean, moved = perturbed(made, victim, encode(ROWS))
        assert moved.dtype == torch.bfloat16
        assert not torch.equal(moved, clean)
        size = delta_norm(moved.float() - clean.float(), made.norm)
        assert (size <= made.radius(victim.embedding_scale) * (1 + 1e-5)).all()

    def test_one_seed_and_class_per_example(self, attack: type[EmbeddingAttack]) -> None:
        with pytest.raises(ValueError, match="4 examples, got 4, 4 and 3"):
            perturbed(example(attack), BertVictim(), encode(ROWS), seeds=range(3))

    def test_one_example_of_one_token_is_enough(self, attack: type[EmbeddingAttack]) -> None:
        encoding = encode([[1, 9, 2]])
        clean, moved = perturbed(example(attack), BertVictim(), encoding, seeds=[0])
        assert (moved != clean).any(dim=2).tolist() == [[False, True, False]]

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
    def test_the_gpu_proposes_what_the_cpu_proposes(self, attack: type[EmbeddingAttack]) -> None:
        made = example(attack, epsilon=0.1)
        clean, on_cpu = perturbed(made, BertVictim(), encode(ROWS))
        _, on_gpu = perturbed(made, BertVictim("cuda"), encode(ROWS, "cuda"))
        if isinstance(made, AscentAttack | Noise) and not isinstance(made, APGD):
            # A component whose gradient is nearly 0 may take the other sign.
            assert torch.isclose(on_gpu.cpu(), on_cpu, rtol=0, atol=1e-4).float().mean() > 0.99
        else:
            # These choose between points, and what they choose may hang on the last digit.
            sizes = [delta_norm(moved.cpu() - clean, made.norm) for moved in (on_gpu, on_cpu)]
            torch.testing.assert_close(*sizes, rtol=0.02, atol=1e-4)
        half = BertVictim("cuda", torch.bfloat16)
        clean, moved = perturbed(made, half, encode(ROWS, "cuda"))
        size = delta_norm(moved.float() - clean.float(), made.norm)
        assert (size <= made.radius(half.embedding_scale) * (1 + 1e-5)).all()


@EVERY_GRADIENT_ATTACK
class TestEveryGradientAttack:
    @pytest.mark.parametrize("target", [None, 2])
    def test_brings_every_example_nearer_to_its_goal(
        self, attack: type[EmbeddingAttack], target: int | None
    ) -> None:
        victim, encoding = BertVictim(), encode(ROWS)
        clean, y = victim.embed(encoding), victim.predict(encoding)
        goal = Goal(y) if target is None else Goal(y, (y + target) % 3)
        made = example(attack, epsilon=0.1, special_tokens=True)
        moved = made.perturb(victim, encoding, clean, goal, range(4))
        before, after = (margin(victim.logits(encoding, at), goal) for at in (clean, moved))
        assert (after > before).all()

    def test_a_model_with_nan_weights_is_refused(self, attack: type[EmbeddingAttack]) -> None:
        victim = BertVictim()
        torch.nn.init.constant_(victim.model.classifier.weight, float("nan"))
        with pytest.raises(AssayError, match=f'"{attack.name}": expected finite gradients'):
            perturbed(example(attack), victim, encode(ROWS))

    def test_a_model_without_gradient_is_left_alone(self, attack: type[EmbeddingAttack]) -> None:
        victim = LinearVictim(torch.zeros(7, 4))
        clean = torch.randn(4, 7, 4, generator=torch.Generator().manual_seed(0))
        made = example(attack, restarts=1)
        goal = Goal(torch.zeros(4, dtype=torch.int64))
        assert torch.equal(made.perturb(victim, encode(ROWS), clean, goal, range(4)), clean)


PASSES = [
    # An attack, the examples' forward passes and how many of them go backward too.
    (FGSM(epsilon=0.1), 1, 1),
    (FGSM(epsilon=0.1, random_start=True), 1, 1),
    (FGM(epsilon=0.1), 1, 1),
    (PGD(epsilon=0.1), 10, 10),
    (PGD(epsilon=0.1, steps=3), 3, 3),
    (MIFGSM(epsilon=0.1, steps=3), 3, 3),
    (APGD(epsilon=0.1), 21, 20),
    (APGD(epsilon=0.1, steps=3), 4, 3),
    (FMN(), 71, 50),
    (FMN(steps=3, bisections=2), 6, 3),
    (Noise(epsilon=0.1), 0, 0),
]


@pytest.mark.parametrize(
    ("attack", "forwards", "backwards"), PASSES, ids=[f"{a.name}-{f}-{b}" for a, f, b in PASSES]
)
def test_costs_the_passes_that_it_says(attack: EmbeddingAttack, forwards: int, backwards: int) -> None:
    victim = BertVictim()
    perturbed(attack, victim, encode(ROWS))
    assert (victim.forwards, victim.backwards) == (forwards, backwards)


LOOPS = [
    FGSM(epsilon=0.1),
    FGM(epsilon=0.1),
    *[PGD(epsilon=0.1, norm=norm) for norm in NORMS],
    *[MIFGSM(epsilon=0.1, norm=norm) for norm in NORMS],
    *[APGD(epsilon=0.1, norm=norm, loss="margin") for norm in NORMS],
    *[FMN(norm=norm) for norm in NORMS],
]


@pytest.mark.parametrize("attack", LOOPS, ids=[f"{attack.name}-{attack.norm}" for attack in LOOPS])
def test_no_step_waits_for_a_value(attack: EmbeddingAttack, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tensors on the device "meta" have no values: whatever asked for one would fail. The one question that
    # is allowed, at the end, is left out here.
    for module in (base, apgd, fmn):
        monkeypatch.setattr(module, "require_finite", lambda name, values: None)
    encoding = encode([[5, 6, 7], [5, 6, 7]], device="meta")
    victim = LinearVictim(torch.zeros(3, 4, device="meta"))
    clean = torch.zeros(2, 3, 4, device="meta")
    goal = Goal(torch.zeros(2, dtype=torch.int64, device="meta"))
    assert attack.perturb(victim, encoding, clean, goal, range(2)).shape == clean.shape


def test_the_gradient_of_an_example_does_not_shrink_with_its_batch() -> None:
    victim, clean = LinearVictim(torch.tensor([[3.0, 4.0]])), torch.zeros(2, 1, 2)
    gradient = loss_gradient(victim, encode([[5], [6]]), clean, Goal(torch.tensor([0, 1])))
    # At logits (0, 0) the cross-entropy falls by half the weights for class 0 and rises by it for class 1.
    assert gradient.tolist() == [[[-1.5, -2.0]], [[1.5, 2.0]]]


def linear(attack: type[EmbeddingAttack], norm: Norm, **params: Any) -> Any:
    return pytest.param(attack(epsilon=0.4, norm=norm, **params), norm, 1.0, id=f"{attack.name}-{norm}")


ITERATED = [PGD, MIFGSM, APGD]
LINEAR = [
    # An attack, its norm, and how much of the way to the edge of its ball it goes on a linear model.
    pytest.param(FGSM(epsilon=0.4), "linf", 1.0, id="fgsm"),
    pytest.param(FGM(epsilon=0.4), "l2", 1.0, id="fgm"),
    pytest.param(PGD(epsilon=0.4, norm="l2", steps=2), "l2", 0.5, id="two-quarters"),
    pytest.param(MIFGSM(epsilon=0.4, steps=3), "linf", 0.3, id="three-tenths"),
    *[linear(attack, norm) for attack in ITERATED for norm in NORMS],
    *[linear(APGD, norm, loss="margin") for norm in NORMS],
    *[linear(Auto, norm) for norm in NORMS],
    *[linear(PGD, norm, random_start=True, steps=200, step_size=0.1) for norm in NORMS],
]
WEIGHT = torch.tensor([[9.0, 9.0], [3.0, 4.0], [5.0, 12.0], [9.0, 9.0]])
BEST = {
    # The true class is 0, so the best attack moves against the weights (3, 4) and (5, 12) of the two tokens:
    # all the way in each component for linf (radius 0.4 * 0.5); along their unit vector, of length
    # 194 ** 0.5, for l2 (radius 0.4 * 2); along each token's own, of lengths 5 and 13, for l2_per_token.
    "linf": torch.tensor([[-0.2, -0.2], [-0.2, -0.2]]),
    "l2": -0.8 * torch.tensor([[3.0, 4.0], [5.0, 12.0]]) / 194**0.5,
    "l2_per_token": -0.8 * torch.tensor([[0.6, 0.8], [5 / 13, 12 / 13]]),
}


@pytest.mark.parametrize(("attack", "norm", "share"), LINEAR)
def test_a_linear_model_is_attacked_at_its_known_optimum(
    attack: EmbeddingAttack, norm: Norm, share: float
) -> None:
    clean = torch.tensor([[[0.1, 0.2], [0.3, 0.2], [0.1, 0.05], [0.3, 0.4]]])
    encoding, goal = encode([[1, 5, 6, 2]]), Goal(torch.tensor([0]))
    moved = attack.perturb(LinearVictim(WEIGHT), encoding, clean, goal, seeds=[5])
    expected = torch.nn.functional.pad(share * BEST[norm], (0, 0, 1, 1))
    torch.testing.assert_close(moved - clean, expected[None], rtol=0, atol=1e-5)


@pytest.mark.parametrize("norm", NORMS)
class TestRandomStart:
    def test_depends_on_the_seed_of_the_example_only(self, norm: str) -> None:
        attack = PGD(epsilon=0.5, norm=norm, random_start=True)
        batch, clean = encode(ROWS, width=9), torch.zeros(4, 9, 8)
        together = attack.start(clean, attack.perturbable(batch), 2.0, seeds=[11, 12, 13, 14])
        alone = encode([ROWS[3]])
        apart = attack.start(torch.zeros(1, 5, 8), attack.perturbable(alone), 2.0, seeds=[14])
        assert torch.equal(together[3, :5], apart[0])
        assert not torch.equal(
            apart, attack.start(torch.zeros(1, 5, 8), attack.perturbable(alone), 2.0, seeds=[15])
        )
        outside = ~attack.perturbable(batch)
        assert torch.equal(together[outside], torch.zeros(int(outside.sum()), 8))
        assert (delta_norm(together, norm) <= 2.0).all()

    def test_proposals_are_reproducible_and_independent_of_the_rest_of_the_batch(self, norm: str) -> None:
        attack = PGD(epsilon=0.5, norm=norm, random_start=True, steps=3)
        encoding = encode(ROWS)
        victim = LinearVictim(torch.randn(7, 4, generator=torch.Generator().manual_seed(0)))
        clean = torch.randn(4, 7, 4, generator=torch.Generator().manual_seed(1))
        torch.manual_seed(0)
        together = attack.perturb(victim, encoding, clean, Goal(Y % 2), seeds=[11, 12, 13, 14])
        torch.manual_seed(1)
        assert torch.equal(
            together, attack.perturb(victim, encoding, clean, Goal(Y % 2), seeds=[11, 12, 13, 14])
        )
        apart = attack.perturb(
            victim, rows_of(encoding, 3, 0), clean[[3, 0]], Goal((Y % 2)[[3, 0]]), seeds=[14, 11]
        )
        assert torch.equal(together[[3, 0]], apart)

    def test_leaves_the_global_generator_alone(self, norm: str) -> None:
        state = torch.get_rng_state()
        uniform_in_ball(torch.zeros(1, 3, 4), torch.ones(1, 3, dtype=torch.bool), norm, 1.0, [7])
        assert torch.equal(torch.get_rng_state(), state)

    def test_points_are_uniform_in_the_ball(self, norm: str) -> None:
        mask = torch.ones(4000, 1, dtype=torch.bool)
        points = uniform_in_ball(torch.zeros(4000, 1, 2), mask, norm, 2.0, range(4000))
        within_half = (delta_norm(points, norm) <= 1.0).float().mean()
        # In two dimensions the ball of half the radius holds a quarter; 4 standard errors are 0.027.
        assert abs(float(within_half) - 0.25) < 0.027
        assert points.mean(dim=(0, 1)).abs().max() < 0.08


def test_fgsm_from_a_random_start_makes_one_projected_step_from_there() -> None:
    attack, encoding = FGSM(epsilon=0.4, random_start=True), encode([[1, 5, 6, 2]])
    clean = torch.zeros(1, 4, 2)
    start = attack.start(clean, attack.perturbable(encoding), 0.2, seeds=[3])
    moved = attack.perturb(LinearVictim(WEIGHT), encoding, clean, Goal(torch.tensor([0])), seeds=[3])
    assert start[0, 1:3].abs().min() > 0
    torch.testing.assert_close(moved[0, 1:3], (start[0, 1:3] - 0.2).clamp(min=-0.2))
