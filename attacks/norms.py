"""The geometry of a perturbation of embeddings: its size, the steepest ascent, and the ball it stays in.

A perturbation ``delta`` is a tensor (b, t, d); an example is one row of the batch. ``linf`` and ``l2`` run
over all its tokens and components at once; ``l2_per_token`` is the largest of the tokens' Euclidean norms.
All arithmetic is done, and returned, in float32, whatever the precision of the model.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from attacks.threat_model import Norm

Radius = float | Tensor
"""An absolute budget, at least 0: one for all examples, or (b,) of them."""


def delta_norm(delta: Tensor, norm: Norm) -> Tensor:
    """The size (b,) of each example's perturbation ``delta`` (b, t, d), float32, at least 0."""
    if norm == "linf":
        return delta.float().flatten(1).abs().amax(dim=1)
    return _lengths(delta.float(), norm).flatten(1).amax(dim=1)


def ascent_direction(gradient: Tensor, mask: Tensor, norm: Norm) -> Tensor:
    """The unit perturbation (b, t, d) along which a linear loss rises fastest.

    gradient: (b, t, d), of the loss with respect to the embeddings. mask: (b, t) bool, True where a token
    may be perturbed; the direction is 0 elsewhere. ``linf``: the sign (Goodfellow et al. 2015);
    ``l2``: the gradient over its norm in the example (Miyato et al. 2017, eq. 5); ``l2_per_token``: each
    token's gradient over its own norm. Where the gradient is 0 so is the direction; where it is NaN or
    infinite the direction is NaN.
    """
    allowed = gradient.float().masked_fill(~mask[..., None], 0)
    if norm == "linf":
        # torch takes the sign of NaN for 0, which would hide a broken model behind a failed attack.
        return allowed.sign() + 0 * allowed
    # A confident model's gradients may be so small that their squares vanish; scaling first keeps the
    # direction. The largest component is then 1, so the norm is at least 1 unless the gradient is 0.
    largest = allowed.abs().amax(dim=_over(norm), keepdim=True)
    scaled = allowed / torch.where(largest > 0, largest, 1)
    return scaled / _lengths(scaled, norm).clamp_min(1)


def dual_norm(gradient: Tensor, mask: Tensor, norm: Norm) -> Tensor:
    """By how much (b,), float32, a linear loss with this ``gradient`` rises on a step of length 1 along it.

    That is the gradient's dual norm: the sum of its components' sizes for ``linf``, its length for ``l2``,
    the sum of its tokens' lengths for ``l2_per_token``. gradient, mask: as in ``ascent_direction``.
    """
    allowed = gradient.float().masked_fill(~mask[..., None], 0)
    if norm == "linf":
        return allowed.flatten(1).abs().sum(dim=1)
    return _lengths(allowed, norm).flatten(1).sum(dim=1)


def project(delta: Tensor, norm: Norm, radius: Radius) -> Tensor:
    """The point of the ball of ``radius`` (absolute, at least 0) that is nearest to ``delta`` (b, t, d)."""
    delta = delta.float()
    if isinstance(radius, Tensor):
        radius = radius.float().view(-1, 1, 1)
    # A number stays one: as a tensor it would be copied to the device, which waits for it, at every step.
    if norm == "linf":
        return torch.clamp(delta, -radius, radius)  # type: ignore[arg-type]
    size = _lengths(delta, norm)
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


def uniform_in_ball(clean: Tensor, mask: Tensor, norm: Norm, radius: float, seeds: Sequence[int]) -> Tensor:
    """Perturbations (b, t, d), float32, uniform in the ball of ``radius``, and 0 where ``mask`` is False.

    An example's draw depends on its own seed only, not on its padding, and is made on the CPU, so that it is
    the same on every device. In ``l2`` a normal vector gives the direction and u ** (1 / dimensions), with u
    uniform, the length; in ``l2_per_token`` each token has its own direction and length.
    """
    return _drawn(clean, mask, radius, seeds, norm, inside=True)


def uniform_on_sphere(clean: Tensor, mask: Tensor, norm: Norm, radius: float, seeds: Sequence[int]) -> Tensor:
    """Perturbations (b, t, d) as large as the ball of ``radius`` allows, in a random direction.

    ``linf``: plus or minus the radius in every component, as large as FGSM's. Seeds as in
    ``uniform_in_ball``.
    """
    return _drawn(clean, mask, radius, seeds, norm, inside=False)


def _drawn(
    clean: Tensor, mask: Tensor, radius: float, seeds: Sequence[int], norm: Norm, *, inside: bool
) -> Tensor:
    delta = torch.zeros(clean.shape, dtype=torch.float32)
    for example, tokens, seed in zip(delta, mask.cpu(), seeds, strict=True):
        shape = (int(tokens.sum()), clean.shape[2])
        generator = torch.Generator().manual_seed(seed)
        if norm == "linf":
            drawn = 2 * torch.rand(shape, generator=generator) - 1
            example[tokens] = radius * (drawn if inside else torch.where(drawn < 0, -1.0, 1.0))
            continue
        # One vector for the whole example, or one for each token.
        rows = (1, shape[0] * shape[1]) if norm == "l2" else shape
        vectors = torch.randn(shape, generator=generator).view(rows)
        length = torch.ones(len(vectors), 1)
        if inside:
            length = torch.rand(len(vectors), 1, generator=generator) ** (1 / max(1, vectors.shape[1]))
        example[tokens] = (radius * length * normalize(vectors, dim=1)).view(shape)
    return delta.to(clean.device)


def _over(norm: Norm) -> tuple[int, ...]:
    """The dimensions of (b, t, d) over which a Euclidean norm runs."""
    return (2,) if norm == "l2_per_token" else (1, 2)


def _lengths(delta: Tensor, norm: Norm) -> Tensor:
    """Euclidean lengths, (b, 1, 1) or for each token (b, t, 1)."""
    lengths: Tensor = torch.linalg.vector_norm(delta, dim=_over(norm), keepdim=True)
    return lengths
