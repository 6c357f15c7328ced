"""What a check of the gate may name, and with which keys: refused before anything is read."""

import difflib
from collections.abc import Mapping, Sequence

from assay.changes.metrics import FLIP_RATES, METRICS, OF_CLASS, UNBOUNDED, Keys, split_label
from assay.config_gate import which
from assay.config_models import GateConfig
from attacks.errors import AssayError, nearest

MOST_NAMED = 4
"""Metrics that a message names for one that is not there: nobody reads a list of all."""
ALIASES = {
    "acc": "accuracy",
    "adversarial_accuracy": "accuracy_under_attack",
    "robust_accuracy": "accuracy_under_attack",
    "asr": "attack_success_rate",
    "auc": "roc_auc",
    "auroc": "roc_auc",
    "calibration": "expected_calibration_error",
    "ece": "expected_calibration_error",
    "cross_entropy": "log_loss",
    "nll": "log_loss",
    "f1_macro": "macro_f1",
    "f1_score": "macro_f1",
    "recall": "tpr",
    "sensitivity": "tpr",
    "specificity": "tnr",
    "ppv": "precision",
    "demographic_parity": "demographic_parity_difference",
    "statistical_parity": "demographic_parity_difference",
    "disparate_impact": "demographic_parity_ratio",
    "equal_opportunity": "equal_opportunity_difference",
    "equalised_odds": "equalized_odds_difference",
    "equalized_odds": "equalized_odds_difference",
    "eod": "equalized_odds_difference",
    "fped": "false_positive_equality_difference",
    "fned": "false_negative_equality_difference",
}
"""Other names of a metric, in small letters with underscores."""


def check_gate(checks: Sequence[GateConfig], *, swaps: bool = True) -> None:
    """Refuse, before anything is read, a check that could not be decided; raises AssayError.

    swaps: whether the audit swaps identities.
    """
    for position, check in enumerate(checks):
        metric, _ = split_label(check.metric)
        if metric not in METRICS:
            raise _refused(
                position,
                ".metric",
                f'there is no metric "{check.metric}".{_meant(metric)} `assay list metrics` shows all '
                f"{len(METRICS)}, with what each is.",
            )
        if metric in FLIP_RATES and not swaps:
            raise _refused(
                position, "", f"{metric} is measured where identities are swapped: add [counterfactual]."
            )
        if metric not in UNBOUNDED:
            _check_limits(position, metric, check)
        keys = ("attack", "group", "value", "behaviour")
        given = frozenset(key for key in keys if getattr(check, key) is not None)
        if given not in METRICS[metric]:
            raise _refused(
                position,
                "",
                f"{metric} goes {keys_in_words(METRICS[metric])}; got {_listed(given) or 'none of them'}. "
                "Add or leave out keys of this check.",
            )


def _check_limits(position: int, metric: str, check: GateConfig) -> None:
    """Limits of a metric between 0 and 1, and of its changes, are shares and not percentages."""
    for key in ("min", "max", "max_drop", "max_rise"):
        limit = getattr(check, key)
        if limit is not None and not 0 <= limit <= 1:
            what = metric if key in ("min", "max") else f"a change of {metric}"
            # From 1.5 on a percentage is likelier than a slip.
            hint = f" Did you mean {limit / 100:g}?" if 1.5 <= limit <= 100 else ""
            raise _refused(position, f".{key}", f"{what} lies between 0 and 1, got {limit:g}.{hint}")


def check_gate_names(
    checks: Sequence[GateConfig],
    labels: tuple[str, ...],
    groups: Mapping[str, Sequence[str]],
    candidates: Sequence[str] = (),
) -> None:
    """Refuse a check of a class or of a group that the audited data does not have; raises AssayError.

    labels: of the data. groups: {grouping: its groups}; of a grouping that is not there no value is refused.
    candidates: of the audit, where they are not checked otherwise.
    """
    for position, check in enumerate(checks):
        if candidates and check.candidate is not None and check.candidate not in candidates:
            raise _refused(
                position,
                ".candidate",
                f'the audit has no candidate "{check.candidate}".{nearest(check.candidate, [*candidates])} '
                f"There are: {', '.join(candidates)}.",
            )
        metric, label = split_label(check.metric)
        # Without a group it is the area over all classes.
        of_class = metric in OF_CLASS and not (metric == "roc_auc" and check.group is None)
        if label is not None and not (of_class and len(labels) > 2):
            raise _refused(position, ".metric", f'expected "{metric}" for these data, got "{check.metric}".')
        if label is None and of_class and len(labels) > 2:
            raise _refused(
                position,
                ".metric",
                f"the data has {len(labels)} labels, so {metric} is measured for each: name one, "
                f'for example "{metric}[{labels[-1]}]".',
            )
        if label is not None and label not in labels:
            raise _refused(
                position,
                ".metric",
                f'the data has no label "{label}".{nearest(label, labels)} Its labels: {", ".join(labels)}.',
            )
        values = list(groups.get(check.group or "", ()))
        if check.value is not None and values and check.value not in values:
            raise _refused(
                position,
                ".value",
                f'no audited example has {check.group} = "{check.value}".{nearest(check.value, values)} '
                f"There are: {', '.join(values)}.",
            )


def _meant(metric: str) -> str:
    """The metric that the word most likely stands for, and a few that are spelt like it."""
    word = metric.strip().lower().replace("-", "_").replace(" ", "_")
    stands_for = ALIASES.get(word)
    close = difflib.get_close_matches(word, list(METRICS), n=MOST_NAMED, cutoff=0.5)
    named = list(dict.fromkeys([*([stands_for] if stands_for else []), *close]))[:MOST_NAMED]
    if not named:
        return ""
    first, *others = named
    return f' Did you mean "{first}"?' + (f" Others like it: {', '.join(others)}." if others else "")


def _refused(position: int, key: str, problem: str) -> AssayError:
    return AssayError(f"gate.{position}{key}: {problem} This is {which(position)}.")


def keys_in_words(allowed: Sequence[Keys]) -> str:
    """``alone, or with group and value``."""
    return ", or ".join(f"with {_listed(keys)}" if keys else "alone" for keys in allowed)


def _listed(keys: Keys) -> str:
    *most, last = sorted(keys) or [""]
    return f"{', '.join(most)} and {last}" if most else last
