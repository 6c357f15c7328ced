"""Whether a group's scores are shifted against everyone else's (Dixon et al. 2018; Borkan et al. 2019).

Borkan, Dixon, Sorensen, Thain and Vasserman, "Nuanced metrics for measuring unintended bias with real data
for text classification", section 3. The bias score is that of the Civil Comments challenge (2019).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fairness.bias.background import Against, AreaName, Compared, Ranked, compare
from fairness.bias.generalised_mean import average, mean_area, overall_area
from fairness.counts import Outcome
from fairness.groups import Grouping
from fairness.results import BiasAUC, SubgroupAUC
from fairness.scores import one_class
from robustness.delong import Area
from robustness.estimate import Estimate

POWER = -5.0
AREAS: tuple[AreaName, ...] = ("subgroup_auc", "bpsn_auc", "bnsp_auc")


def bias_auc(
    y_true: np.ndarray,
    scores: np.ndarray,
    grouping: Grouping,
    shown: Sequence[Outcome],
    min_group_size: int,
    confidence: float,
) -> dict[str, BiasAUC]:
    """{outcome name: BiasAUC}: the outcome's examples are the positives and its column is the score.

    y_true: (n,) checked labels. scores: (n, k) checked probabilities.

    The background of a group is every example outside it, whatever other groups it belongs to. Each value of
    a column is a group, so a column of two values has two, each the other's background. The challenge's
    indicator columns, where only the ones are a group, are overlapping groups.

    Intervals of areas are DeLong's (``Area.estimate``). An average equality gap is 1/2 - U / (n_s n_b), with
    U / (n_s n_b) = P(the background's score is higher) + P(they tie) / 2, and has the interval of that area.
    Generalised means are over the groups of at least ``min_group_size`` that have the area; their intervals
    are those of the delta method with the influence of every example on all areas at once, as groups share
    their background. The bias score needs all four of its parts.
    """
    rows = grouping.rows()
    found = {}
    for outcome in shown:
        ranked = Ranked.of(scores[:, outcome.index], y_true == outcome.index)
        compared = [compare(ranked, members) for members in rows]
        found[outcome.name] = _bias(ranked, compared, grouping.values, outcome, min_group_size, confidence)
    return found


def _bias(
    ranked: Ranked,
    compared: Sequence[Compared],
    names: Sequence[str],
    outcome: Outcome,
    min_group_size: int,
    confidence: float,
) -> BiasAUC:
    large = [each for each in compared if each.n >= min_group_size]
    parts = [overall_area(ranked), *(mean_area(name, ranked, large, POWER) for name in AREAS)]
    every = "every example is labelled" if ranked.positive.all() else "no example is labelled"
    reasons = [f'{every} "{outcome.name}"'] + [
        f"no group of at least {min_group_size} examples has a {name}" for name in AREAS
    ]
    estimates = [
        Estimate.undefined(reason) if part is None else part.estimate(confidence)
        for part, reason in zip(parts, reasons, strict=True)
    ]
    defined = [part for part in parts if part is not None]
    missing = next((estimate.reason for estimate in estimates if estimate.reason is not None), None)
    overall, subgroup, bpsn, bnsp = estimates
    return BiasAUC(
        power=POWER,
        overall_auc=overall,
        mean_subgroup_auc=subgroup,
        mean_bpsn_auc=bpsn,
        mean_bnsp_auc=bnsp,
        bias_score=average(defined).estimate(confidence) if missing is None else Estimate.undefined(missing),
        by_group={
            name: _subgroup(each, outcome, min_group_size, confidence)
            for name, each in zip(names, compared, strict=True)
        },
    )


def _subgroup(each: Compared, outcome: Outcome, min_group_size: int, confidence: float) -> SubgroupAUC:
    def estimate(area: Area | None, own_positive: bool, rest_positive: bool) -> Estimate:
        if area is not None:
            return area.estimate(confidence)
        own = each.positives if own_positive else each.negatives
        if len(own) and not each.outside:
            return Estimate.undefined("every example belongs to the group")
        side, positive = ("outside", rest_positive) if len(own) else ("of", own_positive)
        quantity = "no example" if positive else "every example"
        return Estimate.undefined(f'{quantity} {side} the group is labelled "{outcome.name}"')

    def gap(against: Against | None, positive: bool) -> Estimate:
        found = estimate(None if against is None else against.wins(), positive, positive)
        if found.value is None or found.low is None or found.high is None:
            return found
        return replace(found, value=found.value - 0.5, low=found.low - 0.5, high=found.high - 0.5)

    return SubgroupAUC(
        n=each.n,
        small=each.n < min_group_size,
        subgroup_auc=Estimate.undefined(one_class(outcome, len(each.positives), each.n))
        if each.subgroup is None
        else each.subgroup.estimate(confidence),
        bpsn_auc=estimate(each.area("bpsn_auc"), False, True),
        bnsp_auc=estimate(each.area("bnsp_auc"), True, False),
        positive_aeg=gap(each.positive_gap, True),
        negative_aeg=gap(each.negative_gap, False),
    )
