"""One limit of a check, held against what was measured: pure, without a word and without a file."""

import math
from dataclasses import dataclass
from typing import Literal

from scipy.stats import norm

from assay.changes.change import Change
from reports.decisions import Decide
from robustness.estimate import Estimate

Side = Literal["min", "max", "max_drop", "max_rise"]

OF_THE_INTERVAL = "one-sided test of the interval against the limit"
"""How a limit is tested where no test of its own is at hand."""
ROUNDING = 1e-9
"""A change this much beyond its limit is at the limit: 0.82 - 0.80 is not 0.02 in floating point."""


@dataclass(frozen=True)
class Judged:
    """One limit, before the correction for many tests.

    measured: what was held against it: the metric, or for max_drop and max_rise its change. loss: the same,
    turned so that more is worse: the limit is exceeded where it is above ``bound``. exceeded: whether the
    check fails; with a p-value only where that is small enough. p_value: of the test whose rejection the
    failure needs; None where it needs none. test: how, in words.
    """

    side: Side
    decide: Decide
    limit: float
    measured: Estimate
    loss: Estimate
    bound: float
    exceeded: bool
    p_value: float | None = None
    test: str | None = None
    change: Change | None = None

    @property
    def beyond(self) -> bool:
        """Whether the estimate itself is beyond the limit, whatever its interval says."""
        return self.loss.value is not None and _above(self.loss.value, self.bound)

    def fails(self, after: float | None, rate: float) -> bool:
        """after: the p-value after correction, compared with the false-discovery ``rate``."""
        return self.exceeded and (after is None or after <= rate)


def of_value(
    side: Literal["min", "max"], limit: float, decide: Decide, observed: Estimate, confidence: float
) -> Judged:
    """A limit of the metric itself. confidence: of the interval of ``observed``."""
    sign = -1 if side == "min" else 1
    loss, bound = _turned(observed, sign), sign * limit
    exceeded, p_value = _judged(loss, bound, decide, confidence)
    test = OF_THE_INTERVAL if p_value is not None else None
    return Judged(side, decide, limit, observed, loss, bound, exceeded, p_value, test)


def of_change(
    side: Literal["max_drop", "max_rise"],
    limit: float,
    decide: Decide,
    change: Change,
    confidence: float,
    smallest: float = 0.0,
) -> Judged:
    """A limit of the change against the baseline. smallest: a change up to that much exceeds no limit.

    By the estimate it is exceeded where the estimated change is larger than allowed and the test says that
    there is one: a change within the limit never fails, a larger one only where chance is ruled out.
    To fail for certain the change itself must be established to be larger than allowed.
    The tests are one-sided: only a change for the worse can fail a check.
    """
    sign, p_value = (-1, change.p_drop) if side == "max_drop" else (1, change.p_rise)
    loss, bound = _turned(change.change, sign), max(limit, smallest)
    exceeded, of_interval = _judged(loss, bound, decide, confidence)
    test: str | None = change.test if p_value is None else f"one-sided {change.test}"
    if decide == "certain-pass" or loss.value is None:
        p_value, test = None, None  # the interval decides, or nothing was measured
    elif decide == "certain-fail" and bound > 0:
        p_value, test = of_interval, f"{change.test}, {OF_THE_INTERVAL}"
    return Judged(side, decide, limit, change.change, loss, bound, exceeded, p_value, test, change)


def _judged(loss: Estimate, bound: float, decide: Decide, confidence: float) -> tuple[bool, float | None]:
    """Whether the bound is exceeded, and the p-value of "it is not" for a failure that must be certain.

    What was not measured exceeds every bound. What was counted has no interval, and its value decides.
    """
    if loss.value is None:
        return True, None
    low, high = _ends(loss)
    if decide == "certain-pass":
        return _above(high, bound), None
    if decide == "certain-fail":
        return _above(low, bound), _p_value(loss.value, low, bound, confidence)
    return _above(loss.value, bound), None


def _p_value(value: float, low: float, bound: float, confidence: float) -> float | None:
    """One-sided, of "the loss is at most ``bound``": normal, with the standard error that the lower half of
    the interval has. None where there is no such half."""
    error = (value - low) / float(norm.ppf(0.5 + confidence / 2))
    return None if error == 0 or math.isinf(error) else float(norm.sf((value - bound) / error))


def _turned(estimate: Estimate, sign: int) -> Estimate:
    if estimate.value is None or sign == 1:
        return estimate
    low, high = (None if end is None else -end for end in (estimate.high, estimate.low))
    return Estimate(-estimate.value, low, high, estimate.n)


def _ends(estimate: Estimate) -> tuple[float, float]:
    """The interval; an end that is open is infinitely far, and both are the value where it was counted."""
    assert estimate.value is not None
    if estimate.low is None and estimate.high is None:
        return estimate.value, estimate.value
    low = -math.inf if estimate.low is None else estimate.low
    return low, math.inf if estimate.high is None else estimate.high


def _above(value: float, bound: float) -> bool:
    return value > bound + ROUNDING
