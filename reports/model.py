"""The whole audit as data: what audit.json holds and every renderer reads."""

from dataclasses import dataclass, field
from typing import Any, Literal

from fairness.counterfactual.results import CounterfactualResult
from fairness.results import FairnessResult
from reports.decisions import Decide, Recommendation
from robustness.estimate import Estimate
from robustness.results import EpochRecord, RobustnessResult

Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True)
class Provenance:
    """Where the numbers come from.

    started: ISO 8601, UTC. seconds: wall time of the last run. confidence: level of every interval.
    """

    started: str
    seconds: float
    seed: int
    confidence: float
    device: str
    versions: dict[str, str]
    data_sha256: str
    config: dict[str, Any]


@dataclass(frozen=True)
class DataSummary:
    """The audited (test) examples: label_counts {label: n}, groups {column: {value: n}}.

    notes: sentences a reader must know, for example that a sample was drawn or how groups were made.
    """

    name: str
    n: int
    label_counts: dict[str, int]
    groups: dict[str, dict[str, int]]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ModelInfo:
    """num_parameters: None where the model is behind an interface, and they are not known."""

    source: str
    sha256: str
    num_parameters: int | None
    labels: list[str]


@dataclass(frozen=True)
class TrainingSummary:
    """collapsed: True when the trained model predicts one class for every validation example."""

    objective: str
    params: dict[str, Any]
    epochs: int
    best_epoch: int
    n_train: int
    n_validation: int
    collapsed: bool
    history: list[EpochRecord]
    seconds: float


@dataclass(frozen=True)
class MitigationSummary:
    """What was done to treat groups more alike.

    stage: what was changed: ``data``, ``training``, ``embeddings`` or ``predictions``.
    group: the column; None for a method that asks none.
    base: the candidate that it started from; None where the data of its own training were changed.
    notes: sentences about what was done, with numbers.
    """

    method: str
    stage: str
    group: str | None
    params: dict[str, Any]
    base: str | None
    notes: list[str]
    seconds: float


@dataclass(frozen=True)
class CandidateResult:
    """``fairness`` is None when the data names no groups; ``training`` when the model came trained.

    counterfactuals: one for the audited texts, one for each set of templates.
    """

    name: str
    model: ModelInfo
    training: TrainingSummary | None
    robustness: RobustnessResult
    fairness: FairnessResult | None
    mitigation: MitigationSummary | None = None
    counterfactuals: list[CounterfactualResult] = field(default_factory=list)


@dataclass(frozen=True)
class Finding:
    """One thing a reader should know, in plain words with its number.

    id: stable kind, for example ``robustness.drop`` or ``fairness.disparity``.
    subject: what it is about, for example ``fgsm at epsilon 0.03`` or ``gender``.
    """

    id: str
    severity: Severity
    candidate: str | None
    metric: str
    subject: str
    observed: Estimate | None
    limit: float | None
    message: str


@dataclass(frozen=True)
class GateCheck:
    """One line of the gate, decided. ``passed`` is False also when the metric was not measured.

    minimum, maximum: limits of the metric. max_drop, max_rise: by how much it may fall below, or rise
    above, the baseline. baseline: the metric there. change: the metric now minus the baseline, on the
    shared examples where they are compared in pairs. test: how the change was tested; p_value: of that
    test, against "no change for the worse", or of the interval against the limit; adjusted_p_value: for all
    checks of the gate. Each is None where the check did not need it.
    """

    name: str
    metric: str
    candidate: str
    observed: Estimate | None
    minimum: float | None
    maximum: float | None
    passed: bool
    message: str
    decide: Decide = "estimate"
    max_drop: float | None = None
    max_rise: float | None = None
    baseline: Estimate | None = None
    change: Estimate | None = None
    test: str | None = None
    p_value: float | None = None
    adjusted_p_value: float | None = None


@dataclass(frozen=True)
class Baseline:
    """The audit that a gate compared with.

    started: ISO 8601, UTC. n: its examples. shared: how many of them both audits have.
    """

    path: str
    name: str
    started: str
    n: int
    shared: int


@dataclass(frozen=True)
class GateResult:
    """baseline: None where there was none. false_discovery_rate: at which tested checks fail (Benjamini and
    Hochberg 1995). smallest_difference: a smaller change of a metric between 0 and 1 fails no check."""

    passed: bool
    checks: list[GateCheck]
    baseline: Baseline | None = None
    false_discovery_rate: float = 0.05
    smallest_difference: float = 0.0


@dataclass(frozen=True)
class CandidateVerdict:
    """reason: one sentence."""

    candidate: str
    state: Recommendation
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What the audit advises. It says "do not ship" where the gate failed, and only there.

    reason: one sentence. because: the five findings at most that lie behind it, what matters most first; a
    check that failed is one of them, with the id ``gate.failed``.
    """

    state: Recommendation
    reason: str
    candidates: list[CandidateVerdict]
    because: list[Finding]


@dataclass(frozen=True)
class AuditReport:
    """audit.json. ``findings`` are in the order of importance. ``gate`` passes when it has no checks.

    A notebook shows it as its report.html, in a frame of its own.
    """

    schema_version: Literal[2]
    provenance: Provenance
    data: DataSummary
    candidates: list[CandidateResult]
    findings: list[Finding]
    gate: GateResult
    verdict: Verdict

    def _repr_html_(self) -> str:
        from reports.notebook import render_frame

        return render_frame(self)
