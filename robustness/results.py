"""What the robustness room found, as frozen data that round-trips through JSON."""

from dataclasses import dataclass
from typing import Any

from attacks.threat_model import ThreatModel
from robustness.estimate import Estimate

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
    n: int
    accuracy_under_attack: Estimate
    attack_success_rate: Estimate


@dataclass(frozen=True)
class AttackResult:
    """One attack at one budget, judged.

    accuracy_under_attack: share still classified correctly; examples misclassified from the start
        count as wrong.
    attack_success_rate: share of the correctly classified examples that the attack turned.
    mean_queries: forward passes per attacked example.
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

    @property
    def label(self) -> str:
        """How people name it: ``fgsm at epsilon 0.03``, ``pgd (l2) at epsilon 1``."""
        epsilon = self.threat_model.epsilon
        name = f"{self.name} ({self.params['norm']})" if "norm" in self.params else self.name
        return name if epsilon is None else f"{name} at epsilon {epsilon:g}"


@dataclass(frozen=True)
class RobustnessResult:
    """worst_case_accuracy: share of examples that no attack of the audit turned."""

    clean: CleanResult
    attacks: list[AttackResult]
    worst_case_accuracy: Estimate


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
