"""What a reader should know of identity swaps and templates, for one candidate."""

from collections.abc import Iterator
from dataclasses import replace

from fairness.counterfactual.changes import ARROW
from fairness.counterfactual.results import CounterfactualResult, TermEffect
from reports.counterfactual_tables import in_words
from reports.formatting import counted, figure, full
from reports.model import CandidateResult, Finding
from robustness.estimate import Estimate

OFTEN = 0.05
"""A share of texts whose answer a swap changes, from which on, by its interval, it is a warning."""
LARGE_CHANGE = 0.05
"""A mean change of the score, in probability, from which on an established one is a warning."""


def counterfactual_findings(result: CandidateResult) -> Iterator[Finding]:
    """Of each set of examples the axis whose swaps change most answers, and the largest change by a group.

    Both only where they are sure to be large: an interval above ``OFTEN``, an established change of at least
    ``LARGE_CHANGE``.
    """
    for each in result.counterfactuals:
        yield from _flips(result.name, each)
        yield from _changes(result.name, each)


def _flips(candidate: str, result: CounterfactualResult) -> Iterator[Finding]:
    often = {
        axis: effect.flip_rate
        for axis, effect in result.by_axis.items()
        if (effect.flip_rate.low or 0.0) >= OFTEN
    }
    if not often:
        return
    worst = max(often, key=lambda axis: often[axis].value or 0.0)
    rate = often[worst]
    others = [in_words(axis) for axis in often if axis != worst]
    also = f" The same holds for {_joined(others)}." if others else ""
    what = (
        f"{counted(rate.n, 'text')} with an identity to exchange"
        if result.kind == "texts"
        else f"{counted(rate.n, 'template')}, whose words say only whom they speak of"
    )
    yield Finding(
        id="counterfactual.flip",
        severity="warning",
        candidate=candidate,
        metric="flip_rate",
        subject=f"{worst}, {result.name}",
        observed=rate,
        limit=OFTEN,
        message=(
            f"Another identity along {in_words(worst)} changes the predicted label of {full(rate)} of the "
            f"{what}.{also}"
        ),
    )


def _changes(candidate: str, result: CounterfactualResult) -> Iterator[Finding]:
    large = [
        (abs(effect.mean_change.value), key, effect)
        for effects in result.by_groups.values()
        for key, effect in effects.items()
        if effect.established
        and effect.mean_change.value is not None
        and abs(effect.mean_change.value) >= LARGE_CHANGE
    ]
    if not large:
        return
    _, key, effect = max(large, key=lambda each: each[0])
    others = len(large) - 1
    what = counted(others, "other exchange" if result.kind == "texts" else "other group")
    also = (
        f" {what} {'moves' if others == 1 else 'move'} it by at least {figure(LARGE_CHANGE, 'points')} too, "
        "by more than chance."
        if others
        else ""
    )
    shown = key.replace(ARROW, " → ")
    yield Finding(
        id="counterfactual.change",
        severity="warning",
        candidate=candidate,
        metric="mean_change",
        subject=f"{shown}, {result.name}",
        observed=effect.mean_change,
        limit=LARGE_CHANGE,
        message=f"{_said(result, shown, effect)}{also}",
    )


def _said(result: CounterfactualResult, key: str, effect: TermEffect) -> str:
    change = effect.mean_change
    if (change.value or 0.0) > 0:
        way, size = "raises", change
    else:
        way, size = "lowers", _negated(change)
    what = f"the score of “{result.outcome}” by {full(size, 'points')} on average"
    if result.kind == "texts":
        return f"The exchange “{key}” {way} {what} in {counted(effect.n, 'text')}."
    return f"Naming “{key}” {way} {what} in {counted(effect.n, 'template')}, against the mean of all groups."


def _joined(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _negated(change: Estimate) -> Estimate:
    value, low, high = (None if end is None else -end for end in (change.value, change.high, change.low))
    return replace(change, value=value, low=low, high=high)
