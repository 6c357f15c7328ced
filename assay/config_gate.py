"""[fairness], [validity] and [[gate]]: how results are assessed, and what is required of them."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from assay.config_base import Count, Section, Share
from reports.decisions import Decide


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


class GatingConfig(Section):
    """[gating]: how all checks are decided.

    baseline: the folder of an earlier run, or of what ``assay baseline set`` kept of one, against which
        ``max_drop`` and ``max_rise`` are held.
    false_discovery_rate: of the failures of checks that are tested, the share that may be chance.
    smallest_difference: a smaller change of a metric between 0 and 1 fails no check, however sure it is.
    """

    baseline: Path | None = None
    false_discovery_rate: Share = 0.05
    smallest_difference: Annotated[float, Field(ge=0, lt=1)] = 0.0


class GateConfig(Section):
    """One [[gate]]: ``metric`` must be at least ``min`` and at most ``max``.

    max_drop, max_rise: by how much it may have fallen below the baseline of [gating], or risen above it.
    candidate, epsilon: None means every one; ``epsilon`` is the budget, also in tokens or injections.
    group and value: a group column and one of its values. behaviour: a behavioural test.
    decide: ``estimate`` goes by the estimate (and, against a baseline, fails only where the change is
        established); ``certain-pass`` passes only where the whole interval is within the limits;
        ``certain-fail`` fails only where the whole of it is outside.
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
    max_drop: float | None = Field(None, ge=0)
    max_rise: float | None = Field(None, ge=0)
    decide: Decide = "estimate"

    @property
    def relative(self) -> bool:
        """Whether it needs a baseline."""
        return self.max_drop is not None or self.max_rise is not None

    @model_validator(mode="after")
    def _decidable(self) -> "GateConfig":
        if all(limit is None for limit in (self.min, self.max, self.max_drop, self.max_rise)):
            raise ValueError(
                "expected min, max, max_drop or max_rise: without a limit there is nothing to check"
            )
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min ({self.min:g}) is above max ({self.max:g}): nothing can pass")
        if self.epsilon is not None and self.attack is None:
            raise ValueError("epsilon says nothing without attack: name the attack")
        if self.value is not None and self.group is None:
            raise ValueError("value says nothing without group: name the group column")
        return self


class GateFile(Section):
    """A file with nothing but requirements, or that part of an assay.toml."""

    gating: GatingConfig = GatingConfig()
    gate: list[GateConfig] = Field(default_factory=list)


def which(position: int) -> str:
    """``the first [[gate]]``: messages count tables from 0, as their dotted places do; people do not."""
    words = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
    return f"the {words[position]} [[gate]]" if position < len(words) else f"[[gate]] number {position + 1}"
