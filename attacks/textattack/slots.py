"""Copies of one attack object, so that many examples can be attacked at once without seeing each other."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch

UNLIMITED = 2**30


class Questions:
    """The model wrapper that a recipe is built with: ``answer`` gives probabilities (n, k) for n texts."""

    def __init__(self, answer: Callable[[list[Any]], torch.Tensor]) -> None:
        self.model = None
        self.answer = answer

    def __call__(self, text_input_list: list[Any], **_: Any) -> torch.Tensor:
        return self.answer(list(text_input_list))


def own_copy(attack: Any) -> Any:
    """The same attack with caches and counters of its own.

    What is large (embeddings, language models, dictionaries) is shared: every part is copied one level deep,
    and only caches are made anew. Nothing in TextAttack's transformations and constraints is changed by
    their use but such caches.
    """
    composite = import_module("textattack.transformations").CompositeTransformation
    transformation = _copied(attack.transformation)
    if isinstance(transformation, composite):
        transformation.transformations = [_copied(each) for each in transformation.transformations]
    copy = _copied(attack)
    # The initialiser of the base class binds the parts to one another anew.
    import_module("textattack").Attack.__init__(
        copy,
        _copied(attack.goal_function),
        [_copied(each) for each in [*attack.pre_transformation_constraints, *attack.constraints]],
        transformation,
        _copied(attack.search_method),
        transformation_cache_size=attack.transformation_cache_size,
        constraint_cache_size=attack.constraint_cache_size,
    )
    # All candidates of a step are asked for at once; how they are cut into batches is the victim's business.
    copy.goal_function.batch_size = UNLIMITED
    return copy


def _copied(part: Any) -> Any:
    """A shallow copy. ``copy.copy`` would not do: TextAttack's own ``__getstate__`` drops loaded models."""
    lru = import_module("lru").LRU
    copy = object.__new__(type(part))
    copy.__dict__.update(
        {
            name: lru(value.get_size()) if isinstance(value, lru) else value
            for name, value in vars(part).items()
        }
    )
    return copy
