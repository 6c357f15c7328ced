"""The geometry of a perturbation of embeddings: its size, the steepest ascent, and the ball it stays in.

A perturbation ``delta`` is a tensor (b, t, d); an example is one row of the batch, and both norms run over
all its tokens and components at once. All arithmetic is done, and returned, in float32, whatever the
precision of the model.
"""

import torch
from torch import Tensor

from attacks.threat_model import Norm


def delta_norm(delta: Tensor, norm: Norm) -> Tensor:
    """The size (b,) of each example's perturbation ``delta`` (b, t, d), float32, at least 0."""
    flat = delta.float().flatten(1)
    return flat.abs().amax(dim=1) if norm == "linf" else flat.norm(dim=1)


def ascent_direction(gradient: Tensor, mask: Tensor, norm: Norm) -> Tensor:
    """The unit perturbation (b, t, d) along which a linear loss rises fastest.

    gradient: (b, t, d), of the loss with respect to the embeddings. mask: (b, t) bool, True where a token
    may be perturbed; the direction is 0 elsewhere. ``linf``: the sign (Goodfellow et al. 2015);
    ``l2``: the gradient over its norm in the example (Miyato et al. 2017, eq. 5). Where the gradient is 0 so
    is the direction; where it is NaN or infinite the direction is NaN.
    """
    allowed = gradient.float().masked_fill(~mask[..., None], 0)
    if norm == "linf":
        # torch takes the sign of NaN for 0, which would hide a broken model behind a failed attack.
        return allowed.sign() + 0 * allowed
    # A confident model's gradients may be so small that their squares vanish; scaling first keeps the
    # direction. The largest component is then 1, so the norm is at least 1 unless the gradient is 0.
    largest = _per_example(delta_norm(allowed, "linf"))
    scaled = allowed / torch.where(largest > 0, largest, 1)
    return scaled / _per_example(delta_norm(scaled, "l2")).clamp_min(1)


def project(delta: Tensor, norm: Norm, radius: float) -> Tensor:
    """The point of the ball of ``radius`` (absolute, at least 0) that is nearest to ``delta`` (b, t, d)."""
    delta = delta.float()
    if norm == "linf":
        return delta.clamp(-radius, radius)
    size = _per_example(delta_norm(delta, "l2"))
    return delta * torch.where(size > radius, radius / size, 1)


def shift(embeddings: Tensor, delta: Tensor, mask: Tensor) -> Tensor:
    """``embeddings + delta`` (b, t, d) where ``mask`` (b, t) is True, ``embeddings`` bit for bit elsewhere.

    The result has the precision of the embeddings. Where that is half precision, sums are rounded towards
    the embeddings: to the nearest, rounding could carry a perturbation out of its budget.
    """
    moved = (embeddings.float() + delta).to(embeddings.dtype)
    if embeddings.dtype != torch.float32:
        beyond = (moved.float() - embeddings.float()).abs() > delta.abs()
        moved = torch.where(beyond, torch.nextafter(moved, embeddings), moved)
    return torch.where(mask[..., None], moved, embeddings)


def _per_example(values: Tensor) -> Tensor:
    """``values`` (b,) as (b, 1, 1), to be broadcast over tokens and components."""
    return values[:, None, None]
