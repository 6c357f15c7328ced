"""Why a check passed or failed, in plain words with the numbers in the units that people read."""

from collections.abc import Sequence

from assay.gate.limits import Judged
from reports.formatting import Kind, figure, interval, kind_of, p_value, p_words
from reports.limits import beside, limit_figure, no_more, unit_of_change
from robustness.estimate import Estimate


def message(
    metric: str,
    judged: Sequence[Judged],
    failed: Sequence[bool],
    after: Sequence[float | None],
    tests: int,
) -> str:
    """The limits that do not hold, or all of them where all do; without a full stop.

    after: p-values after correction. tests: how many were corrected.
    """
    told = [
        _in_words(metric, each, fails, _tested(each, corrected, tests))
        for each, fails, corrected in zip(judged, failed, after, strict=True)
        if fails or not any(failed)
    ]
    return "; and ".join(dict.fromkeys(told))


def _in_words(metric: str, judged: Judged, failed: bool, tested: str) -> str:
    if judged.measured.value is None:
        return f"not measured: {judged.measured.reason}"
    if judged.change is None:
        return _of_value(judged, failed, tested, kind_of(metric))
    return _of_change(judged, judged.change.now, failed, tested, metric)


def _of_value(judged: Judged, failed: bool, tested: str, kind: Kind) -> str:
    value = judged.measured.value
    assert value is not None
    shown = beside(value, judged.limit, kind) + _ends(judged.measured, kind)
    limit = limit_figure(judged.limit, kind)
    worse, kept = ("below", "at least") if judged.side == "min" else ("above", "at most")
    if failed and judged.beyond:
        return f"{shown} is {worse} {_wanted(judged)} {limit}{_brackets(tested)}"
    if failed:
        return f"{shown} may be {worse} {_wanted(judged)} {limit}: the whole interval must be {kept} that"
    if judged.beyond:
        return f"{shown} is {worse} {_wanted(judged)} {limit}, but that may be chance{_brackets(tested)}"
    certain = ", the whole interval" if judged.decide == "certain-pass" else ""
    return f"{shown} is within the limits: {kept} {limit}{certain}"


def _of_change(judged: Judged, now: Estimate, failed: bool, tested: str, metric: str) -> str:
    """``fell by 5.2 points (3.1 to 7.3) to 81.0 %; no drop of more than 2.0 points is allowed (...)``."""
    kind, loss = unit_of_change(metric), judged.loss
    assert loss.value is not None
    fall = judged.side == "max_drop"
    where = figure(now.value, kind_of(metric)) if now.value is not None else "?"
    allowed = _allowed(judged, kind, "drop" if fall else "rise")
    if loss.value == 0:
        return f"did not change{_ends(loss, kind)} from {where}; {allowed}{_brackets(tested)}"
    size = loss if loss.value > 0 else _opposite(loss)
    assert size.value is not None
    verb = "fell" if fall == (loss.value > 0) else "rose"
    moved = f"{verb} by {beside(size.value, judged.bound, kind)}{_ends(size, kind)} to {where}"
    if failed and not judged.beyond:
        return f"{moved}; {allowed}, and its interval reaches beyond that"
    chance = ", which may be chance" if judged.beyond and not failed else ""
    return f"{moved}{chance}; {allowed}{_brackets(tested)}"


def _opposite(estimate: Estimate) -> Estimate:
    assert estimate.value is not None
    low, high = (None if end is None else -end for end in (estimate.high, estimate.low))
    return Estimate(-estimate.value, low, high, estimate.n)


def _allowed(judged: Judged, kind: Kind, noun: str) -> str:
    why = ", the smallest difference that counts" if judged.limit < judged.bound else ""
    return f"{no_more(noun, judged.bound, kind)} is allowed{why}"


def _wanted(judged: Judged) -> str:
    return "the required" if judged.side == "min" else "the allowed"


def _ends(estimate: Estimate, kind: Kind) -> str:
    ends = interval(estimate, kind)
    return f" ({ends})" if ends else ""


def _brackets(tested: str) -> str:
    return f" ({tested})" if tested else ""


def _tested(judged: Judged, after: float | None, tests: int) -> str:
    """``one-sided exact McNemar test on 1,000 shared examples, p < 0.001, 0.002 after correction for 12
    tests``."""
    if judged.p_value is None or after is None:
        return judged.test or ""
    corrected = f", {p_value(after)} after correction for {tests} tests" if tests > 1 else ""
    return f"{judged.test}, {p_words(judged.p_value)}{corrected}"
