import json
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cross_entropy

from attacks.embedding.base import EmbeddingAttack, loss_gradient
from attacks.embedding.fgm import FGM
from attacks.embedding.fgsm import FGSM
from attacks.embedding.pgd import PGD, uniform_in_ball
from attacks.errors import AssayError
from attacks.norms import delta_norm
from attacks.registry import available
from attacks.threat_model import ThreatModel
from attacks.victims import EmbeddingScale, Encoding
from tests.attacks.victims import BertVictim, LinearVictim, encode, rows_of

ROWS = [[1, 7, 8, 9, 10, 11, 2], [1, 20, 2], [1, 2], [1, 45, 46, 45, 2]]
Y = torch.tensor([0, 1, 2, 0])
EVERY_ATTACK = pytest.mark.parametrize("attack", available().values(), ids=available())


def perturbed(
    attack: EmbeddingAttack,
    victim: BertVictim,
    encoding: Encoding,
    y: Tensor = Y,
    seeds: Sequence[int] = range(4),
) -> tuple[Tensor, Tensor]:
    clean = victim.embed(encoding)
    return clean, attack.perturb(victim, encoding, clean, y, seeds)


@EVERY_ATTACK
class TestEveryAttack:
    def test_declares_its_threat_model_and_json_able_parameters(self, attack: type[EmbeddingAttack]) -> None:
        made = attack(epsilon=0.5)
        assert made.threat_model == ThreatModel("white-box", "embedding", made.norm, 0.5)
        assert list(made.params())[:2] == ["epsilon", "special_tokens"]
        assert attack(**json.loads(json.dumps(made.params()))) == made

    def test_radius_is_relative_to_the_embedding_scale(self, attack: type[EmbeddingAttack]) -> None:
        made = attack(epsilon=0.5)
        assert made.radius(EmbeddingScale(l2=8.0, linf=2.0)) == {"l2": 4.0, "linf": 1.0}[made.norm]

    @pytest.mark.parametrize("special_tokens", [False, True])
    def test_moves_only_what_it_may(self, attack: type[EmbeddingAttack], special_tokens: bool) -> None:
        encoding = encode(ROWS, width=9)
        clean, moved = perturbed(attack(epsilon=0.5, special_tokens=special_tokens), BertVictim(), encoding)
        may = encoding.real if special_tokens else encoding.real & ~encoding.special
        assert torch.equal(moved[~may].view(torch.int32), clean[~may].view(torch.int32))
        assert (moved[may] != clean[may]).any(dim=1).all()

    @given(seed=st.integers(0, 2**32), epsilon=st.floats(1e-3, 10.0))
    @settings(max_examples=10, deadline=None)
    def test_stays_in_its_budget(self, attack: type[EmbeddingAttack], seed: int, epsilon: float) -> None:
        generator = torch.Generator().manual_seed(seed)
        rows = [torch.randint(1, 50, (n,), generator=generator).tolist() for n in (1, 5, 9)]
        y = torch.randint(0, 3, (3,), generator=generator)
        victim, made = BertVictim(), attack(epsilon=epsilon)
        clean, moved = perturbed(made, victim, encode(rows), y, seeds=[seed, 1, 2])
        radius = made.radius(victim.embedding_scale)
        assert (delta_norm(moved - clean, made.norm) <= radius * (1 + 1e-5) + 1e-6).all()

    def test_raises_the_loss(self, attack: type[EmbeddingAttack]) -> None:
        victim, encoding = BertVictim(), encode(ROWS)
        clean, moved = perturbed(attack(epsilon=0.1, special_tokens=True), victim, encoding)
        before = cross_entropy(victim.logits(encoding, clean), Y, reduction="none")
        after = cross_entropy(victim.logits(encoding, moved), Y, reduction="none")
        assert (after > before).all()

    def test_leaves_no_gradients_and_no_graph_behind(self, attack: type[EmbeddingAttack]) -> None:
        victim = BertVictim()
        clean, moved = perturbed(attack(epsilon=0.5), victim, encode(ROWS))
        assert not moved.requires_grad
        assert not clean.requires_grad
        assert all(weight.grad is None for weight in victim.model.parameters())

    def test_is_the_same_again_and_without_grad_mode(self, attack: type[EmbeddingAttack]) -> None:
        victim, encoding, made = BertVictim(), encode(ROWS), attack(epsilon=0.5)
        with torch.inference_mode():
            clean = victim.embed(encoding)
        with torch.no_grad():
            first = made.perturb(victim, encoding, clean, Y, range(4))
        assert torch.equal(first, perturbed(made, victim, encoding)[1])

    def test_keeps_its_budget_in_half_precision(self, attack: type[EmbeddingAttack]) -> None:
        victim, made = BertVictim(dtype=torch.bfloat16), attack(epsilon=0.05)
        clean, moved = perturbed(made, victim, encode(ROWS))
        assert moved.dtype == torch.bfloat16
        assert not torch.equal(moved, clean)
        size = delta_norm(moved.float() - clean.float(), made.norm)
        assert (size <= made.radius(victim.embedding_scale) * (1 + 1e-5)).all()

    def test_a_model_with_nan_weights_is_refused(self, attack: type[EmbeddingAttack]) -> None:
        victim = BertVictim()
        torch.nn.init.constant_(victim.model.classifier.weight, float("nan"))
        with pytest.raises(AssayError, match=f'"{attack.name}": expected finite gradients'):
            perturbed(attack(epsilon=0.5), victim, encode(ROWS))

    def test_a_model_without_gradient_is_left_alone(self, attack: type[EmbeddingAttack]) -> None:
        victim = LinearVictim(torch.zeros(7, 4))
        clean = torch.randn(4, 7, 4, generator=torch.Generator().manual_seed(0))
        assert torch.equal(attack(epsilon=0.5).perturb(victim, encode(ROWS), clean, Y % 2, range(4)), clean)

    def test_one_seed_and_class_per_example(self, attack: type[EmbeddingAttack]) -> None:
        with pytest.raises(ValueError, match="4 examples, got 4, 4 and 3"):
            perturbed(attack(epsilon=0.5), BertVictim(), encode(ROWS), seeds=range(3))

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
    def test_the_gpu_proposes_what_the_cpu_proposes(self, attack: type[EmbeddingAttack]) -> None:
        made = attack(epsilon=0.1)
        _, on_cpu = perturbed(made, BertVictim(), encode(ROWS))
        _, on_gpu = perturbed(made, BertVictim("cuda"), encode(ROWS, "cuda"), Y.cuda())
        # A component whose gradient is nearly 0 may take the other sign.
        assert torch.isclose(on_gpu.cpu(), on_cpu, rtol=0, atol=1e-4).float().mean() > 0.99
        half = BertVictim("cuda", torch.bfloat16)
        clean, moved = perturbed(made, half, encode(ROWS, "cuda"), Y.cuda())
        size = delta_norm(moved.float() - clean.float(), made.norm)
        assert (size[[0, 1, 3]] > 0).all()
        assert (size <= made.radius(half.embedding_scale) * (1 + 1e-5)).all()


