"""[counterfactual]: whether the answers stay when the same is said of somebody else."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from assay.config_base import Count, Section


class CounterfactualConfig(Section):
    """[counterfactual]: the arguments of ``fairness.counterfactual.setup.set_up``.

    axes: the axes whose terms are swapped, of the tables and of your files; all of both without it.
    terms: files of your own terms: CSV or JSONL with the columns axis, group, term and, where wanted, slot.
    templates: whether the built-in sentences are asked too, or a file of others with the columns text and,
        where wanted, label.
    template_labels: {neutral, positive or negative: the label that built-in sentences of it should get}.
    outcome: the label whose probability is followed; by default the positive label of [fairness], or the
        second of two.
    max_examples: so many of the audited texts are swapped. max_variants: of a text with more swaps
        so many are drawn and asked.
    """

    axes: Annotated[list[str], Field(min_length=1)] | None = None
    terms: list[Path] = Field(default_factory=list)
    templates: bool | Path = True
    template_labels: dict[str, str] = Field(default_factory=dict)
    outcome: str | None = None
    max_examples: Count | None = None
    max_variants: Count = 10

    @model_validator(mode="after")
    def _labels_of_built_in_ones(self) -> "CounterfactualConfig":
        if self.template_labels and self.templates is not True:
            raise ValueError(
                "template_labels are for the built-in templates; those of a file have a column label instead"
            )
        return self
