"""[data]: what is audited."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from assay.config_base import Count, Section, Share


class DataConfig(Section):
    """[data]: the arguments of ``robustness.data.load``, where each is explained, and notes.

    notes: sentences about the data that the report repeats.
    """

    path: Path | None = None
    hub: str | None = None
    hub_config: str | None = None
    revision: str | None = None
    split: str | None = None
    train_split: str | None = None
    validation_split: str | None = None
    train_path: Path | None = None
    validation_path: Path | None = None
    split_column: str | None = None
    name: str | None = None
    text: str = "text"
    text_pair: str | None = None
    label: str = "label"
    id: str | None = None
    groups: list[str] = Field(default_factory=list)
    columns: Annotated[list[str], Field(min_length=2)] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    label_map: dict[str, str] | None = None
    labels: Annotated[list[str], Field(min_length=2)] | None = None
    test_fraction: Share = 0.25
    validation_fraction: Share = 0.1
    max_examples: Count | None = None
    max_train_examples: Count | None = None
    notes: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_source(self) -> "DataConfig":
        if (self.path is None) == (self.hub is None):
            raise ValueError("expected exactly one of path (a file or folder) and hub (a dataset on the hub)")
        files = {"train_path": self.train_path, "validation_path": self.validation_path}
        for key, value in files.items():
            if value is not None and self.hub is not None:
                raise ValueError(
                    f"{key} goes with path, not with hub; name a split of the hub dataset instead"
                )
            if value is not None and self.split_column is not None:
                raise ValueError(f"split_column divides one file, so it cannot stand beside {key}")
        for key, text in {"hub_config": self.hub_config, "revision": self.revision}.items():
            if text is not None and self.hub is None:
                raise ValueError(f"{key} goes with hub, not with path; leave it out")
        return self

    @property
    def load_arguments(self) -> dict[str, Any]:
        """The arguments of ``robustness.data.load`` but for seed and network."""
        return self.model_dump(exclude={"notes"})


class SuiteConfig(DataConfig):
    """One [[suites]]: labelled cases that a model must get right.

    functionality: the column that says what each case tests. The other keys are those of [data].
    """

    functionality: str

    @property
    def load_arguments(self) -> dict[str, Any]:
        arguments = self.model_dump(exclude={"notes", "functionality"})
        return {**arguments, "groups": list(dict.fromkeys([*self.groups, self.functionality]))}
