import pytest
import torch
from torch import Tensor

from attacks.embedding.apgd import APGD, checkpoints
from attacks.embedding.base import AscentAttack, EmbeddingAttack
from attacks.embedding.fgm import FGM
from attacks.embedding.fgsm import FGSM
from attacks.embedding.pgd import PGD
from attacks.errors import AssayError
from attacks.goals import Goal, ce
from attacks.threat_model import Norm
from attacks.victims import EmbeddingScale, Encoding
from tests.attacks.victims import BertVictim, LinearVictim, encode

GENERATOR = torch.Generator().manual_seed(0)
ROWS = [
    [1, *torch.randint(3, 50, (int(n),), generator=GENERATOR).tolist(), 2]
    for n in torch.randint(2, 12, (32,), generator=GENERATOR)
]
MODELS = [(0, 0.2), (2, 0.3), (3, 0.2)]
BUDGETS: dict[Norm, tuple[float, float, float]] = {
    # Where about half of the examples withstand, for each of MODELS.
    "linf": (0.16, 0.03, 0.04),
    "l2": (0.35, 0.055, 0.1),
    "l2_per_token": (0.14, 0.025, 0.035),
}


class PeakVictim:
    """Class 0 is least likely at one point, and more likely the farther from it: logits (|e - peak|², 1)."""

    embedding_scale = EmbeddingScale(l2=1.0, linf=1.0)

    def __init__(self, peak: Tensor) -> None:
        self.peak = peak

    def logits(self, encoding: Encoding, embeddings: Tensor) -> Tensor:
        distance = (embeddings - self.peak).square().sum(dim=(1, 2))
        return torch.stack([distance, torch.ones_like(distance)], dim=1)


def losses(attack: EmbeddingAttack, victim: BertVictim) -> tuple[Tensor, Tensor]:
    """Cross-entropy (32,) under the attack, and whether it succeeded."""
    encoding = encode(ROWS)
    clean, goal = victim.embed(encoding), Goal(victim.predict(encoding))
    moved = attack.perturb(victim, encoding, clean, goal, range(len(ROWS)))
    with torch.no_grad():
        logits = victim.logits(encoding, moved)
    return ce(logits, goal), goal.reached(logits)


def test_checkpoints_are_those_of_the_paper() -> None:
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]
    # 4.4, 8.2, 11.4, 14, 16, 17.4, 18.6 and 19.8, rounded up.
    assert checkpoints(20) == [5, 9, 12, 14, 16, 18, 19, 20]
    assert checkpoints(1) == [1]


@pytest.mark.parametrize("norm", BUDGETS)
@pytest.mark.parametrize("number", range(len(MODELS)))
def test_it_is_not_weaker_than_pgd_with_as_many_gradients(norm: Norm, number: int) -> None:
    seed, spread = MODELS[number]
    epsilon = BUDGETS[norm][number]
    pgd = PGD(epsilon=epsilon, norm=norm, steps=20)
    by_pgd, fooled_by_pgd = losses(pgd, BertVictim(seed=seed, spread=spread))
    by_apgd, fooled = losses(APGD(epsilon=epsilon, norm=norm), BertVictim(seed=seed, spread=spread))
    assert 0.1 < fooled_by_pgd.float().mean() < 0.9
    assert fooled.sum() >= fooled_by_pgd.sum()
    assert by_apgd.mean() > by_pgd.mean() - 1e-3


@pytest.mark.parametrize(
    ("one_step", "norm"), [(FGSM(epsilon=0.16), "linf"), (FGM(epsilon=0.35), "l2")], ids=["fgsm", "fgm"]
)
@pytest.mark.parametrize("steps", [1, 7])
def test_from_the_clean_embeddings_it_never_misses_what_one_step_finds(
    one_step: AscentAttack, norm: Norm, steps: int
) -> None:
    made = APGD(epsilon=one_step.epsilon, norm=norm, steps=steps)
    (by_step, fooled_by_step), (by_apgd, fooled) = losses(one_step, BertVictim()), losses(made, BertVictim())
    assert fooled_by_step.any()
    assert (fooled | ~fooled_by_step).all()
    assert ((by_apgd >= by_step - 1e-5) | fooled).all()


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_halving_its_steps_finds_a_peak_that_fixed_steps_jump_over(norm: Norm) -> None:
    peak = torch.tensor([[[0.31, -0.17], [0.05, 0.12]]])
    victim, goal, encoding = PeakVictim(peak), Goal(torch.tensor([0])), encode([[5, 6]])
    clean = torch.zeros(1, 2, 2)
    distances = []
    for attack in (PGD(epsilon=1.0, norm=norm, steps=60), APGD(epsilon=1.0, norm=norm, steps=60)):
        moved = attack.perturb(victim, encoding, clean, goal, [0])
        distances.append(float((moved - peak).norm()))
    by_pgd, by_apgd = distances
    assert by_apgd < 0.02
    assert by_apgd < by_pgd / 4