@pytest.mark.parametrize(
    ("attack", "passes"),
    [(FGSM(epsilon=0.1), 1), (FGM(epsilon=0.1), 1), (PGD(epsilon=0.1), 10), (PGD(epsilon=0.1, steps=3), 3)],
    ids=["fgsm", "fgm", "pgd", "pgd-3"],
)
def test_costs_one_forward_and_one_backward_per_step(attack: EmbeddingAttack, passes: int) -> None:
    victim = BertVictim()
    perturbed(attack, victim, encode(ROWS))
    assert (victim.forwards, victim.backwards) == (passes, passes)


def test_the_gradient_of_an_example_does_not_shrink_with_its_batch() -> None:
    victim, clean = LinearVictim(torch.tensor([[3.0, 4.0]])), torch.zeros(2, 1, 2)
    gradient = loss_gradient(victim, encode([[5], [6]]), clean, torch.tensor([0, 1]))
    # At logits (0, 0) the cross-entropy falls by half the weights for class 0 and rises by it for class 1.
    assert gradient.tolist() == [[[-1.5, -2.0]], [[1.5, 2.0]]]


LINEAR = [
    # The true class is 0, so the best attack moves against the weights (3, 4): all the way in each
    # component for linf (radius 0.4 * 0.5), along the unit vector (0.6, 0.8) for l2 (radius 0.4 * 2).
    (FGSM(epsilon=0.4), [-0.2, -0.2]),
    (FGM(epsilon=0.4), [-0.48, -0.64]),
    (PGD(epsilon=0.4, norm="linf"), [-0.2, -0.2]),
    (PGD(epsilon=0.4, norm="l2"), [-0.48, -0.64]),
    (PGD(epsilon=0.4, norm="l2", steps=2), [-0.24, -0.32]),
    (PGD(epsilon=0.4, norm="l2", random_start=True, steps=200, step_size=0.1), [-0.48, -0.64]),
]


@pytest.mark.parametrize(("attack", "expected"), LINEAR)
def test_a_linear_model_is_attacked_at_its_known_optimum(
    attack: EmbeddingAttack, expected: list[float]
) -> None:
    encoding = encode([[1, 5, 2]])
    victim = LinearVictim(torch.tensor([[9.0, 9.0], [3.0, 4.0], [9.0, 9.0]]))
    clean = torch.tensor([[[0.1, 0.2], [0.0, 0.0], [0.3, 0.4]]])
    moved = attack.perturb(victim, encoding, clean, torch.tensor([0]), seeds=[5])
    torch.testing.assert_close(moved, clean + torch.tensor([[[0, 0], expected, [0, 0]]]))


@pytest.mark.parametrize("norm", ["linf", "l2"])
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
        together = attack.perturb(victim, encoding, clean, Y % 2, seeds=[11, 12, 13, 14])
        torch.manual_seed(1)
        assert torch.equal(together, attack.perturb(victim, encoding, clean, Y % 2, seeds=[11, 12, 13, 14]))
        apart = attack.perturb(
            victim, rows_of(encoding, 3, 0), clean[[3, 0]], (Y % 2)[[3, 0]], seeds=[14, 11]
        )
        assert torch.equal(together[[3, 0]], apart)

    def test_leaves_the_global_generator_alone(self, norm: str) -> None:
        state = torch.get_rng_state()
        uniform_in_ball((3, 4), norm, 1.0, seed=7)
        assert torch.equal(torch.get_rng_state(), state)

    def test_points_are_uniform_in_the_ball(self, norm: str) -> None:
        points = torch.stack([uniform_in_ball((1, 2), norm, 2.0, seed) for seed in range(4000)])
        within_half = (delta_norm(points, norm) <= 1.0).float().mean()
        # In two dimensions the ball of half the radius holds a quarter; 4 standard errors are 0.027.
        assert abs(float(within_half) - 0.25) < 0.027
        assert points.mean(dim=(0, 1)).abs().max() < 0.08
