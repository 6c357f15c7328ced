"""Foolbox, which knows nothing of text, finds the same perturbations on the same embeddings."""

from typing import Any, get_args

import foolbox
import pytest
import torch
from foolbox.attacks.gradient_descent_base import normalize_lp_norms
from torch import Tensor, nn

from attacks.embedding.base import EmbeddingAttack
from attacks.embedding.fgm import FGM
from attacks.embedding.fgsm import FGSM
from attacks.embedding.mifgsm import MIFGSM
from attacks.embedding.pgd import PGD
from attacks.goals import Goal
from attacks.norms import delta_norm
from attacks.threat_model import Norm
from attacks.victims import Encoding
from tests.attacks.victims import BertVictim, encode

ROWS = [[1, 7, 8, 9, 10, 11, 12, 2], [1, 20, 2], [1, 31, 32, 33, 34, 2], [1, 45, 46, 45, 2]]
Y = BertVictim().predict(encode(ROWS))
EPSILON: dict[Norm, float] = {"linf": 0.2, "l2": 0.25}
"""Where some of the examples are fooled and some are not."""


class OnlyPerturbable(nn.Module):
    """Foolbox knows no mask: here what it does to masked tokens has no effect and so no gradient."""

    def __init__(self, victim: BertVictim, encoding: Encoding, clean: Tensor, mask: Tensor) -> None:
        super().__init__()
        self.victim, self.encoding, self.clean, self.mask = victim, encoding, clean, mask[..., None]

    def forward(self, embeddings: Tensor) -> Tensor:
        return self.victim.logits(self.encoding, torch.where(self.mask, embeddings, self.clean))


class PaperLinf(foolbox.attacks.mi_fgsm.LinfMomentumIterativeFastGradientMethod):
    """Foolbox adds up signs; Dong et al. add up gradients over their L1 norm, and so does this."""

    def normalize(self, gradients: Any, *, x: Any, bounds: Any) -> Any:
        return normalize_lp_norms(gradients, p=1)


class PaperL2(foolbox.attacks.mi_fgsm.L2MomentumIterativeFastGradientMethod):
    """Foolbox adds up gradients over their L2 norm; this divides by the L1 norm, as Dong et al. do."""

    def normalize(self, gradients: Any, *, x: Any, bounds: Any) -> Any:
        return normalize_lp_norms(gradients, p=1)


def pgd(oracle: type, norm: Norm, steps: int, step_size: float) -> tuple[EmbeddingAttack, object]:
    ours = PGD(epsilon=EPSILON[norm], norm=norm, steps=steps, step_size=step_size)
    return ours, oracle(rel_stepsize=step_size, steps=steps, random_start=False)


def mifgsm(oracle: type, norm: Norm, steps: int, step_size: float, decay: float) -> tuple[Any, object]:
    ours = MIFGSM(epsilon=EPSILON[norm], norm=norm, steps=steps, step_size=step_size, decay=decay)
    return ours, oracle(momentum=decay, rel_stepsize=step_size, steps=steps, random_start=False)


ITERATED = {
    "pgd-linf": pgd(foolbox.attacks.LinfPGD, "linf", 10, 0.25),
    "pgd-linf-big-steps": pgd(foolbox.attacks.LinfPGD, "linf", 4, 0.8),
    "pgd-l2": pgd(foolbox.attacks.L2PGD, "l2", 10, 0.25),
    "pgd-l2-big-steps": pgd(foolbox.attacks.L2PGD, "l2", 4, 0.8),
    "mi-fgsm-linf": mifgsm(PaperLinf, "linf", 10, 0.1, 1.0),
    "mi-fgsm-linf-half": mifgsm(PaperLinf, "linf", 6, 0.4, 0.5),
    "mi-fgsm-l2": mifgsm(PaperL2, "l2", 10, 0.1, 1.0),
    "mi-fgsm-l2-half": mifgsm(PaperL2, "l2", 6, 0.4, 0.5),
    # Without momentum Foolbox's own normalisation makes no difference.
    "mi-fgsm-linf-none": mifgsm(
        foolbox.attacks.mi_fgsm.LinfMomentumIterativeFastGradientMethod, "linf", 5, 0.3, 0.0
    ),
    "mi-fgsm-l2-none": mifgsm(
        foolbox.attacks.mi_fgsm.L2MomentumIterativeFastGradientMethod, "l2", 5, 0.3, 0.0
    ),
}
PAIRS = {
    "fgsm": (FGSM(epsilon=EPSILON["linf"]), foolbox.attacks.LinfFastGradientAttack()),
    "fgm": (FGM(epsilon=EPSILON["l2"]), foolbox.attacks.L2FastGradientAttack()),
    **ITERATED,
}


