"""[[attacks]], [[behaviours]] and [similarity]: what is done to the texts, and how far they may go."""

import math
from typing import Any

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from assay.config_base import Count, Section

BUDGETS = {"epsilon": float, "max_tokens": int, "max_injections": int}
"""The budgets of attacks, by name: each may be a list, which means one run for each value."""


class AttackConfig(Section):
    """One [[attacks]]; keys that are not here are parameters of the attack, which checks them itself.

    total_queries, total_seconds: for all examples of one candidate together, of a black-box attack; examples
        that they do not reach are told and not counted.
    """

    model_config = ConfigDict(extra="allow")

    name: str
    epsilon: float | list[float] | None = None
    max_tokens: int | list[int] | None = None
    max_injections: int | list[int] | None = None
    total_queries: Count | None = None
    total_seconds: float | None = Field(default=None, gt=0)

    @field_validator(*BUDGETS, mode="before")
    @classmethod
    def _budgets(cls, budget: Any, field: ValidationInfo) -> Any:
        values = budget if isinstance(budget, list) else [] if budget is None else [budget]
        kind = int if BUDGETS[str(field.field_name)] is int else int | float
        number = all(isinstance(value, kind) and not isinstance(value, bool) for value in values)
        if not number or budget == []:
            word = "whole number" if kind is int else "number"
            raise ValueError(f"expected a {word} or a list of {word}s")
        if any(value <= 0 or not math.isfinite(value) for value in values):
            raise ValueError("expected a budget above 0")
        if len({float(value) for value in values}) != len(values):
            raise ValueError("expected each budget once")
        if kind is int:
            return budget
        return [float(value) for value in values] if isinstance(budget, list) else budget

    @property
    def params(self) -> dict[str, Any]:
        return dict(self.model_extra or {})

    @property
    def budgets(self) -> list[float]:
        """Every budget that it runs at: epsilons, tokens or injections."""
        return [float(value) for budget in BUDGETS for value in _values(getattr(self, budget))]

    def expand(self) -> list[tuple[str, dict[str, Any]]]:
        """(name, parameters) for every budget; one without where none is given."""
        runs: list[dict[str, Any]] = [{}]
        for budget in BUDGETS:
            values = _values(getattr(self, budget))
            runs = [{**run, budget: value} for run in runs for value in values] or runs
        return [(self.name, {**run, **self.params}) for run in runs]


class BehaviourConfig(Section):
    """One [[behaviours]]: a behavioural test; keys that are not here are its parameters."""

    model_config = ConfigDict(extra="allow")

    name: str

    @property
    def params(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class SimilarityConfig(Section):
    """[similarity]: which changed texts still count as the same text.

    encoder: a sentence encoder, a folder or a hub name; None for the packaged one, where it is installed.
    language_model: by which perplexity is measured. The limits are those of ``robustness.quality.limits``.
    """

    encoder: str | None = None
    language_model: str | None = None
    min_similarity: float = Field(default=0.84, ge=-1, le=1)
    max_changed: float = Field(default=0.2, gt=0)
    max_perplexity_ratio: float | None = Field(default=None, gt=0)


def _values(budget: Any) -> list[Any]:
    if budget is None:
        return []
    return list(budget) if isinstance(budget, list) else [budget]
