"""Batches by length and token budget, so that little padding is computed."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def by_token_budget(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Indices 0..n-1 in batches of similar length, each at most ``budget`` tokens when padded.

    lengths: tokens per example. A single example longer than the budget is a batch of its own.
    The batches depend on nothing but ``lengths`` and ``budget``: an interrupted evaluation forms the
    same ones again. Raises ValueError unless budget >= 1.
    """
    if budget < 1:
        raise ValueError(f"expected a token budget of at least 1, got {budget}")
    order = np.argsort(np.asarray(lengths, dtype=np.int64), kind="stable")[::-1]
    batches: list[list[int]] = []
    for index in order.tolist():
        # Longest first: the first example of a batch sets its padded width.
        if batches and lengths[batches[-1][0]] * (len(batches[-1]) + 1) <= budget:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def shuffled(lengths: Sequence[int], batch_size: int, rng: np.random.Generator) -> list[list[int]]:
    """Batches of ``batch_size`` for training: random, but of similar length within a batch.

    Examples are shuffled, sorted by length within pools of fifty batches, cut, and the batches
    shuffled again.
    """
    order = rng.permutation(len(lengths))
    pool = 50 * batch_size
    batches: list[list[int]] = []
    for start in range(0, len(order), pool):
        chunk = sorted(order[start : start + pool].tolist(), key=lambda i: lengths[i])
        batches.extend(chunk[i : i + batch_size] for i in range(0, len(chunk), batch_size))
    rng.shuffle(batches)
    return batches


def halving(run: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item]) -> list[Result]:
    """``run(items)``; when the accelerator is out of memory, each half on its own, and so on.

    Re-raises when a single item does not fit.
    """
    try:
        return run(items)
    except torch.OutOfMemoryError:
        if len(items) == 1:
            raise
    # Outside the except block, so that the failed attempt's tensors are no longer referenced.
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    middle = len(items) // 2
    return halving(run, items[:middle]) + halving(run, items[middle:])
