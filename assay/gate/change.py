"""How a metric differs between two audits, with an interval and a test."""

from dataclasses import dataclass

from robustness.estimate import Estimate


@dataclass(frozen=True)
class Change:
    """Of one subject, from another audit to this one.

    now, then: the metric, on the shared examples where they are compared in pairs. change: now minus then.
    p_drop, p_rise: of the one-sided tests of "it did not fall" and "it did not rise"; None where nothing
    could be tested. test: how, in words. shared: how many examples were compared in pairs; 0 for two
    samples.
    """

    now: Estimate
    then: Estimate
    change: Estimate
    p_drop: float | None
    p_rise: float | None
    test: str
    shared: int
