"""The metrics that a gate can check and that audits are compared by, and the keys that each goes with."""

import re

from fairness.disparities import BOTH, DISPARITIES, EQUALITY_DIFFERENCES, OVERALL
from fairness.metrics import OUTCOME_METRICS
from reports.limits import UNBOUNDED as UNBOUNDED

Keys = frozenset[str]

ALL: Keys = frozenset()
ATTACK: Keys = frozenset({"attack"})
COLUMN: Keys = frozenset({"group"})
VALUE: Keys = frozenset({"group", "value"})
BEHAVIOUR: Keys = frozenset({"behaviour"})

MINIMAL_NORM = "minimal_norm"
FILTERED = "filtered_success_rate"
FAILURE_RATE = "failure_rate"
FLIP_RATES = {"flip_rate": "texts", "template_flip_rate": "templates"}
LOG_LOSS = "log_loss"
ATTACK_METRICS = ("accuracy_under_attack", "attack_success_rate")
GROUP_METRICS = ("accuracy", "balanced_accuracy", "expected_calibration_error", LOG_LOSS)
CLASS_METRICS = (*OUTCOME_METRICS, "roc_auc")
OVERALL_DISPARITIES = (*(f"{name}_{kind}" for name in OVERALL for kind in BOTH), "log_loss_difference")
CLASS_DISPARITIES = (
    *(f"{name}_{kind}" for name in DISPARITIES for kind in BOTH),
    *(f"{name}_difference" for name in EQUALITY_DIFFERENCES),
    "roc_auc_difference",
)
BIAS_MEANS = ("bias_score", "mean_subgroup_auc", "mean_bpsn_auc", "mean_bnsp_auc")
BIAS_AREAS = ("subgroup_auc", "bpsn_auc", "bnsp_auc")
METRICS: dict[str, tuple[Keys, ...]] = {
    **dict.fromkeys(GROUP_METRICS, (VALUE, VALUE | ATTACK)),
    **dict.fromkeys(CLASS_METRICS, (VALUE, VALUE | ATTACK)),
    **dict.fromkeys(("accuracy", "expected_calibration_error", "roc_auc"), (ALL, VALUE, VALUE | ATTACK)),
    "macro_f1": (ALL,),
    "worst_case_accuracy": (ALL,),
    **dict.fromkeys(ATTACK_METRICS, (ATTACK, VALUE | ATTACK)),
    MINIMAL_NORM: (ATTACK,),
    FILTERED: (ATTACK,),
    FAILURE_RATE: (BEHAVIOUR,),
    **dict.fromkeys(FLIP_RATES, (ALL,)),
    **dict.fromkeys((*OVERALL_DISPARITIES, *CLASS_DISPARITIES), (COLUMN, COLUMN | ATTACK)),
    **dict.fromkeys(BIAS_MEANS, (COLUMN,)),
    **dict.fromkeys(BIAS_AREAS, (VALUE,)),
}
"""Every metric that a check may name, and the sets of keys with which it says what is measured.

With more than two classes the metrics of one class are named ``metric[label]``."""


OF_CLASS = (*CLASS_METRICS, *CLASS_DISPARITIES, *BIAS_MEANS, *BIAS_AREAS)
"""Metrics that are measured for each class where there are more than two."""


def split_label(metric: str) -> tuple[str, str | None]:
    """``tpr[hate]`` as ("tpr", "hate"); ("tpr", None) where no class is named."""
    match = re.fullmatch(r"(.*?)\[(.*)\]", metric, re.DOTALL)
    return (match[1], match[2]) if match else (metric, None)
