"""What the robustness room found, as frozen data that round-trips through JSON."""

from dataclasses import dataclass, field
from typing import Any

from attacks.threat_model import ThreatModel
from robustness.behaviour.results import BehaviouralResult, MinimumFunctionalityResult
from robustness.estimate import Estimate
from robustness.quality.measured import Quality

ByGroup = dict[str, dict[str, "GroupRobustness"]]
"""{group column: {group value: rates}}"""


@dataclass(frozen=True)
class ReliabilityBin:
    """One bin of a reliability diagram: predictions whose top probability lies in (low, high]."""

    low: float
    high: float
    n: int
    mean_confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class CleanResult:
    """Performance on unperturbed text.

    roc_auc: of the positive class when binary, else the macro one-versus-rest mean.
    classification_report: scikit-learn's ``classification_report(output_dict=True)``.
    confusion_matrix: (k, k) counts, rows true, columns predicted, in the order of the data's labels.
    """

    accuracy: Estimate
    macro_f1: Estimate
    roc_auc: Estimate
    expected_calibration_error: Estimate
    classification_report: dict[str, Any]
    confusion_matrix: list[list[int]]
    reliability: list[ReliabilityBin]
    truncated: int


@dataclass(frozen=True)
class GroupRobustness:
    """One group under one attack: what ``AttackResult`` says of all examples."""

    n: int
    accuracy_under_attack: Estimate
    attack_success_rate: Estimate
    mean_queries: Estimate | None = None
    minimal_norm: Estimate | None = None


@dataclass(frozen=True)
class AdversarialExample:
    """A text that an attack changed and with which it reached its goal.

    original, perturbed: one text, or the two of a pair. before, after: the predicted labels.
    quality: how near to the original the changed text is.
    """

    example_id: str
    label: str
    before: str
    after: str
    original: list[str]
    perturbed: list[str]
    quality: Quality | None = None


@dataclass(frozen=True)
class CurvePoint:
    """epsilon: the budget, relative to the embedding scale or in tokens."""

    epsilon: float
    accuracy: Estimate


@dataclass(frozen=True)
class EpsilonCurve:
    """Accuracy against the budget of one attack, from 0 (clean) on.

    params: the attack's parameters without its budget. area: the mean accuracy over the range of budgets.
    """

    attack: str
    params: dict[str, Any]
    points: list[CurvePoint]
    area: Estimate


@dataclass(frozen=True)
class ValidityCheck:
    """One check of whether the evaluation can be trusted.

    passed: None where it could not be decided; ``message`` says why. observed: the number that decides;
    the check fails where its whole interval lies above ``limit``.
    """

    id: str
    passed: bool | None
    observed: Estimate
    limit: float | None
    message: str


@dataclass(frozen=True)
class Calibration:
    """What a model's confidence does to the attack on it.

    temperature: by which the logits are divided, fitted to n_fit held-out examples (Guo et al. 2017); above 1
    means over-confident. as_is, calibrated: accuracy under the same attack on the model as it is and on the
    calibrated one, whose predictions are the same. difference: as_is minus calibrated, paired.
    """

    temperature: float
    n_fit: int
    held_out: str
    as_is: Estimate
    calibrated: Estimate
    difference: Estimate


@dataclass(frozen=True)
class ValidityResult:
    """The checks, made on n correctly classified examples at one budget (epsilon relative, in ``norm``)."""

    n: int
    norm: str
    epsilon: float
    checks: list[ValidityCheck]
    calibration: Calibration | None


@dataclass(frozen=True)
class AttackResult:
    """One attack at one budget, judged.

    accuracy_under_attack: share still classified correctly; examples misclassified from the start
        count as wrong.
    attack_success_rate: share of the correctly classified examples with which the attack reached its goal.
    mean_queries: forward passes per attacked example.
    minimal_norm: median over the examples of the smallest relative epsilon that turns them, for an attack
        that looks for it; None for one with a budget.
    examples: successes of an attack that changes text, at most ``summarize.SHOWN`` of the ``successes``.
    bounded: whether something limits what it may change; without a limit it is no measure of accuracy.
    unreached: examples whose turn did not come before a budget for all of them ended; no rate counts them.
    filtered_success_rate: as attack_success_rate, of the successes alone whose text stays near the original;
        None for an attack on embeddings. notes: what could not be judged of that.
    """

    name: str
    params: dict[str, Any]
    threat_model: ThreatModel
    epsilon_absolute: float | None
    n: int
    skipped: int
    accuracy_under_attack: Estimate
    attack_success_rate: Estimate
    mean_queries: Estimate
    seconds: float
    by_group: ByGroup
    minimal_norm: Estimate | None = None
    successes: int = 0
    examples: list[AdversarialExample] = field(default_factory=list)
    bounded: bool = True
    unreached: int = 0
    filtered_success_rate: Estimate | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def comparable(self) -> bool:
        """Whether its accuracy can be compared: it has limits, and all examples were attacked."""
        return self.bounded and self.minimal_norm is None and not self.unreached

    @property
    def label(self) -> str:
        """How people name it: ``fgsm at epsilon 0.03``, ``pgd (l2) at epsilon 1``."""
        epsilon = self.threat_model.epsilon
        name = f"{self.name} ({self.params['norm']})" if "norm" in self.params else self.name
        if self.threat_model.target is not None:
            name = f"{name} towards {self.threat_model.target}"
        if epsilon is None:
            return name
        if self.threat_model.space != "embedding":
            plural = "" if epsilon == 1 else "s"
            return f"{name} with at most {epsilon:g} changed {self.threat_model.space}{plural}"
        return f"{name} at epsilon {epsilon:g}"


@dataclass(frozen=True)
class RobustnessResult:
    """worst_case_accuracy: share of examples that no attack of the audit turned.

    worst_case_accuracy leaves out attacks without a budget. validity: None where the checks are off, no
    attack was run, or no example was right.
    """

    clean: CleanResult
    attacks: list[AttackResult]
    worst_case_accuracy: Estimate
    curves: list[EpsilonCurve] = field(default_factory=list)
    validity: ValidityResult | None = None
    behaviours: list[BehaviouralResult] = field(default_factory=list)
    suites: list[MinimumFunctionalityResult] = field(default_factory=list)


@dataclass(frozen=True)
class EpochRecord:
    """One epoch. ``loss`` is the mean training loss of the objective.

    validation_accuracy, validation_loss: on clean text. validation_accuracy_under_attack: under the
    objective's own attack at its full budget; None for an objective without one.
    epsilon: the relative budget reached at the end of the epoch.
    """

    epoch: int
    loss: float
    validation_accuracy: float
    validation_loss: float
    validation_accuracy_under_attack: float | None
    epsilon: float | None
    seconds: float

    @property
    def score(self) -> float:
        """What the best epoch is chosen by: clean accuracy, or its mean with that under attack."""
        attacked = self.validation_accuracy_under_attack
        return self.validation_accuracy if attacked is None else (self.validation_accuracy + attacked) / 2
