"""[fairness], [validity] and [[gate]]: how results are assessed, and what is required of them."""

from typing import Annotated

from pydantic import Field, model_validator

from assay.config_base import Count, Section, Share


class FairnessConfig(Section):
    """positive_label: the outcome whose rates are compared. min_group_size: below it no group is judged.

    intersections: how many group columns are crossed with each other at most; 1 for none.
    overlapping: {name: group columns of 0 and 1}, each of them a group that an example is in or not; the
        groups of one name are compared with each other.
    """

    positive_label: str | None = None
    min_group_size: Count = 30
    intersections: Annotated[int, Field(ge=1, le=5)] = 1
    overlapping: dict[str, Annotated[list[str], Field(min_length=2)]] = Field(default_factory=dict)
    confidence: Share = 0.95
    n_boot: Count = 1000


class ValidityConfig(Section):
    """examples: on how many correctly classified examples the validity checks are made; 0 for none."""

    examples: Annotated[int, Field(ge=0)] = 100


class GateConfig(Section):
    """One [[gate]]: ``metric`` must be at least ``min`` and at most ``max``.

    candidate, epsilon: None means every one; ``epsilon`` is the budget, also in tokens or injections.
    group and value: a group column and one of its values. behaviour: a behavioural test.
    """

    metric: str
    candidate: str | None = None
    attack: str | None = None
    epsilon: float | None = Field(None, ge=0)
    group: str | None = None
    value: str | None = None
    behaviour: str | None = None
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _decidable(self) -> "GateConfig":
        if self.min is None and self.max is None:
            raise ValueError("expected min, max or both: without a limit there is nothing to check")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min ({self.min:g}) is above max ({self.max:g}): nothing can pass")
        if self.epsilon is not None and self.attack is None:
            raise ValueError("epsilon says nothing without attack: name the attack")
        if self.value is not None and self.group is None:
            raise ValueError("value says nothing without group: name the group column")
        return self
