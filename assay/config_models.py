"""assay.toml as frozen, checked data."""

import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from attacks.errors import nearest

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    # strict: TOML has types, so "3" where a number belongs is a mistake and not a spelling of 3.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DataConfig(_Section):
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
    groups: list[str] = []
    columns: Annotated[list[str], Field(min_length=2)] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    label_map: dict[str, str] | None = None
    labels: Annotated[list[str], Field(min_length=2)] | None = None
    test_fraction: Share = 0.25
    validation_fraction: Share = 0.1
    max_examples: Count | None = None
    max_train_examples: Count | None = None
    notes: list[str] = []

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


class LoraConfig(_Section):
    """[candidates.train.lora]: train adapters beside frozen weights, as ``robustness.lora.Lora`` explains."""

    r: Count = 8
    alpha: float = Field(16.0, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    target_modules: Annotated[list[str], Field(min_length=1)] | None = None


class TrainConfig(_Section):
    """How a candidate is trained; keys that are not here are parameters of the objective, which checks them.

    ramp: share of the training steps over which epsilon rises from 0; warmup: the same for the rate.
    patience: epochs without improvement before training stops; None trains all epochs.
    accumulate: parts in which a batch is computed, to save memory. log_to: who is told of the training.
    """

    model_config = ConfigDict(extra="allow")

    objective: str = "standard"
    epochs: Count = 3
    batch_size: Count = 32
    accumulate: Count = 1
    learning_rate: float = Field(5e-5, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.1, ge=0, le=1)
    max_grad_norm: float = Field(1.0, gt=0)
    ramp: float = Field(0.5, ge=0, le=1)
    patience: Count | None = None
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    freeze_embeddings: bool = False
    lora: LoraConfig | None = None
    log_to: list[Literal["tensorboard", "mlflow", "wandb"]] = []

    @model_validator(mode="after")
    def _consistent(self) -> "TrainConfig":
        if self.accumulate > self.batch_size:
            raise ValueError(
                f"accumulate ({self.accumulate}) is above batch_size ({self.batch_size}): a batch cannot be"
                " computed in more parts than it has examples"
            )
        if len(set(self.log_to)) != len(self.log_to):
            raise ValueError(f"log_to: expected each tracker once, got {', '.join(self.log_to)}")
        if self.lora is not None and self.freeze_embeddings:
            raise ValueError("lora leaves the embeddings frozen anyway: leave freeze_embeddings out")
        return self

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the objective."""
        return dict(self.model_extra or {})

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the training loop, whatever the objective; ``lora`` as a dictionary or None."""
        others = {"objective", "log_to", *(self.model_extra or {})}
        return self.model_dump(exclude=others)


class CandidateConfig(_Section):
    """One [[candidates]]: a classifier (``model``), or an encoder to fine-tune (``encoder`` and ``train``).

    layers: keep only the first so many transformer layers of an encoder.
    """

    name: str
    model: str | None = Field(None, min_length=1)
    encoder: str | None = Field(None, min_length=1)
    layers: Count | None = None
    max_length: int | None = Field(None, ge=3)
    allow_pickle: bool = False
    trust_remote_code: bool = False
    revision: str | None = None
    train: TrainConfig | None = None

    @field_validator("name")
    @classmethod
    def _safe(cls, name: str) -> str:
        return _folder_name(name)

    @model_validator(mode="after")
    def _one_model(self) -> "CandidateConfig":
        if (self.model is None) == (self.encoder is None):
            raise ValueError("expected exactly one of model (a classifier) and encoder (to be fine-tuned)")
        if self.encoder is not None and self.train is None:
            raise ValueError("an encoder must be fine-tuned: add train, for example train = { epochs = 3 }")
        if self.layers is not None and self.encoder is None:
            raise ValueError("layers shortens an encoder that is fine-tuned; a model is audited as it is")
        return self


class AttackConfig(_Section):
    """One [[attacks]]; keys that are not here are parameters of the attack, which checks them itself."""

    model_config = ConfigDict(extra="allow")

    name: str
    epsilon: float | list[float] | None = None
    max_tokens: int | list[int] | None = None

    @field_validator("epsilon", "max_tokens", mode="before")
    @classmethod
    def _budgets(cls, budget: Any, field: ValidationInfo) -> Any:
        values = budget if isinstance(budget, list) else [] if budget is None else [budget]
        kind = int if field.field_name == "max_tokens" else int | float
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
    def epsilons(self) -> list[float]:
        if self.epsilon is None:
            return []
        return list(self.epsilon) if isinstance(self.epsilon, list) else [self.epsilon]

    def expand(self) -> list[tuple[str, dict[str, Any]]]:
        """(name, parameters) for every budget; one without where none is given."""
        budgets: list[dict[str, Any]] = [{"epsilon": epsilon} for epsilon in self.epsilons] or [{}]
        if self.max_tokens is not None:
            counts = self.max_tokens if isinstance(self.max_tokens, list) else [self.max_tokens]
            budgets = [{**budget, "max_tokens": count} for budget in budgets for count in counts]
        return [(self.name, {**budget, **self.params}) for budget in budgets]


class FairnessConfig(_Section):
    """positive_label: the outcome whose rates are compared. min_group_size: below it no group is judged."""

    positive_label: str | None = None
    min_group_size: Count = 30
    confidence: Share = 0.95
    n_boot: Count = 1000


class ValidityConfig(_Section):
    """examples: on how many correctly classified examples the validity checks are made; 0 for none."""

    examples: Annotated[int, Field(ge=0)] = 100


class GateConfig(_Section):
    """One [[gate]]: ``metric`` must be at least ``min`` and at most ``max``.

    candidate, epsilon: None means every one. group and value: a group column and one of its values.
    """

    metric: str
    candidate: str | None = None
    attack: str | None = None
    epsilon: float | None = Field(None, ge=0)
    group: str | None = None
    value: str | None = None
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


class AuditConfig(_Section):
    """assay.toml. Paths are absolute once ``assay.config.load_config`` has read it."""

    name: str = "audit"
    seed: int = Field(0, ge=0)
    device: str = "auto"
    runs: Path = Path("runs")
    offline: bool = False
    data: DataConfig
    candidates: list[CandidateConfig] = Field(min_length=1)
    attacks: list[AttackConfig] = []
    fairness: FairnessConfig = FairnessConfig()
    validity: ValidityConfig = ValidityConfig()
    gate: list[GateConfig] = []

    @field_validator("name")
    @classmethod
    def _safe(cls, name: str) -> str:
        return _folder_name(name)

    @field_validator("device")
    @classmethod
    def _known_device(cls, device: str) -> str:
        if not _DEVICE.fullmatch(device):
            raise ValueError("expected auto, cpu, mps, cuda or cuda:N")
        return device

    @model_validator(mode="after")
    def _consistent(self) -> "AuditConfig":
        # Some file systems do not tell Plain from plain, and candidates become folders.
        folders = [candidate.name.lower() for candidate in self.candidates]
        for position, folder in enumerate(folders):
            if folder in folders[:position]:
                raise ValueError(f'two candidates are called "{folder}": give each a name of its own')
        runs = [run for attack in self.attacks for run in attack.expand()]
        for position, (name, params) in enumerate(runs):
            if (name, params) in runs[:position]:
                raise ValueError(f'the attack "{name}" is given twice with {params}: leave one out')
        for position, check in enumerate(self.gate):
            self._check_gate(f"gate.{position}", check)
        return self

    def _check_gate(self, place: str, check: GateConfig) -> None:
        """Every name in a check must be in the audit: a check of something unmeasured could never pass."""
        known = {
            "candidate": [candidate.name for candidate in self.candidates],
            "attack": list(dict.fromkeys(attack.name for attack in self.attacks)),
            "group": self.data.groups,
        }
        for key, names in known.items():
            name = getattr(check, key)
            if name is not None and name not in names:
                available = ", ".join(names) or "none"
                raise ValueError(
                    f'{place}.{key}: the audit has no {key} "{name}".{nearest(name, names)}'
                    f" There are: {available}"
                )
        budgets = [e for attack in self.attacks if attack.name == check.attack for e in attack.epsilons]
        if check.epsilon is not None and not any(math.isclose(check.epsilon, e) for e in budgets):
            raise ValueError(
                f'{place}.epsilon: the attack "{check.attack}" does not run at {check.epsilon:g}. Its'
                f" epsilons: {', '.join(f'{e:g}' for e in budgets) or 'none'}"
            )


def _folder_name(name: str) -> str:
    if not _SAFE_NAME.fullmatch(name):
        raise ValueError(
            "expected a name that can be a folder: letters, digits, dot, dash and underscore,"
            " starting with a letter or digit, at most 100"
        )
    return name
