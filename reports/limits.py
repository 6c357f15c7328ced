"""How the limits of a gate and what is held to them are written."""

from fairness.disparities import EQUALITY_DIFFERENCES
from reports.formatting import MINUS, Kind, bare, figure, kind_of
from reports.model import GateCheck

UNBOUNDED = (
    "minimal_norm",
    "log_loss",
    "log_loss_difference",
    *(f"{name}_difference" for name in EQUALITY_DIFFERENCES),
)
"""Metrics that may be above 1; a change of any other lies in [-1, 1]."""


def is_bounded(metric: str) -> bool:
    """Whether a metric, ``tpr[hate]`` for one class of several, lies in [0, 1]."""
    return metric.partition("[")[0] not in UNBOUNDED


def required(check: GateCheck, smallest: float = 0.0) -> str:
    """``at least 60.0 %``, ``no drop of more than 2.0 points``, or several.

    smallest: the smallest difference that counts, of the gate; it widens the limits of a change.
    """
    kind, change = kind_of(check.metric), unit_of_change(check.metric)
    limits = [
        f"{words} {limit_figure(limit, kind)}"
        for words, limit in (("at least", check.minimum), ("at most", check.maximum))
        if limit is not None
    ]
    least = smallest if is_bounded(check.metric) else 0.0
    changes = [
        no_more(noun, max(limit, least), change)
        for noun, limit in (("drop", check.max_drop), ("rise", check.max_rise))
        if limit is not None
    ]
    return " and ".join([*limits, *changes]) or "measured"


def no_more(noun: str, bound: float, kind: Kind) -> str:
    """``no drop of more than 2.0 points``; ``no drop`` of none at all. bound: what is still allowed."""
    return f"no {noun} of more than {limit_figure(bound, kind)}" if bound else f"no {noun}"


def unit_of_change(metric: str) -> Kind:
    """Two shares differ by points."""
    return "points" if kind_of(metric) == "percent" else kind_of(metric)


def limit_figure(limit: float, kind: Kind) -> str:
    """A limit with all its digits: it was chosen, so a rounded one would be another."""
    shown, scale = bare(limit, kind), 100 if kind in ("percent", "points") else 1
    scaled = round(limit * scale, 9)
    if _read(shown) == scaled:
        return figure(limit, kind)
    return figure(limit, kind).replace(shown, _written(scaled, 9).rstrip("0"), 1)


def beside(value: float, limit: float, kind: Kind) -> str:
    """The value with as many digits as put it on its side of the limit: 0.5996 is ``59.96 %`` beside 60 %."""
    shown, scale = bare(value, kind), 100 if kind in ("percent", "points") else 1
    wanted = round(limit * scale, 9)
    for decimals in range(2, 10):
        rounded = _read(shown)
        if (rounded > wanted, rounded < wanted) == (value > limit, value < limit):
            break
        shown = _written(value * scale, decimals)
    return figure(value, kind).replace(bare(value, kind), shown, 1)


def _read(shown: str) -> float:
    """The number that ``bare`` wrote."""
    return float(shown.replace(",", "").replace(MINUS, "-"))


def _written(number: float, decimals: int) -> str:
    return f"{number:,.{decimals}f}".replace("-", MINUS)
