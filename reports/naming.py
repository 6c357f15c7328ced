"""The plain-English names of metrics, norms and threat models."""

from attacks.threat_model import Space, ThreatModel
from fairness.results import GroupingKind
from reports.formatting import listed, name

_METRICS = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "roc_auc": "ROC AUC",
    "expected_calibration_error": "Expected calibration error",
    "selection_rate": "Selection rate",
    "tpr": "True positive rate",
    "fpr": "False positive rate",
    "fnr": "False negative rate",
    "tnr": "True negative rate",
    "f1": "F1",
    "f1_difference": "F1 difference",
    "f1_ratio": "F1 ratio",
    "roc_auc_difference": "ROC AUC difference",
    "false_positive_equality_difference": "False positive equality difference (FPED)",
    "false_negative_equality_difference": "False negative equality difference (FNED)",
    "false_positive_equality": "False positive equality (FPED)",
    "false_negative_equality": "False negative equality (FNED)",
    "subgroup_auc": "Subgroup AUC",
    "bpsn_auc": "BPSN AUC",
    "bnsp_auc": "BNSP AUC",
    "positive_aeg": "Positive AEG",
    "negative_aeg": "Negative AEG",
}

PREDICTIONS = "predictions in "
"""How the source of a candidate starts that is no model but a file of what some model predicted."""

NORMS = {"linf": "L∞", "l2": "L2", "l2_per_token": "L2 per token"}

_ACCESS = {
    "white-box": "White-box: sees the model's gradients",
    "score": "Black-box: sees class scores",
    "label": "Black-box: sees only the predicted label",
    "none": "Sees nothing: random noise",
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


def in_sentence(metric: str) -> str:
    """The name of a metric within a sentence: ``equalized odds difference``, but ``ROC AUC``."""
    words = metric_name(metric)
    return words if words[1:2].isupper() or words[1:2].isdigit() else words[:1].lower() + words[1:]


def texts_of(grouping: str, group: str, kind: GroupingKind = "column") -> str:
    """Whom a group is, in a sentence: ``texts with religion = 1``, ``texts with age = old and gender = man``,
    ``texts of the group “muslim”`` (of overlapping groups, which are named themselves)."""
    if kind == "overlapping":
        return f"texts of the group “{name(group)}”"
    columns, values = grouping.split(" & "), group.split(" & ")
    if kind == "column" or len(columns) != len(values):
        columns, values = [grouping], [group]
    pairs = [f"{name(column)} = {name(value)}" for column, value in zip(columns, values, strict=True)]
    return f"texts with {listed(pairs)}"


def threat_in_words(threat: ThreatModel) -> str:
    """``White-box: sees the model's gradients; moves word embeddings within an L2 ball``."""
    words = f"{_ACCESS[threat.access]}; {_SPACE[threat.space]}"
    if threat.norm and threat.epsilon is None:
        words += f" as little as it takes, measured in {NORMS[threat.norm]}"
    elif threat.norm == "l2_per_token":
        words += " within an L2 ball around each token"
    elif threat.norm:
        words += f" within an {NORMS[threat.norm]} ball"
    elif threat.epsilon is None:
        words += " as far as its constraints let it"
    return words if threat.target is None else f"{words}; wants the label {name(threat.target)}"


def with_budget(attack: str, space: Space, budget: float | None) -> str:
    """``pgd (L2) at epsilon 0.03``, ``hotflip with at most 3 changed tokens``."""
    if budget is None:
        return attack
    if space == "embedding":
        return f"{attack} at epsilon {budget:g}"
    return f"{attack} with at most {counted_units(space, budget)}"


def budget_cell(space: Space, budget: float | None) -> str:
    """The budget alone: ``0.03`` (an epsilon), ``3 changed tokens``.

    Without a number: ``its constraints`` for words and characters, else ``unbounded``.
    """
    if budget is None:
        return "its constraints" if space in ("word", "character") else "unbounded"
    return f"{budget:g}" if space == "embedding" else counted_units(space, budget)


def counted_units(space: Space, budget: float) -> str:
    """``1 changed token``, ``3 changed words``."""
    return f"{budget:g} changed {space}{'' if budget == 1 else 's'}"


def budget_range(space: Space, last: float) -> str:
    """``epsilon 0 to 0.1``, ``0 to 3 changed tokens``."""
    return f"epsilon 0 to {last:g}" if space == "embedding" else f"0 to {counted_units(space, last)}"


def budget_axis(space: Space) -> str:
    """What the budgets of attacks in this space are."""
    return "epsilon, relative to the embedding scale" if space == "embedding" else f"changed {space}s"
