"""A published number: value, interval and the count it rests on."""

import math
from dataclasses import dataclass

from scipy.stats import norm


@dataclass(frozen=True)
class Estimate:
    """A number with its confidence interval; ``value`` is None, with a reason, where it is undefined.

    value, low, high: in the unit of the metric (rates in [0, 1]), low <= value <= high.
    n: number of examples that the number rests on.
    reason: why ``value`` is None; None otherwise.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.value is None) != (self.reason is not None):
            raise ValueError("an Estimate has either a value or a reason why it has none")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"an Estimate must be finite, got {self.value}")

    @classmethod
    def undefined(cls, reason: str, n: int = 0) -> "Estimate":
        return cls(value=None, low=None, high=None, n=n, reason=reason)

    @classmethod
    def exact(cls, value: float, n: int) -> "Estimate":
        """A number that was counted, not sampled: no interval."""
        return cls(value=value, low=None, high=None, n=n)


def wilson(successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """A rate with its Wilson score interval (Wilson 1927; Brown, Cai and DasGupta 2001, eq. 4).

    Raises ValueError unless 0 <= successes <= n and 0 < confidence < 1.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"expected 0 <= successes <= n, got {successes} of {n}")
    if not 0 < confidence < 1:
        raise ValueError(f"expected a confidence between 0 and 1, got {confidence}")
    if n == 0:
        return Estimate.undefined("no examples")
    z = float(norm.ppf(0.5 + confidence / 2))
    rate = successes / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    # At 0 and n successes one end is the rate itself; rounding may miss it by 1e-17.
    return Estimate(rate, min(rate, max(0.0, centre - half)), max(rate, min(1.0, centre + half)), n)
