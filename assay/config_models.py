"""assay.toml as frozen, checked data."""

import math
import re
from itertools import combinations
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from assay.config_attacks import AttackConfig, BehaviourConfig, SimilarityConfig
from assay.config_base import Count, Section, folder_name
from assay.config_candidates import CandidateConfig, LoraConfig, TrainConfig
from assay.config_counterfactual import CounterfactualConfig
from assay.config_data import DataConfig, SuiteConfig
from assay.config_gate import FairnessConfig, GateConfig, GatingConfig, ValidityConfig, which
from attacks.errors import nearest

__all__ = [
    "AttackConfig",
    "AuditConfig",
    "BehaviourConfig",
    "CandidateConfig",
    "CounterfactualConfig",
    "DataConfig",
    "FairnessConfig",
    "GateConfig",
    "GatingConfig",
    "LoraConfig",
    "SimilarityConfig",
    "SuiteConfig",
    "TrainConfig",
    "ValidityConfig",
]

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


class AuditConfig(Section):
    """assay.toml. Paths are absolute once ``assay.config.load_config`` has read it.

    base: the folder in which ``module:object`` is looked for first; the configuration's own.
    engine: where black-box attacks run: ``local`` (this process), ``ray``, or the address of a Ray cluster.
    workers: processes of Ray; None for as many as there are cores or GPUs.
    log_to: where the figures and reports of the audit are logged as well.
    resources: the folder with what word-swap attacks need (see ``assay resources``).
    """

    name: str = "audit"
    seed: int = Field(0, ge=0)
    device: str = "auto"
    base: Path = Path()
    runs: Path = Path("runs")
    resources: Path | None = None
    engine: str = Field(default="local", min_length=1)
    workers: Count | None = None
    offline: bool = False
    log_to: list[Literal["mlflow"]] = Field(default_factory=list, max_length=1)
    data: DataConfig
    candidates: list[CandidateConfig] = Field(min_length=1)
    attacks: list[AttackConfig] = Field(default_factory=list)
    behaviours: list[BehaviourConfig] = Field(default_factory=list)
    suites: list[SuiteConfig] = Field(default_factory=list)
    counterfactual: CounterfactualConfig | None = None
    similarity: SimilarityConfig = SimilarityConfig()
    fairness: FairnessConfig = FairnessConfig()
    validity: ValidityConfig = ValidityConfig()
    gating: GatingConfig = GatingConfig()
    gate: list[GateConfig] = Field(default_factory=list)

    @field_validator("name")
    @classmethod
    def _safe(cls, name: str) -> str:
        return folder_name(name)

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
        tests = [(behaviour.name, behaviour.params) for behaviour in self.behaviours]
        for position, test in enumerate(tests):
            if test in tests[:position]:
                raise ValueError(f'the behaviour "{test[0]}" is given twice with {test[1]}: leave one out')
        self._check_overlapping()
        for position, check in enumerate(self.gate):
            self._check_gate(position, check)
        return self

    @property
    def groupings(self) -> list[str]:
        """What examples are compared by: group columns, overlapping groups, and columns crossed."""
        columns = self.data.groups
        depths = range(2, min(self.fairness.intersections, len(columns)) + 1)
        crossed = [" & ".join(some) for depth in depths for some in combinations(columns, depth)]
        return [*columns, *self.fairness.overlapping, *crossed]

    def reduced_to(self, **kept: object) -> "AuditConfig":
        """The configuration without anything that measures or requires, but for what is given."""
        nothing: dict[str, object] = {
            "attacks": [],
            "behaviours": [],
            "suites": [],
            "counterfactual": None,
            "gate": [],
        }
        return self.model_copy(update={**nothing, **kept})

    def _check_overlapping(self) -> None:
        columns = self.data.groups
        for name, members in self.fairness.overlapping.items():
            if name in columns:
                raise ValueError(
                    f'fairness.overlapping: "{name}" is a group column already: choose a new name'
                )
            for member in members:
                if member not in columns:
                    raise ValueError(
                        f'fairness.overlapping.{name}: "{member}" is none of data.groups.'
                        f"{nearest(member, columns)} There are: {', '.join(columns) or 'none'}"
                    )

    def _check_gate(self, position: int, check: GateConfig) -> None:
        """Every name in a check must be in the audit: a check of something unmeasured could never pass."""
        place = f"gate.{position}"
        known = {
            "candidate": [candidate.name for candidate in self.candidates],
            "attack": list(dict.fromkeys(attack.name for attack in self.attacks)),
            "group": self.groupings,
            "behaviour": [behaviour.name for behaviour in self.behaviours],
        }
        for key, names in known.items():
            name = getattr(check, key)
            if name is not None and name not in names:
                available = ", ".join(names) or "none"
                raise ValueError(
                    f'{place}.{key}: the audit has no {key} "{name}".{nearest(name, names)}'
                    f" There are: {available}. This is {which(position)}"
                )
        budgets = [e for attack in self.attacks if attack.name == check.attack for e in attack.budgets]
        if check.epsilon is not None and not any(math.isclose(check.epsilon, e) for e in budgets):
            raise ValueError(
                f'{place}.epsilon: the attack "{check.attack}" does not run at {check.epsilon:g}. Its'
                f" budgets: {', '.join(f'{e:g}' for e in budgets) or 'none'}. This is {which(position)}"
            )
