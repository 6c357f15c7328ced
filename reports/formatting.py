"""How numbers and names are written. Values are rounded here and nowhere else."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Literal

from robustness.estimate import Estimate

Kind = Literal["percent", "points", "number", "count"]
"""percent: a rate in [0, 1]; points: a difference of rates; number: three decimals; count: per example."""

NAME_LIMIT = 80
"""Characters of a name that a report prints; audit.json keeps the whole name."""

_SCALE: dict[Kind, int] = {"percent": 100, "points": 100, "number": 1, "count": 1}
_DECIMALS: dict[Kind, int] = {"percent": 1, "points": 1, "number": 3, "count": 1}
_TOP: dict[Kind, int | None] = {"percent": 100, "points": 100, "number": 1, "count": None}
_UNIT: dict[Kind, str] = {"percent": " %", "points": " points", "number": "", "count": ""}

_WIDE = Context(prec=400)
"""Digits enough for every float."""

MINUS = "\u2212"
"""A minus as people write it, as wide as a plus; a hyphen is for programs."""

_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%|points?\b)")
_DANGEROUS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)
"""Controls, bidirectional controls, lone surrogates and noncharacters."""


def kind_of(metric: str) -> Kind:
    """The unit in which a metric of audit.json is shown, from its name (``tpr[hate]`` is a ``tpr``)."""
    name = metric.split("[", 1)[0].lower()
    if name.startswith(("log_loss", "roc_auc", "minimal_norm")):
        return "number"
    if name.endswith("_difference"):
        return "points"
    if name.endswith(("_ratio", "_aeg")) or "f1" in name or "auc" in name or "calibration" in name:
        return "number"
    if name in ("ece", "bias_score"):
        return "number"
    if "queries" in name:
        return "count"
    return "percent"


def bare(value: float, kind: Kind = "percent") -> str:
    """A number without its unit. Never 0 or the top of the scale unless exact: 0.9996 is ``99.9``.

    Halves are rounded away from zero, as people do: 0.4825 is ``48.3``, as 0.5175 is ``51.8``. Binary
    fractions and ``round`` would make 48.2 of the one and 51.7 or 51.8 of the other. Below zero it starts
    with a true minus.
    """
    decimals, top = _DECIMALS[kind], _TOP[kind]
    if not math.isfinite(value):
        return f"{value:,.{decimals}f}".replace("-", MINUS)
    scaled = Decimal(repr(float(value))) * _SCALE[kind]
    step = Decimal(1).scaleb(-decimals)
    rounded = scaled.quantize(step, ROUND_HALF_UP, _WIDE)
    if not rounded and scaled:
        rounded = step.copy_sign(scaled)
    elif top is not None and abs(rounded) == top and abs(scaled) < top:
        rounded = (top - step).copy_sign(scaled)
    return f"{rounded if rounded else abs(rounded):,f}".replace("-", MINUS)


def figure(value: float, kind: Kind = "percent") -> str:
    """A number with its unit: ``80.2 %``, ``12.3 points``, ``0.873``."""
    return bare(value, kind) + _UNIT[kind]


def interval(estimate: Estimate, kind: Kind = "percent") -> str:
    """The confidence interval without its unit, ``77.1 to 83.0``; empty for a number that was counted."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{bare(estimate.low, kind)} to {bare(estimate.high, kind)}"


def full(estimate: Estimate, kind: Kind = "percent") -> str:
    """``80.2 % (77.1 to 83.0)``, or ``not measured: reason``."""
    if estimate.value is None:
        return f"not measured: {estimate.reason}"
    ends = interval(estimate, kind)
    return figure(estimate.value, kind) + (f" ({ends})" if ends else "")


def full_with_n(estimate: Estimate, kind: Kind = "percent") -> str:
    """``80.2 % (77.1 to 83.0), n 600``."""
    return full(estimate, kind) if estimate.value is None else f"{full(estimate, kind)}, n {estimate.n:,}"


def p_value(p: float) -> str:
    """``0.012``; ``< 0.001`` below that, for a p-value is never zero."""
    return "<\u00a00.001" if p < 0.001 else f"{p:.3f}"


def p_words(p: float) -> str:
    """``p = 0.012``; ``p < 0.001`` below that."""
    return f"p {p_value(p)}" if p < 0.001 else f"p = {p_value(p)}"


def two_digits(n: int) -> str:
    """A forecast, rounded up to the two digits that it is good for: 12,345 is ``13,000``."""
    step: int = 10 ** max(0, len(str(n)) - 2)
    return f"{-(-n // step) * step:,}"


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``2 min 5 s``, ``1 h 3 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def instant(iso: str) -> datetime | None:
    """A moment of audit.json in UTC; None where it is not in ISO 8601. Without a zone it is UTC."""
    try:
        read = datetime.fromisoformat(iso)
        return (read.replace(tzinfo=UTC) if read.tzinfo is None else read).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def moment(iso: str) -> str:
    """``22 November 2026, 17:40 UTC``; what is no ISO 8601 as it is. The months do not depend on a locale."""
    read = instant(iso)
    if read is None:
        return name(iso)
    return f"{read.day} {_MONTHS[read.month - 1]} {read.year}, {read:%H:%M} UTC"


def listed(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last


def counted(n: int, singular: str, plural: str | None = None) -> str:
    """``1 check``, ``1,200 examples``."""
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"


def shorten(text: str, limit: int = NAME_LIMIT) -> str:
    """At most ``limit`` characters, the last one an ellipsis where something was left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def abridged(text: str, limit: int) -> str:
    """At most ``limit`` characters, cut after a sentence, else after a word, and marked with an ellipsis.

    Where that would keep less than half of them it is cut anywhere: a word can be as long as a text.
    """
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    for ends in (". ", " "):
        end = kept.rfind(ends) + len(ends) - 1
        if end >= limit // 2:
            return kept[:end].rstrip(" ,;:") + " …"
    return shorten(text, limit)


def visible(text: str) -> str:
    """Characters that could reorder, hide or break the text around them, written as ``\\u202e``.

    These are control characters (but for tab and newline), the bidirectional embeddings, overrides and
    isolates of Unicode Annex 9 (Trojan Source, CVE-2021-42574), lone surrogates, which no file can hold, and
    noncharacters such as U+FFFE, which XML forbids and at which the chart renderer aborts the process.
    """
    if text.isascii() and text.isprintable():
        return text
    return _DANGEROUS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def name(text: str, limit: int = NAME_LIMIT) -> str:
    """A name (label, group, candidate, attack) on one line, shortened and with nothing hidden in it."""
    line = " ".join(text.split())[: limit + 1]
    return shorten(visible(line) or "(empty)", limit)


def unbroken(text: str) -> str:
    """``text`` in which no line ends between a number and its unit."""
    return _BEFORE_UNIT.sub("\u00a0", text)
