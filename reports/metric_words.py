"""Each metric that a gate can name in a few words, for lists of them."""

_OUTCOME = "the outcome"

_WORDS = {
    "accuracy": "share of examples classified correctly",
    "balanced_accuracy": "mean over the classes of the share of each that is classified correctly",
    "expected_calibration_error": "by how much confidence misses how often the model is right; 0 is best",
    "log_loss": "mean of minus the logarithm of the probability given to the right label; 0 is best",
    "selection_rate": f"share of examples for which {_OUTCOME} is predicted",
    "tpr": f"true positive rate, or recall: of the examples that have {_OUTCOME}, the share predicted so",
    "tnr": f"true negative rate: of the examples without {_OUTCOME}, the share predicted so",
    "fpr": f"false positive rate: of the examples without {_OUTCOME}, the share for which it is predicted",
    "fnr": f"false negative rate: of the examples that have {_OUTCOME}, the share for which it is missed",
    "precision": f"of the examples for which {_OUTCOME} is predicted, the share that have it",
    "f1": f"harmonic mean of precision and recall of {_OUTCOME}",
    "roc_auc": "how well scores order: 1 is best, 0.5 is chance",
    "macro_f1": "mean over the classes of F1; 1 is best",
    "worst_case_accuracy": "share of examples that are right and that no attack turned",
    "accuracy_under_attack": "share of examples still classified correctly after the attack",
    "attack_success_rate": "of the examples that were right, the share that the attack turned",
    "minimal_norm": "median size of the smallest change that turns an example, in embedding scales",
    "filtered_success_rate": "attack success rate of changed texts that stay near the original",
    "failure_rate": "share of texts that fail a behavioural test",
    "flip_rate": "share of texts whose label changes when an identity in them is exchanged",
    "template_flip_rate": "share of templates whose label depends on the identity put into them",
    "bias_score": "mean of the overall AUC and of three means of bias AUCs; 1 is best",
    "mean_subgroup_auc": "generalised mean over the groups of the subgroup AUC, closest to the worst",
    "mean_bpsn_auc": "generalised mean over the groups of the BPSN AUC, closest to the worst",
    "mean_bnsp_auc": "generalised mean over the groups of the BNSP AUC, closest to the worst",
    "subgroup_auc": "ROC AUC within a group",
    "bpsn_auc": f"ROC AUC of the group's examples without {_OUTCOME} against the others with it",
    "bnsp_auc": f"ROC AUC of the group's examples with {_OUTCOME} against the others without it",
    "false_positive_equality_difference": "FPED: sum over the groups of |false positive rate - that of all|",
    "false_negative_equality_difference": "FNED: sum over the groups of |false negative rate - that of all|",
    "equalized_odds_difference": "largest less smallest between groups, the worse of TPR and FPR",
    "equalized_odds_ratio": "smallest over largest between groups, the worse of TPR and FPR",
}
_COMPARED = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log loss",
    "demographic_parity": "selection rate",
    "equal_opportunity": "true positive rate",
    "predictive_parity": "precision",
    "f1": "F1",
    "roc_auc": "ROC AUC",
}
_KINDS = {
    "difference": "largest less smallest {} between groups",
    "ratio": "smallest over largest {} of groups",
}


def metric_in_words(metric: str) -> str:
    """What ``metric``, as a gate names it, measures. Raises KeyError for one that is not there."""
    if metric in _WORDS:
        return _WORDS[metric]
    compared, _, kind = metric.rpartition("_")
    return _KINDS[kind].format(_COMPARED[compared])
