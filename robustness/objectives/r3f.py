"""Regularisation by noise on the embeddings."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Tensor

from attacks.parameters import require_positive
from attacks.victims import Encoding, GradientVictim
from robustness.objectives.base import Objective, Step, require_not_negative
from robustness.objectives.divergence import symmetric_kl


@dataclass(frozen=True, kw_only=True)
class R3F(Objective):
    """Cross-entropy plus the divergence between answers to clean and to noised embeddings (R3F).

    Aghajanyan et al. 2021, "Better fine-tuning by reducing representational collapse": the loss is
    CE(f(x), y) + lambda (KL(f(x), f(x + z)) + KL(f(x + z), f(x))). There z is uniform in [-sigma, sigma] or
    normal with standard deviation sigma, with an absolute sigma of 1e-5 and lambda 1.0 (0.1 to 5 in their
    search). The default is 1e-5 / 0.05, the root mean square of a component of BERT-base's word embeddings.
    As there, every token but padding gets noise.

    The two passes draw their own dropout masks, as in the published code. So small a noise hardly moves the
    answer (in bf16 it is below rounding), and what the divergence evens out is then mostly dropout, as in
    R-Drop (Liang et al. 2021): expect better fine-tuning rather than robustness. Noise is no adversary, so
    validation faces no attack. Costs 2 forward and 2 backward passes.
    """

    name: ClassVar[str] = "r3f"

    sigma: float = field(
        default=0.0002, metadata={"help": "size of the noise, relative to the RMS component of embeddings"}
    )
    noise: Literal["uniform", "normal"] = field(
        default="uniform", metadata={"help": "uniform from -sigma to sigma, or normal"}
    )
    smoothness_weight: float = field(
        default=1.0, metadata={"help": "weight of the divergence (lambda in the paper)"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "sigma", self.sigma, kind="objective")
        require_not_negative(self.name, "smoothness_weight", self.smoothness_weight)

    @property
    def epsilon_relative(self) -> float:
        return self.sigma

    def radius(self, victim: GradientVictim) -> float:
        return self.sigma * victim.embedding_scale.linf

    def backward(self, victim: GradientVictim, encoding: Encoding, y: Tensor, step: Step) -> Tensor:
        embeddings = victim.embed(encoding)
        clean = victim.logits(encoding, embeddings)
        noise = self._drawn(embeddings) * encoding.real[..., None]
        noised = victim.logits(encoding, embeddings + step.radius * noise)
        loss = step.cross_entropy(clean, y) + self.smoothness_weight * symmetric_kl(
            clean, noised, step.weights
        )
        step.backward(loss)
        return loss.detach()

    def _drawn(self, embeddings: Tensor) -> Tensor:
        """Noise (b, t, d), float32, for a sigma of 1."""
        shape, device = embeddings.shape, embeddings.device
        if self.noise == "normal":
            return torch.randn(shape, device=device)
        return 2 * torch.rand(shape, device=device) - 1
