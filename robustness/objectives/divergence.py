"""How far two answers of a classifier are from each other."""

from torch import Tensor


def symmetric_kl(first: Tensor, second: Tensor, weights: Tensor | None = None) -> Tensor:
    """The mean over the batch of KL(p, q) + KL(q, p), in nats, for logits (b, k) of two answers p and q.

    weights: (b,), by which the examples' divergences are multiplied before the mean is taken; None for none.
    Scalar, at least 0; gradients flow into both. Written as the sum of (p - q)(log p - log q), whose terms
    are all positive: two separate divergences would each lose small differences to rounding.
    """
    log_p, log_q = first.float().log_softmax(dim=1), second.float().log_softmax(dim=1)
    each = ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(dim=1)
    return each.mean() if weights is None else (weights * each).mean()