def test_an_adversarial_point_is_kept_before_one_of_higher_loss() -> None:
    class Ridge:
        """Just beyond the start class 1 wins; farther out all wrong classes rise but none of them wins.

        Logits (3, 3.5 * hill, far, far, far) for classes 0 to 4, of which 0 is true.
        """

        embedding_scale = EmbeddingScale(l2=1.0, linf=1.0)

        def logits(self, encoding: Encoding, embeddings: Tensor) -> Tensor:
            e = embeddings.flatten(1).sum(dim=1)
            hill = 3.5 * (1 - 4 * (e - 0.5).square()).clamp(min=0)
            far = 2.9 * e.clamp(max=1)
            return torch.stack([torch.full_like(e, 3.0), hill, far, far, far], dim=1)

    goal, encoding, clean = Goal(torch.tensor([0])), encode([[5]]), torch.full((1, 1, 1), 0.45)
    moved = APGD(epsilon=0.55).perturb(Ridge(), encoding, clean, goal, [0])
    at_the_edge = Ridge().logits(encoding, torch.ones(1, 1, 1))
    found = Ridge().logits(encoding, moved)
    assert goal.reached(found).all()
    assert not goal.reached(at_the_edge).any()
    assert ce(at_the_edge, goal) > ce(found, goal)


def test_margin_and_dlr_work_where_cross_entropy_has_no_gradient() -> None:
    # At logits of (200, 0) the cross-entropy's gradient is 0 in float32.
    victim, clean = LinearVictim(torch.full((1, 2), 100.0)), torch.ones(1, 1, 2)
    goal, encoding = Goal(torch.tensor([0])), encode([[5]])
    assert torch.equal(APGD(epsilon=3.0).perturb(victim, encoding, clean, goal, [0]), clean)
    moved = APGD(epsilon=3.0, loss="margin").perturb(victim, encoding, clean, goal, [0])
    torch.testing.assert_close(moved, clean - 1.5)

    bert = BertVictim(num_labels=4)
    with torch.no_grad():
        bert.model.classifier.weight *= 1000
    _, by_ce = losses(APGD(epsilon=0.3), bert)
    _, by_dlr = losses(APGD(epsilon=0.3, loss="dlr"), bert)
    assert by_dlr.sum() > by_ce.sum()


class TestDlrWithTooFewClasses:
    def test_is_refused_before_any_model_is_asked(self) -> None:
        attack = APGD(epsilon=0.1, loss="dlr")
        for labels in (["a", "b"], ["a"]):
            with pytest.raises(AssayError, match=r'Attack "apgd": the loss "dlr" needs 3 .*"margin"'):
                attack.target_class(labels)
        assert attack.target_class(["a", "b", "c"]) is None
        aimed = APGD(epsilon=0.1, loss="dlr", target="a")
        with pytest.raises(AssayError, match=r'Attack "apgd": the loss "dlr" with a target needs 4 classes'):
            aimed.goal(torch.tensor([1]), ["a", "b", "c"])
        assert aimed.target_class(["a", "b", "c", "d"]) == 0

    def test_is_refused_at_the_first_answer_of_a_model(self) -> None:
        victim, encoding = BertVictim(num_labels=2), encode(ROWS)
        with pytest.raises(
            AssayError, match='Attack "apgd": the loss "dlr" needs 3 classes, and there are 2'
        ):
            losses(APGD(epsilon=0.1, loss="dlr"), victim)
        assert (victim.forwards, victim.backwards) == (1, 0)
        assert len(encoding) == victim.rows


@pytest.mark.parametrize("loss", ["ce", "margin", "dlr"])
def test_targeted_it_reaches_the_target(loss: str) -> None:
    victim, encoding = BertVictim(num_labels=4), encode(ROWS)
    clean, y = victim.embed(encoding), victim.predict(encoding)
    goal = Goal(y, (y + 1) % 4)
    moved = APGD(epsilon=1.0, loss=loss).perturb(victim, encoding, clean, goal, range(len(ROWS)))
    assert goal.reached(victim.logits(encoding, moved)).float().mean() > 0.8
