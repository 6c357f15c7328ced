"""Random numbers that belong to one example, though TextAttack draws them from the process.

Its transformations and searches draw from the global generators of Python, NumPy and torch. Each example has
states of its own for these, which are put in place while it runs: what it draws depends on its seed and on
nothing that other examples do. torch's generators on accelerators are left alone: no recipe draws from them.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

State = tuple[Any, Any, torch.Tensor]


def seed_all(seed: int) -> None:
    """Seeds the three generators as an example with this seed finds them; NumPy takes the lower 32 bits."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)


def state() -> State:
    return random.getstate(), np.random.get_state(legacy=False), torch.default_generator.get_state()


def set_state(there: State) -> None:
    python, numpy, default = there
    random.setstate(python)
    np.random.set_state(numpy)
    torch.default_generator.set_state(default)


def seeded(seed: int) -> State:
    """The states right after seeding; those of the process stay as they are."""
    with process_state_kept():
        seed_all(seed)
        return state()


@contextmanager
def process_state_kept() -> Iterator[None]:
    """Puts the process's own states back at the end."""
    before = state()
    try:
        yield
    finally:
        set_state(before)
