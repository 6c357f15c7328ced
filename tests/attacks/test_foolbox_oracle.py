"""Foolbox, which knows nothing of text, finds the same perturbations on the same embeddings."""

import foolbox
import pytest
import torch
from torch import Tensor, nn

from attacks.embedding.base import EmbeddingAttack
from attacks.embedding.fgm import FGM
from attacks.embedding.fgsm import FGSM
from attacks.embedding.pgd import PGD
from attacks.norms import delta_norm
from attacks.victims import Encoding
from tests.attacks.victims import BertVictim, encode

ROWS = [[1, 7, 8, 9, 10, 11, 12, 2], [1, 20, 2], [1, 31, 32, 33, 34, 2], [1, 45, 46, 45, 2]]
Y = torch.tensor([0, 1, 2, 0])


class OnlyPerturbable(nn.Module):
    """Foolbox knows no mask: here what it does to masked tokens has no effect and so no gradient."""

    def __init__(self, victim: BertVictim, encoding: Encoding, clean: Tensor, mask: Tensor) -> None:
        super().__init__()
        self.victim, self.encoding, self.clean, self.mask = victim, encoding, clean, mask[..., None]

    def forward(self, embeddings: Tensor) -> Tensor:
        return self.victim.logits(self.encoding, torch.where(self.mask, embeddings, self.clean))


def pgd(oracle: type, norm: str, steps: int, step_size: float) -> tuple[EmbeddingAttack, object]:
    ours = PGD(epsilon=0.5, norm=norm, steps=steps, step_size=step_size)
    return ours, oracle(rel_stepsize=step_size, steps=steps, random_start=False)


PAIRS = {
    "fgsm": (FGSM(epsilon=0.3), foolbox.attacks.LinfFastGradientAttack()),
    "fgm": (FGM(epsilon=0.7), foolbox.attacks.L2FastGradientAttack()),
    "pgd-linf": pgd(foolbox.attacks.LinfPGD, "linf", 10, 0.25),
    "pgd-linf-big-steps": pgd(foolbox.attacks.LinfPGD, "linf", 4, 0.8),
    "pgd-l2": pgd(foolbox.attacks.L2PGD, "l2", 10, 0.25),
    "pgd-l2-big-steps": pgd(foolbox.attacks.L2PGD, "l2", 4, 0.8),
}


@pytest.mark.parametrize("special_tokens", [False, True])
@pytest.mark.parametrize(("ours", "oracle"), PAIRS.values(), ids=PAIRS)
def test_embeddings_agree_with_foolbox(
    ours: EmbeddingAttack, oracle: foolbox.Attack, special_tokens: bool
) -> None:
    ours = type(ours)(**ours.params() | {"special_tokens": special_tokens})
    victim, encoding = BertVictim(), encode(ROWS)
    clean = victim.embed(encoding)
    model = foolbox.PyTorchModel(
        OnlyPerturbable(victim, encoding, clean, ours.perturbable(encoding)).eval(),
        bounds=(-100, 100),
        device="cpu",
    )
    radius = ours.radius(victim.embedding_scale)
    theirs = oracle.run(model, clean, foolbox.criteria.Misclassification(Y), epsilon=radius)
    proposed = ours.perturb(victim, encoding, clean, Y, seeds=range(4))
    assert (delta_norm(proposed - clean, ours.norm) > 0.1 * radius).all()
    torch.testing.assert_close(proposed, theirs, rtol=0, atol=1e-5)
