from typing import get_args

import pytest
import torch

from attacks.embedding.noise import Noise
from attacks.embedding.pgd import PGD
from attacks.goals import Goal, margin
from attacks.norms import delta_norm
from attacks.threat_model import Norm
from attacks.victims import EmbeddingScale
from tests.attacks.victims import BertVictim, encode

ROWS = [[1, 7, 8, 9, 10, 11, 2], [1, 20, 2], [1, 45, 46, 45, 2]]
GOAL = Goal(torch.zeros(3, dtype=torch.int64))


class Mute:
    """A victim that can only say how large its embeddings are."""

    embedding_scale = EmbeddingScale(l2=2.0, linf=0.5)


@pytest.mark.parametrize("norm", get_args(Norm))
class TestNoise:
    def test_uses_the_whole_budget_and_asks_the_model_nothing(self, norm: Norm) -> None:
        attack, clean = Noise(epsilon=0.5, norm=norm), torch.zeros(3, 7, 8)
        moved = attack.perturb(Mute(), encode(ROWS), clean, GOAL, range(3))  # type: ignore[arg-type]
        radius = attack.radius(Mute.embedding_scale)
        torch.testing.assert_close(delta_norm(moved, norm), torch.full((3,), radius))
        assert attack.threat_model.access == "none"

    def test_depends_on_the_seed_of_the_example_only(self, norm: Norm) -> None:
        attack = Noise(epsilon=0.5, norm=norm)
        together = attack.perturb(Mute(), encode(ROWS), torch.zeros(3, 7, 8), GOAL, [4, 5, 6])  # type: ignore[arg-type]
        alone = encode([ROWS[2]])
        goal = GOAL.take(torch.tensor([2]))
        apart = attack.perturb(Mute(), alone, torch.zeros(1, 5, 8), goal, [6])  # type: ignore[arg-type]
        assert torch.equal(together[2, :5], apart[0])
        other = attack.perturb(Mute(), alone, torch.zeros(1, 5, 8), goal, [7])  # type: ignore[arg-type]
        assert not torch.equal(apart, other)

    def test_is_far_weaker_than_gradients(self, norm: Norm) -> None:
        victim, encoding = BertVictim(), encode(ROWS)
        clean, goal = victim.embed(encoding), Goal(victim.predict(encoding))
        by_noise, by_pgd = (
            margin(
                victim.logits(encoding, attack.perturb(victim, encoding, clean, goal, range(3))), goal
            ).mean()
            for attack in (Noise(epsilon=0.1, norm=norm), PGD(epsilon=0.1, norm=norm))
        )
        assert by_noise < by_pgd - 0.1
