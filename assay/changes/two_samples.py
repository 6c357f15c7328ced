"""Two audits as two samples: the difference of two estimates from their intervals alone, and when and why."""

import math
from typing import NamedTuple

from scipy.stats import norm

from assay.changes.metrics import BIAS_AREAS, split_label
from assay.changes.pairing import UnmeasuredError
from assay.changes.subject import Subject
from fairness.results import FairnessResult
from reports.formatting import shorten
from robustness.estimate import Estimate


class Difference(NamedTuple):
    """change: now minus then. p_drop, p_rise: one-sided, None where nothing is known of the spread."""

    change: Estimate
    p_drop: float | None
    p_rise: float | None


def difference_of_samples(
    now: Estimate, then: Estimate, confidence: float, confidence_then: float
) -> Difference:
    """Of two defined estimates, with intervals at ``confidence`` and ``confidence_then``.

    The interval is recovered from theirs (MOVER; Zou and Donner 2008, eq. 7): what they say of the spread
    upwards and downwards is kept apart, so that skew and the ends of the scale are respected. The p-values
    are those of the level at which this interval, with its half-widths scaled like those of a normal
    variable, would end at 0. An estimate without an interval, or with an open one, gives none.
    """
    if now.value is None or then.value is None:
        raise ValueError("expected two defined estimates")
    value, n = now.value - then.value, now.n + then.n
    if now.low is None or now.high is None or then.low is None or then.high is None:
        return Difference(Estimate(value, None, None, n), None, None)
    z, z_then = (float(norm.ppf(0.5 + each / 2)) for each in (confidence, confidence_then))
    below = math.hypot((now.value - now.low) / z, (then.high - then.value) / z_then)
    above = math.hypot((now.high - now.value) / z, (then.value - then.low) / z_then)
    change = Estimate(value, value - z * below, value + z * above, n)
    deviation = below if value > 0 else above
    if value and not deviation:
        return Difference(change, None, None)
    # The interval is asymmetric: towards 0 it is the end on that side that counts.
    score = value / deviation if value else 0.0
    return Difference(change, p_drop=float(norm.cdf(score)), p_rise=float(norm.sf(score)))


def known_shared(shared: int, most: int, what: str, *, by_row: bool = False) -> str:
    """Why two audits are two samples: what they are known to share. by_row: as in ``pairs_of``."""
    if shared:
        return f"({shared:,} of {most:,} {what} are shared)"
    return f"on other {what} ({'none known to be shared' if by_row else 'none shared'})"


def check_groups(subject: Subject, mine: FairnessResult | None, theirs: FairnessResult | None) -> None:
    """Raises UnmeasuredError where a group that one audit compares is not in the other at all: what goes by
    several groups is then not the same thing. One too small to be compared may be missing by chance.
    """
    of_one = subject.value is not None and split_label(subject.metric)[0] not in BIAS_AREAS
    if subject.group is None or of_one or mine is None or theirs is None:
        return
    for here, there, which in ((mine, theirs, "the other"), (theirs, mine, "this")):
        groups, others = (each.groups.get(subject.group) for each in (here, there))
        if groups is None or others is None:
            continue
        for value, each in groups.by_group.items():
            if each.n >= here.min_group_size and value not in others.by_group:
                raise UnmeasuredError(
                    f'the groups of {subject.group} are not the same: {which} audit has no "{shorten(value)}"'
                )
