"""The plain-English names of metrics, norms and threat models."""

from attacks.threat_model import ThreatModel
from reports.formatting import name

_METRICS = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "roc_auc": "ROC AUC",
    "expected_calibration_error": "Expected calibration error",
    "selection_rate": "Selection rate",
    "tpr": "True positive rate",
    "fpr": "False positive rate",
    "fnr": "False negative rate",
    "f1": "F1",
}

NORMS = {"linf": "L∞", "l2": "L2"}

_ACCESS = {
    "white-box": "White-box: sees the model's gradients",
    "score": "Black-box: sees class scores",
    "label": "Black-box: sees only the predicted label",
}

_SPACE = {
    "embedding": "moves word embeddings",
    "token": "changes tokens",
    "word": "changes words",
    "character": "changes characters",
}


def metric_name(metric: str) -> str:
    """``equalized_odds_difference[hate]`` as ``Equalized odds difference (hate)``."""
    stem, bracket, label = metric.partition("[")
    words = _METRICS.get(stem) or stem.replace("_", " ").capitalize()
    return name(f"{words} ({label.removesuffix(']')})" if bracket else words)


def threat_in_words(threat: ThreatModel) -> str:
    """``White-box: sees the model's gradients; moves word embeddings within an L2 ball``."""
    words = f"{_ACCESS[threat.access]}; {_SPACE[threat.space]}"
    return f"{words} within an {NORMS[threat.norm]} ball" if threat.norm else words