def assert_agree(ours: EmbeddingAttack, oracle: foolbox.Attack, goal: Goal, criterion: Any) -> None:
    """The same embeddings, and the same examples fooled as Foolbox decides."""
    victim, encoding = BertVictim(), encode(ROWS)
    clean = victim.embed(encoding)
    model = foolbox.PyTorchModel(
        OnlyPerturbable(victim, encoding, clean, ours.perturbable(encoding)).eval(),
        bounds=(-100, 100),
        device="cpu",
    )
    radius = ours.radius(victim.embedding_scale)
    theirs, _, fooled = oracle(model, clean, criterion, epsilons=radius)
    proposed = ours.perturb(victim, encoding, clean, goal, seeds=range(4))
    assert (delta_norm(proposed - clean, ours.norm) > 0.1 * radius).all()
    torch.testing.assert_close(proposed, theirs, rtol=0, atol=1e-5)
    with torch.no_grad():
        assert goal.reached(victim.logits(encoding, proposed)).tolist() == fooled.tolist()


@pytest.mark.parametrize("special_tokens", [False, True])
@pytest.mark.parametrize(("ours", "oracle"), PAIRS.values(), ids=PAIRS)
def test_embeddings_and_robust_accuracy_agree_with_foolbox(
    ours: EmbeddingAttack, oracle: foolbox.Attack, special_tokens: bool
) -> None:
    ours = type(ours)(**ours.params() | {"special_tokens": special_tokens})
    assert_agree(ours, oracle, Goal(Y), foolbox.criteria.Misclassification(Y))


@pytest.mark.parametrize(("ours", "oracle"), ITERATED.values(), ids=ITERATED)
def test_targeted_attacks_agree_with_foolbox(ours: EmbeddingAttack, oracle: foolbox.Attack) -> None:
    target = (Y + 1) % 3
    assert_agree(ours, oracle, Goal(Y, target), foolbox.criteria.TargetedMisclassification(target))


def test_some_examples_are_fooled_and_some_are_not() -> None:
    """Otherwise the same robust accuracy would say little."""
    victim, encoding, goal = BertVictim(), encode(ROWS), Goal(Y)
    clean = victim.embed(encoding)
    moved = [ours.perturb(victim, encoding, clean, goal, range(4)) for ours, _ in PAIRS.values()]
    fooled = torch.stack([goal.reached(victim.logits(encoding, each)) for each in moved])
    assert fooled.any()
    assert not fooled.all()


class TestMomentum:
    def test_without_decay_it_is_pgd(self) -> None:
        victim, encoding = BertVictim(), encode(ROWS)
        clean = victim.embed(encoding)
        for norm in get_args(Norm):
            common: dict[str, Any] = {"epsilon": 0.5, "norm": norm, "steps": 5, "step_size": 0.3}
            momentum = MIFGSM(decay=0.0, **common).perturb(victim, encoding, clean, Goal(Y), range(4))
            plain = PGD(**common).perturb(victim, encoding, clean, Goal(Y), range(4))
            torch.testing.assert_close(momentum, plain, rtol=0, atol=1e-6)

    def test_earlier_gradients_weigh_as_much_as_their_share(self) -> None:
        # Over its L1 norm the first gradient is (0.75, 0.25), the second (-0.1, 0.9), however large it is.
        attack, mask = MIFGSM(epsilon=1.0, norm="linf", decay=0.5), torch.ones(1, 1, dtype=torch.bool)
        first, memory = attack.direction(torch.tensor([[[3.0, 1.0]]]), mask, None)
        second, memory = attack.direction(torch.tensor([[[-1e-30, 9e-30]]]), mask, memory)
        assert first.tolist() == [[[1.0, 1.0]]]
        torch.testing.assert_close(memory, torch.tensor([[[0.275, 1.025]]]))
        assert second.tolist() == [[[1.0, 1.0]]]

    def test_what_may_not_move_has_no_momentum_and_no_part_in_the_norm(self) -> None:
        attack, mask = MIFGSM(epsilon=1.0), torch.tensor([[True, False]])
        _, memory = attack.direction(torch.tensor([[[3.0, 1.0], [100.0, 0.0]]]), mask, None)
        torch.testing.assert_close(memory, torch.tensor([[[0.75, 0.25], [0.0, 0.0]]]))
