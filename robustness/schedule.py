"""How the learning rate and the adversary's budget rise and fall over the steps of a training."""


def rise(step: int, steps: float) -> float:
    """Rises linearly to 1 in ``steps`` steps, of which ``step`` = 0 is the first; 1 from there on."""
    return min(1.0, (step + 1) / steps) if steps > 0 else 1.0


def learning_rate_factor(step: int, total: int, warmup: float) -> float:
    """Linear warm-up over ``warmup * total`` steps, then linear decay to 0 at ``total``; at most 1."""
    left = 1 - warmup
    return min(rise(step, warmup * total), (total - step) / (left * total) if left > 0 else 1.0)
